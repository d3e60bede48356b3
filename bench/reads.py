"""Reads of the read models with 100,000 runs of three steps: one run, and lists by label, by words and by status.

What is measured is the queries that the gateway makes, over a connection of its own, without HTTP.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable

from bench.servers import address
from foldgate.database.connections import Connection
from foldgate.gateway.http import run_lists, runs, step_views
from foldgate.gateway.http.querying import Conditions, row_of, rows_of
from foldgate.gateway.projections.runs import PROJECTION
from foldgate.readmodel.postgres import ReadModels

RUNS, TIMES = 100_000, 200
_FILL = """
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
Read = Callable[[int], Awaitable[None]]


async def filled(models: ReadModels) -> None:
    """Put the runs there."""
    build = await models.begin(PROJECTION)

    async def work(connection: Connection) -> None:
        async with connection.transaction():
            await connection.execute(f"SET LOCAL search_path TO {build.schema('bench_read')}")
            await connection.execute(_FILL, RUNS)
            await connection.execute(_STEPS, RUNS)
            await connection.execute("ANALYZE runs, steps")

    await models.run(work)


def reads(models: ReadModels) -> dict[str, Read]:
    async def one(number: int) -> None:
        assert await row_of(models, runs._ROW, f"run_{number}", "default") is not None  # noqa: SLF001 - as it is asked
        assert len(await step_views.steps_of(models, f"run_{number}")) == 3

    def listed(condition: str, argument: object) -> Read:
        query = Conditions("default", 51)
        query.add(condition, argument)

        async def some(_: int) -> None:
            sql = run_lists._ROWS.format(also=query.also)  # noqa: SLF001 - as it is asked
            assert await rows_of(models, sql, *query.arguments)

        return some

    return {
        "one run with its steps": one,
        "50 by label": listed("labels @> {0}::text::jsonb", '{"team":"t7"}'),
        "50 by word": listed("words @@ plainto_tsquery('simple', {0})", "word77"),
        "50 by status": listed("status = ANY({0}::text[])", ["failed"]),
    }


async def measure(url: str) -> None:
    models = await ReadModels.connect(url, suite="bench")
    try:
        await filled(models)
        for name, read in reads(models).items():
            taken = []
            for number in range(1, TIMES + 1):
                begun = time.perf_counter()
                await read(number * 37)
                taken.append((time.perf_counter() - begun) * 1000)
            taken.sort()
            print(f"{name:24} p50 {taken[TIMES // 2]:6.2f} ms   p99 {taken[TIMES * 99 // 100]:6.2f} ms")
    finally:
        await models.close()


if __name__ == "__main__":
    with address("postgres") as url:
        asyncio.run(measure(url))
