"""What ends a job before its report: its run, its time in the queue, the time of its attempt. And who comes first."""

from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foldgate.authority.active import Policies
from foldgate.authority.lease import sign_cancel
from foldgate.authority.pools import Pools
from foldgate.contracts.events import (
    Event,
    JobCancelled,
    JobCancelRequested,
    JobDispatched,
    JobFailed,
    JobLost,
    JobReleased,
    JobRequested,
    WorkerLost,
    WritIssued,
    WritRevoked,
)
from foldgate.decider.decider import IllegalTransition, Tick
from foldgate.policy_kernel.decisions.decide import decisions
from foldgate.policy_kernel.decisions.state import Case
from foldgate.scheduler.jobs.decide import MAX_OVER
from foldgate.scheduler.jobs.moving import Moving
from foldgate.scheduler.jobs.pieces import each
from foldgate.scheduler.jobs.state import Pool
from tests.support.given import Given, meta
from tests.support.keys import KERNEL, SCHEDULER, proved
from tests.support.pools import DECIDER, LEASE_MS, beat, issued, job, pool, report, revoked

ONE = job().job_id
due = DECIDER.due


def lost(reason: str, *, number: int = 1, lease: int = 0, worker: str = "") -> JobLost:
    return JobLost(job_id=job(number).job_id, step="job", lease=lease, worker=worker, reason=reason)


def told(reason: str) -> JobCancelled:
    event = JobCancelled(job_id=ONE, step="job", lease=1, worker="w/1", reason=reason)
    return sign_cancel(SCHEDULER, event)


def holding(**terms: int) -> Given[Pool]:
    """A pool whose one worker has job 1 from 2000 on."""
    subject = pool()
    subject.when(beat(room=1), at=2000)
    subject.when(issued(1, **terms), at=2000)
    return subject


def test_a_waiting_job_that_is_called_back_leaves_the_queue() -> None:
    subject = pool()
    subject.when(issued(1))
    subject.when(issued(2))
    [said] = subject.said(revoked(1))
    assert said.event == lost("cancelled")
    assert (said.run_id, said.tenant, said.correlation) == ("run_1", "acme", "c")
    assert subject.when(revoked(1)) == [], "it is not here any more"
    _, given_out = subject.when(beat())
    assert isinstance(given_out, JobDispatched)
    assert given_out.job.job_id == "run_2:job@1"


def test_the_worker_of_a_held_job_is_told_once_and_keeps_it_until_it_reports() -> None:
    subject = holding()
    [said] = subject.said(revoked())
    assert said.event == told("cancelled")
    assert (said.run_id, said.tenant, said.principal) == ("run_1", "acme", "scheduler")
    assert subject.when(revoked()) == []
    assert subject.when(issued(2)) != [], "another waits: the worker has no room yet"
    released, given_out = subject.when(
        proved(JobFailed(job_id=ONE, lease=1, worker="w/1", code="cancelled", message="m"))
    )
    assert isinstance(released, JobReleased)
    assert isinstance(given_out, JobDispatched)


def test_calling_back_what_was_reported_before_does_nothing() -> None:
    subject = holding()
    subject.when(report())
    assert subject.when(revoked()) == []


def test_a_job_waits_no_longer_than_its_patience() -> None:
    subject = pool()
    subject.when(issued(1, queue_timeout_ms=2500))
    subject.when(issued(2))
    assert due(subject.state or Pool()) == 2500
    assert subject.when(Tick(), at=2500) == [lost("queue_timeout")]
    assert due(subject.state or Pool()) == 9000


def test_whether_the_writ_or_the_patience_ends_first() -> None:
    subject = pool()
    subject.when(issued(1, queue_timeout_ms=9500))
    assert subject.when(Tick(), at=9000) == [lost("writ_expired")]
    both = pool()
    both.when(issued(1, queue_timeout_ms=9500))
    assert both.when(Tick(), at=9500) == [lost("queue_timeout")], "nobody waits on for another writ"


def test_a_job_that_has_waited_too_long_when_it_comes_is_not_dispatched() -> None:
    subject = pool()
    subject.when(beat(), at=2000)
    assert subject.when(issued(1, queue_timeout_ms=1500), at=2000) == [lost("queue_timeout")]


def test_an_attempt_that_takes_too_long_is_called_back_and_then_lost() -> None:
    subject = holding(attempt_timeout_ms=1000)
    assert due(subject.state or Pool()) == 3000
    assert subject.when(Tick(), at=3000) == [told("attempt_timeout")]
    subject.when(beat(room=1), at=4500)
    assert due(subject.state or Pool()) == 3000 + LEASE_MS, "a lease to report in"
    assert subject.when(revoked(), at=4500) == [], "it was told already"
    late = lost("attempt_timeout", lease=1, worker="w/1")
    assert subject.when(Tick(), at=3000 + LEASE_MS) == [late]
    assert subject.when(report()) == []


def test_an_attempt_that_reports_in_time_is_not_lost() -> None:
    subject = holding(attempt_timeout_ms=1000)
    subject.when(Tick(), at=3000)
    failed = proved(JobFailed(job_id=ONE, lease=1, worker="w/1", code="attempt_timeout", message="m"))
    assert isinstance(subject.when(failed, at=3100)[0], JobReleased)
    assert due(subject.state or Pool()) == 2000 + LEASE_MS, "only the worker's own lease is left"


