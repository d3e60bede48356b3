"""A database role for each service: it does its own work, and nothing else, whoever has its password."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable

import asyncpg
import pytest

from foldgate.contracts.access import SERVICES, WORKER, access_of
from foldgate.contracts.events import ApprovalOpened, Event, PolicyDrafted, PolicyPublished, RunSucceeded
from foldgate.contracts.places import Partition
from foldgate.contracts.topics import DISPATCH, STREAMS, stream_of
from foldgate.eventlog.log import Batch, BatchHead, LogError, Outgoing
from foldgate.eventlog.postgres import PostgresLog
from foldgate.eventlog.postgres_roles import PoolMisnamed, roles_sql
from foldgate.eventlog.postgres_tables import SUBMIT
from foldgate.gateway.main import SERVICE as GATEWAY
from foldgate.readmodel.postgres import ReadModels
from foldgate.sdk.client import Client
from foldgate.sdk.job import Job
from foldgate.sdk.policies import a_bundle, a_publishing
from foldgate.sdk.voting import a_vote, cast
from foldgate.sdk.worker import Worker
from tests.support.commands import foldgate
from tests.support.history import history_of
from tests.support.keys import ISSUER, TRUST
from tests.support.logs import USED
from tests.support.roles import POOLS, Suite, suite_with_roles
from tests.support.suite import OWNERS, running, working
from tests.support.waiting import until

ROLES = [*((who, "default") for who in SERVICES), *((WORKER, pool) for pool in POOLS)]
NAMES = [stream.name for stream in STREAMS if not stream.name.endswith(".*")]
DISPATCHES = [DISPATCH.member(pool).name for pool in POOLS]
LEFT_ALONE = asyncpg.InsufficientPrivilegeError
POLICY = """
bundle: team/floor
default_decision: allow
rules:
  - {id: ask, match: {topics: [job.asks]}, decision: require_approval}
"""
WORKFLOW = """
id: whole
steps:
  keep: {type: storage, set: {kept: "1"}}
  work: {type: job, topic: job.echo, depends_on: [keep]}
  asks: {type: job, topic: job.asks, depends_on: [work]}
"""


def claim() -> Batch:
    return Batch(BatchHead(1, 0, 1, (), "o"), [Outgoing(b"", b"claim")])


def allowed(streams: frozenset[str], name: str, *, pool: str, who: str) -> bool:
    """Whether a stream is among these, which may name its family: of that, workers have only their pool's."""
    if not name.startswith("dispatch."):
        return name in streams
    return DISPATCH.name in streams and (who != WORKER or name == DISPATCH.member(pool).name)


@contextlib.asynccontextmanager
async def filled(postgres_url: str) -> AsyncIterator[Suite]:
    """A suite with a record and a checkpoint in the first partition of each stream."""
    async with suite_with_roles(postgres_url) as suite, suite.log() as log:
        for name in [*NAMES, *DISPATCHES]:
            await log.submit(name, [Outgoing(b"default", b"there")] * 3)
        for name in NAMES:
            await log.checkpoints().save(Partition(name, 0), epoch=1, head=b"h", changed={"k": b"v"})
        yield suite


async def refused(work: Awaitable[object]) -> bool:
    try:
        await work
    except LogError as error:
        return "foldgate database roles" in str(error)
    return False


async def everything(log: PostgresLog, name: str) -> list[bytes]:
    found = [[r.value async for chunk in log.read(Partition(name, n), 0) for r in chunk] for n in _numbers(name)]
    return [value for values in found for value in values]


def _numbers(name: str) -> range:
    return range(stream_of(name).partitions)


@pytest.mark.parametrize(("who", "pool"), ROLES)
async def test_each_role_does_what_is_its_own_and_nothing_else(postgres_url: str, who: str, pool: str) -> None:
    access = access_of(who)
    async with filled(postgres_url) as suite, suite.log(who, pool=pool) as log:
        for name in [*NAMES, *DISPATCHES]:
            may = {
                "appends": allowed(access.appends, name, who=who, pool=pool),
                "submits": allowed(access.submits, name, who=who, pool=pool),
                "reads": allowed(access.reads, name, who=who, pool=pool),
            }
            writer = await log.writer(Partition(name, 0))
            key = pool.encode() if name == "workers" else b"default"
            does = {
                "reads": await everything(log, name) == [b"there"] * 3,
                "appends": not await refused(writer.append(claim())),
                "submits": not await refused(log.submit(name, [Outgoing(key, b"more")])),
            }
            assert (name, does) == (name, may)


@pytest.mark.parametrize(("who", "pool"), ROLES)
async def test_checkpoints_are_their_owners(postgres_url: str, who: str, pool: str) -> None:
    own = access_of(who).appends
    async with filled(postgres_url) as suite:
        async with suite.log(who, pool=pool) as log:
            for name in NAMES:
                saving = log.checkpoints().save(Partition(name, 0), epoch=2, head=b"new", changed={"k": b"w"})
                assert (name, await refused(saving)) == (name, name not in own)
        async with suite.log() as log:
            for name in NAMES:
                saved = await log.checkpoints().load(Partition(name, 0))
                assert saved is not None
                assert (name, saved.head) == (name, b"new" if name in own else b"h")


