"""The oracle itself: takes what a run was told and what it said, one after the other, and asks whether it may be so."""

from typing import Any

from foldgate.contracts import ids
from foldgate.contracts.events import (
    ApprovalExpired,
    ApprovalGranted,
    ApprovalRefused,
    ApprovalRequested,
    AttemptFailed,
    CheckpointNoted,
    ChildCancelRequested,
    ChildEnded,
    ChildRequested,
    CompensationStarted,
    ContextChanged,
    Event,
    JobAbandoned,
    JobCancelRequested,
    JobDenied,
    JobFailed,
    JobLost,
    JobProgressed,
    JobReportIgnored,
    JobRequested,
    JobSucceeded,
    Meta,
    NotificationRaised,
    RequestRefused,
    RunAdmitted,
    RunCleared,
    RunDeferred,
    RunHalted,
    RunPaused,
    RunPauseRequested,
    RunRefused,
    RunResumed,
    RunSizeWarned,
    RunStarted,
    SignalReceived,
    SignalSent,
    SlotReleased,
    SlotRequested,
    SlotTaken,
    StepCancelled,
    StepCancelRequested,
    StepDenied,
    StepFailed,
    StepSkipped,
    StepStarted,
    StepSucceeded,
    StepTimedOut,
    WaitNoted,
    WritRevoked,
)
from foldgate.decider.decider import Tick
from foldgate.language.definition import Definition
from tests.support.oracle.attempts import (
    abandoned,
    asked_again,
    asked_first,
    called_back,
    failed_attempt,
    letter_of,
    noted,
    progressed,
)
from tests.support.oracle.beginning import may_begin, may_skip, why_not
from tests.support.oracle.ending import due_of, failed_unbegun, may_end
from tests.support.oracle.places import Place, place_of
from tests.support.oracle.reading import Reading
from tests.support.oracle.run import (
    ENDS,
    may_call_back,
    may_compensate,
    may_finish,
    may_halt,
    nothing_left_behind,
    nothing_overdue,
)
from tests.support.oracle.story import Part, Report, Signal, Story, must, parsed

STATUS: dict[type[Event], str] = {
    StepSucceeded: "succeeded",
    StepFailed: "failed",
    StepDenied: "denied",
    StepTimedOut: "timed_out",
    StepCancelled: "cancelled",
}
StepEnd = StepSucceeded | StepFailed | StepDenied | StepTimedOut | StepCancelled
Began = JobRequested | ApprovalRequested | ChildRequested | StepStarted
AT_ONCE = frozenset({"condition", "switch", "transform", "storage", "notify", "delay", "wait"})
"""Types of steps that may end in the very event that says they were."""


