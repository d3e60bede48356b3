"""Workers over HTTP: they register, beat, and fetch the jobs that are given to them.

How often each may ask is counted for each apart. Whoever waits for jobs and goes away is noticed before a job is given
to nobody; what an answer does not reach its worker with, no beat names, and the scheduler gives it to others.
"""

import asyncio
import base64
from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from starlette.requests import Request
from starlette.responses import Response

from foldgate.contracts import ids
from foldgate.contracts.codec import Codec
from foldgate.contracts.events import JobCancelled, JobDispatched, WorkerBeat
from foldgate.contracts.topics import is_pool_name
from foldgate.gateway.http import bodies
from foldgate.gateway.http.auth import caller_of
from foldgate.gateway.http.operations import Operation, Parameter, Said
from foldgate.gateway.http.pace import Pace
from foldgate.gateway.http.problems import Problem
from foldgate.gateway.http.seats import Seat, Seats, Why
from foldgate.gateway.http.speaking import Speaking, lease_of
from foldgate.gateway.http.worker_tokens import MAX_CHARACTERS, TokenInvalid, WorkerToken, opened, sealed
from foldgate.runtime.context import Context
from foldgate.runtime.settings import SettingsInvalid
from foldgate.sdk.tracing import traceparent_of
from foldgate.sdk.transport import Arrival

MAX_PARALLEL, MAX_JOBS, MAX_WAIT_S, MAX_POLLS = 1000, 100, 30, 100
BEATS_A_LEASE = 4
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$")]
Word = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]
Percent = Annotated[int, Field(ge=-1, le=100)]
Lease = Annotated[int, Field(ge=0, lt=2**63)]
TOKEN = "X-Worker-Token"  # noqa: S105 - the name of a header
_WORKER = Parameter("worker", "path", "The id of a worker, as its registration has told it: name/instance.")
_TOKEN = Parameter(TOKEN, "header", "The worker's token; or `token` in the body.")
_PROBLEMS = ("wrong_worker_token", "unknown_worker", "too_fast", "too_many_workers", "log_unavailable", "no_keys")


class WorkerBody(BaseModel):
    """Who comes, and what it is able to."""

    model_config = ConfigDict(extra="forbid", strict=True, title="Worker")

    name: Name = Field(title="Name")
    pool: str = Field("default", title="Pool", json_schema_extra={"pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$"})
    max_parallel: int = Field(1, ge=1, le=MAX_PARALLEL, title="Most at once", description="Jobs it does at once.")
    topics: list[Word] = Field(
        default_factory=list, max_length=200, title="Topics", description="One that ends in * takes all that begin so."
    )
    capabilities: list[Word] = Field(default_factory=list, max_length=100, title="Capabilities")
    labels: dict[Word, Word] = Field(default_factory=dict, max_length=50, title="Labels", description="For placement.")


class WorkerAnswer(BaseModel):
    """As whom it is known."""

    model_config = ConfigDict(title="WorkerAnswer")

    worker: str = Field(title="Worker", description="Its id from now on: name/instance.")
    token: str = Field(title="Token", description="To be sent with its beats and when it fetches jobs.")
    lease_ms: int = Field(title="Lease", description="How long a beat keeps its jobs.")
    beat_every_ms: int = Field(title="Beat every", description="How often it should beat.")


class BeatBody(BaseModel):
    """A sign of life."""

    model_config = ConfigDict(extra="forbid", strict=True, title="Beat")

    token: str = Field("", max_length=MAX_CHARACTERS, title="Token", description="The worker's; or its header.")
    holding: list[Lease] = Field(
        default_factory=list, max_length=MAX_PARALLEL, title="Holding", description="The leases of jobs it works on."
    )
    cpu_percent: Percent = Field(-1, title="Processors", description="How busy; -1 for unknown.")
    gpu_percent: Percent = Field(-1, title="Graphics processors", description="How busy; -1 for unknown.")
    leaving: bool = Field(False, title="Leaving", description="It takes no more jobs, and leaves when done.")
    max_parallel: int | None = Field(None, ge=0, le=MAX_PARALLEL, title="Most at once", description="If it is less.")
    beat: int | None = Field(None, ge=1, lt=2**62, title="Number", description="Its own, rising; or the gateway's.")


