"""Whose turn it is in a pool, which worker gets it, and what people are told of what waits."""

from typing import Any

import msgspec
import pytest

from foldgate.authority.pools_terms import PoolLimit
from foldgate.contracts.events import (
    JobDispatched,
    JobQueued,
    PoolOverloaded,
    PoolRelieved,
    PoolWaitNoted,
    WorkerLost,
    WorkerRenewed,
)
from foldgate.decider.decider import SetAside, Tick, Watched
from foldgate.scheduler.jobs.state import Pool
from tests.support import pools
from tests.support.avro import sample
from tests.support.given import Given
from tests.support.keeping import kept_again
from tests.support.pool_words import dispatched, due, issued, kinds, terms, why, worker
from tests.support.pools import DECIDER, LEASE_MS, NOTED_AFTER_MS, beat, pool, report


@pytest.mark.parametrize(
    ("can", "needs", "reason"),
    [
        ({"topics": ("job.web.*",)}, {}, "takes topic 'job.echo'"),
        ({}, {"requires": ("docker",)}, "takes topic 'job.echo' and has docker"),
        ({"labels": {"zone": "b"}}, {"placement": {"zone": "a"}}, "takes topic 'job.echo' and has the label zone=a"),
    ],
)
def test_a_job_waits_for_a_worker_that_fits(can: dict[str, Any], needs: dict[str, Any], reason: str) -> None:
    subject = pool()
    subject.when(worker("w/1", **can))
    assert kinds(subject.when(issued(1, **needs))) == [JobQueued]
    assert why(subject, 1) == f"no worker of pool 'default' {reason}"
    assert due(subject) == 2000 + LEASE_MS
    fits = worker("w/2", topics=("job.e*",), capabilities=("docker",), labels={"zone": "a"})
    assert dispatched(subject.when(fits)) == [("run_1", "w/2")]
    assert why(subject, 1) == ""


def test_who_waits_is_told_who_comes_before() -> None:
    subject = pool()
    subject.when(worker("w/1", topics=("job.echo",)))
    subject.when(issued(1))
    for number in (2, 3):
        subject.when(issued(number))
    subject.when(issued(4, priority=8))
    subject.when(issued(5, tenant="other"))
    subject.when(issued(6, topic="job.else"))
    assert why(subject, 2) == "the one worker that fits is full; before it: 1 of a higher level"
    assert why(subject, 3) == "the one worker that fits is full; before it: 1 of a higher level and 1 of its own tenant"
    assert why(subject, 4) == "the one worker that fits is full"
    assert why(subject, 5) == "the one worker that fits is full; before it: 1 of a higher level"
    assert why(subject, 6) == "no worker of pool 'default' takes topic 'job.else'"
    subject.when(issued(7, topic="job.else"))
    assert "before it" not in why(subject, 7), "nobody could take it: nobody is before it"


HTTP = {"kind": "http", "topic": "job.flow.call"}


@pytest.mark.parametrize(
    ("topics", "wanted", "is_taken"),
    [
        (("kind:http",), HTTP, True),
        (("kind:http", "job.else"), HTTP, True),
        (("job.flow.call",), HTTP, True),
        (("job.flow.*",), HTTP, True),
        (("kind:script", "job.else"), HTTP, False),
        ((), HTTP, False),
        ((), {"kind": "script"}, False),
        ((), {"kind": "llm"}, True),
        (("kind:llm",), {"kind": "llm"}, True),
        (("kind:http",), {"kind": "job", "topic": "kind:http"}, False),
        (("kind:http",), {"kind": "job"}, False),
    ],
)
def test_a_kind_is_taken_by_who_says_so(topics: tuple[str, ...], wanted: dict[str, Any], is_taken: bool) -> None:
    subject = pool()
    subject.when(worker("w/1", topics=topics))
    given = dispatched(subject.when(issued(1, **wanted)))
    assert given == ([("run_1", "w/1")] if is_taken else [])


