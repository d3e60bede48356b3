"""What a pool does with writs of an earlier policy, and with a kernel that has read less of it, or more."""

import itertools

import msgspec
import pytest

from foldgate.authority.active import Policies
from foldgate.authority.pools import Pools
from foldgate.authority.snapshot import snapshot_of
from foldgate.contracts.events import (
    Event,
    JobDispatched,
    JobLost,
    JobReleased,
    JobRequested,
    PolicyPublished,
    PolicyVersion,
    WorkerJoined,
    WritIssued,
)
from foldgate.decider.decider import Tick
from foldgate.policy_kernel.decisions.decide import decisions
from foldgate.scheduler.jobs.decide import MAX_OVER, jobs
from foldgate.scheduler.jobs.state import Pool
from tests.support.given import Given, meta
from tests.support.keys import KERNEL, SCHEDULER, SUITE_KEY
from tests.support.policies import version
from tests.support.pools import LEASE_MS, NOTED_AFTER_MS, beat, issued, job, report

ABOUT = meta("policies")
NAMES = ("a", "b", "c", "d")
PLACES = range(len(NAMES) + 1)


def published(name: str) -> PolicyPublished:
    """A bundle that allows everything, alone."""
    bundles: tuple[PolicyVersion, ...] = (version({"bundle": name, "default_decision": "allow"}),)
    return PolicyPublished(policy_snapshot=snapshot_of(bundles).name, bundles=bundles, kind="publish")


def read_to(place: int, policies: Policies | None = None, *, since: int = 0) -> Policies:
    """A table that has read so many of the publications."""
    table = policies or Policies()
    for number in range(since, place):
        table.add(ABOUT, published(NAMES[number]), number + 1)
    return table


def pool(policies: Policies) -> Given[Pool]:
    return Given(
        jobs(
            policies, lease_ms=LEASE_MS, wait_noted_after_ms=NOTED_AFTER_MS, signer=SCHEDULER, suite_keys=(SUITE_KEY,)
        ),
        key="default",
    )


def kinds(events: list[Event]) -> list[type[Event]]:
    return [type(event) for event in events]


def test_what_waits_for_room_is_judged_by_the_policy_of_then() -> None:
    policies = Policies()
    subject = pool(policies)
    subject.when(beat(room=1))
    subject.when(issued(1))
    subject.when(issued(2))
    policies.add(ABOUT, published("a"), 1)
    assert kinds(subject.when(report(1))) == [JobReleased, JobLost]
    policies.add(ABOUT, published("b"), 2)
    assert subject.when(Tick()) == []


def test_many_go_back_a_part_at_a_time() -> None:
    policies = Policies()
    subject = pool(policies)
    for number in range(MAX_OVER + 3):
        subject.when(issued(number))
    policies.add(ABOUT, published("a"), 1)
    assert kinds(subject.when(beat())) == [WorkerJoined, *[JobLost] * MAX_OVER]
    assert subject.state is not None
    assert subject.decider.due(subject.state) == 0
    assert kinds(subject.when(Tick())) == [JobLost] * 3
    described = subject.decider.describe(subject.state)
    assert (described["waiting"], described["room"], described["stale_writs"]) == (0, 2, MAX_OVER + 3)


def test_a_forged_report_frees_nothing() -> None:
    subject = pool(Policies())
    subject.when(beat())
    subject.when(issued(1))
    assert subject.when(msgspec.structs.replace(report(1), mac=b"x" * 32)) == []


@pytest.mark.parametrize(("kernel_at", "scheduler_at"), list(itertools.product(PLACES, PLACES)))
@pytest.mark.parametrize("meanwhile", [0, 1, 2])
def test_neither_goes_round_in_circles_whoever_has_read_further(
    kernel_at: int, scheduler_at: int, meanwhile: int
) -> None:
    """As many ways back as policy has changed after the first writ, and one where the kernel was behind."""
    kernel_has, scheduler_has = read_to(kernel_at), read_to(scheduler_at)
    kernel = Given(
        decisions(kernel_has, Pools(), default_decision="allow", writ_ttl_ms=9000, signer=KERNEL), key="run_1"
    )
    scheduler = pool(scheduler_has)
    scheduler.when(beat())
    written, wanted = max(kernel_at, scheduler_at), 0
    for round_number in range(1, len(NAMES) + 2):
        asked = msgspec.structs.replace(job(), job_id=f"run_1:job@{round_number}", attempt=round_number)
        request = JobRequested(job=asked, policies_offset=wanted)
        if kernel_has.lacks(ABOUT, request, reached=kernel_at):
            read_to(written, kernel_has, since=kernel_at)
            kernel_at = written
        [writ] = kernel.when(request)
        assert isinstance(writ, WritIssued)
        if meanwhile and written < len(NAMES):
            written, meanwhile = written + 1, meanwhile - 1
            read_to(written, scheduler_has, since=scheduler_at)
            scheduler_at = written
        if scheduler_has.lacks(ABOUT, writ, reached=scheduler_at):
            read_to(written, scheduler_has, since=scheduler_at)
            scheduler_at = written
        [said] = scheduler.when(writ)
        if isinstance(said, JobDispatched):
            assert round_number <= 4
            return
        assert isinstance(said, JobLost)
        assert said.policies_offset > max(wanted, writ.writ.policies_offset)
        wanted = said.policies_offset
    pytest.fail("it still goes round")
