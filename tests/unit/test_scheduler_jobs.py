"""The scheduler's decisions on a pool."""

import pytest

from foldgate.contracts.events import (
    Event,
    JobDispatched,
    JobFailed,
    JobLost,
    JobQueued,
    JobReleased,
    RunSucceeded,
    WorkerJoined,
    WorkerLost,
    WorkerRenewed,
)
from foldgate.decider.decider import IllegalTransition, Message, Said, Tick
from foldgate.scheduler.jobs.state import MOST_LATE, Pool
from tests.support.given import meta
from tests.support.keys import proved
from tests.support.pools import DECIDER, LEASE_MS, beat, issued, pool, report


def names(events: list[Event]) -> list[str]:
    return [type(event).__name__ for event in events]


def test_a_job_without_a_worker_waits() -> None:
    subject = pool()
    [said] = subject.said(issued())
    assert said.event == JobQueued(job=issued().job, writ=issued().writ)
    assert (said.run_id, said.tenant, said.principal, said.correlation) == ("run_1", "acme", "scheduler", "c")
    assert subject.when(issued()) == [], "the same attempt waits once"


def test_a_new_worker_gets_what_waits_longest_as_far_as_it_has_room() -> None:
    subject = pool()
    for number in range(1, 4):
        subject.when(issued(number))
    joined, *given = subject.when(beat(number=1), at=2000)
    assert joined == WorkerJoined(worker="w/1", name="w", max_parallel=2, expires_at=2000 + LEASE_MS, beat=1)
    dispatched = [event for event in given if isinstance(event, JobDispatched)]
    assert [(one.job.job_id, one.worker, one.lease) for one in dispatched] == [
        ("run_1:job@1", "w/1", 1),
        ("run_2:job@1", "w/1", 2),
    ]


def test_a_job_goes_to_the_worker_with_the_largest_share_of_its_room_free() -> None:
    subject = pool()
    subject.when(beat("small", room=1))
    subject.when(beat("large", room=3))
    workers = [event.worker for n in range(3) for event in subject.when(issued(n)) if isinstance(event, JobDispatched)]
    assert workers == ["large", "small", "large"]
    subject.when(issued(7))
    assert names(subject.when(issued(8))) == ["JobQueued"]


def test_a_report_frees_the_room_for_the_next() -> None:
    subject = pool()
    subject.when(beat(room=1))
    subject.when(issued(1))
    subject.when(issued(2))
    released, given = subject.when(report(1))
    assert released == JobReleased(job_id="run_1:job@1", lease=1, worker="w/1", outcome="JobSucceeded")
    assert isinstance(given, JobDispatched)
    assert (given.job.job_id, given.lease) == ("run_2:job@1", 2)
    failed = proved(JobFailed(job_id="run_2:job@1", lease=2, worker="w/1", code="c", message="m"))
    assert names(subject.when(failed)) == ["JobReleased"]


def test_a_report_of_what_is_not_held_frees_nothing() -> None:
    subject = pool()
    subject.when(beat())
    subject.when(issued(1))
    assert subject.when(report(1, lease=2)) == []
    assert subject.when(report(1, worker="stranger")) == []
    assert subject.when(report(9)) == []
    assert names(subject.when(report(1))) == ["JobReleased"]
    assert subject.when(report(1)) == []


