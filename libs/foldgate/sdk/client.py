"""A client at the level of the log: asks for runs, and waits for what becomes of them."""

import asyncio
import secrets
from collections.abc import Mapping
from typing import Any

import msgspec

from foldgate.contracts import ids
from foldgate.contracts.codec import NO_CHAIN, Codec
from foldgate.contracts.events import Event, Meta, RunDenied, RunFailed, RunRefused, RunRequested, RunSucceeded
from foldgate.contracts.places import START, Partition
from foldgate.contracts.topics import RUNS, partition_of
from foldgate.eventlog.acceptance import Acceptance
from foldgate.eventlog.log import Log, Outgoing, Submitted
from foldgate.runtime.clock import Clock, SystemClock

_ENDS = (RunSucceeded, RunFailed, RunDenied, RunRefused)


class Prepared(msgspec.Struct, frozen=True):
    """A request with its ids, not sent yet: whoever waits for its verdict knows what to wait for."""

    run_id: str
    request_id: str
    event: RunRequested


class Asked(msgspec.Struct, frozen=True):
    """A request that is on the log, and where."""

    run_id: str
    request_id: str
    place: Submitted


class Client:
    """Speaks for one principal of one tenant."""

    def __init__(
        self,
        log: Log,
        *,
        codec: Codec | None = None,
        clock: Clock | None = None,
        tenant: str = "default",
        principal: str = "client",
    ) -> None:
        self._log, self._codec, self._clock = log, codec or Codec(), clock or SystemClock()
        self._tenant, self._principal = tenant, principal

    async def run_job(
        self,
        topic: str,
        payload: Any = None,
        *,
        idempotency_key: str = "",
        kind: str = "job",
        labels: Mapping[str, str] | None = None,
        request_id: str = "",
    ) -> Asked:
        """Ask for a run of one step. The same idempotency key means the same run, however often it is asked for."""
        prepared = self.job(
            topic, payload, idempotency_key=idempotency_key, kind=kind, labels=labels, request_id=request_id
        )
        return await self.ask(prepared)

    def job(
        self,
        topic: str,
        payload: Any = None,
        *,
        idempotency_key: str = "",
        kind: str = "job",
        labels: Mapping[str, str] | None = None,
        request_id: str = "",
    ) -> Prepared:
        """A request for a run of one step."""
        request_id = request_id or secrets.token_hex(12)
        event = RunRequested(
            workflow="job",
            kind=kind,
            topic=topic,
            input=msgspec.json.encode({} if payload is None else payload).decode(),
            labels=dict(labels or {}),
            idempotency_key=idempotency_key,
        )
        return Prepared(ids.run_id(self._tenant, "job", idempotency_key or request_id), request_id, event)

    async def ask(self, prepared: Prepared) -> Asked:
        """Put a request on the log; returns when it is durable."""
        run_id, request_id = prepared.run_id, prepared.request_id
        value = self._codec.encode(self._meta(run_id, request_id), prepared.event)
        (place,) = await self._log.submit("intake", [Outgoing(run_id.encode(), value)])
        return Asked(run_id, request_id, place)

    async def ended(self, run_id: str, *, request_id: str = "") -> Event:
        """Wait for the end of a run: RunSucceeded, RunFailed, RunDenied or RunRefused. With a request id, only the
        refusal of that request counts: others may have asked for the same run in other words."""
        partition = Partition("runs", partition_of(run_id.encode(), RUNS.partitions))
        rule, follower = Acceptance(START), self._log.follow({partition: 0})
        try:
            while True:
                for record in await follower.next():
                    if rule.accepts(record) and record.key == run_id.encode():
                        meta, event = self._codec.decode(record.value)
                        others = isinstance(event, RunRefused) and request_id not in ("", meta.request_id)
                        if isinstance(event, _ENDS) and not others:
                            return event
                await asyncio.sleep(0)
        finally:
            await follower.close()

    def _meta(self, run_id: str, request_id: str) -> Meta:
        return Meta(
            chain=NO_CHAIN,
            event_id=ids.open_event_id(self._principal, request_id),
            stream="intake",
            key=run_id,
            run_id=run_id,
            at=self._clock.now_ms(),
            request_id=request_id,
            tenant=self._tenant,
            principal=self._principal,
        )
