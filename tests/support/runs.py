"""A run under test, alone: documents are published, one of them is started, and its steps are answered by name.

Every message is decided twice: by a live engine, and by one that knows only the log and a checkpoint of what it folded
from that. Both must say the same, `decide` must leave its state alone, and a run that is not over must wait for
something by name.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from textwrap import dedent, indent
from typing import Any, NamedTuple, TypeVar

import msgspec

from foldgate.contracts import ids
from foldgate.contracts.events import (
    ApprovalExpired,
    ApprovalGranted,
    ApprovalRefused,
    ApprovalRequested,
    AttemptFailed,
    ChildCancelRequested,
    ChildEnded,
    ChildRequested,
    CompensationStarted,
    ContextChanged,
    Decision,
    Event,
    Job,
    JobAbandoned,
    JobCancelRequested,
    JobDenied,
    JobFailed,
    JobLost,
    JobRequested,
    JobSucceeded,
    Meta,
    RequestRefused,
    RunAdmitted,
    RunCancelRequested,
    RunCleared,
    RunHalted,
    RunPauseRequested,
    RunRefused,
    RunRejected,
    RunRequested,
    RunResumeRequested,
    SignalReceived,
    SignalSent,
    StepCancelRequested,
    StepDenied,
    StepFailed,
    StepSkipped,
    StepTimedOut,
    WorkflowPublished,
)
from foldgate.decider.decider import Decider, Message, Said, Tick
from foldgate.engine.runs.decide import runs
from foldgate.engine.runs.evolve import evolve
from foldgate.engine.runs.state import Run, awaits_policy
from foldgate.engine.runs.waiting import has_wake_up
from foldgate.language.definitions import Definitions
from foldgate.language.publish import prepare
from tests.support.given import Given, meta
from tests.support.keys import ANYBODY, from_anybody

BEGINNING = 1000
GRACE = 30_000
NOTED_AFTER = 60_000
ALL_CHECKED, SOME_CHECKED = 50, 20
"""Of so many messages each is decided twice, and then of so many one."""
E = TypeVar("E")


def workflow(steps: str, head: str = "", *, name: str = "w") -> str:
    """A document with these steps, and these lines above them."""
    return f"id: {name}\n{dedent(head).strip()}\nsteps:\n{indent(dedent(steps).strip(), '  ')}\n"


def published(*documents: str) -> Definitions:
    """A table with these documents in it."""
    table = Definitions()
    for document in documents:
        one = prepare(document)
        event = WorkflowPublished(
            workflow=one.workflow, version=one.version, digest=one.digest, definition=one.canonical
        )
        table.add("acme", event)
    return table


def deciding(definitions: Definitions, *, max_lost: int = 1, max_events: int = 50_000) -> Decider[Run]:
    """The decider of runs under test."""
    return runs(
        definitions,
        max_lost=max_lost,
        cancel_grace_ms=GRACE,
        wait_noted_after_ms=NOTED_AFTER,
        max_events=max_events,
        genuine=from_anybody,
        vouching=ANYBODY,
    )


def written(value: Any) -> str:
    """A value as canonical JSON."""
    return msgspec.json.encode(value, order="sorted").decode()


class Heard(NamedTuple):
    """One message, as it was given to a run."""

    event: Event | Tick
    at: int
    changes: Mapping[str, Any]


class Life(Given[Run]):
    """A run, from its request on. Each answer returns what was said to it, one line an event; see `told`."""

    def __init__(
        self,
        *documents: str,
        max_lost: int = 1,
        max_events: int = 50_000,
        key: str = "k",
        admitted: bool = True,
    ) -> None:
        self.definitions = published(*documents)
        self.workflow = prepare(documents[0]).workflow if documents else "job"
        self.run_id = ids.run_id("acme", self.workflow, key)
        decider, self._other = (
            deciding(self.definitions, max_lost=max_lost, max_events=max_events) for _ in ("live", "after a crash")
        )
        super().__init__(replace(decider, evolve=self._evolve(decider)), key=self.run_id)
        self.folded: Run | None = None
        self.now, self.idempotency_key = BEGINNING, key
        self.admitted = admitted
        self.history: list[Event] = []
        self.heard: list[Heard] = []

    @property
    def run(self) -> Run:
        """Its state."""
        assert self.state is not None
        return self.state

    def start(self, given: Any = None, **changes: Any) -> list[str]:
        """Ask for it, with this input and these changes to the request. Policy lets it begin, if it waits for that."""
        said = self.hear(self.request(given, **changes))
        return said + self.admit() if self.admitted and awaits_policy(self.run) else said

    def admit(self) -> list[str]:
        """Policy lets it begin. What only says so is not told."""
        said = self.hear(RunAdmitted(decision=decided("allow")), request_id="")
        return [line for line in said if line != "RunCleared"]

    def reject(self, rule: str = "rule") -> list[str]:
        """Policy does not let it begin."""
        return self.hear(RunRejected(decision=decided("deny", rule)), request_id="")

    def request(self, given: Any = None, **changes: Any) -> RunRequested:
        """What asks for it."""
        fields: dict[str, Any] = {"workflow": self.workflow, "idempotency_key": self.idempotency_key}
        fields["input"] = written({} if given is None else given)
        return RunRequested(**(fields | changes))

    def hear(self, event: Event | Tick, **changes: Any) -> list[str]:
        """One message. Requests have an id each, unless they are given one."""
        about = {"request_id": f"r{len(self.heard)}"} | changes
        self.heard.append(Heard(event, self.now, about))
        said = self.when(event, at=self.now, **about)
        self.history += said
        check_letters(self.history, said)
        return lines(said)

    def again(self, heard: Heard) -> list[str]:
        """A message that it, or another life like it, was given before."""
        self.now = max(self.now, heard.at)
        return self.hear(heard.event, **heard.changes)

    def said(self, event: Event | Tick, *, at: int = 2000, **changes: Any) -> list[Said]:
        if len(self.heard) > ALL_CHECKED and len(self.heard) % SOME_CHECKED:
            return super().said(event, at=at, **changes)
        before, was = self.state, encoded(self.state)
        copied = msgspec.msgpack.decode(encoded(self.folded), type=Run | None)
        assert copied == before, "the log, or a checkpoint, leads to another state"
        said = super().said(event, at=at, **changes)
        assert encoded(before) == was, "a decision changed the state that it was given"
        cause = None if isinstance(event, Tick) else meta(self.key, **changes)
        again = self._other.decide(copied, Message(key=self.key, at=at, event=event, meta=cause))
        assert [one if isinstance(one, Said) else Said(one) for one in again] == said, "a crash changed it"
        if self.state is not None and not self.ended:
            assert list(self.decider.waits(self.state)), f"it waits for nothing: {lines([one.event for one in said])}"
            assert has_wake_up(self.state)
        return said

    def _evolve(self, decider: Decider[Run]) -> Callable[[Run | None, Meta, Event], Run]:
        """Its `evolve`, beside one that knows nothing but the log."""

        def fold(run: Run | None, about: Meta, event: Event) -> Run:
            self.folded = evolve(self.folded, about, event)
            return decider.evolve(run, about, event)

        return fold

    # What the world outside answers.

    def job(self, step: str) -> Job:
        """What the step asked for last."""
        return next(one.job for one in reversed(self.of(JobRequested)) if one.job.step == step)

    def succeed(self, step: str, output: Any = None) -> list[str]:
        """A worker has done the step's job."""
        report = JobSucceeded(job_id=self.job(step).job_id, lease=1, worker="w", output=written(output))
        return self.hear(report)

    def fail(self, step: str, code: str = "broken", *, retryable: bool = False) -> list[str]:
        """A worker could not do it."""
        failed = JobFailed(
            job_id=self.job(step).job_id, lease=1, worker="w", code=code, message="It broke.", retryable=retryable
        )
        return self.hear(failed)

    def deny(self, step: str, rule: str = "rule") -> list[str]:
        """Policy denies it."""
        job = self.job(step).job_id
        return self.hear(JobDenied(job_id=job, step=step, policy_snapshot="s", rule=rule, reason="It may not be."))

    def lose(self, step: str, reason: str = "worker_lost") -> list[str]:
        """The attempt is over without a report."""
        return self.hear(JobLost(job_id=self.job(step).job_id, step=step, lease=1, worker="w", reason=reason))

    def grant(self, step: str, data: Any = None) -> list[str]:
        """People say yes, or give the data."""
        return self.hear(ApprovalGranted(approval_id=self._question(step), step=step, by=("ada",), data=written(data)))

    def refuse(self, step: str, reason: str = "", *, by: tuple[str, ...] = ("ada",)) -> list[str]:
        """People say no."""
        return self.hear(ApprovalRefused(approval_id=self._question(step), step=step, by=by, reason=reason))

    def expire(self, step: str, on_expire: str = "denied") -> list[str]:
        """Nobody answers in time."""
        return self.hear(ApprovalExpired(approval_id=self._question(step), step=step, on_expire=on_expire))

    def child(self, step: str, status: str = "succeeded", output: Any = None, *, code: str = "") -> list[str]:
        """The child run of the step has ended."""
        asked = next(one for one in reversed(self.of(ChildRequested)) if one.step == step)
        ended = ChildEnded(
            parent_run=self.run_id, step=step, status=status, output=written(output), code=code, reason="It ended."
        )
        return self.hear(ended, run_id=asked.child_run)

    def signal(self, name: str, payload: Any = None, **changes: Any) -> list[str]:
        """Somebody sends it a signal."""
        return self.hear(SignalSent(name=name, payload=written(payload)), **changes)

    def cancel(self) -> list[str]:
        """Somebody cancels it."""
        return self.hear(RunCancelRequested(reason="Enough."))

    def pause(self) -> list[str]:
        """Somebody pauses it."""
        return self.hear(RunPauseRequested(reason="A moment."))

    def resume(self) -> list[str]:
        """Somebody lets it go on."""
        return self.hear(RunResumeRequested(reason="Now."))

    def after(self, wait_ms: int) -> list[str]:
        """Time passes, and then it is looked at."""
        self.now += wait_ms
        return self.hear(Tick())

    def due(self) -> list[str]:
        """Time passes until it wants to be looked at."""
        wanted = self.decider.due(self.run)
        assert wanted is not None, "it never wants to be looked at"
        return self.after(max(0, wanted - self.now))

    def _question(self, step: str) -> str:
        return next(one.approval_id for one in reversed(self.of(ApprovalRequested)) if one.step == step)

    # What became of it.

    def of(self, kind: type[E]) -> list[E]:
        """The events of one type."""
        return [one for one in self.history if isinstance(one, kind)]

    @property
    def lines(self) -> list[str]:
        """Its whole history, one line an event."""
        return [line for line in lines(self.history) if line != "RunCleared"]

    @property
    def statuses(self) -> dict[str, str]:
        """How its steps stand; of a skipped one, why."""
        return {
            step_id: step.code if step.status == "skipped" else step.status for step_id, step in self.run.steps.items()
        }

    def output(self, step: str) -> Any:
        """What a step gave."""
        found = self.run.steps.get(step)
        assert found is not None
        return msgspec.json.decode(found.output)

    @property
    def waiting(self) -> list[str]:
        """What it waits for."""
        return [f"{one.step}: {one.reason}" if one.step else one.reason for one in self.decider.waits(self.run)]


