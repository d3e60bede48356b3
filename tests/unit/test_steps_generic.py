"""What holds of a step of any type, whatever comes when. A new type is covered by one more row."""

from collections import Counter
from collections.abc import Iterator
from typing import get_args

import msgspec
import pytest

from foldgate.contracts.codec import Codec
from foldgate.contracts.events import (
    ApprovalRequested,
    ChildRequested,
    Event,
    JobRequested,
    Meta,
    RunCancelled,
    RunRequested,
    RunSucceeded,
    RunTimedOut,
    StepStarted,
)
from foldgate.contracts.places import Partition, Position
from foldgate.decider.decider import Tick
from foldgate.decider.processor import Processor
from foldgate.decider.stamp import Held, Incoming
from foldgate.engine.runs.state import Run
from foldgate.engine.steps import KINDS
from foldgate.language.definition import JobKind
from tests.support.given import meta
from tests.support.obliging import play
from tests.support.rows import ROWS, Row, ends, every_step_ended_once, life_of, lived
from tests.support.runs import Life, deciding

CODEC = Codec()
INTAKE = Partition("intake", 0)
BEGINNING = (JobRequested, StepStarted, ApprovalRequested, ChildRequested)
HOUR = 3_600_000


every_row = pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)


def prefixes(row: Row, **changes: str) -> Iterator[Life]:
    """The run after one, two, three … of its messages, always anew, until it is over."""
    whole = life_of(row, **changes)
    whole.start({"n": 1})
    play(whole)
    for count in range(1, len(whole.heard)):
        life = life_of(row, **changes)
        for heard in whole.heard[:count]:
            life.again(heard)
        yield life


def test_every_type_has_a_row() -> None:
    assert set(KINDS) | set(get_args(JobKind)) <= set(ROWS), "add a row for the new type"


@every_row
def test_it_succeeds_once_and_so_does_the_run(row: Row) -> None:
    life = lived(row)
    assert isinstance(life.history[-1], RunSucceeded)
    assert life.statuses["x"] == "succeeded"
    every_step_ended_once(life)


@every_row
def test_the_same_message_twice_adds_nothing(row: Row) -> None:
    for life in prefixes(row):
        for heard in list(life.heard):
            assert life.again(heard) == []
        began = Counter(one.job.job_id for one in life.of(JobRequested))
        assert set(began.values()) <= {1}
        assert set(ends(life).values()) <= {1}


@every_row
def test_what_comes_after_the_end_of_the_run_adds_nothing(row: Row) -> None:
    life = lived(row)
    processor = processing(life)
    taken(processor, life, 0)
    assert not processor.live
    for of in range(len(life.heard)):
        take(processor, life, 1000 + of, of=of)
    cut = processor.cut(positions_too=True)
    assert cut is not None
    assert not cut.records
    assert {one.event.code for one in cut.quarantined} <= {"run_closed"}


@every_row
def test_cancelled_anywhere_it_ends_once(row: Row) -> None:
    for life in prefixes(row):
        life.cancel()
        play(life)
        assert isinstance(life.history[-1], RunCancelled), life.lines
        every_step_ended_once(life)
        assert {"before", "x", "after"} <= set(life.statuses)


@every_row
def test_paused_anywhere_it_begins_nothing_and_then_goes_on_to_the_same_end(row: Row) -> None:
    end = lived(row).history[-1]
    for life in prefixes(row):
        life.pause()
        before = len(life.history)
        play(life)
        assert not [one for one in life.history[before:] if isinstance(one, BEGINNING)], life.lines
        assert not life.ended
        life.resume()
        play(life)
        assert life.history[-1] == end
        every_step_ended_once(life)


@every_row
def test_the_same_messages_lead_to_the_same_events(row: Row) -> None:
    once, again = lived(row), life_of(row)
    for heard in once.heard:
        again.again(heard)
    assert again.history == once.history
    assert again.run == once.run


@every_row
def test_a_live_run_waits_for_something_by_name(row: Row) -> None:
    for life in prefixes(row):
        assert life.waiting
        assert all(life.waiting)


@every_row
def test_out_of_time_anywhere_it_times_out_once(row: Row) -> None:
    tried = 0
    for life in prefixes(row, step_timeout="1h"):
        x = life.run.step("x")
        if x is None or not x.live:
            continue
        tried += 1
        life.after(HOUR)
        play(life)
        assert life.statuses["x"] == "timed_out", life.lines
        assert life.statuses["after"] == "upstream_failed"
        assert isinstance(life.history[-1], RunTimedOut)
        every_step_ended_once(life)
    assert bool(tried) is not row.instant, "a step that waits for nobody has no time-out"


@every_row
def test_a_run_out_of_time_anywhere_ends_once(row: Row) -> None:
    for life in prefixes(row, timeout="1h"):
        life.after(HOUR)
        play(life)
        assert isinstance(life.history[-1], RunTimedOut), life.lines
        every_step_ended_once(life)


# A crash: the engine dies between two messages, and another one has nothing but the log.


def processing(life: Life) -> Processor[Run]:
    """An engine of its own, on the runs of a partition."""
    decider = deciding(life.definitions)
    return Processor(decider, Partition("runs", 0), seal=CODEC.seal, service="engine", batch_bytes=800_000)


def take(processor: Processor[Run], life: Life, offset: int, *, of: int) -> None:
    """One message of that life, at that place of its source."""
    heard = life.heard[of]
    if isinstance(heard.event, Tick):
        processor.tick(heard.at)
        return
    about = meta(life.key, **heard.changes)
    submitted = isinstance(heard.event, RunRequested)
    incoming = Incoming(INTAKE, Position(offset + 1), about, heard.event, b"bytes", submitted)
    processor.take(incoming, key=life.key, now=heard.at)


def taken(processor: Processor[Run], life: Life, start: int, end: int | None = None) -> list[tuple[Meta, Event]]:  # noqa: PLR0917
    """What comes on the log of these messages."""
    for of in range(start, len(life.heard) if end is None else end):
        take(processor, life, of, of=of)
    records: list[tuple[bytes, bytes]] = []
    while (cut := processor.cut()) is not None:
        records += cut.records
    assert not processor.faults
    return [(one.meta, one.event) for one in (CODEC.decode(value) for _, value in records)]


@every_row
def test_after_a_crash_anywhere_it_goes_on_as_if_there_had_been_none(row: Row) -> None:
    life = lived(row)
    for count in range(1, len(life.heard)):
        first, second = processing(life), processing(life)
        log = taken(first, life, 0, count)
        for one in log:
            second.restore(*one)
        held, restored = first.live[life.key], second.live[life.key]
        assert restored == held
        kept = msgspec.msgpack.decode(msgspec.msgpack.encode(held), type=Held[Run])
        assert kept == held, "a checkpoint keeps it"
        second.keep(life.key, kept)
        rest = taken(second, life, count)
        assert rest == taken(first, life, count)
        assert [event for _, event in log + rest] == life.history
