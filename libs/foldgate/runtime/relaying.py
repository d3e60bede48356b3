"""The relay of one owned partition: copies some of its events, in order, to where those may read who may not read it.

It follows the partition through the reader rule, submits, and only then moves its position, which the partition's next
append carries like any input position. So after a crash it resumes at or before where it was: nothing is left out, and
what is copied again is the same record, which its readers recognise by the lease it names.
"""

from foldgate.contracts.codec import Undecodable
from foldgate.contracts.places import START
from foldgate.contracts.topics import stream_of
from foldgate.eventlog.acceptance import Acceptance
from foldgate.eventlog.log import Follower, Outgoing, Record
from foldgate.runtime import metrics
from foldgate.runtime.context import Context
from foldgate.runtime.owned import OwnedPartition
from foldgate.runtime.recovery import LogUnreadable
from foldgate.runtime.service import Relay


class Relaying:
    """Runs until cancelled, or until the log fails."""

    def __init__(self, context: Context, relay: Relay, owned: OwnedPartition) -> None:
        self._context, self._relay, self._owned = context, relay, owned
        self._rule = Acceptance(owned.processor.inputs.get(owned.partition, START))
        self._names = {event.__name__ for event in relay.events}
        self._prepared: set[str] = set()

    async def run(self) -> None:
        """Copy for ever."""
        follower = self._context.log.follow({self._owned.partition: self._rule.position.offset})
        try:
            while True:
                await self._step(follower)
        finally:
            await follower.close()

    async def _step(self, follower: Follower) -> None:
        records = await follower.next(timeout_ms=1000)
        accepted = [record for record in records if self._rule.accepts(record) and record.key]
        await self._copy([record for record in accepted if self._is_wanted(record)])
        if accepted:  # the position past our own positions is not stored: it would be the next to be past
            self._owned.processor.skip(self._owned.partition, self._rule.position)

    def _is_wanted(self, record: Record) -> bool:
        try:
            return self._context.codec.peek(record.value).name in self._names
        except Undecodable as error:
            raise LogUnreadable(f"{record.partition} at offset {record.offset}: {error}") from error

    async def _copy(self, records: list[Record]) -> None:
        by_target: dict[str, list[Outgoing]] = {}
        for record in records:
            meta, event = self._context.codec.decode(record.value)
            copy = Outgoing(self._relay.key(event), record.value)
            by_target.setdefault(self._relay.target(meta), []).append(copy)
        for target, copies in by_target.items():
            await self._prepare(target)
            await self._context.log.submit(target, copies)
            metrics.RELAYED.labels(self._context.service, target).inc(len(copies))

    async def _prepare(self, target: str) -> None:
        if target not in self._prepared:
            await self._context.log.prepare([stream_of(target)])
            self._prepared.add(target)
