"""Verdicts: what an owner said to a request, told to whoever waits for it in this process.

One follower reads the streams on which owners answer through the reader rule, from where the read models stand, because
the rule can only be entered at a place where somebody knows which owner's which batch comes next. Of a record only the
key is looked at, unless somebody waits for what it names. Nothing here is kept: a process that dies answers nobody, and
the same request with the same Idempotency-Key finds out what became of it. A follower that dies is begun again where it
was, for as long as the world may be away; what it had not handed out it reads then.

The answer to a request is the first event that names it. Some requests are never named, because the owner says nothing
more: a repeated request for a run is answered by the beginning of that run, and what is asked of a run that ends first
by its end.
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from foldgate.contracts.events import Event, Meta
from foldgate.contracts.places import START, Partition, Position
from foldgate.contracts.topics import APPROVALS, LETTERS, POLICIES, RUNS, WORKFLOWS
from foldgate.eventlog.acceptance import Acceptance
from foldgate.eventlog.log import LogUnavailable, Record, Submitted
from foldgate.gateway.http.problems import Problem
from foldgate.gateway.http.published import PARTITION as _PUBLISHED
from foldgate.gateway.http.published import Published
from foldgate.runtime.context import Context
from foldgate.sdk.answers import ENDS

_AGAIN_S = 0.2
STREAMS = (RUNS, WORKFLOWS, APPROVALS, LETTERS, POLICIES)
_PARTITIONS = [Partition(stream.name, number) for stream in STREAMS for number in range(stream.partitions)]


class Verdict(NamedTuple):
    """What was said, and where it lies. It may be the beginning of the run by an earlier request."""

    place: Submitted
    meta: Meta
    event: Event


Waiting = asyncio.Future[Verdict]
Also = Callable[[Meta, Event], bool]
"""Which event answers a request beside those that name it."""


def beginning(meta: Meta, _: Event) -> bool:
    """The first event of a run, whoever asked for it."""
    return meta.sequence == 1


def ending(_: Meta, event: Event) -> bool:
    """The end of a run: nothing more is said to anybody."""
    return isinstance(event, ENDS)


def nothing_else(_: Meta, __: Event) -> bool:
    """Only what names the request."""
    return False


class _Asker(NamedTuple):
    """Somebody who waits."""

    request_id: str
    on: str
    also: Also
    waiting: Waiting

    def is_answered_by(self, meta: Meta, event: Event) -> bool:
        return meta.stream == self.on and (meta.request_id == self.request_id or self.also(meta, event))


class Verdicts:
    """Who waits for which request about which key; `waiting` is how many. What is `published` it sees as well."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self.waiting = 0
        self.published = Published()
        self._waiting: dict[bytes, list[_Asker]] = {}
        self._ends: dict[Partition, int] | None = None
        self._failing_since: int | None = None

    @property
    def ready(self) -> bool:
        """Whether everything that was there at the start is read."""
        return self._ends == {}

    @property
    def is_current(self) -> bool:
        """Whether it has read everything but for what is on its way."""
        return self.ready and self._failing_since is None

    @contextlib.contextmanager
    def expected(
        self, key: str, request_id: str, *, on: str = RUNS.name, also: Also = beginning, is_urgent: bool = False
    ) -> Iterator[Waiting]:
        """The verdict, on that stream, on a request about this key that is about to be made. While too many are under
        way there may be no more, unless it is urgent: what people say."""
        most = self._context.settings.max_in_flight
        if self.waiting >= most and not is_urgent:
            what = f"Expected at most {most} requests to the log at a time, but there are more: try again soon."
            raise Problem("overloaded", what)
        asker = _Asker(request_id, on, also, asyncio.get_running_loop().create_future())
        same = self._waiting.setdefault(key.encode(), [])
        same.append(asker)
        self.waiting += 1
        try:
            yield asker.waiting
        finally:
            self.waiting -= 1
            same.remove(asker)
            if not same:
                del self._waiting[key.encode()]
            asker.waiting.cancel()

    async def run(self, positions: Mapping[Partition, Position]) -> None:
        """Hand out verdicts until cancelled, or until the log has been away for too long."""
        rules = {partition: Acceptance(positions.get(partition, START)) for partition in _PARTITIONS}
        self.published.is_known(rules[_PUBLISHED].position.offset)
        self._ends = {partition: await self._context.log.end(partition) for partition in _PARTITIONS}
        while True:
            try:
                await self._follow(rules)
            except LogUnavailable as error:
                self._note_failure(error)
                rules = {partition: Acceptance(rule.position) for partition, rule in rules.items()}
                await asyncio.sleep(_AGAIN_S)

    async def _follow(self, rules: Mapping[Partition, Acceptance]) -> None:
        follower = self._context.log.follow({partition: rule.position.offset for partition, rule in rules.items()})
        try:
            self._note_read({partition: rule.position.offset for partition, rule in rules.items()})
            while True:
                records = await follower.next(timeout_ms=1000)
                self._failing_since = None
                for record in records:
                    if rules[record.partition].accepts(record):
                        self._take(record)
                self._note_read({record.partition: record.offset + 1 for record in records}, all_of_it=not records)
        finally:
            await follower.close()

    def _take(self, record: Record) -> None:
        if record.partition == _PUBLISHED:
            self.published.see(record, self._context.codec)
        if record.key in self._waiting:
            self._hand_out(record)

    def _hand_out(self, record: Record) -> None:
        meta, event = self._context.codec.decode(record.value)
        for asker in self._waiting[record.key]:
            if not asker.waiting.done() and asker.is_answered_by(meta, event):
                asker.waiting.set_result(Verdict(Submitted(record.partition, record.offset), meta, event))

    def _note_read(self, offsets: Mapping[Partition, int], *, all_of_it: bool = False) -> None:
        """Nothing having come means that everything was read: the last offsets of a partition may hold no record."""
        if self._ends:
            left = {} if all_of_it else self._ends
            self._ends = {partition: end for partition, end in left.items() if offsets.get(partition, 0) < end}

    def _note_failure(self, error: LogUnavailable) -> None:
        now = self._context.clock.monotonic_ms()
        self._failing_since = now if self._failing_since is None else self._failing_since
        self._context.logger.warning("verdicts interrupted", reason=str(error))
        if now - self._failing_since > self._context.settings.retry_within_ms:
            raise error
