"""What the gateway says for workers over HTTP: beats, and reports with the proof that they hold the lease."""

import asyncio

import msgspec

from foldgate.authority.constraints import constraints_of
from foldgate.authority.redaction import redacted_event
from foldgate.authority.secrets import Level
from foldgate.authority.token import Report as Said
from foldgate.authority.token import token, with_mac
from foldgate.contracts import ids
from foldgate.contracts.codec import NO_CHAIN
from foldgate.contracts.events import Event, JobDispatched, JobFailed, Meta, WorkerBeat
from foldgate.eventlog.log import LogUnavailable, Outgoing, Submitted
from foldgate.gateway.http.asking import SUBMIT_WITHIN_S
from foldgate.gateway.http.worker_tokens import LeaseToken
from foldgate.runtime.context import Context
from foldgate.sdk.transport import Arrival


class Speaking:
    """Submits. LogUnavailable if that takes too long."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def beat(self, beat: WorkerBeat, *, pool: str) -> None:
        """Submit a beat."""
        meta = self._meta("workers", pool, worker=beat.worker, name=f"beat/{beat.beat}", pool=pool)
        await self._submit("workers", meta, beat)

    async def report(self, lease: LeaseToken, said: Said, *, name: str = "") -> Submitted:
        """Submit a report under a lease, without secrets; `name` tells it from the lease's others."""
        said = redacted_event(said, lease.redaction)
        key = self._context.keys.suite[0]
        secret = token(key, job_id=lease.job_id, lease=lease.lease, worker=lease.worker)
        run_id = ids.parse_job_id(lease.job_id).run_id
        meta = self._meta(
            "reports",
            run_id,
            worker=lease.worker,
            name=f"lease/{lease.lease}{name}",
            pool=lease.pool,
            run_id=run_id,
            causation=lease.causation,
            correlation=lease.correlation,
            tenant=lease.tenant,
        )
        return await self._submit("reports", meta, with_mac(secret, said))

    async def turn_down(self, lease: LeaseToken, *, code: str, message: str) -> None:
        """Hand back what was never handed out; should the log be away, the scheduler finds out by itself."""
        failed = JobFailed(job_id=lease.job_id, lease=lease.lease, worker=lease.worker, code=code, message=message)
        try:
            await self.report(lease, failed)
        except LogUnavailable as error:
            self._context.logger.warning("not handed back", job_id=lease.job_id, reason=str(error))

    def _meta(  # noqa: PLR0913 - each is a field of it
        self,
        stream: str,
        key: str,
        *,
        worker: str,
        name: str,
        pool: str,
        run_id: str = "",
        causation: str = "",
        correlation: str = "",
        tenant: str = "",
    ) -> Meta:
        return Meta(
            chain=NO_CHAIN,
            event_id=ids.open_event_id(worker, name),
            stream=stream,
            key=key,
            run_id=run_id,
            pool=pool,
            at=self._context.clock.now_ms(),
            causation=causation,
            correlation=correlation,
            tenant=tenant,
            principal=worker,
        )

    async def _submit(self, stream: str, meta: Meta, event: Event) -> Submitted:
        outgoing = Outgoing(meta.key.encode(), self._context.codec.encode(meta, event))
        try:
            async with asyncio.timeout(SUBMIT_WITHIN_S):
                [place] = await self._context.log.submit(stream, [outgoing])
        except TimeoutError:
            raise LogUnavailable(f"Expected the log to take this within {SUBMIT_WITHIN_S:g} s.") from None
        return place


def lease_of(arrival: Arrival, *, pool: str, owner: str, at: int) -> LeaseToken:
    """The lease of a dispatch, handed out at that time."""
    event = arrival.event
    assert isinstance(event, JobDispatched)
    return LeaseToken(
        job_id=event.writ.job_id,
        worker=event.worker,
        lease=event.lease,
        lease_ms=event.lease_ms,
        pool=pool,
        owner=owner,
        tenant=arrival.meta.tenant,
        correlation=arrival.meta.correlation,
        causation=arrival.meta.event_id,
        dispatched_at=arrival.meta.at,
        handed_out_at=at,
        redaction=_redaction(event),
    )


def _redaction(event: JobDispatched) -> Level:
    try:
        return "high" if constraints_of(event.constraints).redaction == "high" else "low"
    except msgspec.DecodeError:
        return "low"  # nobody decided that: it is turned down, and the words are ours
