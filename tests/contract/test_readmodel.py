"""Read models on a real server: rows and position move together, once, whoever dies, repeats or races."""

import asyncio
import contextlib
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

import asyncpg
import pytest

from foldgate.contracts.codec import Codec
from foldgate.contracts.events import Event, Meta, RunFailed, RunStarted
from foldgate.contracts.places import START, Partition, Position
from foldgate.contracts.topics import RUNS
from foldgate.eventlog.log import Batch, BatchHead, Outgoing, Writer
from foldgate.eventlog.memory import MemoryLog
from foldgate.eventlog.owner import OwnStream, claim, ownership_meta
from foldgate.readmodel.postgres import Behind, BuildRetired, ReadModels
from foldgate.readmodel.projection import Projection, Seen, Statement, Stretch
from foldgate.readmodel.projector import Projector
from foldgate.runtime.projecting import LogSource
from tests.support.waiting import until

PARTITION = Partition("runs", 0)
CODEC = Codec()
STARTED = RunStarted(workflow="w", input="{}", request_hash=b"")

# Counting shows what a repeat or a loss would do: neither can be mended by writing the same row again.
TABLES = "CREATE TABLE counts (run_id text PRIMARY KEY, n int NOT NULL, last text)"
COUNT = "INSERT INTO counts VALUES ($1, 1, $2) ON CONFLICT (run_id) DO UPDATE SET n = counts.n + 1, last = $2"


def count(meta: Meta, _: Event) -> Sequence[Statement]:
    return [Statement(meta.run_id, COUNT, (meta.run_id, meta.request_id))]


COUNTS = Projection(name="counts", version=1, streams=("runs",), events=(RunStarted,), tables=TABLES, rows=count)


def meta_of(run_id: str, request_id: str = "") -> Meta:
    return replace_meta(ownership_meta(PARTITION, request_id, principal="p", at=1), run_id, request_id)


def replace_meta(meta: Meta, run_id: str, request_id: str) -> Meta:
    import msgspec

    return msgspec.structs.replace(meta, run_id=run_id, key=run_id, request_id=request_id)


def stretch(start: int, *run_ids: str, partition: Partition = PARTITION) -> Stretch:
    seen = [Seen(start + n, meta_of(run_id, str(start + n)), STARTED) for n, run_id in enumerate(run_ids)]
    return Stretch(partition, Position(start), Position(start + len(run_ids)), seen)


@contextlib.asynccontextmanager
async def models_in(url: str) -> AsyncIterator[ReadModels]:
    models = await ReadModels.connect(url, suite="t")
    try:
        yield models
    finally:
        await models.close()


async def counts(models: ReadModels, table: str = "counts") -> dict[str, int]:
    rows = await models.run(lambda connection: connection.fetch(f"SELECT run_id, n FROM {table}"))
    return {row["run_id"]: row["n"] for row in rows}


async def test_what_was_applied_is_passed_over(postgres_url: str) -> None:
    async with models_in(postgres_url) as models:
        build = await models.begin(COUNTS)
        await models.apply(COUNTS, build, [stretch(0, "a", "b", "a")])
        await models.apply(COUNTS, build, [stretch(0, "a", "b", "a")])
        await models.apply(COUNTS, build, [stretch(1, "b", "a", "c")])  # overlaps, and goes on
        assert await counts(models) == {"a": 2, "b": 1, "c": 1}
        assert await models.positions(build) == {PARTITION: Position(4)}
        with pytest.raises(Behind, match="go on at 4, but got 9"):
            await models.apply(COUNTS, build, [stretch(9, "z")])
        assert await counts(models) == {"a": 2, "b": 1, "c": 1}


async def test_each_partition_has_its_position(postgres_url: str) -> None:
    one = Partition("runs", 1)
    async with models_in(postgres_url) as models:
        build = await models.begin(COUNTS)
        await models.apply(COUNTS, build, [stretch(0, "a"), stretch(0, "b", "c", partition=one)])
        await models.apply(COUNTS, build, [stretch(0, "a"), stretch(2, "c", partition=one)])
        assert await counts(models) == {"a": 1, "b": 1, "c": 2}
        assert await models.positions(build) == {PARTITION: Position(1), one: Position(3)}


# Applies a stretch whose second row waits for a lock that the test holds: so rows are written, the position is not.
STUCK = """
import asyncio, sys
from tests.contract.test_readmodel import COUNTS, LOCKED, models_in, stretch

async def main(url):
    async with models_in(url) as models:
        build = await models.begin(COUNTS)
        print("begun", flush=True)
        await models.apply(LOCKED, build, [stretch(0, "a", "b", "a")])

asyncio.run(main(sys.argv[1]))
"""


def count_behind_a_lock(meta: Meta, event: Event) -> Sequence[Statement]:
    wait = Statement(meta.run_id, "SELECT pg_advisory_xact_lock_shared($1)", (7,))
    return [*count(meta, event), wait] if meta.run_id == "b" else count(meta, event)


LOCKED = replace(COUNTS, rows=count_behind_a_lock)
WAITING = "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"