class Oracle:
    """Judges one run."""

    def __init__(self, definition: Definition, *, max_lost: int, cancel_grace_ms: int) -> None:
        self.reading = Reading(definition, max_lost=max_lost)
        self.story, self.shape = self.reading.story, self.reading.shape
        self._grace = cancel_grace_ms

    def heard(self, meta: Meta | None, message: Event | Tick, *, at: int) -> None:
        """The run is told something."""
        story = self.story
        story.now = max(story.now, at)
        match message:
            case JobSucceeded() | JobFailed() | JobDenied() | JobLost() | WritRevoked():
                self._reported(message)
            case JobProgressed():
                progressed(self.reading, message)
            case ApprovalGranted() | ApprovalRefused() | ApprovalExpired() | ChildEnded():
                story.answers[message.step].append(message)
            case SignalSent() if meta is not None:
                story.signals.setdefault(meta.request_id, Signal(name=message.name, payload=parsed(message.payload)))
            case Tick():
                return
            case _:
                story.asked.append(message)

    def said(self, meta: Meta, event: Event) -> None:
        """The run says something."""
        story = self.story
        must(story.final is None, f"{type(event).__name__} comes after the end of the run")
        must(meta.at >= story.now, f"{type(event).__name__} comes at {meta.at}, after {story.now}")
        story.now, story.deferred = meta.at, False
        if isinstance(event, RunStarted):
            self._started(meta, event)
            return
        must(story.start is not None or isinstance(event, RunRefused), f"{type(event).__name__} before the run")
        if isinstance(event, StepEnd):
            self._ended(place_of(event.step), event)
        elif isinstance(event, Began):
            self._began(event)
        else:
            self._of_a_step(event)

    def settled(self, *, ticked: bool = False) -> None:
        """A decision is over; `ticked` if it was about what is due."""
        nothing_left_behind(self.reading)
        must(self.story.left is None, f"what was left is not noted: {self.story.left}")
        if ticked:
            nothing_overdue(self.reading)

    def _reported(self, report: Report) -> None:
        """Of what is reported of an attempt the first counts, if the attempt is the one under way."""
        place = place_of(ids.parse_job_id(report.job_id).step)
        part = self.story.of(place)
        if part.live and part.attempt and part.retry_at is None and self.story.job(place) == report.job_id:
            self.story.reports.setdefault(report.job_id, report)

    def _started(self, meta: Meta, event: RunStarted) -> None:
        must(self.story.start is None, "the run starts twice")
        limit = self.reading.definition.timeout_ms
        must(event.deadline == (None if limit is None else meta.at + limit), f"the run ends at {event.deadline}")
        self.story.start, self.story.opened = event, meta
        if event.rerun is not None:
            self.story.ctx = {name: parsed(value) for name, value in event.rerun.ctx.items()}

    def _began(self, event: Began) -> None:
        step = event.job.step if isinstance(event, JobRequested) else event.step
        place = place_of(step)
        if isinstance(event, JobRequested) and event.job.attempt > 1:
            asked_again(self.reading, place, event)
            return
        part = self._begin(place)
        must(event.parent == str(self.shape.up(place) or ""), f"{place} is said to be a part of '{event.parent}'")
        match event:
            case JobRequested():
                asked_first(self.reading, place, event)
            case StepStarted():
                self._step_started(place, part, event)
            case ApprovalRequested(kind=kind):
                must(kind == self.shape.kind(place), f"{place} asks people for '{kind}'")
            case _:
                must(self.shape.kind(place) == "subworkflow", f"{place} asks for a child run")

    def _begin(self, place: Place) -> Part:
        may_begin(self.reading, place)
        part = self.story.parts[place]
        part.began = self.story.now
        if self.shape.kind(place) == "delay":
            part.due = due_of(self.reading, place)
        return part

    def _step_started(self, place: Place, part: Part, event: StepStarted) -> None:
        kind = self.shape.kind(place)
        must(event.kind == kind, f"{place} is said to be a {event.kind}, but it is a {kind}")
        part.items = tuple(map(parsed, event.items))
        if kind == "for_each":
            each = self.shape.step(place).for_each
            assert each is not None
            items = self.reading.value(each.items, place)
            must(list(part.items) == items, f"{place} has the items {part.items}, but expected {items}")
            must(len(items) <= each.max_items, f"{place} begins {len(items)} items, but takes {each.max_items}")
        if kind == "delay":
            must(event.until == part.due, f"{place} waits until {event.until}, but expected {part.due}")

    def _ended(self, place: Place, event: StepEnd) -> None:
        status, part = STATUS[type(event)], self.story.of(place)
        must(self.shape.exists(place), f"{place} ends, but the document has no such step there")
        parent = str(self.shape.up(place) or "")
        must(event.parent == parent, f"{place} is said to be a part of '{event.parent}', but it is of '{parent}'")
        if part.began is None and not part.status:
            part = self._at_once(place, event)
        part.signal = event.signal if isinstance(event, StepSucceeded) else ""
        output = parsed(event.output) if isinstance(event, StepSucceeded) else None
        if not part.reason:
            may_end(self.reading, place, status=status, output=output)
        must(part.abandoned == letter_of(part, status), f"{place} ends as {status}, its letter says '{part.abandoned}'")
        self._over(place, event, status=status, output=output)

    def _at_once(self, place: Place, event: StepEnd) -> Part:
        """A step that ends as soon as it begins: of its own kind, or because its terms cannot be met."""
        kind = self.shape.kind(place)
        if isinstance(event, StepFailed):
            return self._failed_at_once(place, event)
        may = kind in AT_ONCE or (self.shape.is_group(place) and isinstance(event, StepSucceeded))
        must(may, f"{place} ({kind}) ends as {STATUS[type(event)]}, but it has not begun")
        return self._begin(place)

    def _failed_at_once(self, place: Place, event: StepFailed) -> Part:
        if event.code == "expression_failed":
            why = why_not(self.reading, place)
            must(not why, f"{place} fails as it begins, but {why}")
            failed_unbegun(self.reading, place)
            part = self.story.parts[place]
            must(not self.story.paused, f"{place} begins while the run is paused")
            part.began, part.reason = self.story.now, event.code
            return part
        part = self._begin(place)
        if self.shape.kind(place) not in AT_ONCE:
            part.reason = event.code
        return part

    def _over(self, place: Place, event: StepEnd, *, status: str, output: Any) -> None:
        story, part = self.story, self.story.parts[place]
        part.status, part.output, part.ended = status, output, story.now
        part.code = getattr(event, "code", "")
        part.message = getattr(event, "message", "") or getattr(event, "reason", "")
        if isinstance(event, StepSucceeded) and event.job_id:
            story.cleared = True  # its writ says so
        if part.signal:
            story.signals[part.signal].taken = True
        story.ended.append(place)
        self._note_failures(place)

    def _note_failures(self, place: Place) -> None:
        """Keep the order in which failures become final: with a step that nobody handles, or with its last handler."""
        here: Place | None = place
        while here is not None:
            part = self.story.of(here)
            over = part.status not in {"", "skipped"} and here not in self.story.failed
            if over and self.reading.outcome(here) == "failed":
                self.story.failed.append(here)
            here = self.shape.handled(here)

    def _of_a_step(self, event: Event) -> None:
        match event:
            case StepSkipped():
                self._skipped(place_of(event.step), event)
            case AttemptFailed() | CheckpointNoted() | JobAbandoned() | JobCancelRequested():
                self._of_a_job(place_of(event.step), event)
            case StepCancelRequested():
                self._called(place_of(event.step), event)
            case ChildCancelRequested():
                part = self.story.parts[place_of(event.step)]
                must(part.live and not part.called, f"the child of {event.step} is called back, but not under way")
                part.called = event.ending
            case ContextChanged():
                self._changed(place_of(event.step), event)
            case NotificationRaised():
                self._begin_once(place_of(event.step)).notified = True
            case _:
                self._of_the_run(event)

    def _of_a_job(
        self, place: Place, event: AttemptFailed | CheckpointNoted | JobAbandoned | JobCancelRequested
    ) -> None:
        match event:
            case CheckpointNoted():
                noted(self.reading, place, event)
            case AttemptFailed():
                failed_attempt(self.reading, place, event)
            case JobAbandoned():
                abandoned(self.reading, place, event)
            case _:
                may_call_back(self.reading, place, event)
                called_back(self.reading, place, event, grace_ms=self._grace)

    def _skipped(self, place: Place, event: StepSkipped) -> None:
        must(self.shape.exists(place), f"{place} is skipped, but the document has no such step there")
        may_skip(self.reading, place, event.reason)
        part = self.story.parts[place]
        part.status, part.reason, part.ended = "skipped", event.reason, self.story.now
        self._note_failures(place)

    def _called(self, place: Place, event: StepCancelRequested) -> None:
        must(self.shape.is_group(place), f"{place} is called back as a group, but it is none")
        may_call_back(self.reading, place, event)
        part = self.story.parts[place]
        part.called, part.called_code = event.ending, event.code

    def _begin_once(self, place: Place) -> Part:
        return self.story.parts[place] if self.story.of(place).live else self._begin(place)

    def _changed(self, place: Place, event: ContextChanged) -> None:
        must(self.shape.kind(place) == "storage", f"{place} changes ctx, but it is no storage step")
        self._begin_once(place)
        if event.value is None:
            self.story.ctx.pop(event.name, None)
        else:
            self.story.ctx[event.name] = parsed(event.value)

    def _of_the_run(self, event: Event) -> None:
        story = self.story
        if type(event) in ENDS:
            may_finish(self.reading, event)
            story.final = event
            return
        match event:
            case RunHalted():
                may_halt(self.reading, event)
                story.halts.append(event)
            case CompensationStarted():
                may_compensate(self.reading, event)
                story.undoing = event
            case RunPaused():
                must(not story.paused and self._asked(RunPauseRequested), "the run pauses, but nobody asked")
                story.paused = True
            case RunResumed():
                must(story.paused, "the run goes on, but it was not paused")
                story.paused = False
            case _:
                self._of_its_surroundings(event)

    def _asked(self, request: type[Event]) -> bool:
        return any(isinstance(one, request) for one in self.story.asked)

    def _of_its_surroundings(self, event: Event) -> None:
        story = self.story
        match event:
            case SignalReceived(signal_id=signal_id):
                must(signal_id in story.signals, f"the run keeps the signal {signal_id}, which nobody sent")
                must(not story.signals[signal_id].kept, f"the run keeps the signal {signal_id} twice")
                story.signals[signal_id].kept = True
            case RequestRefused(request="SignalSent") if story.signals:
                next(reversed(story.signals.values())).refused = True
            case RunCleared():
                must(self._asked(RunAdmitted), "the run is cleared, but policy has not said so")
                must(story.silent, "the run is cleared, but was not waiting for that")
                story.cleared = True
            case RunDeferred():
                story.deferred = True
            case JobReportIgnored() | RequestRefused() | RunRefused() | WaitNoted() | RunSizeWarned():
                pass
            case ChildEnded():
                must(event.parent_run == _parent_of(story), f"the run tells {event.parent_run}, not its parent")
                must(not story.told_parent, "the run tells its parent twice")
                story.told_parent = event.status
            case _:
                self._of_its_slot(event)

    def _of_its_slot(self, event: Event) -> None:
        story = self.story
        match event:
            case SlotRequested(slot=slot):
                must(not story.slot, "the run asks for a slot twice")
                story.slot = slot
            case SlotTaken(slot=slot):
                must(story.slot == slot and not story.slot_held, f"the run takes the slot {slot}")
                story.slot_held = True
            case SlotReleased(slot=slot):
                must(story.slot == slot, f"the run gives up the slot {slot}, which it never asked for")
                story.slot_held = False
            case _:
                must(False, f"{type(event).__name__} is no event of a run")


def _parent_of(story: Story) -> str:
    return story.start.ancestors[-1].run_id if story.start is not None and story.start.parent_step else "nobody"
