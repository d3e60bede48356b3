"""Whatever somebody writes to the log: it is set aside with its reason, place and bytes, and the partition goes on."""

import asyncio
import contextlib
import dataclasses
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, NamedTuple

import msgspec
import pytest

from foldgate.authority.requests import sign_request
from foldgate.contracts import ids
from foldgate.contracts.codec import NO_CHAIN, Codec
from foldgate.contracts.events import (
    Event,
    JobDenied,
    JobRequested,
    JobSucceeded,
    MessageQuarantined,
    Meta,
    RunFailed,
    RunRequested,
    RunStarted,
    RunSucceeded,
    WorkerBeat,
    WritIssued,
)
from foldgate.contracts.topics import RUNS, partition_of
from foldgate.decider.decider import Decider, Message
from foldgate.eventlog.log import Batch, BatchHead, Log, Outgoing, Partition
from foldgate.eventlog.owner import OwnStream, claim
from foldgate.runtime.host import Host
from foldgate.runtime.recovery import LogUnreadable
from foldgate.runtime.service import Aggregate, Service
from foldgate.sdk import Job, Worker
from foldgate.sdk.client import Client
from tests.support.checker import check
from tests.support.history import history_of, raw
from tests.support.intruding import intrude
from tests.support.keys import ISSUER, TRUST
from tests.support.logs import Opened
from tests.support.settling import settled
from tests.support.suite import OWNERS, context, running, settings, working
from tests.support.waiting import until

CODEC = Codec()
GIVEN = settings(positions_every_ms=50)


class Suite:
    """A suite at work with a worker, and a client whose runs all come to lie on one partition."""

    def __init__(self, log: Log, number: int = 0) -> None:
        self.log, self.number = log, number
        self.executed: list[str] = []
        self._client, self._asked = Client(log, signer=ISSUER), 0

    async def good_run(self) -> None:
        """The partition goes on."""
        asked = await self._client.run_job("job.echo", idempotency_key=self._next_key())
        assert isinstance(await self._client.ended(asked.run_id), RunSucceeded)

    def request(self, **changes: Any) -> tuple[str, Outgoing]:
        """A request as it should be, for this partition, but for these changes of its Meta."""
        key = self._next_key()
        run = ids.run_id("default", "job", key)
        meta = meta_of("intake", run, name=key, run_id=run)
        event = RunRequested(workflow="job", topic="job.echo", idempotency_key=key)
        meta = msgspec.structs.replace(meta, **changes)
        value = CODEC.encode(meta, sign_request(ISSUER, meta, event))
        return run, Outgoing(run.encode(), value)

    def _next_key(self) -> str:
        while True:
            self._asked += 1
            run = ids.run_id("default", "job", str(self._asked))
            if partition_of(run.encode(), RUNS.partitions) == self.number:
                return str(self._asked)

    def worker(self) -> Worker:
        worker = Worker("test", beat_every_ms=200, trust=TRUST)

        @worker.job("job.echo")
        async def echo(job: Job) -> Any:
            self.executed.append(job.id)
            return job.input

        return worker


def meta_of(stream: str, key: str, *, name: str, run_id: str = "", pool: str = "") -> Meta:
    return Meta(
        chain=NO_CHAIN,
        event_id=ids.open_event_id("stranger", name),
        stream=stream,
        key=key,
        run_id=run_id,
        pool=pool,
        sequence=0,
        clock=0,
        at=1,
        causation="",
        correlation="",
        request_id=name,
        tenant="default",
        principal="stranger",
    )


@contextlib.asynccontextmanager
async def at_work(opened: Opened, *, changed: Service | None = None) -> AsyncIterator[Suite]:
    services = [changed if changed and changed.name == service.name else service for service in OWNERS]
    async with opened() as log:
        suite = Suite(log)
        async with running(log, services=services, given=GIVEN), working(log, suite.worker()):
            yield suite


class Bad(NamedTuple):
    """A record that nobody can accept, and the code it is set aside with."""

    what: str
    code: str
    key: bytes
    value: bytes


def bad_requests(suite: Suite) -> Iterator[Bad]:
    """On `intake`: each once."""
    run, good = suite.request()
    key, value = good
    yield Bad("nothing at all", "undecodable", key, b"")
    yield Bad("bytes of anything", "undecodable", key, b"\xff\xfe anything")
    yield Bad("a text", "undecodable", key, b'{"workflow": "job"}')
    yield Bad("a schema nobody knows", "unknown_schema", key, b"\xc3\x01" + b"\x07" * 8 + value[10:])
    yield Bad("an id of no registry", "unknown_schema", key, b"\x00\x00\x00\x00\x2a" + value[10:])
    yield Bad("an event cut short", "undecodable", key, value[:-3])
    yield Bad("an event and more", "undecodable", key, value + b"more")
    yield Bad("a text that is not one", "undecodable", key, value.replace(b"job.echo", b"\xff\xffb.echo"))
    yield Bad("another's key", "key_mismatch", other_key(run), value)
    yield Bad("no key", "key_mismatch", b"", value)
    yield Bad("an event of another stream", "not_for_this_stream", key, report(run))
    other, _ = suite.request()
    theirs = CODEC.encode(meta_of("intake", other, name="x", run_id=other), CODEC.decode(value).event)
    yield Bad("a run id that is not its own", "run_id_mismatch", other.encode(), theirs)
    _, large = suite.request(correlation="x" * 950_000)
    yield Bad("more than the stream takes", "too_large", *large)


