"""The transport over the log: dispatches of the pool from now on, reports and beats as submissions."""

from collections.abc import Sequence
from typing import Any

import structlog

from foldgate.authority.token import with_mac
from foldgate.contracts import ids
from foldgate.contracts.codec import NO_CHAIN, Codec, Undecodable
from foldgate.contracts.events import Event, JobCancelled, JobDispatched, Meta, WorkerBeat
from foldgate.contracts.places import Partition
from foldgate.contracts.topics import REPORTS, WORKERS, stream_of
from foldgate.eventlog.log import Follower, Log, LogUnavailable, Outgoing, Record, RecordTooLarge
from foldgate.runtime.clock import Clock, SystemClock
from foldgate.sdk.transport import Arrival, Hello, Report, SaidTooMuch, Unreachable, Welcome


class OverLog:
    """Of one worker instance. The log stays open: whoever opened it closes it."""

    vouches = False
    artifacts = None

    def __init__(self, log: Log, *, codec: Codec | None = None, clock: Clock | None = None) -> None:
        self._log, self._codec, self._clock = log, codec or Codec(), clock or SystemClock()
        self._follower: Follower | None = None
        self._hello = Hello(name="", endpoint="", pool="", max_parallel=0)
        self._logger: Any = structlog.get_logger()

    async def open(self, hello: Hello) -> Welcome:
        """Listen from now on: what was dispatched to earlier instances is none of ours."""
        self._hello, stream = hello, stream_of(f"dispatch.{hello.pool}")
        self._logger = self._logger.bind(worker=hello.endpoint)
        try:
            await self._log.prepare([stream, WORKERS, REPORTS])
            partitions = [Partition(stream.name, number) for number in range(stream.partitions)]
            self._follower = self._log.follow({partition: await self._log.end(partition) for partition in partitions})
        except LogUnavailable as error:
            raise Unreachable(str(error)) from error
        return Welcome(endpoint=hello.endpoint)

    async def next(self, room: int) -> Sequence[Arrival]:
        """What is addressed to this instance; the scheduler knows how much room it has."""
        del room
        assert self._follower is not None
        try:
            records = await self._follower.next()
        except LogUnavailable as error:
            raise Unreachable(str(error)) from error
        mine = self._hello.endpoint.encode()
        found = [self._arrival(record) for record in records if record.key == mine]
        return [arrival for arrival in found if arrival is not None]

    async def beat(self, beat: WorkerBeat) -> None:
        """Submit a beat."""
        meta = self._meta("workers", self._hello.pool, request_id=f"beat/{beat.beat}")
        await self._submit("workers", [self._outgoing(meta, beat)])

    async def report(self, reports: Sequence[Report]) -> None:
        """Submit reports, each proved: the proof is of what is on the log."""
        await self._submit("reports", [self._reported(report) for report in reports])

    async def close(self) -> None:
        """Listen no more."""
        if self._follower is not None:
            await self._follower.close()

    def _arrival(self, record: Record) -> Arrival | None:
        try:
            meta, event = self._codec.decode(record.value)
        except Undecodable as error:
            self._logger.warning("dispatch passed over", offset=record.offset, reason=str(error))
            return None
        return Arrival(meta, event) if isinstance(event, JobDispatched | JobCancelled) else None

    def _reported(self, report: Report) -> Outgoing:
        run_id = ids.parse_job_id(report.dispatch.writ.job_id).run_id
        meta = self._meta("reports", run_id, request_id=report.name, run_id=run_id, cause=report.meta)
        secret = report.dispatch.token
        return self._outgoing(meta, with_mac(secret, report.event) if secret else report.event)

    async def _submit(self, stream: str, outgoing: Sequence[Outgoing]) -> None:
        try:
            await self._log.submit(stream, outgoing)
        except RecordTooLarge as error:
            raise SaidTooMuch(str(error)) from error
        except LogUnavailable as error:
            raise Unreachable(str(error)) from error

    def _outgoing(self, meta: Meta, event: Event) -> Outgoing:
        return Outgoing(meta.key.encode(), self._codec.encode(meta, event))

    def _meta(self, stream: str, key: str, *, request_id: str, run_id: str = "", cause: Meta | None = None) -> Meta:
        return Meta(
            chain=NO_CHAIN,
            event_id=ids.open_event_id(self._hello.endpoint, request_id),
            stream=stream,
            key=key,
            run_id=run_id,
            pool=self._hello.pool,
            at=self._clock.now_ms(),
            causation=cause.event_id if cause else "",
            correlation=cause.correlation if cause else "",
            tenant=cause.tenant if cause else "",
            principal=self._hello.endpoint,
        )
