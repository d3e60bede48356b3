"""A client at the level of the log: asks for runs and workflows, and waits for what becomes of them."""

from collections.abc import Mapping
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

import msgspec

from foldgate.authority.redaction import redacted_event
from foldgate.contracts import ids
from foldgate.contracts.codec import NO_CHAIN, Codec
from foldgate.contracts.events import Event, Meta, Rerun, RunRefused, RunRequested
from foldgate.contracts.topics import RUNS
from foldgate.eventlog.log import Log, Outgoing, Submitted
from foldgate.runtime.clock import Clock, SystemClock
from foldgate.sdk import requests
from foldgate.sdk.answers import ENDS, Entrance, Verdict, beginning, said, verdict_on
from foldgate.sdk.requests import Prepared as Prepared  # noqa: PLC0414 - what `job` gives
from foldgate.sdk.requests import Request, json_text

if TYPE_CHECKING:
    from foldgate.authority.keys import Signer

VERDICT_WITHIN_S = 10.0


class Asked(msgspec.Struct, frozen=True):
    """A request that is on the log, and where."""

    run_id: str
    request_id: str
    place: Submitted


class Client:
    """Speaks for one principal of one tenant. `entrance` spares it the reading of long partitions from their beginning:
    where in a partition the reader rule can be entered.

    `signer` vouches for what is asked: the issuer of the suite (`Keys.of(from_environment()).issuer`), or a key of
    one's own. Without one only a suite that allows unsigned requests does what is asked."""

    def __init__(
        self,
        log: Log,
        *,
        codec: Codec | None = None,
        clock: Clock | None = None,
        tenant: str = "default",
        principal: str = "client",
        entrance: Entrance = beginning,
        signer: "Signer | None" = None,
    ) -> None:
        self._signer = signer
        self._log, self._codec, self._clock = log, codec or Codec(), clock or SystemClock()
        self._entrance = entrance
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
        event = RunRequested(
            workflow="job",
            kind=kind,
            topic=topic,
            input=json_text({} if payload is None else payload),
            labels=dict(labels or {}),
            idempotency_key=idempotency_key,
        )
        return requests.a_run(self._tenant, event, request_id=request_id)

    def run(
        self,
        workflow: str,
        payload: Any = None,
        *,
        version: str = "",
        labels: Mapping[str, str] | None = None,
        idempotency_key: str = "",
        rerun: Rerun | None = None,
        workflows_offset: int = 0,
        request_id: str = "",
    ) -> Prepared:
        """A request for a run of a workflow: the latest version of it where none is named."""
        event = RunRequested(
            workflow=workflow,
            version=version,
            input=json_text({} if payload is None else payload),
            labels=dict(labels or {}),
            idempotency_key=idempotency_key,
            workflows_offset=workflows_offset,
            rerun=rerun,
        )
        return requests.a_run(self._tenant, event, request_id=request_id)

    async def start(
        self,
        workflow: str,
        payload: Any = None,
        *,
        version: str = "",
        labels: Mapping[str, str] | None = None,
        idempotency_key: str = "",
        rerun: Rerun | None = None,
        workflows_offset: int = 0,
    ) -> Asked:
        """Ask for a run of a workflow. The same idempotency key means the same run, however often it is asked for."""
        prepared = self.run(
            workflow,
            payload,
            version=version,
            labels=labels,
            idempotency_key=idempotency_key,
            rerun=rerun,
            workflows_offset=workflows_offset,
        )
        return await self.ask(prepared)

    async def publish(self, source: str | bytes) -> Verdict:
        """Publish a workflow: WorkflowPublished, or WorkflowConfirmed if it was there, or WorkflowRefused. Raises
        WorkflowInvalid, with every mistake, before anything is asked for if the document is no workflow."""
        return await self.decided(requests.a_publication(self._tenant, source))

    async def retire(self, workflow: str, *, reason: str = "") -> Verdict:
        """Let a workflow start no new runs: WorkflowRetired, or WorkflowRefused."""
        return await self.decided(requests.a_retirement(self._tenant, workflow, reason=reason))

    async def cancel(self, run_id: str, *, reason: str = "") -> Verdict:
        """Call a run back. Of this and the following the verdict on an ended run is its end."""
        return await self.decided(requests.a_cancel(run_id, reason=reason))

    async def pause(self, run_id: str, *, reason: str = "") -> Verdict:
        """Let a run begin nothing new for now."""
        return await self.decided(requests.a_pause(run_id, reason=reason))

    async def resume(self, run_id: str, *, reason: str = "") -> Verdict:
        """Let a paused run go on."""
        return await self.decided(requests.a_resume(run_id, reason=reason))

    async def signal(self, run_id: str, name: str, payload: Any = None, *, request_id: str = "") -> Verdict:
        """Send a signal to a run; the same request id means the same signal."""
        return await self.decided(requests.a_signal(run_id, name, payload, request_id=request_id))

    async def retry_letter(
        self, run_id: str, step: str, *, latest: bool = False, reason: str = "", request_id: str = ""
    ) -> Event:
        """Try the dead letter of a step again, by a rerun from there: DeadLetterRetried, with the new run's id.
        RunRefused if there can be no such run, DeadLetterRefused if the letter is settled already, or is none. However
        often it is asked for, there is one new run. Raises RunGoesOn while the run of the letter has not ended."""
        from foldgate.sdk import letters, retrying  # the whole language: who retries nothing does without it

        letter = await retrying.letter_of(self._log, self._codec, run_id, step, tenant=self._tenant)
        new_run = "" if letter is None else letter.retry_run
        asked = letters.a_retry(run_id, step, new_run, reason=reason, request_id=request_id)
        if (refused := letters.refusal_of(letter, asked)) is not None:
            return refused
        assert letter is not None
        again = await retrying.request_for(self._log, self._codec, letter, latest=latest)
        begun = await self.decided(requests.a_run(self._tenant, again))
        return begun.event if isinstance(begun.event, RunRefused) else (await self.decided(asked)).event

    async def discard_letter(self, run_id: str, step: str, *, reason: str = "", request_id: str = "") -> Event:
        """Let nobody try a dead letter again: DeadLetterDiscarded; DeadLetterRefused if it is settled already, or is
        none."""
        from foldgate.sdk import letters, retrying

        letter = await retrying.letter_of(self._log, self._codec, run_id, step, tenant=self._tenant)
        asked = letters.a_discard(run_id, step, reason=reason, request_id=request_id)
        return letters.refusal_of(letter, asked) or (await self.decided(asked)).event

    async def decided(self, request: Request, *, within_s: float = VERDICT_WITHIN_S) -> Verdict:
        """Put a request on the log, and wait for its owner's verdict; NoVerdict if it takes longer than that."""
        await self.ask(request)
        return await self.verdict(request, within_s=within_s)

    async def ask(self, request: Request) -> Asked:
        """Put a request on the log, without the secrets it carries; returns when it is durable."""
        meta = self._meta(request)
        value = self._codec.encode(meta, self._signed(meta, redacted_event(request.event, "low")))
        (place,) = await self._log.submit(request.stream, [Outgoing(request.key.encode(), value)])
        return Asked(request.run_id, request.request_id, place)

    async def verdict(self, request: Request, *, within_s: float = VERDICT_WITHIN_S) -> Verdict:
        """What the owner says to a request that is on the log."""
        return await verdict_on(self._log, self._codec, request, within_s=within_s, entrance=self._entrance)

    async def ended(self, run_id: str, *, request_id: str = "") -> Event:
        """Wait for the end of a run: RunSucceeded, RunFailed, RunDenied, RunTimedOut, RunCancelled or RunRefused. With
        a request id, only the refusal of that request counts: others may have asked for the same run in other words."""
        async with aclosing(said(self._log, self._codec, stream=RUNS.name, key=run_id)) as heard:
            async for answers, _ in heard:
                for answer in answers:
                    is_refusal = isinstance(answer.event, RunRefused) and request_id in ("", answer.meta.request_id)
                    if is_refusal or isinstance(answer.event, ENDS):
                        return answer.event
        raise AssertionError("what is said does not end")

    def _signed(self, meta: Meta, event: Event) -> Event:
        """The event, vouched for where that is asked of such events."""
        if self._signer is None:
            return event
        from foldgate.authority.requests import Signed, sign_request  # cryptography: who signs nothing does without it

        return sign_request(self._signer, meta, event) if isinstance(event, Signed) else event

    def _meta(self, request: Request) -> Meta:
        return Meta(
            chain=NO_CHAIN,
            event_id=ids.open_event_id(self._principal, request.request_id),
            stream=request.stream,
            key=request.key,
            run_id=request.run_id,
            at=self._clock.now_ms(),
            request_id=request.request_id,
            tenant=self._tenant,
            principal=self._principal,
        )
