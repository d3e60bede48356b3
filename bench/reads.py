"""Reads with 100,000 runs of three steps and one of 10,000 events: the gateway's queries alone, and over HTTP.

    python -m bench.reads [--json]

Over HTTP a gateway is a process of its own, and so is the server that keeps its read models, which are filled beside
the log. Requests come one after the other on a connection that is kept, and over HTTP as simple as can be: what is
measured is from the first byte sent until all of the answer is there. Each request asks for another run, another label,
another word, or another page.
"""

import argparse
import asyncio
import contextlib
import json
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import uvloop

from bench.servers import address, opened
from bench.starts import Connection
from foldgate.database.connections import Connection as Database
from foldgate.gateway.http import run_lists, runs, step_views
from foldgate.gateway.http.querying import Conditions, row_of, rows_of
from foldgate.gateway.projections.runs import PROJECTION
from foldgate.gateway.projections.timeline import PROJECTION as TIMELINE
from foldgate.readmodel.postgres import ReadModels
from foldgate.readmodel.projection import Projection
from foldgate.servers.kafka import free_port
from tests.support.processes import processes

RUNS, EVENTS, TIMES, SUITE = 100_000, 10_000, 200, "reads"
API = "/api/v1/workflow-runs"
_RUNS = """
INSERT INTO runs (run_id, tenant, principal, workflow, version, digest, kind, topic, status, labels, input,
    request_hash, started_at)
SELECT 'run_' || n, 'default', 'p', 'w' || n % 20, '1', 'd', '', '',
    CASE n % 5 WHEN 0 THEN 'failed' ELSE 'succeeded' END, jsonb_build_object('team', 't' || n % 100),
    '{"about":"word' || n % 1000 || '"}', '', now() - n * interval '1 second'
FROM generate_series(1, $1::int) n
"""
_STEPS = """
INSERT INTO steps (run_id, step, place, status, attempts, started_at)
SELECT 'run_' || n, 's' || s, s, 'succeeded', 1, now() FROM generate_series(1, $1::int) n, generate_series(1, 3) s
"""
_EVENTS = """
INSERT INTO timeline (stream, partition, "offset", run_id, moment, turn, circular, event_id, type, clock, at, tenant,
    principal, step, job_id, pool, key, request_id, causation, correlation, body)
SELECT 'runs', $3::int, n, 'run_' || CASE WHEN $2::int = 1 THEN 1 ELSE 2 + n % ($2::int - 1) END, n, 0, false,
    'runs/run/' || n, 'StepStarted', n, 1780000000000 + n, 'default', 'ada', 's' || n, 'run:s' || n || '@1', 'default',
    'run', '', 'runs/run/' || n - 1, 'run', '{"step":"s' || n || '","input":"' || repeat('x', 300) || '"}'
FROM generate_series(1, $1::int) n
"""
Read = Callable[[int], Awaitable[None]]


async def filled(models: ReadModels) -> None:
    """Put the runs there, and of some of them what happened: of the first 10,000 events, of each other two."""

    async def into(projection: Projection, *statements: tuple[str, int, *tuple[int, ...]]) -> None:
        build = await models.begin(projection)

        async def work(connection: Database) -> None:
            async with connection.transaction():
                await connection.execute(f"SET LOCAL search_path TO {build.schema(f'{SUITE}_read')}")
                for sql, *arguments in statements:
                    await connection.execute(sql, *arguments, timeout=600)
            await connection.execute("ANALYZE")

        await models.run(work)

    await into(PROJECTION, (_RUNS, RUNS), (_STEPS, RUNS))
    await into(TIMELINE, (_EVENTS, EVENTS, 1, 0), (_EVENTS, 2 * RUNS, RUNS, 1))


