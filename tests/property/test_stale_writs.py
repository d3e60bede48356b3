"""Policy that changes at every moment, and a kernel and a scheduler that have read it to different places: each job is
dispatched, under what was active when it was, and goes back at most as often as policy changed.

Real deciders, in memory: the shells are as they are in `foldgate.runtime.tables`: before a message is taken that names
a place which its table has not reached, the table is read to the end; else it is read when it pleases.
"""

import random

import msgspec
import pytest

from foldgate.authority.active import Policies
from foldgate.authority.pools import Pools
from foldgate.contracts import ids
from foldgate.contracts.events import Event, Job, JobDispatched, JobLost, JobRequested, PolicyPublished, WritIssued
from foldgate.decider.decider import Tick
from foldgate.policy_kernel.decisions.decide import decisions
from foldgate.policy_kernel.decisions.state import Case
from foldgate.scheduler.jobs.decide import jobs
from foldgate.scheduler.jobs.state import Pool
from tests.support.given import Given, meta
from tests.support.kernel import RUN, job, publish
from tests.support.keys import KERNEL, SCHEDULER, SUITE_KEY
from tests.support.pools import NOTED_AFTER_MS, beat
from tests.support.thorough import daily

JOBS = 6
CHANGES = 12


class Reader:
    """A table of policies, read as far as it was."""

    def __init__(self, log: list[PolicyPublished]) -> None:
        self.table, self.reached, self._log = Policies(), 0, log

    def read(self, count: int | None = None) -> None:
        """So many events more; all there are, if not said."""
        end = len(self._log) if count is None else min(len(self._log), self.reached + count)
        for place in range(self.reached, end):
            self.table.add(meta("policies"), self._log[place], place + 1)
        self.reached = end

    def before(self, event: Event) -> None:
        """As the shell does it."""
        if self.table.lacks(meta(RUN), event, reached=self.reached):
            self.read()
            assert not self.table.lacks(meta(RUN), event, reached=self.reached), "it waits for what is not there"


class World:
    """One run of some jobs, from the engine's requests to the dispatches; the engine asks again for what comes back."""

    def __init__(self, seed: int) -> None:
        self.chance, self.log = random.Random(seed), list[PolicyPublished]()
        self.kernels, self.schedulers = Reader(self.log), Reader(self.log)
        self.kernel: Given[Case] = Given(
            decisions(self.kernels.table, Pools(), default_decision="allow", writ_ttl_ms=10**9, signer=KERNEL), key=RUN
        )
        self.pool: Given[Pool] = Given(
            jobs(
                self.schedulers.table,
                lease_ms=10**9,
                wait_noted_after_ms=NOTED_AFTER_MS,
                signer=SCHEDULER,
                suite_keys=(SUITE_KEY,),
            ),
            key="default",
        )
        self.to_kernel: list[JobRequested] = [JobRequested(job=job(step=f"s{number}")) for number in range(JOBS)]
        self.to_scheduler: list[WritIssued] = []
        self.given: list[JobDispatched] = []
        self.returned = dict.fromkeys((f"s{number}" for number in range(JOBS)), 0)
        self.room = 1

    def act(self) -> None:
        """Something happens."""
        lot = self.chance.randrange(6)
        if lot == 0 and len(self.log) < CHANGES:
            self.publish()
        elif lot == 1:
            self.chance.choice((self.kernels, self.schedulers)).read(self.chance.randint(0, 3))
        elif lot in (2, 3):
            self.decide()
        else:
            self.schedule()

    def publish(self) -> None:
        """Policy is another; now and then it is what it was before."""
        scratch, number = Policies(), self.chance.randint(0, 4)
        publish(scratch, {"decision": "allow", "reason": f"edition {number}"})
        [version] = scratch._contents[scratch.active_name]
        self.log.append(PolicyPublished(policy_snapshot=scratch.active_name, bundles=(version,), kind="publish"))

    def decide(self) -> None:
        if self.to_kernel:
            asked = self.to_kernel.pop(0)
            self.kernels.before(asked)
            self.to_scheduler += [one for one in self.kernel.when(asked) if isinstance(one, WritIssued)]

    def schedule(self) -> None:
        if self.to_scheduler and self.chance.random() < 0.5:
            issued = self.to_scheduler.pop(0)
            self.schedulers.before(issued)
            self.take(self.pool.when(issued))
        elif self.chance.random() < 0.5:
            self.room += 1
            self.take(self.pool.when(beat(f"w/{self.room}", room=1)))
        elif self.pool.state is not None and self.pool.decider.due(self.pool.state) == 0:
            self.take(self.pool.when(Tick()))

    def take(self, said: list[Event]) -> None:
        for event in said:
            if isinstance(event, JobDispatched):
                table = self.schedulers.table
                assert table.is_active(event.writ.policy_snapshot, event.writ.policies_offset)
                self.given.append(event)
            elif isinstance(event, JobLost):
                self.ask_again(event)

    def ask_again(self, lost: JobLost) -> None:
        """As the engine does it."""
        assert lost.reason == "writ_stale"
        self.returned[lost.step] += 1
        name = ids.parse_job_id(lost.job_id)
        again: Job = job(name.attempt + 1, step=lost.step)
        self.to_kernel.append(JobRequested(job=again, after="writ_stale", policies_offset=lost.policies_offset))


@pytest.mark.parametrize("seed", range(daily(60, thorough=3000)))
def test_each_job_is_dispatched_and_goes_back_no_more_often_than_policy_changed(seed: int) -> None:
    world = World(seed)
    for _ in range(4000):
        world.act()
        if len(world.given) == JOBS:
            break
    assert sorted(one.job.step for one in world.given) == sorted(world.returned), "one is still going round"
    assert max(world.returned.values()) <= len(world.log)


def test_the_wanted_place_is_what_keeps_a_slow_kernel_from_going_round() -> None:
    """A kernel that reads nothing by itself decides again under what the scheduler has read."""
    world = World(1)
    world.publish()
    world.decide()
    world.schedulers.read()
    world.room = JOBS
    world.take(world.pool.when(beat(room=JOBS)))
    [issued] = world.to_scheduler
    world.take(world.pool.when(issued))
    assert world.returned["s0"] == 1
    asked = world.to_kernel[-1]
    assert (asked.policies_offset, world.kernels.reached) == (1, 0)
    world.kernels.before(msgspec.structs.replace(asked))
    assert world.kernels.reached == 1