def test_jobs_of_one_topic_and_two_kinds_wait_each_for_its_own() -> None:
    subject = pool()
    subject.when(issued(1, topic="job.both"))
    subject.when(issued(2, topic="job.both", kind="http"))
    assert why(subject, 2) == "a worker: pool 'default' has none"
    assert dispatched(subject.when(worker("w/1", topics=("kind:http",)))) == [("run_2", "w/1")]
    assert "takes topic 'job.both'" in why(subject, 1)
    assert "kind:" not in why(subject, 1)
    subject.when(issued(3, topic="job.other", kind="script"))
    assert "takes topic 'job.other' or 'kind:script'" in why(subject, 3)


def test_the_worker_that_is_preferred_gets_it_while_it_has_room() -> None:
    subject = pool()
    for name in ("a", "b"):
        subject.when(msgspec.structs.replace(beat(f"{name}/1", room=1), name=name))
    assert dispatched(subject.when(issued(1, worker="b"))) == [("run_1", "b/1")]
    assert dispatched(subject.when(issued(2, worker="b/1"))) == [("run_2", "a/1")]


def test_of_workers_equally_free_the_least_busy_gets_it() -> None:
    subject = pool()
    subject.when(worker("a", cpu_percent=90))
    subject.when(worker("b", cpu_percent=10))
    assert dispatched(subject.when(issued(1))) == [("run_1", "b")]
    assert dispatched(subject.when(issued(2))) == [("run_2", "a")], "what they hold says more than how busy they are"
    subject = pool()
    subject.when(worker("a", cpu_percent=10, gpu_percent=90))
    subject.when(worker("b", cpu_percent=10, gpu_percent=20))
    assert dispatched(subject.when(issued(1))) == [("run_1", "b")]


def test_tenants_take_turns() -> None:
    subject = pool()
    for number in range(1, 9):
        subject.when(issued(number, tenant="many"))
    subject.when(issued(9, tenant="few"))
    given = dispatched(subject.when(beat(room=3)))
    assert [name for name, _ in given] == ["run_1", "run_9", "run_2"]


def test_nobody_waits_behind_more_than_a_turn_of_another_whatever_a_third_waits_for() -> None:
    subject = pool()
    subject.when(worker("w/1", topics=("job.echo",)))
    subject.when(issued(1, tenant="stuck", topic="job.nobody"))
    subject.when(issued(2, tenant="early"))
    for number in range(3, 12):
        subject.when(issued(number, tenant="early"))
        subject.when(report(number - 1, lease=number - 2))
    for number in range(12, 20):
        subject.when(issued(number, tenant="late"))
    subject.when(issued(20, tenant="early"))
    assert dispatched(subject.when(report(11, lease=10))) == [("run_12", "w/1")]
    assert dispatched(subject.when(report(12, lease=11))) == [("run_20", "w/1")]


def test_who_could_not_go_for_some_rounds_has_saved_none_of_them_up() -> None:
    subject = pool()
    subject.when(worker("w/1", topics=("job.echo",)))
    for number in range(1, 4):
        subject.when(issued(number, tenant="other"))
        subject.when(report(number, lease=number))
    for number in range(4, 7):
        subject.when(issued(number, tenant="stuck", topic="job.nobody"))
    for number in range(7, 12):
        subject.when(issued(number, tenant="other"))
        subject.when(report(number, lease=number - 3))
    for number in range(12, 16):
        subject.when(issued(number, tenant="other", topic="job.nobody"))
    given = dispatched(subject.when(worker("w/2", max_parallel=5, topics=("job.nobody",))))
    assert [name for name, _ in given] == ["run_4", "run_12", "run_5", "run_13", "run_6"]


def test_who_waits_is_raised_by_and_by() -> None:
    subject = pool()
    subject.when(issued(1, priority=4), at=2000)
    subject.when(issued(2, priority=5), at=2000 + 59_999)
    subject.when(issued(3, priority=5), at=2000 + 60_000)
    given = dispatched(subject.when(beat(room=3), at=2000 + 60_000))
    assert [name for name, _ in given] == ["run_1", "run_2", "run_3"]