def queries(models: ReadModels) -> Mapping[str, Read]:
    """As the gateway makes them."""

    async def one(number: int) -> None:
        assert await row_of(models, runs._ROW, f"run_{number}", "default") is not None  # noqa: SLF001 - as it is asked
        assert len(await step_views.steps_of(models, f"run_{number}")) == 3

    def listed(condition: str, argument: Callable[[int], object]) -> Read:
        async def some(number: int) -> None:
            query = Conditions("default", 51)
            query.add(condition, argument(number))
            sql = run_lists._ROWS.format(also=query.also)  # noqa: SLF001 - as it is asked
            assert await rows_of(models, sql, *query.arguments)

        return some

    return {
        "one run with its steps": one,
        "50 by label": listed("labels @> {0}::text::jsonb", lambda n: f'{{"team":"t{n % 100}"}}'),
        "50 by word": listed("words @@ plainto_tsquery('simple', {0})", lambda n: f"word{n % 1000}"),
        "50 by status": listed("status = ANY({0}::text[])", lambda _: ["failed"]),
    }


def requests(gateway: Connection) -> Mapping[str, Read]:
    """The same and more, over HTTP."""
    cursors: list[str] = [""]

    async def asked(path: str, items: int) -> dict[str, object]:
        status, body = await gateway.ask("GET", f"{API}{path}")
        assert status == 200, body
        answer: dict[str, object] = json.loads(body)
        found = answer.get("items", answer.get("steps"))
        assert isinstance(found, list)
        assert len(found) == items, f"expected {items} in {path}, but there are {len(found)}"
        return answer

    def of(path: Callable[[int], str], items: int) -> Read:
        async def some(number: int) -> None:
            await asked(path(number), items)

        return some

    async def page(_: int) -> None:
        answer = await asked(f"/run_1/timeline?limit=200{cursors[0]}", 200)
        cursors[0] = f"&cursor={following}" if (following := answer["next_cursor"]) else ""

    return {
        "HTTP: one run": of(lambda n: f"/run_{n}", 3),
        "HTTP: 50 by label": of(lambda n: f"?label=team:t{n % 100}", 50),
        "HTTP: 50 by word": of(lambda n: f"?text=word{n % 1000}", 50),
        "HTTP: 50 by two words": of(lambda n: f"?text=word{n % 1000}%20w{n % 20}", 50),
        "HTTP: 50 by status": of(lambda n: f"?status=failed&workflow=w{n % 4 * 5}", 50),
        "HTTP: 200 of a timeline": page,
    }


async def measure(url: str, folder: Path) -> dict[str, dict[str, float]]:
    """Every figure, in milliseconds."""
    given = {"FOLDGATE_POSTGRES": url, "FOLDGATE_SUITE": SUITE}
    found: dict[str, dict[str, float]] = {}
    async with opened("postgres", url, SUITE):
        with processes(given, folder) as started:
            port = free_port()
            started.service("gateway", FOLDGATE_HTTP_PORT=str(port), FOLDGATE_REQUESTS_PER_SECOND="0")
            gateway = await _reached(port)
            models = await ReadModels.connect(url, suite=SUITE)
            await filled(models)
            for name, read in {**queries(models), **requests(gateway)}.items():
                taken = []
                for number in range(1, TIMES + 1):
                    begun = time.perf_counter()
                    await read(number * 37)
                    taken.append((time.perf_counter() - begun) * 1000)
                taken.sort()
                found[name] = {"p50": taken[TIMES // 2], "p99": taken[TIMES * 99 // 100]}
            await models.close()
    return found


async def _reached(port: int) -> Connection:
    """A connection to the gateway, once it is ready."""
    async with asyncio.timeout(60):
        while True:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                gateway = Connection(*await asyncio.open_connection("127.0.0.1", port))
                if (await gateway.ask("GET", "/readyz"))[0] == 200:
                    return gateway
            await asyncio.sleep(0.1)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--json", action="store_true", help="print JSON")
    chosen = parser.parse_args()
    with address("postgres") as url, tempfile.TemporaryDirectory() as folder:
        found = uvloop.run(measure(url, Path(folder)))
    if chosen.json:
        print(json.dumps(found, indent=2))
        return 0
    for name, taken in found.items():
        print(f"{name:24} p50 {taken['p50']:6.2f} ms   p99 {taken['p99']:6.2f} ms")
    return 0


if __name__ == "__main__":
    sys.exit(main())