class CalledBackAnswer(BaseModel):
    """A job that is to be stopped."""

    model_config = ConfigDict(title="CalledBack")

    job_id: str = Field(title="Job")
    lease: int = Field(title="Lease")
    reason: str = Field(title="Reason", description="cancelled, attempt_timeout or not_taken.")
    record: str = Field("", title="Record", description="The signed event, where records were asked for: base64.")


class BeatAnswer(BaseModel):
    """What a worker is told at its beat."""

    model_config = ConfigDict(title="BeatAnswer")

    known: bool = Field(
        title="Known",
        description="false: no beat was heard for two thirds of a lease, and what it held may be given to others.",
    )
    beat: int = Field(title="Number")
    lease_ms: int = Field(title="Lease")
    called_back: list[CalledBackAnswer] = Field(title="Called back", description="Of what it holds: stop these.")


class FetchBody(BaseModel):
    """How many jobs are wanted, and for how long they are waited for."""

    model_config = ConfigDict(extra="forbid", strict=True, title="Fetch")

    token: str = Field("", max_length=MAX_CHARACTERS, title="Token", description="The worker's; or its header.")
    n: int = Field(1, ge=0, le=MAX_JOBS, title="Most jobs", description="0: only what is called back.")
    wait: float = Field(20, ge=0, le=MAX_WAIT_S, title="Seconds", description="How long to wait for the first.")
    records: bool = Field(False, title="Records", description="Whether to send the signed events, for who verifies.")


class LeasedAnswer(BaseModel):
    """A job that is given to this worker."""

    model_config = ConfigDict(title="LeasedJob")

    job_id: str = Field(title="Job")
    lease: int = Field(title="Lease", description="Its number, to be named in `holding`.")
    lease_token: str = Field(title="Lease token", description="To be sent with what is said of the job.")
    lease_ms: int = Field(title="Lease lasts", description="After a beat.")
    topic: str = Field(title="Topic")
    kind: str = Field(title="Kind")
    step: str = Field(title="Step")
    attempt: int = Field(title="Attempt", description="From 1.")
    input: Any = Field(title="Input")
    resume: Any = Field(title="Resume", description="The checkpoint of an earlier attempt, or null.")
    labels: dict[str, str] = Field(title="Labels")
    tenant: str = Field(title="Tenant")
    workflow: str = Field(title="Workflow")
    idempotency_key: str = Field(title="Idempotency key", description="The same for every attempt.")
    attempt_timeout_ms: int = Field(title="Attempt time-out", description="0: none.")
    constraints: Any = Field(title="Constraints", description="What must hold while it is done, or null.")
    writ: Any = Field(title="Writ", description="Who allowed it.")
    traceparent: str = Field(title="Trace", description="As in the header of that name.")
    record: str = Field("", title="Record", description="The signed event, where records were asked for: base64.")


class FetchAnswer(BaseModel):
    """The jobs that are handed out, and what is called back since."""

    model_config = ConfigDict(title="FetchAnswer")

    jobs: list[LeasedAnswer] = Field(title="Jobs")
    called_back: list[CalledBackAnswer] = Field(title="Called back")