def bad_reports(suite: Suite) -> Iterator[Bad]:
    """On `reports`."""
    run, _ = suite.request()
    yield Bad("bytes of anything", "undecodable", run.encode(), b"\xff\xfe anything")
    yield Bad("a report of no run", "run_unknown", run.encode(), report(run))
    yield Bad("another's key", "key_mismatch", other_key(run), report(run))


def bad_beats(_: Suite) -> Iterator[Bad]:
    """On `workers`."""
    key = next(key for key in (f"pool_{n}" for n in range(100)) if partition_of(key.encode(), 4) == 0)
    beat = WorkerBeat(worker="w", name="w", max_parallel=1, beat=1)
    yield Bad("bytes of anything", "undecodable", key.encode(), b"\xff\xfe anything")
    yield Bad("no pool", "key_mismatch", key.encode(), CODEC.encode(meta_of("workers", key, name="b"), beat))


def report(run: str) -> bytes:
    event = JobSucceeded(job_id=ids.job_id(run, "job", 1), lease=1, worker="w", output="1")
    return CODEC.encode(meta_of("reports", run, name="r", run_id=run), event)


def other_key(run: str) -> bytes:
    """Of the same partition."""
    there = partition_of(run.encode(), RUNS.partitions)
    keys = (f"other_{n}".encode() for n in range(100))
    return next(key for key in keys if partition_of(key, RUNS.partitions) == there)


async def set_aside(log: Log, place: Partition, offset: int, *, what: str) -> MessageQuarantined:
    """The one record in quarantine of that place, once it is there."""
    asides: list[MessageQuarantined] = []

    async def is_there() -> bool:
        found = [CODEC.decode(record.value).event for record in await raw(log, Partition("quarantine", 0))]
        events = [event for event in found if isinstance(event, MessageQuarantined)]
        asides[:] = [a for a in events if (a.source_stream, a.source_partition, a.source_offset) == (*place, offset)]
        return bool(asides)

    await until(is_there, what=f"{what} to be set aside")
    [aside] = asides
    return aside


@pytest.mark.parametrize(
    ("stream", "kinds"), [("intake", bad_requests), ("reports", bad_reports), ("workers", bad_beats)]
)
async def test_what_nobody_can_accept_is_set_aside_and_its_partition_goes_on(
    opened: Opened, stream: str, kinds: Callable[[Suite], Iterator[Bad]]
) -> None:
    async with at_work(opened) as suite:
        place = Partition(stream, 0)
        for bad in kinds(suite):
            offset = await intrude(suite.log, place, key=bad.key, value=bad.value)
            aside = await set_aside(suite.log, place, offset, what=bad.what)
            assert (bad.what, aside.code) == (bad.what, bad.code)
            assert (aside.source_key, aside.original, aside.original_size) == (bad.key, bad.value, len(bad.value))
            assert aside.reason.startswith("Expected ")
            await suite.good_run()
        await settled(suite.log)
        check(await history_of(suite.log), set_aside={bad.code for bad in kinds(suite)})


async def test_a_request_on_the_wrong_partition_is_moved_and_runs_once(opened: Opened) -> None:
    async with at_work(opened) as suite:
        run, (key, value) = suite.request()
        for number in (1, 2, 3, 1):
            await intrude(suite.log, Partition("intake", number), key=key, value=value)
        assert isinstance(await Client(suite.log).ended(run), RunSucceeded)
        await suite.good_run()
        await settled(suite.log)
        history = await history_of(suite.log)
        check(history)
        assert len([fact for fact in history.of(RunStarted) if fact.meta.run_id == run]) == 1
        assert suite.executed.count(f"{run}:job@1") == 1
        assert not history.asked(MessageQuarantined)
        moved = [fact for fact in history.asked(RunRequested) if fact.meta.run_id == run and fact.partition.number == 0]
        assert len(moved) == 4


async def test_what_a_stranger_writes_into_an_owned_stream_is_noise_to_all(opened: Opened) -> None:
    """Bytes of anything, and an event as it should be that would end the run, write itself a writ, or give itself
    away: without being the next batch of the owner, none of it counts."""
    async with at_work(opened) as suite:
        await suite.good_run()
        run, good = suite.request()
        key = run.encode()
        forged: list[tuple[str, Event]] = [
            ("runs", RunSucceeded(output="1")),
            (
                "decisions",
                JobDenied(job_id=ids.job_id(run, "job", 1), step="job", policy_snapshot="", rule="", reason=""),
            ),
        ]
        for stream, event in forged:
            meta = msgspec.structs.replace(meta_of(stream, run, name="f", run_id=run), sequence=1, clock=1)
            await intrude(suite.log, Partition(stream, 0), key=key, value=CODEC.encode(meta, event))
        for stream in ("runs", "decisions", "jobs"):
            await intrude(suite.log, Partition(stream, 0), key=key, value=b"\xff\xfe anything")
            await intrude(suite.log, Partition(stream, 0), key=b"", value=b"")
        await suite.log.submit("intake", [good])
        assert isinstance(await Client(suite.log).ended(run), RunSucceeded)
        await suite.good_run()
    async with at_work(opened) as suite:  # and whoever recovers passes it over as well
        suite._asked = 1000
        await suite.good_run()
        await settled(suite.log)
        history = await history_of(suite.log)
        check(history)
        assert history.noise == 8
        assert not history.asked(MessageQuarantined)