def test_what_was_called_back_is_lost_when_the_time_of_its_attempt_is_over() -> None:
    subject = holding(attempt_timeout_ms=1000)
    subject.when(revoked(), at=2100)
    subject.when(beat(room=1), at=4500)
    assert due(subject.state or Pool()) == 3000 + LEASE_MS
    assert subject.when(Tick(), at=3000 + LEASE_MS) == [lost("attempt_timeout", lease=1, worker="w/1")]


def test_what_a_lost_worker_held_is_lost_once() -> None:
    subject = holding(attempt_timeout_ms=LEASE_MS)
    events = subject.when(Tick(), at=2000 + LEASE_MS)
    assert events == [
        lost("worker_lost", lease=1, worker="w/1"),
        WorkerLost(worker="w/1", reason="lease_ended"),
    ]


def test_the_higher_priority_goes_first_and_then_who_waits_longer() -> None:
    subject = pool()
    for number, priority in enumerate((5, 0, 9, 5, 9), start=1):
        subject.when(issued(number, priority=priority))
    _, *given_out = subject.when(beat(room=4))
    order = [event.job.job_id for event in given_out if isinstance(event, JobDispatched)]
    assert order == [job(number).job_id for number in (3, 5, 1, 4)]
    [_, last] = subject.when(report(1, lease=3))
    assert isinstance(last, JobDispatched)
    assert last.job.job_id == job(2).job_id


def test_many_that_end_together_do_so_in_several_decisions() -> None:
    subject = pool()
    for number in range(MAX_OVER + 2):
        subject.when(issued(number))
    assert len(subject.when(Tick(), at=9000)) == MAX_OVER
    assert due(subject.state or Pool()) == 9000
    assert len(subject.when(Tick(), at=9000)) == 2
    assert due(subject.state or Pool()) is None


def test_nobody_is_told_of_what_it_does_not_hold() -> None:
    with pytest.raises(IllegalTransition):
        DECIDER.evolve(None, meta("default"), told("cancelled"))


# Whatever happens, in whatever order.

NUMBERS = st.integers(1, 5)
MESSAGES = st.one_of(
    st.builds(
        issued,
        NUMBERS,
        expires_at=st.sampled_from([2500, 6000, 9000]),
        priority=st.integers(0, 9),
        queue_timeout_ms=st.sampled_from([0, 2600, 5000]),
        attempt_timeout_ms=st.sampled_from([0, 500, 4000]),
    ),
    st.builds(revoked, NUMBERS),
    st.builds(beat, st.sampled_from(["w/1", "w/2"]), room=st.integers(1, 3), leaving=st.booleans()),
    st.builds(report, NUMBERS, lease=st.integers(1, 5), worker=st.sampled_from(["w/1", "w/2"])),
    st.just(Tick()),
)
STEPS = st.lists(st.tuples(MESSAGES, st.integers(0, 900)), max_size=40)


@given(STEPS)
@settings(max_examples=300)
def test_the_orders_beside_the_tables_are_those_of_the_tables(steps: Iterable[tuple[Event | Tick, int]]) -> None:
    subject, at = pool(), 2000
    for message, later in steps:
        at += later
        wanted = subject.state is not None and (time := due(subject.state)) is not None and time <= at
        said = subject.when(message, at=at)
        assert said or not wanted or message != Tick(), "it was due and did nothing"
        state = subject.state or Pool()
        waits = [(Moving.of(state).found(name).ends, name) for name in state.waiting]
        holds = [(one.ends, name) for name, one in state.held.items() if one.ends is not None]
        assert list(each(state.ends)) == sorted(waits + holds)
        assert {name for known in state.workers.values() for name in known.holds.values()} == set(state.held)


@given(st.lists(st.tuples(st.booleans(), NUMBERS), max_size=30), STEPS)
@settings(max_examples=300)
def test_nothing_is_dispatched_after_it_was_called_back(
    asked: Iterable[tuple[bool, int]], steps: Iterable[tuple[Event | Tick, int]]
) -> None:
    """What the kernel says of jobs that are asked for and called back in any order, with anything in between."""
    kernel: Given[Case] = Given(
        decisions(Policies(), Pools(), default_decision="allow", writ_ttl_ms=5000, signer=KERNEL), key="run"
    )
    others = iter([message for message, _ in steps if not isinstance(message, WritIssued | WritRevoked)])
    subject, over = pool(), set[str]()
    for wanted, number in asked:
        name = job(number).job_id
        calling = JobCancelRequested(job_id=name, step="job", ending="cancelled", reason="", until=0)
        for decision in kernel.when(JobRequested(job=job(number)) if wanted else calling):
            said = subject.when(decision)
            assert not any(isinstance(one, JobDispatched) and one.job.job_id in over for one in said)
        over |= set() if wanted else {name}
        for one in subject.when(next(others, Tick())):
            assert not isinstance(one, JobDispatched) or one.job.job_id not in over
