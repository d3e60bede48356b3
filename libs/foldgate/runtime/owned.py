"""One owned partition at work: cuts what its processor has decided, appends it, and saves checkpoints.

While one append is in flight the processor goes on deciding; what has come together by the time of the acknowledgement
is the next append. So batches grow with the load by themselves and nothing sleeps to fill one. Saves go on beside.

Why a crash between any two lines is safe: quarantine records are submitted before the append that carries the position
past them (a crash between repeats them under the same id); the append carries decisions and positions together
(INV-08); a checkpoint is made only of state whose batches were read back as accepted, so not even an owner that was
replaced without noticing can save what never counted. Any error of the log ends this object: its processor, which may
be ahead of the log, is thrown away, and whoever owns the partition next folds what the log says.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol

from foldgate.contracts.events import PositionsAdvanced
from foldgate.contracts.places import Partition, Position
from foldgate.decider.decider import Decider
from foldgate.decider.processor import Cut, Processor
from foldgate.decider.stamp import Quarantined
from foldgate.eventlog.acceptance import encode_head
from foldgate.eventlog.log import Batch, BatchHead, Copies, CopyingWriter, Fenced, Outgoing, Record, Writer
from foldgate.eventlog.owner import OwnStream, ownership_meta
from foldgate.runtime import metrics
from foldgate.runtime.context import Context
from foldgate.runtime.saving import Saving
from foldgate.runtime.watching import Asked

PENDING_LIMIT = 4 * 1024 * 1024
"""Bytes decided and not yet appended, above which reading waits."""


class Copier(Protocol):
    """Who copies events of a partition elsewhere."""

    async def along(self, head: BatchHead, records: Sequence[Outgoing]) -> Copies | None:
        """What is to go in one append with this batch; None where it will be copied afterwards."""

    def appended(self, head: BatchHead, records: Sequence[Record], copied: Copies | None) -> None:
        """A batch is final, and so is what went with it."""


class OwnedPartition:
    """A partition that this process owns. `lost` is done when it no longer does; its exception says why. `copier` is
    told of each batch."""

    def __init__(
        self, context: Context, processor: Processor[Any], decider: Decider[Any], *, own: OwnStream, writer: Writer
    ) -> None:
        self.processor = processor
        self.lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.asked: Asked | None = None
        self.copier: Copier | None = None
        self._context, self._writer = context, writer
        self._copying = writer if isinstance(writer, CopyingWriter) else None
        self._own = own
        self._position = own.acceptance.position
        self._claimant = own.acceptance.claimant
        self._acknowledged = dict(own.inputs)
        self._taken = 0
        store = context.log.checkpoints()
        self._saving = Saving(store, processor, decider, epoch=self._position.epoch)
        self._saved: Position | None = None
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._closing = False
        self._drained = asyncio.Event()
        self._positions_at = self._saved_at = context.clock.monotonic_ms()

    @property
    def partition(self) -> Partition:
        return self.processor.partition

    def pump(self) -> None:
        """See that what is decided gets appended, and what is due gets saved."""
        if self.lost.done() or self._closing:
            return
        now, settings = self._context.clock.monotonic_ms(), self._context.settings
        if self.processor.pending or now - self._positions_at >= settings.positions_every_ms:
            self._begin("append", self._append_all)
        if now - self._saved_at >= settings.checkpoint_every_ms:
            self._begin("save", self._save)

    async def room(self) -> None:
        """Wait until little enough is pending to read on."""
        while self.processor.pending_bytes > PENDING_LIMIT and not (self.lost.done() or self._closing):
            self._drained.clear()
            self.pump()
            await self._drained.wait()

    async def leave(self) -> None:
        """Append what is decided, save, and put the pen down."""
        self._closing = True
        if self._tasks:
            await asyncio.wait(self._tasks.values())
        for last in (self._append_all, self._save):
            if not self.lost.done():
                await self._guarded(last())
        await self._put_down()

    async def abandon(self) -> None:
        """Put the pen down at once: the partition is lost."""
        self._closing = True
        for task in self._tasks.values():
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks.values())
        await self._put_down()

    async def _put_down(self) -> None:
        """Nothing is appended after this: what was cut and not acknowledged must not be followed by what comes next."""
        if not self.lost.done():
            self.lost.set_result(None)
        self.lost.exception()  # looked at, also where nobody waits for it any more
        self._drained.set()
        await self._writer.close()

    def _begin(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        if name not in self._tasks or self._tasks[name].done():
            self._tasks[name] = asyncio.create_task(self._guarded(work()), name=f"{name} {self.partition}")

    async def _guarded(self, work: Awaitable[None]) -> None:
        try:
            await work
        except Exception as error:  # noqa: BLE001 - whatever it is, it ends this ownership; the holder looks at it
            if not self.lost.done():
                self.lost.set_exception(error)
        finally:
            self._drained.set()

    async def _append_all(self) -> None:
        self._report_faults()
        positions_due = True
        while (cut := self.processor.cut(positions_too=positions_due)) is not None:
            positions_due = False
            await self._submit_quarantined(cut.quarantined)
            await self._append(cut)
            self._drained.set()
            self._report_faults()
        self._positions_at = self._context.clock.monotonic_ms()

    async def _append(self, cut: Cut[Any]) -> None:
        labels = (self._context.service, self.partition.stream)
        records = [Outgoing(key, value) for key, value in cut.records] or [self._positions_record()]
        head = self._head(cut, len(records))
        with metrics.APPENDS.labels(*labels).time():
            first = await self._write(Batch(head, records))
        at = self._position
        self._position = Position(first + len(records), at.epoch, at.sequence + 1)
        self._acknowledged.update(cut.positions)
        self._saving.note(cut)
        metrics.EVENTS.labels(*labels).inc(len(cut.records))
        for by, after_ms in cut.settled:
            metrics.SETTLED.labels(*labels, by).observe(after_ms / 1000)
        for word in cut.counted:
            metrics.OUTCOMES.labels(*labels, word).inc()
        if self.asked is not None:
            self._note_asked(self.asked, records, first)
        metrics.MESSAGES.labels(*labels).inc(self.processor.taken - self._taken)
        self._taken = self.processor.taken
        metrics.LIVE.labels(*labels, str(self.partition.number)).set(len(self.processor.live))

    async def _write(self, batch: Batch) -> int:
        """Append it, with what its copier wants along where this log can have both in one."""
        copier, copies = self.copier, None
        if copier is not None and self._copying is not None:
            copies = await copier.along(*batch)
        if self._copying is not None and copies:
            first = await self._copying.append_with(batch, copies)
        else:
            first = await self._writer.append(batch)
        if copier is not None:
            copier.appended(batch.head, _lying(self.partition, first, *batch), copies)
        return first

    def _note_asked(self, asked: Asked, records: Sequence[Outgoing], first: int) -> None:
        names = [self._context.codec.peek(record.value).name for record in records]
        asked.note(names, first=first, at=self._context.clock.now_ms())

    def _head(self, cut: Cut[Any], count: int) -> BatchHead:
        places = tuple((source.stream, source.number, position) for source, position in cut.positions.items())
        at = self._position
        return BatchHead(epoch=at.epoch, sequence=at.sequence, count=count, positions=places)

    def _positions_record(self) -> Outgoing:
        name = f"positions/{self._position.epoch}/{self._position.sequence}"
        now = self._context.clock.now_ms()
        meta = ownership_meta(self.partition, name, principal=self._context.service, at=now)
        return Outgoing(b"", self._context.codec.encode(meta, PositionsAdvanced()))

    async def _submit_quarantined(self, quarantined: Sequence[Quarantined]) -> None:
        if not quarantined:
            return
        encode = self._context.codec.encode
        await self._context.log.submit(
            "quarantine", [Outgoing(meta.key.encode(), encode(meta, event)) for meta, event in quarantined]
        )
        for meta, event in quarantined:
            metrics.QUARANTINED.labels(self._context.service, event.source_stream, event.code).inc()
            place = f"{event.source_stream}-{event.source_partition}/{event.source_offset}"
            self._context.logger.warning("quarantined", place=place, code=event.code, id=meta.event_id)

    async def _save(self) -> None:
        """Save the state as of now, once it is known to count; appending goes on meanwhile."""
        if self._position != self._saved:
            self._saving.forget_closed_before(self._context.clock.now_ms() - self._context.settings.closed_window_ms)
            snapshot = self._saving.snapshot(self._position, self._acknowledged)
            await self._read_back(snapshot.position)
            await self._saving.save(snapshot)
            self._saved = snapshot.position
        self._saved_at = self._context.clock.monotonic_ms()

    async def _read_back(self, position: Position) -> None:
        await self._own.catch_up(self._context.log, lambda _: None)
        rule = self._own.acceptance
        if rule.claimant != self._claimant or rule.position.offset < position.offset:
            raise Fenced(
                f"{self.partition}: expected to read back what was appended, but another owner has taken over."
            )

    def _report_faults(self) -> None:
        for fault in self.processor.faults:
            metrics.FAULTS.labels(self._context.service, self.partition.stream).inc()
            self._context.logger.error("fault", partition=str(self.partition), key=fault.key, reason=fault.reason)
        self.processor.faults.clear()


def _lying(partition: Partition, first: int, head: BatchHead, records: Sequence[Outgoing]) -> list[Record]:  # noqa: PLR0917 - where and what
    """As a reader of the log finds them."""
    encoded = encode_head(head)
    return [
        Record(partition, first + number, key, value, None if number else encoded)
        for number, (key, value) in enumerate(records)
    ]
