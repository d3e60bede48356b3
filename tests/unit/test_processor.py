"""The partition processor: given events, when messages, then decisions; over a small aggregate of its own."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foldgate.contracts.codec import Codec
from foldgate.contracts.events import (
    ChildCancelRequested,
    ChildEnded,
    ChildRequested,
    Event,
    JobFailed,
    JobProgressed,
    JobSucceeded,
    Meta,
    RunFailed,
    RunRequested,
    StepSucceeded,
)
from foldgate.contracts.places import Partition, Position
from foldgate.decider.decider import Decider, IllegalTransition, Message, Said, SetAside, Tick
from foldgate.decider.invariant import InvariantBroken
from foldgate.decider.processor import Cut, Processor
from foldgate.decider.stamp import NO_CHAIN, Held, Incoming

CODEC = Codec()
SOURCE = Partition("intake", 0)
OWN = Partition("runs", 0)


class Counted(msgspec.Struct, frozen=True):
    """How many outputs were asked for and said; `wake` when to go on; `over` once failed."""

    wanted: int = 0
    said: int = 0
    wake: int | None = None
    over: bool = False


CHUNK = 3


def decide(state: Counted | None, message: Message) -> list[Event | Said]:
    """'request n' says n outputs, a chunk at a time; 'fail' breaks; 'refuse' is refused; 'end' ends."""
    if isinstance(message.event, Tick):
        assert state is not None
        left = state.wanted - state.said
        return [StepSucceeded(step="s", job_id="j", output=str(state.wanted)) for _ in range(min(left, CHUNK))]
    assert isinstance(message.event, RunRequested)
    word, _, number = message.event.input.partition(" ")
    if word == "request":
        return [StepSucceeded(step="s", job_id="j", output=number)]
    if word == "large":
        return [StepSucceeded(step="s", job_id="j", output="x" * int(number))]
    if word == "fail":
        raise ZeroDivisionError("told to")
    if word == "refuse":
        raise SetAside("no_such_thing", "Expected something else.")
    if word == "illegal":
        return [JobFailed(job_id="j", lease=0, worker="w", code="c", message="m")]
    return [RunFailed(code="ended", message="as told")] if word == "end" else []


def evolve(state: Counted | None, meta: Meta, event: Event) -> Counted:
    state = state or Counted()
    match event:
        case StepSucceeded(output=output):
            said, wanted = state.said + 1, int(output) if output.isdecimal() else 0
            return Counted(wanted=wanted, said=said, wake=meta.at if said < wanted else None)
        case RunFailed():
            return msgspec.structs.replace(state, over=True, wake=None)
        case _:
            raise IllegalTransition(f"{event}")


DECIDER = Decider(
    state=Counted,
    decide=decide,
    evolve=evolve,
    due=lambda state: state.wake,
    ended=lambda state: state.over,
    fail=lambda _state, _message, reason: [RunFailed(code="internal_error", message=reason)],
    openings=(RunRequested,),
    passing=(JobProgressed,),
)


def processor(batch_bytes: int = 10_000) -> Processor[Counted]:
    return Processor(DECIDER, OWN, seal=CODEC.seal, service="engine", batch_bytes=batch_bytes)


def incoming(offset: int, words: str, *, key: str = "run_1", event: Event | None = None) -> Incoming:
    meta = Meta(
        chain=NO_CHAIN,
        event_id=f"test/{offset}",
        stream="intake",
        key=key,
        run_id=key,
        clock=10**15,
        at=10**15,
        request_id=f"req-{offset}",
        tenant="acme",
        principal="ada",
    )
    return Incoming(SOURCE, Position(offset + 1), meta, event or RunRequested(workflow="job", input=words), b"bytes")


def take(subject: Processor[Counted], offset: int, words: str, *, key: str = "run_1", now: int = 1000) -> None:
    subject.take(incoming(offset, words, key=key), key=key, now=now)


def cut_of(subject: Processor[Counted], *, positions_too: bool = False) -> Cut[Counted]:
    cut = subject.cut(positions_too=positions_too)
    assert cut is not None
    return cut


def events(cut: Cut[Counted]) -> list[tuple[Meta, Event]]:
    return [(meta, event) for meta, event in (CODEC.decode(value) for _, value in cut.records)]


def test_an_event_says_where_it_belongs_and_what_caused_it() -> None:
    subject = processor()
    take(subject, 7, "request 1")
    cut = cut_of(subject)
    [(meta, event)] = events(cut)
    assert event == StepSucceeded(step="s", job_id="j", output="1")
    assert cut.positions == {SOURCE: Position(8)}
    assert (meta.event_id, meta.stream, meta.key, meta.sequence) == ("runs/run_1/1", "runs", "run_1", 1)
    assert (meta.causation, meta.request_id, meta.correlation) == ("test/7", "req-7", "req-7")
    assert (meta.tenant, meta.principal, meta.run_id) == ("acme", "ada", "run_1")
    assert (meta.at, meta.clock) == (1000, 1), "a foreign time and clock are data"
    assert len(meta.answers) == 32


def test_the_chain_links_the_events_of_one_aggregate() -> None:
    subject = processor()
    for offset in range(3):
        take(subject, offset, "request 1")
    values = [value for _, value in cut_of(subject).records]
    previous = NO_CHAIN
    for value in values:
        assert CODEC.chain_holds(value, previous)
        previous = CODEC.meta(value).chain
    tampered = values[1][:-1] + bytes([values[1][-1] ^ 1])
    assert not CODEC.chain_holds(tampered, CODEC.meta(values[0]).chain)


def test_time_never_falls_within_an_aggregate() -> None:
    subject = processor()
    take(subject, 0, "request 1", now=5000)
    take(subject, 1, "request 1", now=4000)
    assert [meta.at for meta, _ in events(cut_of(subject))] == [5000, 5000]


def test_the_same_place_is_taken_once() -> None:
    subject = processor()
    take(subject, 0, "request 1")
    take(subject, 0, "request 1")
    assert len(cut_of(subject).records) == 1
    take(subject, 0, "request 1")
    assert subject.cut() is None


def test_a_large_decision_goes_on_in_chunks_by_ticks() -> None:
    subject = processor()
    take(subject, 0, "request 10")
    sizes = [len(cut_of(subject).records)]
    while (due := subject.next_due()) is not None:
        subject.tick(due)
        sizes.append(len(cut_of(subject).records))
    assert sizes == [1, 3, 3, 3]
    assert subject.live["run_1"].state == Counted(wanted=10, said=10)


def test_a_batch_holds_whole_decisions_up_to_its_limit() -> None:
    subject = processor(batch_bytes=1000)
    for offset in range(9):
        take(subject, offset, "request 1")
    seen, last = 0, -1
    while (cut := subject.cut()) is not None:
        size = sum(len(key) + len(value) for key, value in cut.records)
        assert 0 < size <= 1000
        seen += len(cut.records)
        assert cut.positions[SOURCE].offset == seen > last
        last = seen
    assert seen == 9
    assert subject.pending_bytes == 0


def test_a_decision_that_fits_no_batch_ends_its_aggregate_and_nothing_else() -> None:
    subject = processor(batch_bytes=1000)
    take(subject, 0, "large 2000")
    take(subject, 1, "request 1", key="run_2")
    cut = cut_of(subject)
    assert [type(event).__name__ for _, event in events(cut)] == ["RunFailed", "StepSucceeded"]
    assert cut.quarantined[0].event.code == "internal_error"
    assert "at most 1000 bytes" in cut.quarantined[0].event.reason
    assert "run_1" in subject.closed
    assert subject.faults


@pytest.mark.parametrize("words", ["fail", "illegal"])
def test_a_fault_of_ours_sets_the_message_aside_and_ends_the_aggregate_in_one_decision(words: str) -> None:
    subject = processor()
    take(subject, 0, "request 1")
    take(subject, 1, words)
    take(subject, 2, "request 1", key="run_2")
    cut = cut_of(subject)
    assert [type(event).__name__ for _, event in events(cut)] == ["StepSucceeded", "RunFailed", "StepSucceeded"]
    [aside] = cut.quarantined
    assert (aside.event.code, aside.event.source_offset, aside.event.original) == ("internal_error", 1, b"bytes")
    assert aside.meta.event_id == "runs-0/intake-0/1"


def test_a_fault_while_ending_sets_the_message_aside_alone() -> None:
    broken = Decider(state=Counted, decide=decide, evolve=evolve, fail=lambda *_: 1 / 0)  # type: ignore[arg-type]
    subject = Processor(broken, OWN, seal=CODEC.seal, service="engine", batch_bytes=1000)
    take(subject, 0, "fail")
    cut = cut_of(subject)
    assert (cut.records, len(cut.quarantined), cut.positions) == ([], 1, {SOURCE: Position(1)})
    assert len(subject.faults) == 2


def test_a_refused_message_is_quarantined_with_its_reason() -> None:
    subject = processor()
    take(subject, 0, "refuse")
    cut = cut_of(subject)
    assert (cut.quarantined[0].event.code, cut.quarantined[0].event.reason) == (
        "no_such_thing",
        "Expected something else.",
    )
    assert cut.positions == {SOURCE: Position(1)}
    assert subject.faults == []


def test_after_its_end_a_repeat_adds_nothing_and_the_rest_is_shown() -> None:
    subject = processor()
    take(subject, 0, "end")
    assert cut_of(subject).changed == {"run_1": None}
    take(subject, 1, "request 1")
    assert subject.cut() is None
    subject.take(incoming(2, "", event=JobSucceeded(job_id="j", lease=1, worker="w", output="1")), key="run_1", now=1)
    cut = cut_of(subject)
    assert (cut.records, cut.quarantined[0].event.code) == ([], "run_closed")
    subject.take(incoming(3, "", event=JobProgressed(job_id="j", lease=1, worker="w", number=1)), key="run_1", now=1)
    assert subject.cut() is None


@pytest.mark.parametrize(
    "event",
    [
        RunRequested(workflow="job", input="request 1"),
        ChildRequested(step="s", child_run="run_1", workflow="w", version="", digest="", input="{}"),
        ChildCancelRequested(step="s", child_run="run_1", ending="cancelled", reason=""),
        ChildEnded(parent_run="run_1", step="s", status="succeeded"),
    ],
)
def test_what_owners_say_to_one_that_has_ended_is_read_past(event: Event) -> None:
    """A child that is called back too late, or a parent that is told too late: it is on its own stream, and enough."""
    subject = processor()
    take(subject, 0, "end")
    cut_of(subject)
    subject.take(incoming(1, "", event=event)._replace(submitted=False), key="run_1", now=1)
    assert subject.cut() is None
    cut = cut_of(subject, positions_too=True)
    assert (cut.records, cut.quarantined, cut.positions) == ([], [], {SOURCE: Position(2)})


def test_positions_that_were_only_read_past_go_along_or_alone() -> None:
    subject = processor()
    subject.skip(SOURCE, Position(5))
    assert subject.cut() is None
    assert cut_of(subject, positions_too=True).positions == {SOURCE: Position(5)}
    assert subject.cut(positions_too=True) is None
    other = Partition("jobs", 1)
    subject.skip(other, Position(3))
    take(subject, 5, "request 1")
    take(subject, 6, "nothing")
    assert cut_of(subject).positions == {SOURCE: Position(7), other: Position(3)}
    subject.skip(SOURCE, Position(2))
    assert subject.cut(positions_too=True) is None


def test_a_position_never_runs_ahead_of_a_decision_that_waits() -> None:
    subject = processor(batch_bytes=300)
    for offset in range(4):
        take(subject, offset, "request 1")
    subject.skip(SOURCE, Position(50))
    last = cut_of(subject)
    assert last.positions[SOURCE].offset < 4
    while (cut := subject.cut()) is not None:
        last = cut
    assert last.positions[SOURCE] == Position(50)


def test_an_aggregate_that_is_due_and_does_nothing_is_a_fault() -> None:
    idle = Decider(
        state=Counted,
        decide=lambda state, message: decide(state, message) if isinstance(message.event, RunRequested) else [],
        evolve=evolve,
        due=lambda state: state.wake,
    )
    subject = Processor(idle, OWN, seal=CODEC.seal, service="engine", batch_bytes=1000)
    take(subject, 0, "request 5")
    assert subject.next_due() == 1000
    subject.tick(2000)
    assert subject.next_due() is None
    assert "INV-07" in subject.faults[0].reason


def test_a_gap_in_the_log_stops_the_fold() -> None:
    subject = processor()
    take(subject, 0, "request 1")
    take(subject, 1, "request 1")
    (_, _), (meta, event) = events(cut_of(subject))
    with pytest.raises(InvariantBroken, match="INV-02"):
        processor().restore(meta, event)


WORDS = st.sampled_from(["request 1", "request 4", "request 9", "nothing", "fail", "refuse", "end"])
STEPS = st.lists(st.tuples(st.integers(0, 3), WORDS, st.integers(0, 40)), max_size=40)


def live_through(steps: list[tuple[int, str, int]]) -> tuple[Processor[Counted], list[Cut[Counted]]]:
    """A life: messages to four aggregates with time passing, everything cut as it comes."""
    subject, cuts, now = processor(batch_bytes=2000), [], 0
    for offset, (run, words, passes) in enumerate(steps):
        now += passes
        take(subject, offset, words, key=f"run_{run}", now=now)
        subject.tick(now)
        while passes % 2 and (cut := subject.cut()) is not None:
            cuts.append(cut)
    while (cut := subject.cut(positions_too=True)) is not None:
        cuts.append(cut)
    return subject, cuts


def same(one: Processor[Counted], other: Processor[Counted]) -> None:
    assert one.live == other.live
    assert one.next_due() == other.next_due()
    keys = [f"run_{n}" for n in range(4)]
    assert [key in one.closed for key in keys] == [key in other.closed for key in keys]


@given(STEPS)
def test_folding_the_log_gives_the_state_that_was_live(steps: list[tuple[int, str, int]]) -> None:
    subject, cuts = live_through(steps)
    again = processor()
    for cut in cuts:
        for meta, event in events(cut):
            again.restore(meta, event)
    same(subject, again)


@given(STEPS, st.integers(0, 40), st.data())
def test_any_checkpoint_and_the_tail_give_the_state_of_the_whole_log(
    steps: list[tuple[int, str, int]], at: int, data: st.DataObject
) -> None:
    """The checkpoint's head is older than some of its entries, as after a crash in the middle of a save."""
    subject, cuts = live_through(steps)
    head = min(at, len(cuts))
    later = data.draw(st.integers(head, len(cuts)))
    entries: dict[str, Held[Counted] | None] = {}
    for cut in cuts[:later]:
        entries.update(cut.changed)
    again = processor()
    encoded = {key: msgspec.msgpack.encode(held) for key, held in entries.items() if held is not None}
    for key, value in encoded.items():
        again.keep(key, msgspec.msgpack.decode(value, type=Held[Counted]))
    for key in [key for key, held in entries.items() if held is None]:
        again.closed.add(key, 0)
    for cut in cuts[head:]:
        for meta, event in events(cut):
            again.restore(meta, event)
    same(subject, again)


@given(STEPS)
def test_every_message_read_again_adds_nothing(steps: list[tuple[int, str, int]]) -> None:
    subject, _ = live_through(steps)
    live = dict(subject.live)
    for offset, (run, words, _passes) in enumerate(steps):
        take(subject, offset, words, key=f"run_{run}", now=10**9)
    assert subject.cut(positions_too=True) is None
    assert subject.live == live