def decided(decision: str, rule: str = "rule") -> Decision:
    """What policy says."""
    reason = "" if decision == "allow" else "It may not be."
    return Decision(decision=decision, policy_snapshot="s", rule=rule, reason=reason)


def begun(*documents: str, given: Any = None, **changes: Any) -> Life:
    """A run of the first document, just started."""
    life = Life(*documents)
    life.start(given, **changes)
    return life


def check_letters(history: list[Event], said: list[Event]) -> None:
    """Where a step ends badly after a job, that is said just before, of its last attempt; and nowhere else."""
    jobs = {one.job.step: one.job for one in history if isinstance(one, JobRequested)}
    wanted = [
        (said[place - 1], one)
        for place, one in enumerate(said)
        if isinstance(one, StepFailed | StepDenied | StepTimedOut) and one.step in jobs
    ]
    letters = [one for one in said if isinstance(one, JobAbandoned)]
    assert letters == [before for before, _ in wanted], "a dead letter too many, or one too few"
    for letter, end in zip(letters, (end for _, end in wanted), strict=True):
        assert letter.step == end.step
        assert (letter.job.job_id, letter.job.input) == (jobs[end.step].job_id, jobs[end.step].input)


def encoded(state: Run | None) -> bytes:
    """A state as a checkpoint keeps it."""
    return msgspec.msgpack.encode(state)