def test_no_more_than_the_limit_at_once_and_others_go_on() -> None:
    subject, one = pool(), '{"max_concurrent":{"tenant":1}}'
    subject.when(beat(room=9))
    assert dispatched(subject.when(issued(1, constraints=one))) == [("run_1", "w/1")]
    assert kinds(subject.when(issued(2, constraints=one))) == [JobQueued]
    assert why(subject, 2) == "tenant 'acme' has its 1 at once"
    assert dispatched(subject.when(issued(3))) == [("run_3", "w/1")], "it is under no limit"
    assert dispatched(subject.when(issued(4, constraints=one, tenant="other"))) == [("run_4", "w/1")]
    assert dispatched(subject.when(report(1))) == [("run_2", "w/1")]


def test_no_more_than_the_rate_in_any_minute() -> None:
    subject, rate = pool(), '{"rate":{"capability":2}}'
    subject.when(beat(room=9), at=2000)
    for number, at in ((1, 2000), (2, 2500)):
        assert dispatched(subject.when(issued(number, constraints=rate), at=at))
    assert kinds(subject.when(issued(3, constraints=rate), at=2600)) == [JobQueued]
    assert "the rate" in why(subject, 3)
    for at in range(3600, 62_000, 1000):
        assert not dispatched(subject.when(beat(room=9, holding=(1, 2)), at=at))
    assert due(subject) == 62_000
    assert dispatched(subject.when(Tick(), at=62_000)) == [("run_3", "w/1")]


def test_a_limit_of_the_pool_counts_what_is_held_already() -> None:
    subject = pool()
    subject.when(beat(room=9))
    subject.when(issued(1))
    assert subject.when(terms(limits=(PoolLimit("tenant", max_concurrent=1),)))
    assert kinds(subject.when(issued(2))) == [JobQueued]
    assert dispatched([*subject.when(terms(2)), *subject.when(Tick())]) == [("run_2", "w/1")]


def test_retries_wait_for_a_token() -> None:
    subject = pool()
    subject.when(terms(retry_share=0.5))
    subject.when(beat(room=99))
    given = [dispatched(subject.when(issued(number, retries=1))) for number in range(1, 12)]
    assert [bool(one) for one in given] == [True] * 10 + [False]
    assert why(subject, 11).startswith("the retry budget")
    assert due(subject) == 2000 + 1000
    assert dispatched(subject.when(issued(20))) == [("run_20", "w/1")], "a first attempt goes on, and gives a half"
    assert due(subject) == 2000 + 500
    assert dispatched(subject.when(Tick(), at=2500)) == [("run_11", "w/1")]


def test_other_terms_take_nothing_from_the_retry_budget() -> None:
    subject = pool()
    subject.when(terms(1, retry_share=0.0))
    subject.when(beat(room=20))
    for number in range(1, 12):
        subject.when(issued(number, retries=1))
    assert due(subject) == 3000
    subject.when(terms(2, retry_share=0.1), at=2900)
    assert due(subject) == 3000


def test_a_pool_is_overloaded_above_its_threshold_and_relieved_below_half() -> None:
    subject = pool()
    subject.when(terms(max_waiting=4))
    for number in range(1, 6):
        subject.when(issued(number))
    [over] = subject.when(Tick())
    assert isinstance(over, PoolOverloaded)
    assert over.waiting == 5
    subject.when(beat(room=3))
    assert due(subject) == 2000 + LEASE_MS, "two are not less than half of four"
    subject.when(report(1))
    assert PoolRelieved in kinds(subject.when(Tick()))


def test_a_pool_whose_workers_are_all_busy_is_overloaded() -> None:
    subject = pool()
    subject.when(terms())
    [_, over] = subject.when(worker("w/1", cpu_percent=96))
    assert isinstance(over, PoolOverloaded)
    assert kinds(subject.when(worker("w/1", cpu_percent=90), at=3500)) == [WorkerRenewed], "it may be soon again"
    assert PoolRelieved in kinds(subject.when(worker("w/1", cpu_percent=50), at=5000))


