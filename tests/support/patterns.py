"""Workflow documents played by a script: what happens to a run, and what it says, line by line.

A line that begins with `>` is something that happens; the others are what is said because of it, one event a line:

> a done {"n": 1}     the worker of job `a` has done it, with that output; without one, the output is its name
> a fails boom        it could not, and must not try again; `breaks` instead: it may
> a stopped           it stopped because it was called back
> a lost              nobody says how the attempt ended; `> a denied rule`: policy said no
> a granted {"x": 1}  people said yes, or gave that data; `> a refused`: they said no
> signal go {"k": 1}  a signal was sent
> cancel              somebody cancels; `pause` and `resume` likewise
> 5s                  so much time passes
> start two           another run of the same workflow is asked for; its steps are `two/a`

The runs, the runs they start and the slots they share are the engine's own deciders; only what the outside world would
say is scripted. The steps of a run that a step `s` started are `s/a`.
"""

import difflib
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import msgspec

from foldgate.authority.request import canonical
from foldgate.contracts import ids
from foldgate.contracts.events import (
    ApprovalGranted,
    ApprovalRefused,
    ChildCancelRequested,
    ChildEnded,
    ChildRequested,
    Event,
    JobAbandoned,
    JobDenied,
    JobFailed,
    JobLost,
    JobSucceeded,
    RunAdmitted,
    RunCancelRequested,
    RunCleared,
    RunPauseRequested,
    RunRequested,
    RunResumeRequested,
    RunStarted,
    SignalSent,
    SlotReleased,
    SlotRequested,
    WorkflowPublished,
)
from foldgate.decider.decider import Said, Tick
from foldgate.engine.runs.decide import runs
from foldgate.engine.runs.state import Run
from foldgate.engine.slots.decide import slots
from foldgate.engine.slots.state import Slot
from foldgate.language.definitions import Definitions
from foldgate.language.durations import milliseconds
from foldgate.language.publish import prepare
from tests.support.compact import compact
from tests.support.given import Given
from tests.support.keys import ANYBODY, from_anybody
from tests.support.runs import decided

BEGINNING_MS = 1_700_000_000_000
NEVER_NOTED_MS = 10**12
"""Waits are not noted: it would say nothing of the pattern."""
TO_RUN: dict[str, Event] = {
    "cancel": RunCancelRequested(),
    "pause": RunPauseRequested(),
    "resume": RunResumeRequested(),
}


class _Asked(NamedTuple):
    """What the world was asked by a step, and how a script goes on after saying what came of it."""

    step: str
    job_id: str
    question: str
    more: str

    @property
    def done(self) -> Event:
        return JobSucceeded(job_id=self.job_id, lease=1, worker="w", output=self.more or f'"{self.step}"')

    def failed(self, code: str, *, retryable: bool) -> Event:
        return JobFailed(job_id=self.job_id, lease=1, worker="w", code=code, message="so it is", retryable=retryable)

    @property
    def lost(self) -> Event:
        reason = self.more or "worker_lost"
        return JobLost(job_id=self.job_id, step=self.step, lease=1, worker="w", reason=reason)

    @property
    def denied(self) -> Event:
        return JobDenied(job_id=self.job_id, step=self.step, policy_snapshot="p", rule=self.more, reason="so it is")

    @property
    def granted(self) -> Event:
        data = canonical(self.more or "null")
        return ApprovalGranted(approval_id=self.question, step=self.step, by=("ada",), data=data)

    @property
    def refused(self) -> Event:
        return ApprovalRefused(approval_id=self.question, step=self.step, by=("ada",))


REPORTS: dict[str, Callable[[_Asked], Event]] = {
    "done": lambda asked: asked.done,
    "fails": lambda asked: asked.failed(asked.more, retryable=False),
    "breaks": lambda asked: asked.failed(asked.more, retryable=True),
    "stopped": lambda asked: asked.failed("cancelled", retryable=False),
    "lost": lambda asked: asked.lost,
    "denied": lambda asked: asked.denied,
    "granted": lambda asked: asked.granted,
    "refused": lambda asked: asked.refused,
}
"""What can happen to a step, by its name in a script."""


def plays(document: str, script: str, *more: str, given: Any = None) -> None:
    """Play the script and hold what is said against it. `more` are documents that are published, too."""
    expected = [line.strip() for line in script.strip().splitlines()]
    world = World(document, *more, given=given)
    for line in expected:
        if line.startswith(">"):
            world.hear(line[1:].strip())
    if world.lines != expected:
        raise AssertionError("\n".join(difflib.ndiff(expected, world.lines)))


