"""The relay of one owned partition: copies some of its events, in order, to where those may read who may not read it.

It follows the partition through the reader rule, submits, and only then moves its position, which the partition's next
append carries like any input position. So after a crash it resumes at or before where it was: nothing is left out, and
what is copied again is the same record, which its readers recognise by the lease it names.

What lies there when it begins, it reads; from then on it is told. Whatever comes to count on this partition while we
own it, our own process has appended, and with the acknowledgement that is final: nobody has to read it back. Where it
was told too much at once, or anything but the batch that comes next, it reads again.
"""

import asyncio
from collections import deque
from collections.abc import Sequence

from foldgate.contracts.codec import Undecodable
from foldgate.contracts.places import START
from foldgate.contracts.topics import stream_of
from foldgate.eventlog.acceptance import Acceptance
from foldgate.eventlog.log import BatchHead, Outgoing, Record
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
        self._news, self._knows_all = asyncio.Event(), False

    async def run(self) -> None:
        """Copy for ever."""
        self._owned.appended = self._hear
        try:
            while True:
                if not self._knows_all:
                    self._knows_all = True
                    await self._read()
                await self._news.wait()
                self._news.clear()
                while self._heard:
                    await self._take_next(*self._heard.popleft())
        finally:
            self._owned.appended = None

    def _hear(self, head: BatchHead, records: Sequence[Record]) -> None:
        """Our process has appended this batch."""
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