def test_a_beat_that_is_old_or_of_another_changes_nothing() -> None:
    subject = pool()
    subject.when(beat(room=1, number=5), at=2000)
    assert subject.when(beat(room=3, number=5), at=4000) == []
    assert subject.when(msgspec.structs.replace(beat(room=3), name="thief"), at=4000) == []
    assert subject.when(beat("w/2", room=-1)) == []
    with pytest.raises(SetAside):
        subject.when(msgspec.structs.replace(beat("w/3"), topics=("t",) * 1001))


def test_what_waits_for_long_is_noted_once_and_when_it_waits_no_longer() -> None:
    subject = pool()
    subject.when(issued(1), at=2000)
    assert due(subject) == 2000 + NOTED_AFTER_MS
    [noted] = subject.when(Tick(), at=2000 + NOTED_AFTER_MS)
    assert noted == PoolWaitNoted(
        pool="default", topic="job.echo", waiting=1, reason="a worker: pool 'default' has none", since=2000
    )
    later = 2000 + NOTED_AFTER_MS + 1
    [_, changed] = subject.when(worker("w/1", topics=("job.web",)), at=later)
    assert isinstance(changed, PoolWaitNoted)
    assert "takes topic 'job.echo'" in changed.reason
    subject.when(worker("w/2"), at=later)
    assert due(subject) == 0
    [over] = subject.when(Tick(), at=later)
    assert isinstance(over, PoolWaitNoted)
    assert (over.waiting, over.reason) == (0, "")


def test_what_people_know_of_a_wait_they_are_not_told_again() -> None:
    subject = pool()
    subject.when(issued(1), at=2000)
    subject.when(Tick(), at=2000 + NOTED_AFTER_MS)
    first = subject.when(worker("w/1", topics=("job.web",)), at=2001 + NOTED_AFTER_MS)
    assert PoolWaitNoted in kinds(first), "why it waits is another now"
    again = subject.when(worker("w/2", topics=("job.web",)), at=22_000 + NOTED_AFTER_MS)
    assert PoolWaitNoted not in kinds(again)


def test_a_worker_whose_lease_is_over_gets_nothing_until_it_beats() -> None:
    subject = pool()
    subject.when(beat(room=1), at=2000)
    assert kinds(subject.when(issued(1), at=2000 + LEASE_MS)) == [JobQueued]
    assert dispatched(subject.when(beat(room=1), at=2000 + LEASE_MS)) == [("run_1", "w/1")]
    assert WorkerLost not in kinds(subject.when(Tick(), at=2001 + LEASE_MS))


def test_a_checkpoint_keeps_all_of_it() -> None:
    subject = pool()
    subject.when(terms(limits=(PoolLimit("tenant", max_concurrent=2, per_minute=9),)))
    subject.when(beat(room=3))
    for number in range(1, 9):
        subject.when(issued(number, priority=number % 3, input="x" * 300 * number))
    assert kept_again(DECIDER, subject.state) == subject.state
    [_, given] = subject.when(report(1))
    assert isinstance(given, JobDispatched)


def test_a_pool_is_measured_without_looking_through_what_waits() -> None:
    subject = pool()
    subject.when(worker("w/1"))
    subject.when(worker("w/2", max_parallel=3, topics=("job.else",)))
    for number, at in ((1, 2000), (2, 2100), (3, 2200)):
        subject.when(issued(number), at=at)
    assert measured(subject, 5100) == {
        "pool_held": 1,
        "pool_room": 3,
        "pool_waiting": 2,
        "pool_waiting_oldest_seconds": 3.0,
        "pool_workers": 2,
        "pool_overloaded": 0,
        "pool_open": 1,
    }
    subject.when(terms(1, is_open=False, reason="draining", max_waiting=1), at=2300)
    subject.when(Tick(), at=2300)
    assert (measured(subject, 2300)["pool_open"], measured(subject, 2300)["pool_waiting"]) == (0, 0)


