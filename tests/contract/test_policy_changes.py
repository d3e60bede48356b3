"""Policy changes while runs go on, and the kernel comes and goes: nothing is denied for want of a kernel."""

import asyncio

from foldgate.contracts.events import PolicyDrafted, PolicyPublished, PolicyRefused, RunDenied, RunSucceeded
from foldgate.eventlog.log import Log
from foldgate.policy_kernel.main import SERVICE as POLICY_KERNEL
from foldgate.sdk.client import Client
from foldgate.sdk.policies import a_bundle, a_publishing, a_rollback
from tests.contract.test_skeleton import a_worker, names
from tests.support.history import history_of
from tests.support.keys import ISSUER
from tests.support.logs import Opened
from tests.support.redeciding import decided_again
from tests.support.suite import OWNERS, running, settings, working
from tests.support.waiting import until

OTHERS = tuple(service for service in OWNERS if service is not POLICY_KERNEL)
DENYING = settings(default_decision="deny")
ALLOW = "bundle: test/floor\ndefault_decision: allow\n"
STRICT = ALLOW + "rules:\n  - {id: not-that, match: {topics: [job.broken]}, decision: deny, reason: not here}\n"


def an_admin(log: Log) -> Client:
    return Client(log, principal="ada", signer=ISSUER)


async def publish(log: Log, source: str, *, revision: int = 0) -> PolicyPublished:
    """Put this and publish it."""
    drafted = (await an_admin(log).decided(a_bundle(source, revision=revision))).event
    assert isinstance(drafted, PolicyDrafted), drafted
    published = (await an_admin(log).decided(a_publishing([drafted.bundle], reason="a test"))).event
    assert isinstance(published, PolicyPublished), published
    return published


async def end_of(log: Log, topic: str) -> object:
    client = Client(log, signer=ISSUER)
    return await client.ended((await client.run_job(topic)).run_id)


async def test_what_is_published_holds_while_decisions_go_on(opened: Opened) -> None:
    async with opened() as log, running(log, given=DENYING), working(log, a_worker([])), asyncio.timeout(90):
        assert isinstance(await end_of(log, "job.echo"), RunDenied), "nothing was published yet"
        first = await publish(log, ALLOW)

        async def is_allowed() -> bool:
            return isinstance(await end_of(log, "job.echo"), RunSucceeded)

        await until(is_allowed, what="a kernel that has read what was published")
        over = asyncio.Event()
        going_on = asyncio.create_task(_ends(log, over))
        second = await publish(log, STRICT, revision=1)

        async def is_denied() -> bool:
            return await end_of(log, "job.broken") == RunDenied(
                rule="test/floor#not-that", reason="not here", step="job"
            )

        await until(is_denied, what="a denial by the new rule")
        over.set()
        ends = await going_on
        assert all(isinstance(end, RunSucceeded) for end in ends), ends
        assert (second.replaces, second.kind) == (first.policy_snapshot, "publish")
        back = (await an_admin(log).decided(a_rollback(first.policy_snapshot))).event
        assert isinstance(back, PolicyPublished)
        assert back.bundles == first.bundles
        asked = len(ends) + 2
        assert decided_again((await history_of(log)).facts, default="deny") >= 2 * asked, "of each run, and of its job"


async def _ends(log: Log, over: asyncio.Event) -> list[object]:
    """The ends of runs that are asked for one after the other, of two at the least."""
    found: list[object] = []
    while not over.is_set() or len(found) < 2:
        found.append(await end_of(log, "job.echo"))
    return found


async def test_without_a_kernel_jobs_wait_and_none_is_denied(opened: Opened) -> None:
    async with opened() as log, running(log, services=OTHERS, given=DENYING), asyncio.timeout(90):
        async with running(log, services=(POLICY_KERNEL,), given=DENYING):
            await publish(log, ALLOW)
        async with working(log, a_worker([])):
            client = Client(log, signer=ISSUER)
            asked = [await client.run_job("job.echo", {"n": n}) for n in range(5)]
            for one in asked:
                await until(lambda run=one.run_id: _is_begun(log, run), what="a run that waits")
            for one in asked:
                assert await names(log, "decisions", one.run_id) == []
                assert "RunDenied" not in await names(log, "runs", one.run_id)
            async with running(log, services=(POLICY_KERNEL,), given=DENYING):
                ends = await asyncio.gather(*(client.ended(one.run_id) for one in asked))
        assert all(isinstance(end, RunSucceeded) for end in ends), ends


async def _is_begun(log: Log, run_id: str) -> bool:
    return "JobRequested" in await names(log, "runs", run_id)


async def test_who_has_no_key_changes_nothing(opened: Opened) -> None:
    async with opened() as log, running(log, given=DENYING), asyncio.timeout(60):
        said = (await Client(log, principal="eve").decided(a_bundle(ALLOW, revision=0))).event
        assert isinstance(said, PolicyRefused)
        assert said.code == "unsigned"