async def test_killed_between_rows_and_position_it_has_done_nothing(postgres_url: str) -> None:
    holder = await asyncpg.connect(postgres_url)
    await holder.execute("SELECT pg_advisory_lock(7)")
    async with models_in(postgres_url) as models:
        build = await models.begin(COUNTS)
        process = subprocess.Popen([sys.executable, "-c", STUCK, postgres_url], stdout=subprocess.PIPE, text=True)
        try:
            await until(lambda: holder.fetchval(WAITING), what="rows without a position")
        finally:
            process.kill()
            process.communicate()
        await holder.execute("SELECT pg_advisory_unlock(7)")
        await models.apply(COUNTS, build, [stretch(0, "a", "b", "a")])
        assert await counts(models) == {"a": 2, "b": 1}
    await holder.close()


async def test_cut_off_between_rows_and_position_it_begins_again(postgres_url: str) -> None:
    holder = await asyncpg.connect(postgres_url)
    await holder.execute("SELECT pg_advisory_lock(7)")
    async with models_in(postgres_url) as models:
        build = await models.begin(COUNTS)
        applying = asyncio.create_task(models.apply(LOCKED, build, [stretch(0, "a", "b", "a")]))
        await until(lambda: holder.fetchval(WAITING), what="rows without a position")
        await holder.execute(f"SELECT pg_terminate_backend(pid) FROM ({WAITING}) AS waiting")
        await holder.execute("SELECT pg_advisory_unlock(7)")
        await applying
        assert await counts(models) == {"a": 2, "b": 1}
    await holder.close()


async def test_text_that_the_database_cannot_hold_stops_nothing(postgres_url: str) -> None:
    async with models_in(postgres_url) as models:
        build = await models.begin(COUNTS)
        await models.apply(COUNTS, build, [stretch(0, "a\0b")])
        assert await counts(models) == {"a\ufffdb": 1}


class Engine:
    """An owner of all partitions of `runs` in memory, which starts runs."""

    def __init__(self, log: MemoryLog) -> None:
        self.log = log
        self.expected: dict[str, int] = {}
        self._writers: list[tuple[Writer, OwnStream]] = []
        self._number = 0

    async def claim(self) -> None:
        await self.log.prepare([RUNS])
        self._writers = []
        for number in range(RUNS.partitions):
            own = OwnStream(Partition("runs", number))
            self._writers.append((await claim(self.log, CODEC, own, fold=lambda _: None, owner="engine", at=0), own))

    async def start(self, many: int) -> None:
        """A batch of events, of which a part is of no interest, on the next partition."""
        self._number += 1
        writer, own = self._writers[self._number % RUNS.partitions]
        run_ids = [f"{self._number % 40}-{n % 7}" for n in range(many)]
        values = [CODEC.encode(meta_of(run_id, "r"), STARTED) for run_id in run_ids]
        values.append(CODEC.encode(meta_of("x"), RunFailed(code="c", message="m")))
        await own.catch_up(self.log, lambda _: None)
        at = own.acceptance.position
        records = [Outgoing(b"k", value) for value in values]
        await writer.append(Batch(BatchHead(at.epoch, at.sequence, len(records)), records))
        for run_id in run_ids:
            self.expected[run_id] = self.expected.get(run_id, 0) + 1


@contextlib.asynccontextmanager
async def projecting(*projectors: Projector) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(projector.run()) for projector in projectors]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        for outcome in await asyncio.gather(*tasks, return_exceptions=True):
            assert isinstance(outcome, asyncio.CancelledError), outcome


async def test_two_processes_with_one_projection_neither_double_nor_wait_for_each_other(postgres_url: str) -> None:
    log = MemoryLog()
    engine, source = Engine(log), LogSource(log, CODEC)
    await engine.claim()
    async with models_in(postgres_url) as one, models_in(postgres_url) as two:
        await one.begin(COUNTS)
        async with projecting(Projector(one, source, COUNTS), Projector(two, source, COUNTS)):
            for n in range(80):
                await engine.start(1 + n % 9)

            async def all_there() -> bool:
                return await counts(one) == engine.expected

            await until(all_there, what="all runs to be counted")
        assert await counts(two) == engine.expected


async def test_a_projection_goes_on_where_it_was(postgres_url: str) -> None:
    log = MemoryLog()
    engine, source = Engine(log), LogSource(log, CODEC)
    await engine.claim()
    for _ in range(3):
        async with models_in(postgres_url) as models:
            projector = Projector(models, source, COUNTS)
            async with projecting(projector):
                for _ in range(8):
                    await engine.start(5)
                for number in range(RUNS.partitions):
                    place = Partition("runs", number)
                    await projector.reached(place, await log.end(place) - 1)
            assert await counts(models) == engine.expected


