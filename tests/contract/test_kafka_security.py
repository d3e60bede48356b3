"""A cluster that asks who is there: each service is let in by its own name, does its own work, and nothing else."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Iterator
from pathlib import Path

import pytest

from foldgate.contracts.access import WORKER, access_of
from foldgate.contracts.events import RunSucceeded
from foldgate.contracts.places import Partition
from foldgate.contracts.topics import DISPATCH, RUNS, STREAMS
from foldgate.eventlog.kafka_looking import look_at_kafka
from foldgate.eventlog.log import Batch, BatchHead, Log, LogError, LogUnavailable, Outgoing
from foldgate.gateway.main import SERVICE as GATEWAY
from foldgate.readmodel.postgres import ReadModels
from foldgate.runtime.brokers import address_of
from foldgate.runtime.connecting import open_log
from foldgate.runtime.settings import Settings, SettingsInvalid
from foldgate.sdk.client import Client
from foldgate.sdk.job import Job
from foldgate.sdk.worker import Worker
from foldgate.testing.plugin import provided
from tests.support.commands import foldgate
from tests.support.guarded import BY_CERTIFICATE, NAMES, POOLS, SUITE, Guarded, guarded_broker
from tests.support.keys import ISSUER, TRUST
from tests.support.suite import OWNERS, running, working

ALL = [stream.name for stream in STREAMS if not stream.name.endswith(".*")]
DISPATCHES = [DISPATCH.member(pool).name for pool in POOLS]
POOL_OPTIONS = [word for pool in POOLS for word in ("--pool", pool)]
WORKFLOW = """
id: whole
steps:
  keep: {type: storage, set: {kept: "1"}}
  work: {type: job, topic: job.echo, depends_on: [keep]}