class World:
    """The runs of some workflows, from the request for the first on."""

    def __init__(self, *documents: str, given: Any = None) -> None:
        self.lines: list[str] = []
        self.at = BEGINNING_MS
        self.runs: dict[str, Given[Run]] = {}
        """By their names in a script; the first has none."""
        self._names: dict[str, str] = {}
        self._slots: dict[str, Given[Slot]] = {}
        self._heard = 0
        self._input = msgspec.json.encode({} if given is None else given).decode()
        definitions, prepared = Definitions(), [prepare(each) for each in documents]
        for one in prepared:
            published = WorkflowPublished(
                workflow=one.workflow, version=one.version, digest=one.digest, definition=one.canonical
            )
            definitions.add("acme", published)
        self._workflow = prepared[0].workflow
        self._decider = runs(
            definitions,
            max_lost=1,
            cancel_grace_ms=30_000,
            wait_noted_after_ms=NEVER_NOTED_MS,
            max_events=50_000,
            genuine=from_anybody,
            vouching=ANYBODY,
        )
        self._start("")

    def hear(self, said: str) -> None:
        """Something happens."""
        self.lines.append(f"> {said}")
        self._heard += 1
        first, _, rest = said.partition(" ")
        if first == "start":
            self._start(rest)
        elif first[0].isdigit():
            self._pass(milliseconds(first))
        elif first in TO_RUN or first == "signal":
            name, _, payload = rest.partition(" ")
            self._tell("", TO_RUN.get(first) or SignalSent(name=name, payload=payload or "null"))
        else:
            where, _, step = first.rpartition("/")
            self._tell(where, self._reported(self.runs[where], step, rest))

    def _start(self, name: str) -> None:
        run_id = ids.run_id("acme", self._workflow, f"key {name}")
        self._meet(name, run_id)
        self._tell(name, RunRequested(workflow=self._workflow, input=self._input, idempotency_key=f"key {name}"))

    def _meet(self, name: str, run_id: str) -> None:
        self.runs[name] = Given(self._decider, key=run_id)
        self._names[run_id] = name

    def _reported(self, run: Given[Run], step: str, said: str) -> Event:
        """What the world says of a step."""
        found = run.state.step(step) if run.state is not None else None
        assert found is not None, f"Expected a step that was begun, but '{step}' was not."
        what, _, more = said.partition(" ")
        job_id = ids.job_id(run.key, step, found.attempt)
        return REPORTS[what](_Asked(step=step, job_id=job_id, question=found.awaits, more=more))

    def _pass(self, length: int) -> None:
        """Time passes, and whatever it wakes acts when its own time has come."""
        until = self.at + length
        while (first := min(self._dues(), default=until + 1)) <= until:
            self.at = max(self.at, first)
            before = len(self.lines)
            self._wake()
            assert len(self.lines) > before, "what was due did nothing"
        self.at = until

    def _wake(self) -> None:
        """Whatever is due by now acts."""
        for name, run in list(self.runs.items()):
            while (due := self._due(run)) is not None and due <= self.at:
                before = len(self.lines)
                self._settle(name, run.said(Tick(), at=self.at))
                assert len(self.lines) > before, "what was due did nothing"

    def _dues(self) -> Iterator[int]:
        yield from (due for run in self.runs.values() if (due := self._due(run)) is not None)

    def _due(self, run: Given[Run]) -> int | None:
        return None if run.state is None or run.ended else self._decider.due(run.state)

    def _tell(self, name: str, event: Event) -> None:
        """A message reaches a run, a millisecond later."""
        self.at += 1
        self._settle(name, self.runs[name].said(event, at=self.at, request_id=f"r{self._heard}"))
        self._wake()

    def _settle(self, name: str, said: list[Said]) -> None:
        """Note what a run says, and pass it on to whom it concerns, until nobody says more."""
        ahead = deque([(name, said)])
        while ahead:
            name, said = ahead.popleft()
            self.lines += [
                f"{name}/{compact(one.event)}" if name else compact(one.event)
                for one in said
                if not isinstance(one.event, RunCleared | JobAbandoned)
            ]
            for one in said:
                ahead.extend(self._passed_on(name, one.event))

    def _passed_on(self, name: str, event: Event) -> Iterator[tuple[str, list[Said]]]:
        run_id = self.runs[name].key
        match event:
            case RunStarted(awaits_admission=True):
                yield self._answer(run_id, RunAdmitted(decision=decided("allow")), by=run_id)
            case ChildRequested():
                self._meet(f"{name}/{event.step}".lstrip("/"), event.child_run)
                yield self._answer(event.child_run, event, by=run_id)
            case ChildCancelRequested():
                yield self._answer(event.child_run, event, by=run_id)
            case ChildEnded():
                yield self._answer(event.parent_run, event, by=run_id)
            case SlotRequested() | SlotReleased():
                slot = self._slots.setdefault(event.slot, Given(slots(), key=event.slot))
                for one in slot.said(event, at=self.at, run_id=run_id):
                    yield self._answer(one.run_id or run_id, one.event, by=run_id)
            case _:
                return

    def _answer(self, run_id: str, event: Event, *, by: str) -> tuple[str, list[Said]]:
        name = self._names[run_id]
        run = self.runs[name]
        return name, [] if run.ended else run.said(event, at=self.at, run_id=by)