class Workers:
    """Registers workers, takes their beats, hands out their jobs."""

    def __init__(self, context: Context, speaking: Speaking) -> None:
        self._context, self._speaking = context, speaking
        self._codec = Codec()
        self._registered = 0
        self._turning_down: set[asyncio.Task[None]] = set()
        self.seats = Seats(context, turn_down=self._turn_down)
        self._joining = Pace(context.clock, per_second=50, at_once=500, what="registrations")
        self._beats = Pace(context.clock, per_second=5, at_once=10, what="beats of one worker")

    def operations(self, prefix: str) -> tuple[Operation, ...]:
        """What is served."""
        register = Operation(
            method="POST",
            path=f"{prefix}/workers",
            endpoint=self.register,
            summary="Register a worker",
            area="workers",
            role="worker",
            counts_itself=True,
            body=WorkerBody,
            answers={201: Said(WorkerAnswer, "It may beat, and fetch jobs.")},
            problems=("too_fast", "no_keys"),
        )
        heartbeat = Operation(
            method="POST",
            path=f"{prefix}/workers/{{worker:path}}/heartbeat",
            endpoint=self.heartbeat,
            summary="Say that a worker lives, and what it holds",
            area="workers",
            role="worker",
            counts_itself=True,
            body=BeatBody,
            parameters=(_WORKER, _TOKEN),
            answers={200: Said(BeatAnswer, "The beat is on the log.")},
            problems=(*_PROBLEMS, "beat_out_of_order"),
        )
        lease = Operation(
            method="POST",
            path=f"{prefix}/workers/{{worker:path}}/lease",
            endpoint=self.lease,
            summary="Fetch jobs that are given to a worker, and wait for them",
            area="workers",
            role="worker",
            counts_itself=True,
            body=FetchBody,
            parameters=(_WORKER, _TOKEN),
            answers={200: Said(FetchAnswer, "What came; nothing if nothing came in time.")},
            problems=(*_PROBLEMS, "too_many_polls"),
        )
        return register, heartbeat, lease

    async def register(self, request: Request) -> Response:
        """Make a token for a worker."""
        caller = caller_of(request)
        self._joining.count(caller.tenant)
        body = await bodies.read(request, WorkerBody)
        if not is_pool_name(body.pool):
            what = "Expected the name of a pool, of 1 to 100 letters, digits, '.', '_' and '-', but it is not."
            raise Problem("invalid_body", what, field="pool")
        self._registered += 1
        settings, now = self._context.settings, self._context.clock.now_ms()
        instance = ids.digest("worker", settings.instance, str(now), str(self._registered)).hex()[:16]
        worker = WorkerToken(
            endpoint=f"{body.name}/{instance}",
            name=body.name,
            pool=body.pool,
            tenant=caller.tenant,
            max_parallel=body.max_parallel,
            topics=tuple(body.topics),
            capabilities=tuple(body.capabilities),
            labels=body.labels,
        )
        token = sealed(suite_keys(self._context)[0], worker)
        if len(token) > MAX_CHARACTERS:
            raise Problem("invalid_body", "Expected topics, capabilities and labels of 8 KiB together, but got more.")
        document = {
            "worker": worker.endpoint,
            "token": token,
            "lease_ms": settings.lease_ms,
            "beat_every_ms": min(1000, settings.lease_ms // BEATS_A_LEASE),
        }
        return _json(document, 201)

    async def heartbeat(self, request: Request) -> Response:
        """Submit a beat, and tell what is called back."""
        body = await bodies.read(request, BeatBody)
        worker = self._worker(request, body.token)
        self._beats.count(worker.endpoint)
        seat = await self.seats.of(worker)
        number = max(seat.beat + 1, self._context.clock.now_ms()) if body.beat is None else body.beat
        if number <= seat.beat:
            what = f"Expected a number over {seat.beat}, that of the beat before, but got {number}."
            raise Problem("beat_out_of_order", what, field="beat")
        lease_ms = self._context.settings.lease_ms
        is_known = not seat.has_lapsed(lease_ms)
        if body.leaving:
            seat.leave()
        seat.note_beat(number)
        await self._speaking.beat(_beat(worker, body, number), pool=worker.pool)
        seat.believing.note_durable(number)
        called_back = [self._called_back(arrival) for arrival in seat.called_back(body.holding)]
        return _json({"known": is_known, "beat": number, "lease_ms": lease_ms, "called_back": called_back})

    async def lease(self, request: Request) -> Response:
        """Hand out jobs; wait for them if there are none."""
        body = await bodies.read(request, FetchBody)
        worker = self._worker(request, body.token)
        seat = await self.seats.of(worker)
        if seat.polls >= MAX_POLLS:
            raise Problem(
                "too_many_polls", f"Expected a worker to wait {MAX_POLLS} times at once, but it does already."
            )
        seat.polls += 1
        try:
            jobs, called_back = await self._awaited(request, seat, body)
        finally:
            seat.polls -= 1
        document = {
            "jobs": [self._leased(worker, arrival, records=body.records) for arrival in jobs],
            "called_back": [self._called_back(arrival, records=body.records) for arrival in called_back],
        }
        return _json(document)

    async def _awaited(
        self, request: Request, seat: Seat, body: FetchBody
    ) -> tuple[Sequence[Arrival], Sequence[Arrival]]:
        gone = asyncio.ensure_future(request.receive())
        clock = self._context.clock
        until = clock.monotonic_ms() + int(body.wait * 1000)
        try:
            while not gone.done():
                jobs, called_back = seat.fetched(body.n), seat.newly_called_back()
                left = until - clock.monotonic_ms()
                if jobs or called_back or left <= 0 or self.seats.is_closed:
                    return jobs, called_back
                news = asyncio.ensure_future(seat.news.wait())
                await asyncio.wait([gone, news], timeout=left / 1000, return_when=asyncio.FIRST_COMPLETED)
                news.cancel()
            return (), ()
        finally:
            gone.cancel()

    def _worker(self, request: Request, token: str) -> WorkerToken:
        """Who it is; a problem unless its token is for this id, and its tenant the caller's."""
        text, keys = token or request.headers.get(TOKEN, ""), suite_keys(self._context)
        try:
            worker = opened(keys, text, WorkerToken)
        except TokenInvalid:
            worker = None
        asked = request.path_params["worker"]
        if worker is None or worker.endpoint != asked:
            what = f"Expected the token that '{asked[:120]}' was given when it registered, but it is none: register"
            raise Problem("wrong_worker_token", f"{what} again.", field="token")
        if worker.tenant != caller_of(request).tenant:
            raise Problem("unknown_worker", f"Expected a worker of this tenant, but there is no '{asked[:120]}'.")
        return worker

    def _turn_down(self, worker: WorkerToken, arrival: Arrival, why: Why) -> None:
        lease = lease_of(arrival, pool=worker.pool, owner=worker.tenant, at=self._context.clock.now_ms())
        task = asyncio.create_task(self._speaking.turn_down(lease, code=why.code, message=why.message))
        self._turning_down.add(task)
        task.add_done_callback(self._turning_down.discard)

    def _leased(self, worker: WorkerToken, arrival: Arrival, *, records: bool) -> dict[str, Any]:
        event = arrival.event
        assert isinstance(event, JobDispatched)
        lease = lease_of(arrival, pool=worker.pool, owner=worker.tenant, at=self._context.clock.now_ms())
        job, name = event.job, ids.parse_job_id(event.writ.job_id)
        return {
            "job_id": event.writ.job_id,
            "lease": event.lease,
            "lease_token": sealed(suite_keys(self._context)[0], lease),
            "lease_ms": event.lease_ms,
            **{key: getattr(job, key) for key in ("topic", "kind", "step", "attempt", "labels", "tenant", "workflow")},
            "input": _raw(job.input),
            "resume": _raw(job.resume),
            "idempotency_key": f"{name.run_id}:{name.step}",
            "attempt_timeout_ms": job.attempt_timeout_ms,
            "constraints": _raw(event.constraints),
            "writ": event.writ,
            "traceparent": traceparent_of(name.run_id, event.writ.job_id, job.labels),
            "record": self._record(arrival) if records else "",
        }

    def _called_back(self, arrival: Arrival, *, records: bool = False) -> dict[str, Any]:
        event = arrival.event
        assert isinstance(event, JobCancelled)
        record = self._record(arrival) if records else ""
        return {"job_id": event.job_id, "lease": event.lease, "reason": event.reason, "record": record}

    def _record(self, arrival: Arrival) -> str:
        return base64.b64encode(self._codec.encode(arrival.meta, arrival.event)).decode()


def suite_keys(context: Context) -> tuple[bytes, ...]:
    """What tokens are made by; a problem where the gateway has none."""
    try:
        return context.keys.suite
    except SettingsInvalid:
        what = "Expected this gateway to have the keys of its suite, but FOLDGATE_KEYS names none: set it."
        raise Problem("no_keys", what) from None


def _beat(worker: WorkerToken, body: BeatBody, number: int) -> WorkerBeat:
    most = worker.max_parallel if body.max_parallel is None else min(worker.max_parallel, body.max_parallel)
    return WorkerBeat(
        worker=worker.endpoint,
        name=worker.name,
        max_parallel=most,
        beat=number,
        holding=tuple(body.holding),
        leaving=body.leaving,
        topics=worker.topics,
        capabilities=worker.capabilities,
        labels=worker.labels,
        cpu_percent=body.cpu_percent,
        gpu_percent=body.gpu_percent,
    )


def _raw(text: str) -> msgspec.Raw:
    return msgspec.Raw(text.encode() or b"null")


def _json(document: dict[str, Any], status: int = 200) -> Response:
    return Response(msgspec.json.encode(document), status, media_type="application/json")