MISDEEDS = {
    "forge a record": "INSERT INTO record SELECT id, 99, 'k', 'f' FROM partition_head WHERE stream = '{other}'",
    "forge one among many": "INSERT INTO record SELECT id, 99, 'k', 'f' FROM partition_head WHERE stream = 'intake'",
    "rewrite": "UPDATE record SET value = 'forged'",
    "delete": "DELETE FROM record",
    "empty": "TRUNCATE record",
    "let it be older": "UPDATE mark SET at = 'epoch'",
    "keep for a shorter time": "UPDATE stream SET retention_days = 0",
    "let oneself submit": "INSERT INTO submitter SELECT session_user, 'admin'",
    "see through the guards": "ALTER TABLE record DISABLE ROW LEVEL SECURITY",
    "take down a guard": 'DROP POLICY "{role} select" ON record',
    "be another": 'SET ROLE "{another}"',
    "become a function's owner": "ALTER FUNCTION submit SET search_path TO public",
    "put something into the schema": "CREATE TABLE mine ()",
    "make a stream": "INSERT INTO stream (name, partitions) VALUES ('mine', 1)",
    "make a stream of the family that is kept for a day": (
        "INSERT INTO stream (name, partitions, retention_days) VALUES ('dispatch.x', 1, 1)"
    ),
    "another owner's number": "UPDATE partition_head SET id = DEFAULT",
    "undo a migration": "DELETE FROM migration",
    "sweep more": "INSERT INTO mark SELECT id, 'epoch', 3 FROM partition_head",
}


@pytest.mark.parametrize("who", [*SERVICES, WORKER])
async def test_with_its_password_alone_nothing_else_can_be_done(postgres_url: str, who: str) -> None:
    other = next(name for name in ("runs", "decisions") if name not in access_of(who).appends)
    async with filled(postgres_url) as suite:
        names = {"other": other, "role": f"{suite.name}_{who}", "another": f"{suite.name}_engine"}
        async with suite.connection(who) as connection:
            for what, statement in MISDEEDS.items():
                if "{another}" in statement and who == "engine":
                    continue
                try:
                    await connection.execute(statement.format(**names))
                except LEFT_ALONE:
                    continue
                pytest.fail(f"{who}: expected not to {what}")


@pytest.mark.parametrize("change", ["next_offset = 0", "epoch = 9", "sequence = 9"])
@pytest.mark.parametrize("who", [*SERVICES, WORKER])
async def test_no_head_but_ones_own_is_moved(postgres_url: str, who: str, change: str) -> None:
    own = access_of(who).appends
    async with filled(postgres_url) as suite, suite.connection(who) as connection:
        statement = f"UPDATE partition_head SET {change} WHERE stream <> ALL ($1)"
        if not own:
            with pytest.raises(LEFT_ALONE):
                await connection.execute(statement, list(own))
        else:
            assert await connection.execute(statement, list(own)) == "UPDATE 0"


async def test_workers_speak_for_their_pool_alone(postgres_url: str) -> None:
    async with filled(postgres_url) as suite, suite.log(WORKER, pool="gpu-large") as log:
        await log.submit("workers", [Outgoing(b"gpu-large", b"beat")])
        await log.submit("reports", [Outgoing(b"any run", b"report")])
        assert await refused(log.submit("workers", [Outgoing(b"default", b"beat")]))
        assert await everything(log, "dispatch.gpu-large")
        assert await everything(log, "dispatch.default") == []
        number = await log._tables.id_of(Partition("workers", 0))
        async with suite.connection(WORKER, pool="gpu-large") as connection:
            with pytest.raises(LEFT_ALONE):
                await connection.fetchval(SUBMIT, number, [b"gpu-large", b"default"], [b"1", b"2"])
            await connection.execute(
                "CREATE TEMP TABLE submitter AS SELECT session_user::text AS role, 'admin' AS stream"
            )
            admin = await log._tables.id_of(Partition("admin", 0))
            with pytest.raises(LEFT_ALONE):
                await connection.fetchval(SUBMIT, admin, [b"k"], [b"of a table of mine"])


async def test_the_scheduler_makes_streams_for_pools_and_no_others(postgres_url: str) -> None:
    async with suite_with_roles(postgres_url) as suite, suite.log("scheduler") as log:
        new = DISPATCH.member("fresh")
        await log.prepare([new])
        await log.submit(new.name, [Outgoing(b"worker", b"dispatch")])
        async with suite.log() as owner:
            assert await everything(owner, new.name) == [b"dispatch"]
        async with suite.log(WORKER) as worker:
            assert await refused(worker.prepare([DISPATCH.member("of its own")]))


async def test_what_is_old_is_swept_under_any_service_and_no_worker(postgres_url: str) -> None:
    async with filled(postgres_url) as suite:
        for who in SERVICES:
            async with suite.log(who) as log:
                await log.prepare([stream_of(name) for name in NAMES])
                await log._retention.sweep()
        async with suite.log(WORKER) as log:
            await log.prepare([stream_of("reports")])
            assert await refused(log._retention.sweep())


