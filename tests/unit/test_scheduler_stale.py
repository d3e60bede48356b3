"""Writs of an earlier snapshot: looked at when their jobs are to be given to a worker, and sent back."""

import msgspec

from foldgate.authority.active import Policies
from foldgate.contracts.events import Decision, Event, JobDispatched, JobLost, JobQueued, WritIssued
from foldgate.decider.decider import Tick
from foldgate.scheduler.jobs.decide import jobs
from foldgate.scheduler.jobs.state import Pool
from tests.support import pools
from tests.support.given import Given
from tests.support.kernel import publish
from tests.support.keys import SCHEDULER, SUITE_KEY
from tests.support.pools import LEASE_MS, NOTED_AFTER_MS, beat


class Scheduler(Given[Pool]):
    """A pool, and the policies that its scheduler has read."""

    def __init__(self) -> None:
        self.policies = Policies()
        decider = jobs(
            self.policies,
            lease_ms=LEASE_MS,
            wait_noted_after_ms=NOTED_AFTER_MS,
            signer=SCHEDULER,
            suite_keys=(SUITE_KEY,),
        )
        super().__init__(decider, key="default")
        self.first = publish(self.policies, {"decision": "allow"}, reached=5)

    def change(self, reached: int) -> str:
        return publish(self.policies, {"decision": "allow", "reason": f"at {reached}"}, reached=reached)


def issued(number: int, *, snapshot: str, offset: int, constraints: str = "") -> WritIssued:
    event = pools.issued(number)
    writ = msgspec.structs.replace(event.writ, policy_snapshot=snapshot, policies_offset=offset)
    decision = Decision(decision="allow", policy_snapshot=snapshot, constraints=constraints)
    return msgspec.structs.replace(event, writ=writ, decision=decision)


def stale(number: int, offset: int) -> JobLost:
    return JobLost(
        job_id=pools.job(number).job_id,
        step="job",
        lease=0,
        worker="",
        reason="writ_stale",
        policies_offset=offset,
    )


def names(events: list[Event]) -> list[str]:
    return [type(event).__name__ for event in events]


def test_a_writ_of_the_active_snapshot_dispatches() -> None:
    pool = Scheduler()
    pool.when(beat())
    assert names(pool.when(issued(1, snapshot=pool.first, offset=5))) == ["JobDispatched"]


def test_one_of_an_earlier_snapshot_goes_back_with_the_place_wanted() -> None:
    pool = Scheduler()
    pool.when(beat())
    pool.change(9)
    assert pool.when(issued(1, snapshot=pool.first, offset=5)) == [stale(1, 9)]
    assert pool.decider.describe(pool.state)["stale_writs"] == 1  # type: ignore[arg-type]


def test_it_is_looked_at_when_its_turn_has_come_and_not_before() -> None:
    pool = Scheduler()
    for number in range(1, 5):
        assert names(pool.when(issued(number, snapshot=pool.first, offset=5))) == ["JobQueued"]
    now = pool.change(9)
    pool.when(issued(5, snapshot=now, offset=9))
    assert pool.decider.due(pool.state) is not None  # type: ignore[arg-type]
    _, *said = pool.when(beat(room=1))
    assert said[:4] == [stale(number, 9) for number in range(1, 5)]
    [given] = said[4:]
    assert isinstance(given, JobDispatched)
    assert given.job.job_id == pools.job(5).job_id
    assert given.lease == 1


def test_what_is_not_at_the_head_stays_where_it_is() -> None:
    pool = Scheduler()
    now = pool.change(9)
    for number, (snapshot, offset) in enumerate([(now, 9), (pool.first, 5)], 1):
        pool.when(issued(number, snapshot=snapshot, offset=offset))
    assert names(pool.when(beat(room=1))) == ["WorkerJoined", "JobDispatched"]
    assert list(pool.state.waiting) == [pools.job(2).job_id]  # type: ignore[union-attr]


def test_what_is_taken_back_to_is_what_it_was() -> None:
    pool = Scheduler()
    pool.when(issued(1, snapshot=pool.first, offset=5))
    pool.change(9)
    publish(pool.policies, {"decision": "allow"}, reached=12)
    assert names(pool.when(beat())) == ["WorkerJoined", "JobDispatched"]


def test_many_stale_writs_go_back_tick_by_tick() -> None:
    pool = Scheduler()
    for number in range(600):
        pool.when(issued(number, snapshot=pool.first, offset=5))
    pool.change(9)
    counts = [len(pool.when(beat())) - 1]
    while pool.decider.due(pool.state) == 0:  # type: ignore[arg-type]
        counts.append(len(pool.when(Tick())))
    assert counts == [500, 100]


def test_what_must_hold_goes_with_the_job_also_from_the_queue() -> None:
    pool = Scheduler()
    [queued] = pool.when(issued(1, snapshot=pool.first, offset=5, constraints='{"max_runtime_ms":1}'))
    assert isinstance(queued, JobQueued)
    _, given = pool.when(beat())
    assert isinstance(given, JobDispatched)
    assert given.constraints == queued.constraints == '{"max_runtime_ms":1}'


def test_before_anything_is_published_no_writ_is_stale() -> None:
    subject = pools.pool()
    subject.when(beat())
    assert names(subject.when(pools.issued(1))) == ["JobDispatched"]
