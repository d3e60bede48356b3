"""Checks a whole log against the invariants, and knows nothing of how it came about."""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from itertools import zip_longest

from foldgate.authority.writ import job_hash
from foldgate.contracts import ids
from foldgate.contracts.codec import NO_CHAIN
from foldgate.contracts.events import (
    DeadLetterOpened,
    Event,
    JobAbandoned,
    JobCancelled,
    JobDispatched,
    JobFailed,
    JobLost,
    JobRequested,
    JobSucceeded,
    MessageQuarantined,
    RunCancelled,
    RunDenied,
    RunFailed,
    RunRefused,
    RunRequested,
    RunStarted,
    RunSucceeded,
    RunTimedOut,
    StepCancelled,
    StepDenied,
    StepFailed,
    StepSkipped,
    StepSucceeded,
    StepTimedOut,
    WritIssued,
)
from foldgate.contracts.places import Partition
from foldgate.decider.invariant import broken
from foldgate.engine.runs.decide import runs
from foldgate.engine.runs.state import Run
from foldgate.language.definitions import Definitions
from tests.support.history import CODEC, Counted, Fact, History
from tests.support.keys import ANYBODY, from_anybody
from tests.support.ledger import Begun

StepEnd = StepSucceeded | StepFailed | StepDenied | StepTimedOut | StepCancelled | StepSkipped
ENDS: tuple[type[Event], ...] = (RunSucceeded, RunFailed, RunDenied, RunTimedOut, RunCancelled, RunRefused)
RUN_OVER = tuple(end for end in ENDS if end is not RunRefused)
"""A run that a stranger asks for is refused, and may yet begin."""
LATE = frozenset({"run_closed"})
"""A report that comes after the end of its run is shown in quarantine: at least once makes some late."""


RUNS = runs(
    Definitions(),
    max_lost=0,
    cancel_grace_ms=1,
    wait_noted_after_ms=1,
    max_events=1,
    genuine=from_anybody,
    vouching=ANYBODY,
)
"""Folds runs; what it would decide is not asked."""


def hold(invariant: str, condition: bool, seen: str) -> None:
    """Stop here unless the invariant holds."""
    if not condition:
        raise broken(invariant, seen)


def check(history: History, *, set_aside: Collection[str] = LATE, skew_ms: int = 0) -> None:
    """Raise InvariantBroken, naming the invariant, unless all hold; `set_aside` are the codes quarantine may have, and
    clocks differ by no more than `skew_ms`."""
    check_streams(history)
    _ends(history)
    _authorised(history, skew_ms)
    _relayed(history)
    _letters(history)
    _nothing_lost(history, set_aside)


def check_streams(history: History) -> None:
    """What holds for any owned stream, whatever it is about."""
    _one_owner(history.batches)
    _told_once(history.facts)
    for facts in by_aggregate(history.facts).values():
        _one_story(facts)
    _answered_where_read(history)


def check_runs(history: History, runs: Collection[str], executed: Mapping[str, int]) -> None:
    """These runs and no others, each over; `executed` counts by job id how often a handler was begun."""
    ended = {fact.meta.run_id for fact in history.of(*ENDS)}
    hold("INV-12", ended == set(runs), f"{len(ended)} of {len(runs)} runs over; not: {sorted(set(runs) - ended)}")
    dispatched = Counter(fact.event.job.job_id for fact in history.facts if isinstance(fact.event, JobDispatched))
    for job_id, times in executed.items():
        hold("INV-16", times <= dispatched[job_id], f"{job_id} done {times} times, dispatched {dispatched[job_id]}")


def check_ledger(history: History, runs: Collection[str], begun: Collection[Begun]) -> None:
    """The same by what handlers wrote down; and an attempt begins once under its lease, and not once that was lost."""
    check_runs(history, runs, Counter(line.job_id for line in begun))
    for lease, times in Counter((line.job_id, line.lease) for line in begun).items():
        hold("INV-18", times == 1, f"{lease} begun {times} times")
    said = [(fact.meta.at, fact.event) for fact in history.facts if isinstance(fact.event, JobLost)]
    lost = {(event.job_id, event.lease): at for at, event in said}
    late = [line for line in begun if line.at > lost.get((line.job_id, line.lease), line.at)]
    hold("INV-18", not late, f"begun after they were lost: {late[:3]}")


def by_aggregate(facts: Collection[Fact]) -> dict[tuple[str, str], list[Fact]]:
    """Facts by stream and key, in order."""
    found: dict[tuple[str, str], list[Fact]] = defaultdict(list)
    for fact in facts:
        found[fact.partition.stream, fact.meta.key].append(fact)
    return found