async def test_what_follows_is_gathered_until_somebody_waits_for_it(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("foldgate.readmodel.projector._GATHER_S", 3600)
    log = MemoryLog()
    engine = Engine(log)
    await engine.claim()
    async with models_in(postgres_url) as models:
        projector, shown = Projector(models, LogSource(log, CODEC), COUNTS), list[int]()
        projector.tell(lambda seen: shown.append(sum(len(stretch.seen) for stretch in seen or ())))
        async with projecting(projector):
            await until(lambda: len(shown) == 2, what="what is there to be shown")
            await engine.start(1)
            await engine.start(2)
            await projector.caught_up()
            assert shown == [0, 0, 3]
            assert await counts(models) == engine.expected


async def test_built_anew_while_serving_it_equals_the_live_one(postgres_url: str) -> None:
    log = MemoryLog()
    engine, source = Engine(log), LogSource(log, CODEC)
    await engine.claim()
    totals: list[int] = []
    done = asyncio.Event()
    async with models_in(postgres_url) as models, models_in(postgres_url) as others:
        projector = Projector(models, source, COUNTS)

        async def produce() -> None:
            """As fast as readers get to see it, a few hundred events ahead."""
            while not done.is_set():
                await engine.start(9)
                totals.append(sum((await counts(others)).values()))
                while totals[-1] + 300 < sum(engine.expected.values()):
                    totals.append(sum((await counts(others)).values()))

        async with projecting(projector, Projector(others, source, COUNTS)):
            await until(lambda: counts_something(models), what="a live build")
            producing = asyncio.create_task(produce())
            first = await models.begin(COUNTS)
            for _ in range(3):
                progress: list[tuple[int, int]] = []
                await Projector(others, source, COUNTS).rebuild(lambda *told, p=progress: p.append(told))
                assert progress
                assert [n for n, _ in progress] == sorted(n for n, _ in progress)
            done.set()
            await producing

            async def all_there() -> bool:
                return await counts(models) == engine.expected

            await until(all_there, what="the live build to have everything")
        assert totals == sorted(totals)  # readers never saw time go backwards
        live = await models.begin(COUNTS)
        assert live.number == first.number + 3
        assert await schemas(models) == [live.schema("t_read")]
        with pytest.raises(BuildRetired):
            await models.apply(COUNTS, first, [stretch(0, "late")])


async def counts_something(models: ReadModels) -> bool:
    with contextlib.suppress(asyncpg.UndefinedTableError):
        await counts(models)
        return True
    return False


async def schemas(models: ReadModels) -> list[str]:
    query = "SELECT nspname FROM pg_namespace WHERE nspname LIKE 't\\_read\\_%'"
    return [row["nspname"] for row in await models.run(lambda connection: connection.fetch(query))]


async def test_a_rebuild_that_was_broken_off_is_continued(postgres_url: str) -> None:
    log = MemoryLog()
    engine, source = Engine(log), LogSource(log, CODEC)
    await engine.claim()
    await engine.start(20)
    async with models_in(postgres_url) as models:
        async with projecting(projector := Projector(models, source, COUNTS)):
            place = Partition("runs", 1)
            await projector.reached(place, await log.end(place) - 1)
        begun = await models.begin(COUNTS, anew=True)
        part = [s async for s in source.up_to_now(COUNTS, {})][:2]
        await models.apply(COUNTS, begun, part)
        assert await counts(models) == engine.expected  # what serves is untouched
        await Projector(models, source, COUNTS).rebuild()
        assert await models.begin(COUNTS) == begun._replace(state="live")
        assert await counts(models) == engine.expected


async def test_another_edition_replaces_the_live_one_when_it_is_ready(postgres_url: str) -> None:
    log = MemoryLog()
    engine, source = Engine(log), LogSource(log, CODEC)
    await engine.claim()
    await engine.start(20)
    async with models_in(postgres_url) as models:
        old = Projector(models, source, COUNTS)
        wider = replace(COUNTS, tables=TABLES.replace("last text", "last text, more int DEFAULT 1"))
        async with projecting(old):
            await old.reached(PARTITION, 0)
            building = await models.begin(wider)
            assert building.state == "building"
            assert await counts(models) == {} or await counts(models) == engine.expected
        await models.begin(replace(wider, version=2))  # nobody wants the one before it any more
        async with projecting(Projector(models, source, wider)):

            async def has_more() -> bool:
                with contextlib.suppress(asyncpg.UndefinedColumnError):
                    query = "SELECT sum(n * more) FROM counts"
                    return bool(await models.run(lambda connection: connection.fetchval(query)) == 20)
                return False

            async def is_alone() -> bool:
                return len(await schemas(models)) == 1

            await until(has_more, what="the wider table to be seen")
            await until(is_alone, what="those before it to be dropped")


async def test_what_is_of_no_interest_is_not_written_down_each_time(postgres_url: str) -> None:
    log = MemoryLog()
    engine, source = Engine(log), LogSource(log, CODEC)
    await engine.claim()
    async with models_in(postgres_url) as models:
        projector = Projector(models, source, COUNTS)
        async with projecting(projector):
            for _ in range(4):
                await engine.start(0)
            await projector.reached(PARTITION, await log.end(PARTITION) - 1)
            assert await models.positions(await models.begin(COUNTS)) == {}
            for _ in range(4):
                await engine.start(1)
            await projector.reached(PARTITION, await log.end(PARTITION) - 1)
            positions = await models.positions(await models.begin(COUNTS))
            assert positions[PARTITION].offset == await log.end(PARTITION)
            assert positions[PARTITION] != START