def test_who_waits_longest_is_known_also_where_people_were_told_of_it() -> None:
    subject = pool()
    subject.when(issued(1, topic="job.old"), at=2000)
    subject.when(issued(2, topic="job.old", priority=7), at=2500)
    subject.when(issued(3, topic="job.new"), at=3000)
    assert kinds(subject.when(Tick(), at=2000 + NOTED_AFTER_MS)) == [PoolWaitNoted]
    assert watched(subject) == [("worker", 2000, 3)]
    subject.when(pools.revoked(1), at=2000 + NOTED_AFTER_MS)
    assert watched(subject) == [("worker", 2500, 2)]
    subject.when(pools.revoked(2), at=2000 + NOTED_AFTER_MS)
    assert watched(subject) == [("worker", 3000, 1)]
    subject.when(Tick(), at=2000 + NOTED_AFTER_MS)
    subject.when(issued(4, topic="job.old"), at=2500 + NOTED_AFTER_MS)
    assert watched(subject) == [("worker", 3000, 2)]
    subject.when(pools.revoked(3), at=2500 + NOTED_AFTER_MS)
    assert watched(subject) == [("worker", 2500 + NOTED_AFTER_MS, 1)]


def measured(subject: Given[Pool], at: int) -> dict[str, float]:
    assert subject.state is not None
    return dict(DECIDER.gauges(subject.state, at))


def watched(subject: Given[Pool]) -> list[Watched]:
    assert subject.state is not None
    return list(DECIDER.watches(subject.state))


def test_what_is_held_counts_for_terms_that_come_later_beside_other_limits() -> None:
    subject = pool()
    subject.when(terms(limits=(PoolLimit("tenant", max_concurrent=3, per_minute=9),)))
    subject.when(beat(room=3))
    subject.when(issued(1, constraints='{"max_concurrent":{"tenant":3}}'))
    subject.when(issued(2))
    subject.when(terms(2, limits=(PoolLimit("tenant", max_concurrent=2, per_minute=8),)))
    assert dispatched(subject.when(issued(3))) == []
    assert "tenant 'acme' has its 2 at once" in why(subject, 3)
    assert subject.state is not None
    assert [(wait.step, wait.since) for wait in DECIDER.waits(subject.state)] == [("job.echo", subject.state.at)]


def test_a_worker_that_nobody_knows_is_lost_without_a_trace() -> None:
    subject = pool()
    subject.when(beat(room=3))
    assert subject.state is not None
    meta = msgspec.structs.replace(sample("WorkerLost")[0], at=subject.state.at)
    gone = DECIDER.evolve(subject.state, meta, WorkerLost(worker="nobody", reason="left"))
    assert gone.workers == subject.state.workers


def test_what_waits_though_somebody_has_room_waits_for_its_turn() -> None:
    subject = pool()
    subject.when(beat(room=3))
    asked = issued(1)
    assert subject.state is not None
    meta = msgspec.structs.replace(sample("JobQueued")[0], key="default", at=subject.state.at)
    state = DECIDER.evolve(subject.state, meta, JobQueued(job=asked.job, writ=asked.writ))
    assert DECIDER.explain(state, asked.job.job_id) == "its turn"


def test_a_pool_that_closes_under_the_same_terms_counts_nothing_anew() -> None:
    subject = pool()
    subject.when(terms(limits=(PoolLimit("tenant", max_concurrent=1),)))
    subject.when(beat(room=3))
    subject.when(issued(1))
    assert subject.state is not None
    before = subject.state.counters
    subject.when(terms(2, is_open=False, limits=(PoolLimit("tenant", max_concurrent=1),)))
    assert (subject.state.counters, subject.state.closed) == (before, 2)
    assert list(DECIDER.watches(subject.state)) == []