def failing_at(service: Service, *events: type[Event]) -> Service:
    """That service, whose `decide` raises at these events about a job whose input says so."""
    return dataclasses.replace(service, aggregates=tuple(_failing(one, events) for one in service.aggregates))


def _failing(aggregate: Aggregate, events: tuple[type[Event], ...]) -> Aggregate:
    def decider(*given: Any) -> Decider[Any]:
        real = aggregate.decider(*given)

        def decide(state: Any, message: Message) -> Any:
            if isinstance(message.event, events) and b"break" in msgspec.json.encode(message.event):
                raise ZeroDivisionError("as told")
            return real.decide(state, message)

        return dataclasses.replace(real, decide=decide)

    return dataclasses.replace(aggregate, decider=decider)


@pytest.mark.parametrize(
    ("name", "event", "source"),
    [
        ("engine", JobSucceeded, "reports"),
        ("policy_kernel", JobRequested, "runs"),
        ("scheduler", WritIssued, "decisions"),
    ],
)
async def test_a_fault_of_ours_costs_one_run_and_says_so(
    opened: Opened, *, name: str, event: type[Event], source: str
) -> None:
    [service] = [service for service in OWNERS if service.name == name]
    async with at_work(opened, changed=failing_at(service, event)) as suite:
        await suite.good_run()
        asked = await Client(suite.log, signer=ISSUER).run_job("job.echo", "break")
        ended = await Client(suite.log).ended(asked.run_id)
        assert isinstance(ended, RunFailed)
        assert ended.code == "internal_error"
        await suite.good_run()
        await settled(suite.log)
        history = await history_of(suite.log)
        [aside] = [fact.event for fact in history.asked(MessageQuarantined)]
        assert isinstance(aside, MessageQuarantined)
        assert (aside.code, aside.source_stream) == ("internal_error", source)
        assert "ZeroDivisionError: as told" in aside.reason
        assert type(CODEC.decode(aside.original).event) is event
        check(history, set_aside={"internal_error"})


async def test_a_request_that_breaks_us_is_set_aside_and_others_go_on(opened: Opened) -> None:
    [engine] = [service for service in OWNERS if service.name == "engine"]
    async with at_work(opened, changed=failing_at(engine, RunRequested)) as suite:
        await Client(suite.log, signer=ISSUER).run_job("job.echo", "break")
        await suite.good_run()
        await until(lambda: are_set_aside(suite.log, 1), what="the request to be set aside")
        await settled(suite.log)
        history = await history_of(suite.log)
        check(history, set_aside={"internal_error"})


async def are_set_aside(log: Log, count: int) -> bool:
    return len(await raw(log, Partition("quarantine", 0))) == count


async def with_an_unreadable_batch(log: Log, value: bytes) -> None:
    """An owner of `runs` that appends what is no event."""
    own = OwnStream(Partition("runs", 0))
    writer = await claim(log, CODEC, own, fold=lambda _: None, owner="broken", at=0)
    at = own.acceptance.position
    await writer.append(Batch(BatchHead(at.epoch, at.sequence, 1), [Outgoing(b"run_1", value)]))
    await writer.close()


def unfoldable() -> bytes:
    """An event that cannot be the first of a run."""
    meta = msgspec.structs.replace(meta_of("runs", "run_1", name="u", run_id="run_1"), sequence=1, clock=1)
    return CODEC.encode(meta, RunSucceeded(output="1"))


@pytest.mark.parametrize("value", [b"\xff\xfe anything", unfoldable()], ids=["undecodable", "unfoldable"])
async def test_an_accepted_record_that_cannot_be_folded_stops_its_owner(opened: Opened, value: bytes) -> None:
    async with opened() as log:
        await with_an_unreadable_batch(log, value)
        with pytest.raises(LogUnreadable, match="runs-0 at offset 1"):
            async with running(log, services=[OWNERS[0]]):
                pass


async def test_an_accepted_record_that_cannot_be_decoded_stops_its_reader(opened: Opened) -> None:
    async with opened() as log:
        await with_an_unreadable_batch(log, b"\xff\xfe anything")
        [kernel] = [service for service in OWNERS if service.name == "policy_kernel"]
        with pytest.raises(LogUnreadable, match="runs-0 at offset 1"):
            async with asyncio.timeout(30):
                await Host(kernel, context(kernel.name, log)).run()