def test_a_beat_is_noted_once_a_third_of_the_lease_has_gone() -> None:
    subject = pool()
    subject.when(beat(number=1), at=2000)
    assert subject.when(beat(number=2), at=2900) == []
    assert subject.when(beat(number=3), at=3000) == [
        WorkerRenewed(worker="w/1", max_parallel=2, expires_at=6000, beat=3)
    ]
    assert subject.when(beat(room=5), at=3001) == [], "whoever changes its room at each beat is not heard each time"
    assert names(subject.when(beat(room=5), at=3000 + LEASE_MS // 24)) == ["WorkerRenewed"], "its room has changed"
    assert names(subject.when(beat(room=0), at=3000 + LEASE_MS // 24)) == ["WorkerRenewed"], "it leaves"


def test_an_owner_that_is_behind_notes_each_beat_and_gives_by_the_last() -> None:
    subject = pool()
    subject.when(beat(number=1), at=2000)
    for number in range(1, 6):
        subject.when(issued(number, expires_at=60_000))
    again = 2001 + 3 * LEASE_MS
    for number in (2, 3):
        taken = (number - 1,)
        assert subject.when(beat(room=3, number=number, holding=taken), at=again, behind=True) == [
            WorkerRenewed(
                worker="w/1", max_parallel=3, expires_at=again + LEASE_MS, beat=number, taken=taken, late=True
            )
        ], "by a beat of long ago nothing is given"
    given = subject.when(Tick(), at=again)
    assert names(given) == ["JobDispatched"], "what was named is held, however long nobody read of it"
    assert [one.beat for one in given if isinstance(one, JobDispatched)] == [3]


def test_of_very_many_beats_an_owner_that_is_behind_notes_what_they_name() -> None:
    subject = pool()
    for number in (1, 2):
        subject.when(issued(number))
    assert names(subject.when(beat(room=1), at=2000)) == ["WorkerJoined", "JobDispatched"]
    flood = [event for _ in range(10_000) for event in subject.when(beat(room=1), at=2001, behind=True)]
    assert names(flood) == ["WorkerRenewed"] * MOST_LATE
    [named] = subject.when(beat(room=1, holding=(1,)), at=2001, behind=True)
    assert isinstance(named, WorkerRenewed)
    assert (named.taken, named.late) == ((1,), True)
    assert subject.when(beat(room=1, holding=(1,)), at=2001, behind=True) == [], "once"
    assert names(subject.when(report(1), at=2002)) == ["JobReleased"], (
        "who knows it by a beat of long ago gives it nothing"
    )
    assert subject.state is not None
    assert DECIDER.due(subject.state) == 2001 + LEASE_MS, "until it is heard, or lost"
    third = 2001 + LEASE_MS // 3
    assert names(subject.when(beat(room=1), at=third, behind=True)) == ["WorkerRenewed"], "it lives"
    last = beat(room=1)
    heard, given = subject.when(last, at=third + 1)
    assert heard == WorkerRenewed(worker="w/1", max_parallel=1, expires_at=third + 1 + LEASE_MS, beat=last.beat)
    assert isinstance(given, JobDispatched)
    assert given.beat == last.beat
    assert subject.when(beat(room=1), at=third + 2) == []
    assert names(subject.when(beat(room=1), at=third + 3, behind=True)) == ["WorkerRenewed"], "it counts anew"


def test_a_lease_that_ends_loses_the_worker_and_what_it_held() -> None:
    subject = pool()
    subject.when(beat(), at=2000)
    subject.when(issued(1))
    assert subject.state is not None
    assert DECIDER.due(subject.state) == 2000 + LEASE_MS
    job, worker = subject.said(Tick(), at=2000 + LEASE_MS)
    assert worker.event == WorkerLost(worker="w/1", reason="lease_ended")
    assert job.event == JobLost(job_id="run_1:job@1", step="job", lease=1, worker="w/1", reason="worker_lost")
    assert (job.run_id, job.tenant) == ("run_1", "acme"), "and nothing is said to the worker, which knows by itself"
    assert subject.when(report(1)) == [], "it comes too late to free anything"
    assert DECIDER.due(subject.state) is None


def test_a_worker_that_leaves_gets_no_more_and_goes_when_it_holds_nothing() -> None:
    subject = pool()
    subject.when(beat())
    subject.when(issued(1))
    assert names(subject.when(beat(leaving=True))) == ["WorkerRenewed"]
    assert names(subject.when(issued(2))) == ["JobQueued"]
    assert names(subject.when(report(1))) == ["JobReleased"]
    assert subject.when(beat(leaving=True)) == [WorkerLost(worker="w/1", reason="left")]
    assert subject.when(beat(leaving=True)) == [], "it is not known any more"


def test_a_report_after_its_worker_was_lost_while_leaving() -> None:
    subject = pool()
    subject.when(beat(room=1), at=2000)
    subject.when(issued(1))
    assert isinstance(subject.state, Pool)
    subject.state = DECIDER.evolve(subject.state, meta("default"), WorkerLost(worker="w/1", reason="left"))
    assert names(subject.when(report(1))) == ["JobReleased"]


def test_what_concerns_a_worker_concerns_no_run_and_no_tenant() -> None:
    subject = pool()
    subject.when(issued())  # so the pool's first event came of a run, and its aggregate would be about that
    said = subject.said(beat()) + subject.said(beat(room=0)) + subject.said(Tick(), at=9_000)
    about = {type(one.event).__name__: (one.run_id, one.tenant, one.correlation) for one in said}
    assert about.pop("JobDispatched") == about.pop("JobLost") == ("run_1", "acme", "c")
    assert about == dict.fromkeys(("WorkerJoined", "WorkerRenewed", "WorkerLost"), ("", "", ""))


def test_a_writ_that_expires_while_waiting_gives_the_job_back() -> None:
    subject = pool()
    subject.when(issued(1, expires_at=2500))
    subject.when(issued(2, expires_at=9000))
    [lost] = subject.when(Tick(), at=2500)
    assert lost == JobLost(job_id="run_1:job@1", step="job", lease=0, worker="", reason="writ_expired")
    assert subject.state is not None
    assert list(subject.state.waiting) == ["run_2:job@1"]


def test_other_messages_say_nothing() -> None:
    assert pool().when(RunSucceeded(output="1")) == []


@pytest.mark.parametrize(
    "event",
    [
        RunSucceeded(output="1"),
        WorkerRenewed(worker="unknown", max_parallel=1, expires_at=1),
        JobDispatched(job=issued().job, writ=issued().writ, worker="unknown", lease=1, lease_ms=1),
    ],
)
def test_an_event_that_does_not_fit_is_a_fault(event: Event) -> None:
    with pytest.raises(IllegalTransition):
        DECIDER.evolve(None, meta("default"), event)


def test_a_writ_that_has_ended_dispatches_nothing() -> None:
    subject = pool()
    subject.when(beat(), at=2000)
    [late] = subject.when(issued(1, expires_at=2500), at=2500)
    assert late == JobLost(job_id="run_1:job@1", step="job", lease=0, worker="", reason="writ_expired")
    waits = pool()
    waits.when(issued(1, expires_at=2500), at=2000)
    waits.when(issued(2), at=2000)
    _, late, given = waits.when(beat(), at=2500)
    assert isinstance(late, JobLost)
    assert isinstance(given, JobDispatched)
    assert (late.job_id, late.reason, given.job.job_id) == ("run_1:job@1", "writ_expired", "run_2:job@1")


def test_more_than_fits_a_decision_is_given_tick_by_tick() -> None:
    subject = pool()
    for number in range(1, 6):
        subject.when(issued(number, size=250_000))
    given = [subject.when(beat(room=5), at=2000)]
    while DECIDER.due(subject.state or Pool()) == 0:
        given.append(subject.when(Tick(), at=2000))
    counts = [sum(isinstance(event, JobDispatched) for event in events) for events in given]
    assert counts == [2, 2, 1]
    leases = [event.lease for events in given for event in events if isinstance(event, JobDispatched)]
    assert leases == [1, 2, 3, 4, 5]


def test_after_a_fault_of_ours_the_job_is_given_back() -> None:
    message = Message(key="default", at=1, event=issued(), meta=meta("default"))
    [said] = DECIDER.fail(None, message, "broken")
    assert isinstance(said, Said)
    assert said.event == JobLost(job_id="run_1:job@1", step="job", lease=0, worker="", reason="internal_error")
    assert list(DECIDER.fail(None, Message(key="default", at=1, event=beat()), "broken")) == []
