"""A decision under way: the run as it will be, what is said so far, and what to look at next.

`decide` works on a run that it evolves itself with each event it says, by the same `evolve` that folds the log. Whoever
ends a step puts it among what to look at; `settle` looks until nothing moves any longer. One decision must fit one
append: before each piece of work that may say much it asks for room, and what there is none for is deferred: the run
says so (`RunDeferred`), is due at once, and goes on from its state alone. So a crash anywhere loses nothing: what was
not appended was not decided, and what was deferred is in the state.
"""

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import msgspec

from foldgate.authority.job_making import job_of
from foldgate.authority.redaction import redacted_event
from foldgate.authority.secrets import Level
from foldgate.contracts.events import (
    Event,
    JobAbandoned,
    Meta,
    StepCancelled,
    StepDenied,
    StepFailed,
    StepSkipped,
    StepSucceeded,
    StepTimedOut,
)
from foldgate.decider.decider import Message, Said
from foldgate.decider.stamp import NO_CHAIN
from foldgate.engine.runs.evolve import evolve
from foldgate.engine.runs.places import Place, parent_of, place_of
from foldgate.engine.runs.scope import scope_of
from foldgate.engine.runs.state import Run
from foldgate.engine.runs.step import REPEATED, Step
from foldgate.expr.template import ExpressionFailed, Template
from foldgate.language.definition import Definition, ParallelSpec
from foldgate.language.definitions import Definitions
from foldgate.language.upstream import outermost

MAX_CARRIED_BYTES = 256 * 1024
"""What a value that an event carries may have: an input, an output, an item."""
_MOST_BYTES = 800 * 1024
"""What a decision may have: an append takes it."""
_PIECE_BYTES = 512 * 1024
"""What one more piece of work adds at most: a value, and all that a document may say of a step."""
_FRAME_BYTES = 400
"""What an event has beside itself and the names in its Meta."""


_pack = msgspec.msgpack.Encoder().encode


class Unfit(Exception):
    """What a step was given, or what it gave, does not do: the step fails with this code."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What the settings say."""

    max_lost: int
    cancel_grace_ms: int
    wait_noted_after_ms: int
    max_events: int
    redaction: Level = "low"


class Kind(Protocol):
    """How the steps of one type behave."""

    def begin(self, turn: "Turn", place: Place, given: str) -> None:
        """Begin the step, with its evaluated input as JSON (empty where it has none)."""

    def progress(self, turn: "Turn", place: Place) -> None:
        """Of a group: go on after one of its parts has moved."""

    def wake(self, turn: "Turn", place: Place) -> None:
        """Its `until` has come."""

    def call_back(self, turn: "Turn", place: Place, ending: "Ending") -> None:
        """End it, or ask what it waits for to end."""


class Ending(NamedTuple):
    """How a step that is called back will end, and why."""

    status: str
    code: str
    reason: str


class Folded(NamedTuple):
    """An event of a decision, folded while deciding."""

    before: Run | None
    event: Event
    after: Run


