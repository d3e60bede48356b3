"""The partition processor when a decider breaks its promises, and what a history may not look like."""

import hashlib

import msgspec
import pytest

from foldgate.contracts.codec import NO_CHAIN, Codec
from foldgate.contracts.events import Event, Meta, RunFailed, RunRequested, StepSucceeded
from foldgate.contracts.places import Partition, Position
from foldgate.decider.decider import Decider, Message, Said, SetAside, Tick
from foldgate.decider.invariant import InvariantBroken
from foldgate.decider.processor import Cut, Processor
from foldgate.decider.stamp import Incoming, quarantined, stamped
from tests.support.avro import sample

CODEC = Codec()
SOURCE, OWN = Partition("intake", 0), Partition("runs", 0)
STEP = StepSucceeded(step="s", job_id="j", output="")
FAILED = RunFailed(code="c", message="m")
META = sample("RunRequested")[0]
SAYS: dict[str, list[Event | Said]] = {
    "step": [STEP],
    "end": [FAILED],
    "on after the end": [FAILED, STEP],
    "addressed": [Said(STEP, run_id="r", pool="p", tenant="t", principal="me", correlation="c")],
}


def decide(_state: str | None, message: Message) -> list[Event | Said]:
    """Says what the message names; will not answer a tick."""
    if isinstance(message.event, Tick):
        raise SetAside("no_time", "Expected no tick.")
    assert isinstance(message.event, RunRequested)
    return SAYS[message.event.input]


def processor() -> Processor[str]:
    decider: Decider[str] = Decider(
        state=str,
        decide=decide,
        evolve=lambda _state, _meta, event: "over" if isinstance(event, RunFailed) else "on",
        due=lambda _: 50,
        ended=lambda state: state == "over",
        settles=lambda state, event: 4 if state == "on" and isinstance(event, RunFailed) else None,
        fail=lambda _state, _message, reason: [RunFailed(code="internal_error", message=reason)],
    )
    return Processor(decider, OWN, seal=CODEC.seal, service="engine", batch_bytes=10_000)


def take(subject: Processor[str], offset: int, words: str) -> None:
    request = RunRequested(workflow="w", input=words)
    subject.take(Incoming(SOURCE, Position(offset + 1), META, request, b"bytes"), key="run_1", now=10)


def all_of(subject: Processor[str]) -> tuple[Cut[str], list[Event]]:
    cut = subject.cut()
    assert cut is not None
    assert subject.cut() is None
    return cut, [CODEC.decode(value).event for _, value in cut.records]


def test_an_event_after_the_last_costs_the_aggregate_and_is_named() -> None:
    subject = processor()
    take(subject, 0, "on after the end")
    cut, events = all_of(subject)
    [fault] = subject.faults
    assert (fault.key, fault.reason[:23]) == ("run_1", "InvariantBroken: INV-04")
    assert events == [RunFailed(code="internal_error", message=fault.reason)]
    assert [aside.event.code for aside in cut.quarantined] == ["internal_error"]
    assert "run_1" in subject.closed


def test_a_tick_that_is_refused_has_nobody_to_tell_and_is_a_fault() -> None:
    subject = processor()
    take(subject, 0, "step")
    all_of(subject)
    assert subject.next_due() == 50
    subject.tick(50)
    assert subject.pending == 0
    assert [fault.reason[:6] for fault in subject.faults] == ["INV-07"]
    assert "run_1" in subject.live