"""


@pytest.fixture(scope="module")
def guarded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    """A cluster that is prepared by the command line, as an administrator does it, with records in every partition."""
    with provided(request, "KAFKA", guarded_broker(tmp_path_factory.mktemp("guarded"))) as broker:
        where = {"FOLDGATE_KAFKA": broker.administrator, "FOLDGATE_SUITE": SUITE}
        named = ("--principal", f"approval=User:CN={BY_CERTIFICATE}")
        for words in (("topics",), ("acls", *POOL_OPTIONS), ("acls", *named)):
            done = foldgate("kafka", *words, "--apply", settings=where)
            assert done.returncode == 0, done.stderr
        asyncio.run(_filled(broker))
        yield broker


async def _filled(broker: Guarded) -> None:
    async with opened({"kafka": broker.administrator, "suite": SUITE}) as log:
        await log.prepare([DISPATCH.member(pool) for pool in POOLS])
        for name in [*ALL, *DISPATCHES]:
            await log.submit(name, [Outgoing(b"%d" % n, b"there") for n in range(40)])


@contextlib.asynccontextmanager
async def opened(settings: dict[str, str]) -> AsyncIterator[Log]:
    log = await open_log(Settings.model_validate({"retry_within_ms": "15000", **settings}))
    try:
        yield log
    finally:
        await log.close()


async def refused(work: Awaitable[object]) -> bool:
    """Whether the cluster does not let us: any other trouble is one of the test."""
    try:
        await work
    except LogError as error:
        if "foldgate kafka acls" in str(error):
            return True
        raise
    return False


async def all_of(log: Log, name: str) -> None:
    async for _ in log.read(Partition(name, 0), 0):
        pass


async def claimed(log: Log, name: str) -> None:
    """Claim the partition, where somebody may have been before: it is the fence that is of interest."""
    writer = await log.writer(Partition(name, 0))
    await writer.append(Batch(BatchHead(1, 0, 1, (), "o"), [Outgoing(b"", b"claim")]))
    await writer.close()


def _allowed(streams: frozenset[str], name: str, *, pool: str, who: str) -> bool:
    if not name.startswith("dispatch."):
        return name in streams
    return DISPATCH.name in streams and (who != WORKER or name == DISPATCH.member(pool).name)


@pytest.mark.parametrize(("who", "pool"), NAMES)
async def test_each_name_does_what_is_its_own_and_nothing_else(guarded: Guarded, who: str, pool: str) -> None:
    access = access_of(who)
    async with opened(guarded.settings(who, pool=pool)) as log:
        for name in [*ALL, *DISPATCHES]:
            may = [_allowed(s, name, who=who, pool=pool) for s in (access.reads, access.appends, access.submits)]
            reads = not await refused(all_of(log, name))
            appends = not await refused(claimed(log, name))
            submits = name in access.appends or not await refused(log.submit(name, [Outgoing(b"default", b"more")]))
            assert (name, reads, appends, submits and name not in access.appends) == (name, *may)


@pytest.mark.parametrize(("who", "pool"), NAMES)
async def test_checkpoints_are_their_owners(guarded: Guarded, who: str, pool: str) -> None:
    own = access_of(who).appends
    owned = [stream.name for stream in STREAMS if stream.kind == "owned"]
    async with opened(guarded.settings(who, pool=pool)) as log:
        for name in owned:
            saving = log.checkpoints().save(Partition(name, 0), epoch=2, head=b"new", changed={"k": b"w"})
            assert (name, await refused(saving)) == (name, name not in own)


async def test_by_certificate_one_is_who_it_says(guarded: Guarded) -> None:
    settings = {
        "kafka": guarded.by_certificate,
        "kafka_security": "SSL",
        "kafka_ca": str(guarded.authority.file),
        "kafka_certificate": str(guarded.holder.certificate),
        "kafka_key": str(guarded.holder.key),
        "suite": SUITE,
    }
    async with opened(settings) as log:
        assert not await refused(all_of(log, "decisions"))
        assert await refused(all_of(log, "reports"))


async def test_what_looks_at_the_cluster_goes_the_same_way(guarded: Guarded) -> None:
    seen = await look_at_kafka(address_of(Settings.model_validate(guarded.settings("engine"))), suite=SUITE)
    assert seen.version.startswith("4")
    assert seen.streams["runs"] == RUNS.partitions


async def test_what_is_wrong_with_credentials_is_said(guarded: Guarded, tmp_path: Path) -> None:
    settings = {**guarded.settings("engine"), "retry_within_ms": "4000"}
    with pytest.raises(LogUnavailable, match="refused our credentials"):
        async with opened({**settings, "kafka_password": "another"}):
            pass
    with pytest.raises(SettingsInvalid, match=r"FOLDGATE_KAFKA_CA=.*none\.pem: expected PEM files"):
        async with opened({**settings, "kafka_ca": str(tmp_path / "none.pem")}):
            pass
    locked = guarded.authority.pair("locked", password=b"secret")
    own = {"kafka_certificate": str(locked.certificate), "kafka_key": str(locked.key)}
    with pytest.raises(SettingsInvalid, match=r"FOLDGATE_KAFKA_CERTIFICATE.*the key has a password"):
        async with opened({**settings, **own}):
            pass


async def test_a_broker_for_which_nobody_vouches_is_not_spoken_to(guarded: Guarded) -> None:
    without = {name: value for name, value in guarded.settings("engine").items() if name != "kafka_ca"}
    with pytest.raises(LogUnavailable):
        async with opened({**without, "retry_within_ms": "3000"}):
            pass


async def test_the_whole_suite_works_with_a_name_each(guarded: Guarded, postgres_url: str) -> None:
    worker = Worker("w", beat_every_ms=100, trust=TRUST)

    @worker.job("job.*")
    async def done(job: Job) -> object:
        return job.topic

    async with contextlib.AsyncExitStack() as stack, asyncio.timeout(120):
        for service in OWNERS:
            log = await stack.enter_async_context(opened(guarded.settings(service.name)))
            await log.prepare([stream for stream in STREAMS if not stream.name.endswith(".*")])
            await stack.enter_async_context(running(log, services=(service,)))
        models = await ReadModels.connect(postgres_url, suite=SUITE)
        stack.push_async_callback(models.close)
        door = await stack.enter_async_context(opened(guarded.settings("gateway")))
        await stack.enter_async_context(running(door, services=(GATEWAY,), models=models))
        own = await stack.enter_async_context(opened(guarded.settings(WORKER)))
        await stack.enter_async_context(working(own, worker))
        client = Client(door, principal="bob", signer=ISSUER)
        await client.publish(WORKFLOW)
        asked = await client.start("whole", {})
        assert isinstance(await client.ended(asked.run_id), RunSucceeded)