class Turn:
    """One message being answered."""

    def __init__(
        self,
        message: Message,
        run: Run | None,
        *,
        definition: Definition,
        definitions: Definitions,
        terms: Terms,
        kinds: Mapping[str, Kind],
    ) -> None:
        self.message, self.at = message, message.at
        self.definition, self.definitions, self.terms = definition, definitions, terms
        self.said: list[Event | Said] = []
        self.deferred = self.scanning = False
        self._kinds = kinds
        self.run: Run = run  # type: ignore[assignment]  # until the first event, which is said before anything else
        self._bytes, self._frame = 0, _frame_of(message, run)
        self._moved: deque[str] = deque()
        self.folded: list[Folded] = []
        self._meta = _meta_of(message)

    def say(self, event: Event, *, principal: str = "", run_id: str | None = None) -> None:
        """One more event of this decision. What it carries was redacted: no secret is ever appended."""
        event = redacted_event(event, self.terms.redaction)
        addressed = principal or run_id is not None
        self.said.append(Said(event, principal=principal or None, run_id=run_id) if addressed else event)
        self._bytes += self._frame + len(_pack(event))
        before, self.run = self.run, evolve(self.run, self._meta, event)
        self.folded.append(Folded(before, event, self.run))

    def has_room(self, more: int = 0) -> bool:
        """Whether another piece of work fits this decision, and that much more; if not, the rest is deferred. The first
        one always does."""
        if self._bytes and not self.deferred:
            labels = self.run.labels
            more += sum(map(size_of, (*labels, *labels.values())))
            self.deferred = self._bytes + _PIECE_BYTES + more > _MOST_BYTES
        return not self.deferred

    def place(self, step_id: str) -> Place:
        """Where that step stands."""
        return place_of(self.definition, step_id)

    def step(self, place: Place) -> Step:
        """The step there, which was begun or skipped."""
        step = self.run.step(place.id)
        assert step is not None
        return step

    def kind(self, place: Place) -> Kind:
        """How it behaves."""
        return self._kinds[place.kind]

    def evaluate(self, template: Template, place: Place | None, *, loop: dict[str, Any] | None = None) -> Any:
        """The value of a template, seen from there."""
        if template.constant:
            return template.evaluate({})
        return template.evaluate(scope_of(self.definition, self.run, place, template=template, at=self.at, loop=loop))

    def holds(self, template: Template, place: Place | None, *, loop: dict[str, Any] | None = None) -> bool:
        """The truth of a condition."""
        value = self.evaluate(template, place, loop=loop)
        if not isinstance(value, bool):
            shown = msgspec.json.encode(value)[:100].decode(errors="replace")
            raise Unfit("not_a_condition", f"Expected true or false from {template.source!r}, but it gave {shown}.")
        return value

    def succeed(self, place: Place, output: str, *, job_id: str = "", signal: str = "") -> None:
        """The step ends with this output, if it fits; else it fails."""
        try:
            self._check(place, output)
        except Unfit as unfit:
            self.fail(place, unfit.code, str(unfit), job_id=job_id)
            return
        parent = self.parent(place)
        event = StepSucceeded(step=place.id, job_id=job_id, output=output, parent=parent, signal=signal)
        self._end(place, event)

    def fail(self, place: Place, code: str, message: str, *, job_id: str = "") -> None:
        """The step ends by failing."""
        parent, message = self.parent(place), shortened(message)
        code = code[:100]
        self._abandon(place, status="failed", code=code, message=message)
        self._end(place, StepFailed(step=place.id, job_id=job_id, code=code, message=message, parent=parent))

    def deny(self, place: Place, rule: str, reason: str, *, job_id: str = "") -> None:
        """The step ends because it may not happen."""
        parent, reason = self.parent(place), shortened(reason)
        self._abandon(place, status="denied", code="denied", message=reason, rule=rule)
        self._end(place, StepDenied(step=place.id, job_id=job_id, rule=rule, reason=reason, parent=parent))

    def time_out(self, place: Place, code: str, reason: str, *, job_id: str = "") -> None:
        """The step ends because its time is over."""
        parent, reason = self.parent(place), shortened(reason)
        self._abandon(place, status="timed_out", code=code, message=reason)
        self._end(place, StepTimedOut(step=place.id, job_id=job_id, code=code, reason=reason, parent=parent))

    def skip(self, place: Place, reason: str) -> None:
        """The step ends without being begun, and a parallel's steps with it: others may depend on them."""
        self._end(place, StepSkipped(step=place.id, reason=reason, parent=self.parent(place)))

    def end(self, place: Place, ending: Ending, *, job_id: str = "") -> None:
        """The step ends as was said when it was called back."""
        if ending.status == "timed_out":
            self.time_out(place, ending.code, ending.reason, job_id=job_id)
        elif ending.status == "failed":
            self.fail(place, ending.code, ending.reason, job_id=job_id)
        elif ending.status == "denied":
            self.deny(place, ending.code, ending.reason, job_id=job_id)
        else:
            parent, reason = self.parent(place), shortened(ending.reason)
            self._end(place, StepCancelled(step=place.id, job_id=job_id, reason=reason, parent=parent))

    def parent(self, place: Place) -> str:
        """The group that it is a part of, if it is."""
        return parent_of(self.definition, place)

    def take_moved(self) -> str | None:
        """A step that has ended and was not looked at since."""
        return self._moved.popleft() if self._moved else None

    def forget_moved(self) -> None:
        """Nobody is interested in what ended: the run ends."""
        self._moved.clear()

    def _abandon(self, place: Place, *, status: str, code: str, message: str, rule: str = "") -> None:
        """A job that was asked for, and that nobody will try again by itself. It is said here, where each step ends, so
        that no end forgets it (INV-17)."""
        step = self.run.step(place.id)
        if step is None or not step.attempt:
            return
        job = job_of(
            self.run,
            place.step,
            step.input,
            name=place.id,
            attempt=step.attempt,
            patience_ms=place.step.queue_timeout_ms,
            retries=step.spent,
            resume=step.resume,
        )
        letter = JobAbandoned(
            step=place.id,
            job=job,
            status=status,
            code=code,
            message=message,
            attempts=step.attempt,
            rule=rule,
            from_step=outermost(self.definition, place.step.id),
        )
        self.say(letter)

    def _end(self, place: Place, event: Event) -> None:
        self.say(event)
        self._moved.append(place.id)
        self.skip_parts(place)

    def skip_parts(self, place: Place) -> None:
        """What a parallel that is over never began is skipped with it, so that who depends on it knows."""
        spec = place.step.spec
        if not isinstance(spec, ParallelSpec) or place.is_group_of_items:
            return
        reason = _skipped_with(self.step(place), spec)
        for part in spec.steps:
            one = self.place(part + place.id[len(place.step.id) :])
            if self.run.step(one.id) is None and self.has_room():
                self.skip(one, reason)

    def _check(self, place: Place, output: str) -> None:
        if (size := size_of(output)) > MAX_CARRIED_BYTES:
            raise Unfit(
                "output_too_large",
                f"Expected an output of at most {MAX_CARRIED_BYTES} bytes, but it has {size}: make it an artifact.",
            )
        schema = place.step.output_schema
        if schema is not None and not place.is_group_of_items:
            problem = schema.problem(msgspec.json.decode(output))
            if problem is not None:
                raise Unfit("output_invalid", f"The output does not fit output_schema: {problem}")