def lines(events: list[Event]) -> list[str]:
    """Events, one line each; but not those that say of a step that ends what its end says."""
    return [told(event) for event in events if not isinstance(event, JobAbandoned)]


def told(event: Event) -> str:
    """An event in a few words: its name, the step, and what it says of it."""
    about = _SHOWN.get(type(event), _plainly)(event)
    return " ".join((type(event).__name__, *filter(None, about)))


def _plainly(event: Any) -> tuple[str, ...]:
    """The step, and the first of what events tell that this one does."""
    known = (str(getattr(event, name, "") or "") for name in ("output", "code", "rule", "status"))
    undone = getattr(event, "compensation", "none")
    return (getattr(event, "step", ""), next(filter(None, known), ""), "" if undone == "none" else undone)


_SHOWN: Mapping[type[Event], Callable[[Any], tuple[str, ...]]] = {
    JobRequested: lambda one: (f"{one.job.step}@{one.job.attempt}", one.after),
    AttemptFailed: lambda one: (one.step, one.code),
    StepSkipped: lambda one: (one.step, one.reason),
    JobCancelRequested: lambda one: (one.step, one.ending),
    StepCancelRequested: lambda one: (one.step, one.ending),
    ChildCancelRequested: lambda one: (one.step, one.ending),
    ChildEnded: lambda one: (one.status, one.output or one.code),
    ContextChanged: lambda one: (one.step, one.name, "gone" if one.value is None else one.value),
    RunCleared: lambda _: (),
    RunHalted: lambda one: (one.status, one.code),
    RequestRefused: lambda one: (one.request, one.code),
    RunRefused: lambda one: (one.code,),
    SignalReceived: lambda one: (one.name, one.payload),
    CompensationStarted: lambda one: (" ".join(one.steps),),
}