def _one_owner(batches: Mapping[Partition, list[Counted]]) -> None:
    for partition, counted in batches.items():
        epochs = [batch.head.epoch for batch in counted]
        hold("INV-01", epochs == sorted(epochs), f"{partition}: epochs {epochs}")
        owners = [batch.head.claimant for batch in counted if batch.head.claimant]
        # Who claimed in vain claims again under its name, in a later epoch.
        hold("INV-01", len(owners) == len(set(epochs)), f"{partition}: owners {owners}")


def _told_once(facts: Collection[Fact]) -> None:
    [(event_id, times)] = Counter(fact.meta.event_id for fact in facts).most_common(1) or [("", 1)]
    hold("INV-06", times <= 1, f"{event_id} is there {times} times")


def _one_story(facts: list[Fact]) -> None:
    """One aggregate from its first event on."""
    chain, clock, at = NO_CHAIN, 0, 0
    for sequence, fact in enumerate(facts, start=1):
        meta = fact.meta
        hold("INV-02", meta.sequence == sequence, f"{meta.event_id} at place {sequence}")
        hold("INV-02", meta.event_id == ids.owned_event_id(meta.stream, meta.key, sequence), meta.event_id)
        hold("INV-03", CODEC.chain_holds(fact.value, chain), meta.event_id)
        hold("INV-05", meta.clock > clock and meta.at >= at, f"{meta.event_id}: {meta.clock} after {clock}")
        chain, clock, at = meta.chain, meta.clock, meta.at


def _ends(history: History) -> None:
    runs = by_aggregate([fact for fact in history.facts if fact.partition.stream == "runs"])
    for (_, run_id), facts in runs.items():
        said = [type(fact.event).__name__ for fact in facts]
        if RunStarted.__name__ not in said:  # whoever asked was refused, each for itself
            hold("INV-12", set(said) <= {"RunRefused", "RequestRefused"}, f"{run_id}: {said}")
            continue
        ends = [n for n, fact in enumerate(facts) if isinstance(fact.event, RUN_OVER)]
        hold("INV-12", len(ends) <= 1, f"{run_id}: {said}")
        hold("INV-04", ends in ([], [len(facts) - 1]), f"{run_id} goes on after its end")
        _steps_end_once(run_id, facts)
        _waits_for_something(run_id, facts)


def _steps_end_once(run_id: str, facts: list[Fact]) -> None:
    """A step has one end, and asks for nothing after it."""
    over: set[str] = set()
    for event in (fact.event for fact in facts):
        if isinstance(event, StepEnd):
            hold("INV-16", event.step not in over, f"{run_id}: {event.step} ends again with {type(event).__name__}")
            over.add(event.step)
        elif isinstance(event, JobRequested):
            hold(
                "INV-16", event.job.step not in over, f"{run_id}: {event.job.job_id} is asked for after its step ended"
            )


def _letters(history: History) -> None:
    """What is abandoned is a step that ends so next; and what is a letter was abandoned, and is opened once."""
    asked = {(fact.meta.run_id, fact.event.job.step) for fact in history.facts if isinstance(fact.event, JobRequested)}
    said, due = set[str](), set[str]()
    for (stream, run_id), facts in by_aggregate(history.facts).items():
        for before, fact in zip([None, *facts], facts, strict=False) if stream == "runs" else ():
            event = fact.event
            if isinstance(event, JobAbandoned):
                said.add(f"{run_id}:{event.step}")
            elif isinstance(event, StepFailed | StepDenied | StepTimedOut) and (run_id, event.step) in asked:
                due.add(f"{run_id}:{event.step}")
                last = before.event if before is not None else None
                told = isinstance(last, JobAbandoned) and last.step == event.step
                hold("INV-17", told, f"{run_id}: {event.step} ends, and nobody says that its job is abandoned")
    hold("INV-17", said == due, f"abandoned {sorted(said - due)}, but no step ended so")
    letters = (fact for fact in history.facts if isinstance(fact.event, DeadLetterOpened))
    opened = Counter(f"{fact.meta.run_id}:{fact.event.step}" for fact in letters)  # type: ignore[union-attr]
    hold("INV-17", opened.keys() <= said and all(n == 1 for n in opened.values()), f"letters {opened}")


def _waits_for_something(run_id: str, facts: list[Fact]) -> None:
    """After each append, a run that goes on says what will move it."""
    state: Run | None = None
    for fact, next_ in zip_longest(facts, facts[1:]):
        state = RUNS.evolve(state, fact.meta, fact.event)
        if next_ is None or next_.batch != fact.batch:
            waits = RUNS.ended(state) or any(RUNS.waits(state))
            hold("INV-11", waits, f"{run_id} waits for nothing after {fact.meta.event_id}")


