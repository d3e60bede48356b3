"""What leaves a pool, and what is thought of workers that say nothing of what they were given."""

import msgspec
import pytest

from foldgate.contracts.codec import Codec
from foldgate.contracts.events import (
    Event,
    JobCancelled,
    JobLost,
    PoolTermsTaken,
    WorkerJoined,
    WorkerRenewed,
)
from foldgate.contracts.places import Partition, Position
from foldgate.decider.decider import Tick
from foldgate.decider.processor import Processor
from foldgate.decider.stamp import Incoming
from tests.support import pools
from tests.support.given import meta
from tests.support.pool_words import dispatched, due, issued, kinds, terms, why
from tests.support.pools import DECIDER, LEASE_MS, beat, pool, report


@pytest.mark.parametrize("wanted", ["", "dumb"])
def test_who_takes_jobs_and_never_answers_comes_last_until_it_does(wanted: str) -> None:
    """It looks idle: without this it would be given each job again, for ever."""
    subject = pool()
    for at in (2000, 4000, 6000):
        subject.when(msgspec.structs.replace(beat("dumb/1"), name="dumb"), at=at)
        subject.when(issued(1), at=at)
    subject.when(beat("w/1", room=1), at=6000)
    lost_at = 2000 + 2 * LEASE_MS
    assert kinds(subject.when(Tick(), at=lost_at)) == [JobCancelled, JobLost]
    assert dispatched(subject.when(issued(2, worker=wanted), at=lost_at)) == [("run_2", "w/1")]
    assert dispatched(subject.when(issued(3), at=lost_at)) == [("run_3", "dumb/1")], "there is nobody else"

    subject.when(report(3, worker="dumb/1", lease=3), at=lost_at)
    assert dispatched(subject.when(issued(4), at=lost_at)) == [("run_4", "dumb/1")], "it has answered"


def test_what_was_sent_before_the_pool_closed_goes_back_and_what_was_sent_after_waits() -> None:
    subject = pool()
    subject.when(issued(1, pools_number=1))
    subject.when(issued(2, pools_number=7))
    drained = terms(7, is_open=False, reason="draining")
    [taken] = subject.when(msgspec.structs.replace(drained, words="new machines"))
    assert isinstance(taken, PoolTermsTaken)
    assert due(subject) == 0
    [lost] = subject.when(Tick())
    assert isinstance(lost, JobLost)
    assert (lost.job_id, lost.reason, lost.pools_number) == ("run_1:job@1", "pool_closed", 7)
    [lost] = subject.when(issued(3, pools_number=6))
    assert isinstance(lost, JobLost)
    assert why(subject, 2).endswith("the pool takes no more: draining: new machines")
    assert dispatched(subject.when(beat())) == [("run_2", "w/1")]
    assert subject.when(terms(7, is_open=True)) == [], "it is known"


def test_what_was_sent_before_the_pool_closed_goes_back_also_when_its_turn_comes_first() -> None:
    subject = pool()
    subject.when(issued(1, pools_number=1))
    subject.when(issued(2, pools_number=7))
    subject.when(terms(7, is_open=False, reason="draining"))
    joined, lost, given = subject.when(beat())
    assert isinstance(joined, WorkerJoined)
    assert isinstance(lost, JobLost)
    assert (lost.job_id, lost.reason, lost.pools_number) == ("run_1:job@1", "pool_closed", 7)
    assert dispatched([given]) == [("run_2", "w/1")]


def test_what_has_ended_when_the_pool_closes_is_said_to_have_ended_and_nothing_else() -> None:
    subject = pool()
    short = issued(1, pools_number=1)
    subject.when(msgspec.structs.replace(short, writ=msgspec.structs.replace(short.writ, expires_at=2500)))
    subject.when(issued(2, pools_number=1))
    subject.when(terms(7, is_open=False, reason="draining"))
    lost = [(one.job_id, one.reason) for one in subject.when(Tick(), at=2500) if isinstance(one, JobLost)]
    assert lost == [("run_1:job@1", "writ_expired"), ("run_2:job@1", "pool_closed")]


def test_what_no_beat_names_was_not_taken() -> None:
    subject = pool()
    subject.when(beat(room=1), at=2000)
    subject.when(issued(1), at=2000)
    subject.when(beat(room=1), at=4000)
    subject.when(beat(room=1), at=6000)
    cancelled, lost = subject.when(Tick(), at=2000 + 2 * LEASE_MS)
    assert isinstance(cancelled, JobCancelled)
    assert isinstance(lost, JobLost)
    assert (cancelled.reason, lost.reason) == ("not_taken", "not_taken")


def test_what_was_called_back_and_not_taken_is_lost_without_another_word_to_its_worker() -> None:
    subject = pool()
    subject.when(beat(room=1), at=2000)
    subject.when(issued(1), at=2000)
    assert kinds(subject.when(pools.revoked(1), at=2000)) == [JobCancelled]
    for at in (4000, 6000):
        subject.when(beat(room=1), at=at)
    [lost] = subject.when(Tick(), at=2000 + 2 * LEASE_MS)
    assert isinstance(lost, JobLost)
    assert lost.reason == "not_taken"


def test_an_owner_which_folds_as_it_is_told_decides_alike() -> None:
    """It evolves each event before it asks for the next; whoever listens to the end gets the same."""
    codec, source = Codec(), Partition("decisions", 0)
    owner = Processor(DECIDER, Partition("jobs", 0), seal=codec.seal, service="scheduler", batch_bytes=100_000)
    listener = pool()
    told: list[Event] = [beat(room=1), issued(1), issued(2), issued(3), report(1), report(2, lease=2)]
    for offset, event in enumerate(told, start=1):
        about = meta("default", event_id=f"told/{offset}")
        owner.take(Incoming(source, Position(offset), about, event, b""), key="default", now=2000)
        listener.when(event)
    cut = owner.cut()
    assert cut is not None
    said = [event for _, event in (codec.decode(value) for _, value in cut.records)]
    assert dispatched(said) == [("run_1", "w/1"), ("run_2", "w/1"), ("run_3", "w/1")]
    held = owner.live["default"].state
    assert listener.state is not None
    assert (dict(held.held.items()), held.workers["w/1"].holds) == (
        dict(listener.state.held.items()),
        listener.state.workers["w/1"].holds,
    )


def test_after_a_tick_with_nothing_to_do_the_next_is_due_when_something_ends() -> None:
    """It may have come for a limit that opened, or a token, for which nobody waits by then."""
    subject = pool()
    subject.when(beat(room=9), at=2000)
    subject.when(issued(1), at=2000)
    assert subject.state is not None
    assert DECIDER.later(subject.state, 2001) == due(subject) == 2000 + LEASE_MS


def test_what_a_beat_has_named_was_taken() -> None:
    subject = pool()
    subject.when(beat(room=1), at=2000)
    subject.when(issued(1), at=2000)
    [renewed] = subject.when(beat(room=1, holding=(1, 99)), at=4000)
    assert isinstance(renewed, WorkerRenewed)
    assert renewed.taken == (1,)
    subject.when(beat(room=1), at=6000)
    assert subject.when(Tick(), at=2000 + 2 * LEASE_MS) == []
