"""A role of the database for each service, against one for all: appends, submissions and reads on PostgreSQL.

    python -m bench.roles [--json]

Both take turns, a hundred operations each, so that whatever else runs on the machine is the same for both.
"""

import argparse
import contextlib
import json
import statistics
import time
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit, urlunsplit

import uvloop

from bench.servers import address
from foldgate.contracts.places import Partition
from foldgate.contracts.topics import STREAMS
from foldgate.eventlog.log import Batch, BatchHead, Outgoing
from foldgate.eventlog.postgres import PostgresLog
from foldgate.eventlog.postgres_roles import role_of, roles_sql

ROUNDS, AT_ONCE, EVENTS = 60, 100, 3
PASSWORD = "of_a_role_for_a_benchmark"  # noqa: S105 - of a server that lives as long as this
Work = Callable[[], Awaitable[object]]


class Appending:
    """An owner that appends three events at a time."""

    def __init__(self, log: PostgresLog, partition: Partition) -> None:
        self._log, self._partition, self._sequence = log, partition, 0

    async def begin(self) -> None:
        self._writer = await self._log.writer(self._partition)
        await self._writer.append(Batch(BatchHead(1, 0, 1, (), "o"), [Outgoing(b"", b"claim")]))

    async def append(self) -> None:
        self._sequence += 1
        events = [Outgoing(b"k", b"x" * 300)] * EVENTS
        await self._writer.append(Batch(BatchHead(1, self._sequence, EVENTS), events))


async def measure(url: str, suite: str = "roles") -> dict[str, dict[str, float]]:
    async with contextlib.AsyncExitStack() as stack:
        owner = await _opened(stack, url, suite)
        await owner.prepare([stream for stream in STREAMS if not stream.name.endswith(".*")])
        await owner.administer(roles_sql(suite))
        engine = await _opened(stack, await _let_in(owner, url, role_of(suite, "engine")), suite)
        one, other = Appending(owner, Partition("runs", 0)), Appending(engine, Partition("runs", 1))
        await one.begin()
        await other.begin()
        found = {"append": await _compared(one.append, other.append)}
        found["submit"] = await _compared(lambda: _submitted(owner), lambda: _submitted(engine))
        found["read"] = await _compared(lambda: _read(owner), lambda: _read(engine))
    return found


async def _opened(stack: contextlib.AsyncExitStack, url: str, suite: str) -> PostgresLog:
    log = await PostgresLog.connect(url, suite=suite)
    stack.push_async_callback(log.close)
    return log


async def _let_in(owner: PostgresLog, url: str, role: str) -> str:
    await owner.administer(f"ALTER ROLE {role} PASSWORD '{PASSWORD}'")
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=f"{role}:{PASSWORD}@{parts.netloc.rpartition('@')[2]}"))


async def _submitted(log: PostgresLog) -> None:
    await log.submit("reports", [Outgoing(b"k", b"x" * 300)])


async def _read(log: PostgresLog) -> None:
    async for _ in log.read(Partition("runs", 0), 0, 500):
        pass


async def _compared(one: Work, each: Work) -> dict[str, float]:
    """Microseconds of one operation under either, as medians of rounds that take turns."""
    of_one: list[float] = []
    of_each: list[float] = []
    for number in range(ROUNDS):
        for work, times in ((one, of_one), (each, of_each))[:: 1 if number % 2 else -1]:
            times.append(await _timed(work))
    ratio = statistics.median(b / a for a, b in zip(of_one, of_each, strict=True))
    return {"one_role_us": statistics.median(of_one), "role_each_us": statistics.median(of_each), "ratio": ratio}


async def _timed(work: Work) -> float:
    begun = time.perf_counter()
    for _ in range(AT_ONCE):
        await work()
    return (time.perf_counter() - begun) / AT_ONCE * 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    with address("postgres") as url:
        found = uvloop.run(measure(url))
    if arguments.json:
        print(json.dumps(found))
        return
    for what, figures in found.items():
        one, each, ratio = figures.values()
        print(f"{what:<8} one role {one:7.1f} us   a role each {each:7.1f} us   ratio {ratio:.3f}")


if __name__ == "__main__":
    main()