def _skipped_with(group: Step, spec: ParallelSpec) -> str:
    """Why the parts are skipped that a parallel never began."""
    if group.status == "skipped":
        return group.code
    if group.kind == REPEATED:  # and so are those parts that had an output to take over
        return "when_false" if spec.strategy == "all" else "not_needed"
    return "upstream_failed" if group.parts is None else "not_needed"


def encoded(value: Any) -> str:
    """A value as canonical JSON."""
    return msgspec.json.encode(value, order="sorted").decode()


def size_of(text: str) -> int:
    """The bytes of a text."""
    return len(text) if text.isascii() else len(text.encode())


def shortened(text: str, most: int = 2000) -> str:
    """A text that fits an event, however long what it tells of."""
    return text if len(text) <= most else text[: most - 1] + "…"


def guarded(turn: Turn, place: Place, work: Callable[[], None]) -> None:
    """Do it; what does not do, and an expression that fails, fail this one step."""
    try:
        work()
    except Unfit as unfit:
        turn.fail(place, unfit.code, str(unfit))
    except ExpressionFailed as error:
        turn.fail(place, error.code, str(error))


def _frame_of(message: Message, run: Run | None) -> int:
    """What each event of the answer has beside itself: its Meta says whose it is, and what it answers."""
    cause = message.meta
    names = [message.key] * 4
    names += [run.tenant, run.principal] if run is not None else []
    if cause is not None:
        names += [cause.event_id, cause.request_id, cause.tenant, cause.principal, cause.correlation]
    return _FRAME_BYTES + sum(map(size_of, names))


def _meta_of(message: Message) -> Meta:
    """A Meta by which `evolve` folds what is not stamped yet: when, and whose."""
    cause = message.meta
    return Meta(
        chain=NO_CHAIN,
        event_id=f"a decision on {message.key}",
        stream="runs",
        key=message.key,
        run_id=message.key,
        at=message.at,
        request_id=cause.request_id if cause else "",
        tenant=cause.tenant if cause else "",
        principal=cause.principal if cause else "",
    )