def test_a_record_that_nobody_can_read_is_quarantined_in_its_place_once() -> None:
    subject = processor()
    record = quarantined(
        SOURCE,
        Position(6),
        SetAside("undecodable", "Expected an event."),
        by=OWN,
        service="engine",
        key=b"k",
        original=b"\xff" * 1_000_001,
        at=10,
    )
    take(subject, 4, "step")
    for _ in range(2):
        subject.set_aside(SOURCE, Position(6), record)
    assert subject.pending == 2
    before = subject.cut()
    assert before is not None
    assert [CODEC.decode(value).event for _, value in before.records] == [STEP]
    cut, events = all_of(subject)
    assert (events, cut.quarantined) == ([], [record]), "too heavy to go with anything else"
    assert cut.positions == {SOURCE: Position(6)}
    assert (record.event.source_offset, record.event.original_size, len(record.event.original)) == (5, 1_000_001, 10**6)
    assert record.meta.event_id == "runs-0/intake-0/5"


def test_what_is_quarantined_is_kept_without_its_secrets_and_with_its_digest() -> None:
    secret = "ghp_" + "a1B2" * 10
    original = b"\xff key=" + secret.encode() + b" \xff"
    why = SetAside("undecodable", f"Expected an event, but got {secret}.")
    place = (SOURCE, Position(6), why)
    event = quarantined(*place, by=OWN, service="engine", key=secret.encode(), original=original, at=10).event
    assert event.original == b"\xff key=" + b"*" * len(secret) + b" \xff"
    assert event.source_key == b"*" * len(secret)
    assert event.reason == "Expected an event, but got [redacted:github_token]."
    assert event.original_sha256 == hashlib.sha256(original).digest()


def test_an_event_may_be_addressed_elsewhere_than_its_aggregate() -> None:
    subject = processor()
    take(subject, 0, "addressed")
    cut, _ = all_of(subject)
    meta = CODEC.meta(cut.records[0][1])
    assert (meta.run_id, meta.pool, meta.tenant, meta.principal, meta.correlation) == ("r", "p", "t", "me", "c")
    assert meta.key == "run_1"


def test_what_only_time_has_caused_says_so() -> None:
    message = Message(key="run_1", at=10, event=Tick())
    meta = stamped(Said(STEP), message, None, stream="runs", service="engine", submitted=None)
    assert (meta.causation, meta.correlation, meta.request_id, meta.run_id, meta.tenant) == ("",) * 5
    assert (meta.principal, meta.clock, meta.sequence, meta.answers) == ("engine", 1, 1, b"")


@pytest.mark.parametrize(
    ("change", "seen"),
    [({"clock": 4}, "clock 4, after 10, clock 4"), ({"clock": 3}, "clock 3"), ({"at": 9}, "at 9, clock 5, after 10")],
)
def test_a_history_in_which_time_does_not_rise_stops_the_fold(change: dict[str, int], seen: str) -> None:
    first: Meta = msgspec.structs.replace(META, chain=NO_CHAIN, key="run_1", sequence=1, clock=4, at=10)
    second = msgspec.structs.replace(first, sequence=2, clock=5)
    subject = processor()
    subject.restore(first, STEP)
    with pytest.raises(InvariantBroken, match=f"INV-05.*{seen}"):
        subject.restore(msgspec.structs.replace(second, **change), STEP)
    subject.restore(second, STEP)
    assert subject.live["run_1"].sequence == 2


@pytest.mark.parametrize("last", [STEP, FAILED])
def test_what_a_checkpoint_holds_is_not_folded_again(last: Event) -> None:
    subject, again = processor(), processor()
    for one in (subject, again):
        one.restore(msgspec.structs.replace(META, key="run_1", sequence=1), STEP)
        one.restore(msgspec.structs.replace(META, key="run_1", sequence=2, clock=META.clock + 1), last)
    again.restore(msgspec.structs.replace(META, key="run_1", sequence=1), FAILED)
    assert (again.live, again.next_due()) == (subject.live, subject.next_due())
    assert "run_1" in (again.live if last is STEP else again.closed)


def test_what_settles_something_is_measured_from_when_that_was_open() -> None:
    subject = processor()
    take(subject, 0, "step")
    take(subject, 1, "end")
    cut, _ = all_of(subject)
    assert cut.settled == [("RunFailed", 6)]