async def test_the_sql_may_be_run_again_and_gives_back_what_is_too_much(postgres_url: str) -> None:
    async with filled(postgres_url) as suite, suite.log() as owner:
        await owner.administer(f'GRANT DELETE ON {suite.name}.record TO "{suite.name}_approval"')
        await owner.administer(roles_sql(suite.name, pools=POOLS))
        async with suite.connection("approval") as connection:
            with pytest.raises(LEFT_ALONE):
                await connection.execute("DELETE FROM record")
        async with suite.log("approval") as log:
            assert not await refused((await log.writer(Partition("approvals", 0))).append(claim()))


async def test_a_schema_that_is_behind_is_its_owners_to_bring_up_to_date(postgres_url: str) -> None:
    async with suite_with_roles(postgres_url) as suite:
        async with suite.log() as owner:
            await owner.administer(f"DELETE FROM {suite.name}.migration WHERE number = 3")
        with pytest.raises(LogError, match="foldgate database roles"):
            async with suite.log("engine"):
                pass


async def test_the_command_prints_and_applies_it(postgres_url: str) -> None:
    async with suite_with_roles(postgres_url) as suite:
        where = {"FOLDGATE_POSTGRES": postgres_url, "FOLDGATE_SUITE": suite.name}
        arguments = ["database", "roles", *(word for pool in POOLS for word in ("--pool", pool))]
        printed = await asyncio.to_thread(foldgate, *arguments, settings=where)
        assert printed.stdout == roles_sql(suite.name, pools=POOLS)
        applied = await asyncio.to_thread(foldgate, *arguments, "--apply", settings=where)
        assert f"{suite.name}_engine" in applied.stdout
        assert f"{suite.name}_worker_gpu-large" in applied.stdout
        async with suite.log("engine") as log:
            assert not await refused(log.submit("reports", [Outgoing(b"k", b"v")]))


@pytest.mark.parametrize("pool", ["", "a'b", 'a"b', "ä", "x" * 60])
def test_a_pool_that_makes_no_role_is_refused(pool: str) -> None:
    with pytest.raises(PoolMisnamed, match="Expected the name of a pool"):
        roles_sql("foldgate", pools=[pool])


async def test_the_whole_suite_works_with_a_role_each(postgres_url: str) -> None:
    worker = Worker("w", beat_every_ms=100, trust=TRUST)

    @worker.job("job.*")
    async def done(job: Job) -> object:
        return job.topic

    async with suite_with_roles(postgres_url) as suite, contextlib.AsyncExitStack() as stack, asyncio.timeout(120):
        for service in OWNERS:
            log = await stack.enter_async_context(suite.log(service.name))
            await stack.enter_async_context(running(log, services=(service,)))
        models = await ReadModels.connect(suite.url_of("gateway"), suite=suite.name)
        stack.push_async_callback(models.close)
        door = await stack.enter_async_context(suite.log("gateway"))
        await stack.enter_async_context(running(door, services=(GATEWAY,), models=models))
        await stack.enter_async_context(working(await stack.enter_async_context(suite.log(WORKER)), worker))

        client = Client(door, principal="bob", signer=ISSUER)
        assert isinstance((await client.decided(a_bundle(POLICY, revision=0))).event, PolicyDrafted)
        assert isinstance((await client.decided(a_publishing(["team/floor"]))).event, PolicyPublished)
        await client.publish(WORKFLOW)
        asked = await client.start("whole", {})
        vote = a_vote(await _question(door), approve=True, reason="")
        await cast(client, door, vote)
        assert isinstance(await client.ended(asked.run_id), RunSucceeded)

        async def is_shown() -> bool:
            status = "SELECT status FROM runs WHERE run_id = $1"
            return bool(await models.run(lambda c: c.fetchval(status, asked.run_id)) == "succeeded")

        await until(is_shown, what="the read model to show the end")


async def _question(log: PostgresLog) -> str:
    opened: list[Event] = []

    async def is_open() -> bool:
        opened[:] = [one.event for one in (await history_of(log)).of(ApprovalOpened)]
        return bool(opened)

    await until(is_open, what="a question")
    assert isinstance(opened[0], ApprovalOpened)
    return opened[0].approval_id


@pytest.mark.parametrize("suite", ["user", "full"])
async def test_a_suite_may_have_a_name_that_means_something_in_sql(postgres_url: str, suite: str) -> None:
    """The SQL of its roles is undone at the end: roles are the whole server's."""
    log = await PostgresLog.connect(postgres_url, suite=suite)
    await log.prepare(USED)
    (laid,) = await log.submit("intake", [Outgoing(b"run_1", b"there")])
    follower = log.follow({laid.partition: 0})
    assert [record.value for record in await follower.next(timeout_ms=10_000)] == [b"there"]
    await follower.close()
    await log.close()
    owner = await asyncpg.connect(postgres_url)
    await owner.execute(roles_sql(suite).replace("COMMIT;", "ROLLBACK;"))
    await owner.close()
