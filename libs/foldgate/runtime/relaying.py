"""The relay of one owned partition: copies some of its events, in order, to where those may read who may not read it.

It follows the partition through the reader rule, submits, and only then moves its position, which the partition's next
append carries like any input position. So after a crash it resumes at or before where it was: nothing is left out, and
what is copied again is the same record, which its readers recognise by the lease it names.

What lies there when it begins, it reads; from then on it is told. Whatever comes to count on this partition while we
own it, our own process has appended, and with the acknowledgement that is final: nobody has to read it back. Where it
was told too much at once, or anything but the batch that comes next, it reads again.

Where the log can have both in one append, the copies go along with the batch itself, once all before it was copied: so
their order is the same, and there is no moment between them.
"""

import asyncio
from collections import deque
from collections.abc import Iterable, Sequence

from foldgate.contracts.codec import Undecodable
from foldgate.contracts.places import START
from foldgate.contracts.topics import stream_of
from foldgate.eventlog.acceptance import Acceptance
from foldgate.eventlog.log import BatchHead, Copies, Outgoing, Record
from foldgate.runtime import metrics
from foldgate.runtime.context import Context
from foldgate.runtime.owned import OwnedPartition
from foldgate.runtime.recovery import LogUnreadable
from foldgate.runtime.service import Relay

MOST_HEARD = 64
"""Appends that may wait to be copied; those beyond are read from the log."""


class Relaying:
    """Runs until cancelled, or until the log fails."""

    def __init__(self, context: Context, relay: Relay, owned: OwnedPartition) -> None:
        self._context, self._relay, self._owned = context, relay, owned
        self._rule = Acceptance(owned.processor.inputs.get(owned.partition, START))
        self._names = {event.__name__ for event in relay.events}
        self._prepared: set[str] = set()
        self._heard: deque[tuple[BatchHead, Sequence[Record]]] = deque()
        self._news, self._knows_all, self._is_idle = asyncio.Event(), False, False

    async def run(self) -> None:
        """Copy for ever."""
        self._owned.copier = self
        try:
            while True:
                if not self._knows_all:
                    self._knows_all = True
                    await self._read()
                self._is_idle = True
                await self._news.wait()
                self._is_idle = False
                self._news.clear()
                while self._heard:
                    await self._take_next(*self._heard.popleft())
        finally:
            self._owned.copier = None

    async def along(self, head: BatchHead, records: Sequence[Outgoing]) -> Copies | None:
        """What goes with this batch, if all before it was copied."""
        at = self._rule.position
        comes_next = (head.epoch, head.sequence) == (at.epoch, at.sequence) and not at.left
        if not (comes_next and self._is_idle and self._knows_all and not self._heard):
            return None
        copies = self._copies([value for key, value in records if key and self._is_wanted(value)])
        for target in copies:
            await self._prepare(target)
        return copies

    def appended(self, head: BatchHead, records: Sequence[Record], copied: Copies | None) -> None:
        """Our process has appended this batch, with these copies or without."""
        if copied is not None:
            self._note_relayed(copied)
            self._pass(self._accepted(records))
            return
        if len(self._heard) < MOST_HEARD:
            self._heard.append((head, records))
        else:
            self._knows_all = False
        self._news.set()

    async def _read(self) -> None:
        """What lies there now."""
        async for records in self._context.log.read(self._owned.partition, self._rule.position.offset):
            await self._take(records)

    async def _take_next(self, head: BatchHead, records: Sequence[Record]) -> None:
        at, comes = self._rule.position, (head.epoch, head.sequence)
        if comes == (at.epoch, at.sequence) and not at.left:
            await self._take(records)
        elif comes >= (at.epoch, at.sequence):
            self._knows_all = False

    async def _take(self, records: Sequence[Record]) -> None:
        accepted = self._accepted(records)
        for target, copies in self._copies([r.value for r in accepted if self._is_wanted(r.value, r.offset)]).items():
            await self._prepare(target)
            await self._context.log.submit(target, copies)
            self._note_relayed({target: copies})
        self._pass(accepted)

    def _accepted(self, records: Sequence[Record]) -> list[Record]:
        return [record for record in records if self._rule.accepts(record) and record.key]

    def _pass(self, accepted: Sequence[Record]) -> None:
        if accepted:  # the position past our own positions is not stored: it would be the next to be past
            self._owned.processor.skip(self._owned.partition, self._rule.position)

    def _is_wanted(self, value: bytes, offset: int | None = None) -> bool:
        try:
            return self._context.codec.peek(value).name in self._names
        except Undecodable as error:
            raise LogUnreadable(f"{self._owned.partition} at offset {offset}: {error}") from error

    def _copies(self, values: Iterable[bytes]) -> dict[str, list[Outgoing]]:
        copies: dict[str, list[Outgoing]] = {}
        for value in values:
            meta, event = self._context.codec.decode(value)
            copies.setdefault(self._relay.target(meta), []).append(Outgoing(self._relay.key(event), value))
        return copies

    def _note_relayed(self, copies: Copies) -> None:
        for target, some in copies.items():
            metrics.RELAYED.labels(self._context.service, target).inc(len(some))

    async def _prepare(self, target: str) -> None:
        if target not in self._prepared:
            await self._context.log.prepare([stream_of(target)])
            self._prepared.add(target)