def _answered_where_read(history: History) -> None:
    """Each event comes in the very append whose positions pass the message that it answers."""
    places = _places(history)
    for partition, counted in history.batches.items():
        caused: dict[int, list[Fact]] = defaultdict(list)
        for fact in history.facts:
            if fact.partition == partition and fact.meta.causation:
                caused[fact.batch].append(fact)
        positions: dict[Partition, int] = {}
        for number, batch in enumerate(counted):
            before = dict(positions)
            for stream, source, position in batch.head.positions:
                last = before.get(Partition(stream, source), 0)
                hold("INV-09", position.offset >= last, f"{partition}, {stream}-{source}: {position} after {last}")
                positions[Partition(stream, source)] = position.offset
            for fact in caused[number]:
                read = [before.get(p, 0) <= at < positions.get(p, 0) for p, at in places[fact.meta.causation]]
                hold("INV-08", any(read), f"{fact.meta.event_id} answers {fact.meta.causation}, not read in its batch")


def _places(history: History) -> dict[str, list[tuple[Partition, int]]]:
    places: dict[str, list[tuple[Partition, int]]] = defaultdict(list)
    for fact in (*history.facts, *history.submitted):
        places[fact.meta.event_id].append((fact.partition, fact.offset))
    return places


def _authorised(history: History, skew_ms: int) -> None:
    """Every dispatch follows a live writ for exactly that job; a lease is given once."""
    writs = {fact.event.writ.writ_id: fact for fact in history.facts if isinstance(fact.event, WritIssued)}
    leases: Counter[tuple[str, int]] = Counter()
    for fact in history.facts:
        if not isinstance(fact.event, JobDispatched):
            continue
        job, writ, issued = fact.event.job, fact.event.writ, writs.get(fact.event.writ.writ_id)
        leases[fact.meta.key, fact.event.lease] += 1
        hold("INV-10", issued is not None and issued.event.writ == writ, f"{job.job_id} without a writ")  # type: ignore[union-attr]
        assert issued is not None
        hold("INV-10", issued.meta.clock < fact.meta.clock, f"{job.job_id} dispatched before its writ")
        hold("INV-10", (writ.job_id, writ.job_hash) == (job.job_id, job_hash(job)), f"{job.job_id}: {writ}")
        lives = writ.issued_at - skew_ms <= fact.meta.at < writ.expires_at
        hold("INV-10", lives, f"{job.job_id} dispatched at {fact.meta.at}")
    hold("INV-06", all(times == 1 for times in leases.values()), f"leases {leases.most_common(3)}")


def _relayed(history: History) -> None:
    for pool, copies in history.dispatched.items():
        there = list(dict.fromkeys(fact.meta.event_id for fact in copies))
        said = [
            fact.meta.event_id
            for fact in history.facts
            if isinstance(fact.event, JobDispatched | JobCancelled) and fact.meta.pool == pool
        ]
        hold("INV-14", there == said, f"dispatch.{pool}: {len(there)} of {len(said)}, {_difference(there, said)}")


def _difference(there: list[str], said: list[str]) -> str:
    for n, (one, other) in enumerate(zip(there, said, strict=False)):
        if one != other:
            return f"at {n}: {one} instead of {other}"
    return f"ends after {min(len(there), len(said))}"


def _nothing_lost(history: History, set_aside: Collection[str]) -> None:
    answered = {fact.meta.causation for fact in history.facts}
    asides = [fact.event for fact in history.submitted if isinstance(fact.event, MessageQuarantined)]
    wrong = [aside for aside in asides if aside.code not in set_aside]
    hold("INV-15", not wrong, f"set aside: {[(aside.code, aside.reason) for aside in wrong[:3]]}")
    places = {(Partition(aside.source_stream, aside.source_partition), aside.source_offset) for aside in asides}
    begun = {fact.meta.key for fact in history.of(RunStarted, RunRefused)}
    for fact in history.asked(RunRequested):
        hold("INV-15", fact.meta.run_id in begun or _is_aside(fact, places), f"{fact.meta.event_id} has no answer")
    told = {_said(fact) for fact in history.asked(JobSucceeded, JobFailed) if fact.meta.event_id in answered}
    for fact in history.asked(JobSucceeded, JobFailed):
        hold("INV-15", _said(fact) in told or _is_aside(fact, places), f"{fact.meta.event_id} has no answer")


def _said(fact: Fact) -> tuple[str, str]:
    """What a report says of which attempt: again is no more than once."""
    assert isinstance(fact.event, JobSucceeded | JobFailed)
    return type(fact.event).__name__, fact.event.job_id


def _is_aside(fact: Fact, places: set[tuple[Partition, int]]) -> bool:
    return (fact.partition, fact.offset) in places
