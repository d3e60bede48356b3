"""How late timers are, on a real log: the engine alone, with 100,000 other delays pending.

    python -m bench.timers [--driver postgres|kafka] [--json]

Delays of some seconds are asked for one after the other, each in a run of its own. Lateness is from when a delay was
over to when the engine acted (`at` of the step's end), and to when a follower of the log has seen it.
"""

import argparse
import asyncio
import json
import sys
import time
from typing import Any

import structlog
import uvloop

from bench.servers import address, opened
from foldgate.contracts.codec import Codec
from foldgate.contracts.events import StepStarted, StepSucceeded
from foldgate.contracts.places import START, Partition
from foldgate.contracts.topics import RUNS
from foldgate.engine.main import SERVICE
from foldgate.eventlog.acceptance import Acceptance
from foldgate.eventlog.log import Log
from foldgate.runtime.clock import SystemClock
from foldgate.runtime.context import Context
from foldgate.runtime.host import Host
from foldgate.runtime.key_making import throwaway
from foldgate.runtime.settings import Settings
from foldgate.sdk.client import Client

PENDING, MEASURED = 100_000, 2_000
CODEC, CLOCK, KEYS = Codec(), SystemClock(), throwaway()
DOCUMENT = """
id: later
steps:
  later: {type: delay, delay: "${input.ms}"}
"""


def context(log: Log) -> Context:
    settings = Settings.model_validate({"postgres": "postgresql://unused", "wait_noted_after_ms": 86_400_000})
    return Context(
        service="engine",
        settings=settings,
        keys=KEYS,
        log=log,
        codec=CODEC,
        clock=CLOCK,
        logger=structlog.get_logger(),
    )


async def measured(driver: str, where: str) -> dict[str, float]:
    async with opened(driver, where, "timers") as log:
        working = asyncio.create_task(Host(SERVICE, context(log)).run())
        try:
            client = Client(log, signer=KEYS.issuer)
            await client.publish(DOCUMENT)
            follower = asyncio.create_task(_seen(log))
            await _ask(client, PENDING, lambda number: 3_600_000 + number)
            await asyncio.sleep(1)
            await _ask(client, MEASURED, lambda number: 4_000 + number * 3)
            acted, seen = await follower
        finally:
            working.cancel()
            await asyncio.gather(working, return_exceptions=True)
    return {
        "pending": PENDING,
        "measured": MEASURED,
        "acted_p50_ms": acted[len(acted) // 2],
        "acted_p99_ms": acted[int(len(acted) * 0.99)],
        "seen_p50_ms": seen[len(seen) // 2],
        "seen_p99_ms": seen[int(len(seen) * 0.99)],
    }


async def _ask(client: Client, count: int, ms: Any) -> None:
    chunk = 500
    for first in range(0, count, chunk):
        numbers = range(first, min(first + chunk, count))
        await asyncio.gather(*(client.start("later", {"ms": ms(number)}) for number in numbers))


async def _seen(log: Log) -> tuple[list[int], list[int]]:
    """For each delay that was over: how late the engine was, and how late it was seen."""
    rules = {Partition("runs", number): Acceptance(START) for number in range(RUNS.partitions)}
    follower = log.follow(dict.fromkeys(rules, 0))
    until: dict[str, int] = {}
    acted: list[int] = []
    seen: list[int] = []
    while len(acted) < MEASURED:
        for record in await follower.next(limit=2_000):
            if not rules[record.partition].accepts(record) or not record.key:
                continue
            meta, event = CODEC.decode(record.value)
            if isinstance(event, StepStarted) and event.until is not None:
                until[meta.key] = event.until
            elif isinstance(event, StepSucceeded):
                due = until.pop(meta.key)
                acted.append(meta.at - due)
                seen.append(time.time_ns() // 1_000_000 - due)
    await follower.close()
    return sorted(acted), sorted(seen)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--driver", choices=("postgres", "kafka"))
    parser.add_argument("--json", action="store_true", help="figures as JSON")
    chosen = parser.parse_args()
    found = {}
    for driver in (chosen.driver,) if chosen.driver else ("postgres", "kafka"):
        with address(driver) as where:
            found[driver] = uvloop.run(measured(driver, where))
        if not chosen.json:
            print(f"{driver}: {found[driver]}", flush=True)
    if chosen.json:
        print(json.dumps(found, indent=2))
    return 0


if __name__ == "__main__":
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(30))
    sys.exit(main())
