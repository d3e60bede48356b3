"""The log under the runtime: latency to another process, claims, sustained rate, restore, recovery from a checkpoint.

    python -m bench.log [--driver postgres|kafka] [--json]

Rates are of the whole path in one process: read, decide, evolve, stamp, encode, append, and a follower that reads it
back; medians of five. The server runs beside on the same machine.
"""

import argparse
import asyncio
import contextlib
import json
import multiprocessing
import statistics
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection
from typing import Any

import msgspec
import structlog
import uvloop

from bench.servers import address, opened
from foldgate.contracts.codec import NO_CHAIN, Codec
from foldgate.contracts.events import Event, JobReportIgnored, Meta, RunRequested
from foldgate.contracts.places import START, Partition
from foldgate.contracts.topics import INTAKE, RUNS
from foldgate.decider.decider import Decider, Message
from foldgate.eventlog.acceptance import Acceptance
from foldgate.eventlog.log import Batch, BatchHead, Log, Outgoing
from foldgate.eventlog.owner import OwnStream, claim
from foldgate.runtime.clock import SystemClock
from foldgate.runtime.context import Context
from foldgate.runtime.host import Host
from foldgate.runtime.key_making import throwaway
from foldgate.runtime.recovery import become_owner
from foldgate.runtime.service import Aggregate, Follow, Service
from foldgate.runtime.settings import Settings

CODEC, CLOCK = Codec(), SystemClock()
ROUNDS, LATENCIES, MESSAGES, RESTORED, LIVE = 5, 400, 20_000, 50_000, 10_000


class Counter(msgspec.Struct, frozen=True):
    """How many events an aggregate has, and a text as large as a run's state."""

    count: int = 0
    text: str = "x" * 400


def _decide(_: Counter | None, message: Message) -> Iterator[Event]:
    if isinstance(message.event, RunRequested):
        yield JobReportIgnored(job_id=message.key, lease=1, reported="JobSucceeded", reason="x" * 120)


def _evolve(state: Counter | None, _meta: Meta, _event: Event) -> Counter:
    state = state or Counter()
    return msgspec.structs.replace(state, count=state.count + 1)


DECIDER = Decider(state=Counter, decide=_decide, evolve=_evolve)
AGGREGATE = Aggregate(
    stream=RUNS, decider=lambda *_: DECIDER, follows=(Follow(stream=INTAKE, events=(RunRequested,), guard=True),)
)
SERVICE = Service(name="engine", aggregates=(AGGREGATE,))


def context(log: Log, **changes: Any) -> Context:
    settings = Settings.model_validate({"postgres": "postgresql://unused", **changes})
    return Context(
        service="engine",
        settings=settings,
        keys=throwaway(),
        log=log,
        codec=CODEC,
        clock=CLOCK,
        logger=structlog.get_logger(),
    )


def request(key: str, number: int) -> Outgoing:
    meta = Meta(
        chain=NO_CHAIN,
        event_id=f"bench/{number}",
        stream="intake",
        key=key,
        run_id=key,
        at=0,
        request_id=str(number),
        tenant="default",
        principal="bench",
    )
    return Outgoing(key.encode(), CODEC.encode(meta, RunRequested(workflow="job", topic="job.bench", input="{}")))


async def latency(driver: str, where: str) -> dict[str, float]:
    """Append to seen by a follower in another process, one record at a time."""
    ours, theirs = multiprocessing.get_context("spawn").Pipe()
    follower = multiprocessing.get_context("spawn").Process(target=_follow_elsewhere, args=(driver, where, theirs))
    follower.start()
    try:
        async with opened(driver, where, "latency") as log:
            own = OwnStream(Partition("runs", 0))
            writer = await claim(log, CODEC, own, fold=lambda _: None, owner="bench", at=0)
            await asyncio.to_thread(ours.recv)
            for sequence in range(1, LATENCIES + 1):
                head = BatchHead(epoch=own.acceptance.position.epoch, sequence=sequence, count=1)
                value = b"%d " % time.monotonic_ns()
                await writer.append(Batch(head, [Outgoing(b"k", value.ljust(300))]))
                await asyncio.sleep(0.01)
            seen = await asyncio.to_thread(ours.recv)
            await writer.close()
    finally:
        follower.terminate()
        follower.join()
    return {
        "other_process_p50_ms": statistics.median(seen),
        "other_process_p99_ms": sorted(seen)[int(len(seen) * 0.99)],
    }


def _follow_elsewhere(driver: str, where: str, pipe: Connection) -> None:
    async def follow() -> None:
        async with opened(driver, where, "latency") as log:
            partition = Partition("runs", 0)
            follower = log.follow({partition: await log.end(partition)})
            await follower.next(timeout_ms=500)
            pipe.send("ready")
            seen: list[float] = []
            while len(seen) < LATENCIES:
                found = await follower.next()
                now = time.monotonic_ns()
                seen += [(now - int(record.value.split()[0])) / 1e6 for record in found if record.key]
            pipe.send(seen)

    uvloop.run(follow())


async def in_process(log: Log) -> dict[str, float]:
    """Append to seen by a follower of the same process."""
    partition = Partition("runs", 1)
    own = OwnStream(partition)
    writer = await claim(log, CODEC, own, fold=lambda _: None, owner="bench", at=0)
    follower = log.follow({partition: await log.end(partition)})
    await follower.next(timeout_ms=500)
    seen = []
    for sequence in range(1, LATENCIES + 1):
        head = BatchHead(epoch=own.acceptance.position.epoch, sequence=sequence, count=1)
        started = time.monotonic_ns()
        append = asyncio.create_task(writer.append(Batch(head, [Outgoing(b"k", b"x" * 300)])))
        while not await follower.next():
            pass
        seen.append((time.monotonic_ns() - started) / 1e6)
        await append
    await writer.close()
    await follower.close()
    return {"same_process_p50_ms": statistics.median(seen)}


async def claims(log: Log) -> dict[str, float]:
    """Assignment to ownership of an idle partition."""
    times = []
    for _ in range(ROUNDS * 2):
        started = time.monotonic()
        owned = await become_owner(context(log), Partition("runs", 2), DECIDER)
        times.append((time.monotonic() - started) * 1e3)
        await owned.abandon()
    return {"claim_idle_ms": statistics.median(times)}


async def sustained(driver: str, where: str) -> dict[str, float]:
    """Events per second through read, decide, append and follow, four partitions, one process."""
    rates = []
    size = 0.0
    for round_ in range(ROUNDS):
        async with opened(driver, where, f"sustained{round_}") as log:
            keys = [f"run_{number % 2000}" for number in range(MESSAGES)]
            for at in range(0, MESSAGES, 2000):
                await log.submit("intake", [request(keys[n], n) for n in range(at, at + 2000)])
            working = asyncio.create_task(Host(SERVICE, context(log)).run())
            rate, size = await _until_followed(log, MESSAGES)
            rates.append(rate)
            working.cancel()
            await asyncio.gather(working, return_exceptions=True)
    return {"sustained_events_per_s": statistics.median(rates), "event_bytes": size}


async def _until_followed(log: Log, count: int) -> tuple[float, float]:
    """Events per second from the last claim on, so without the time to join a group; and their size."""
    rules = {Partition("runs", n): Acceptance(START) for n in range(RUNS.partitions)}
    follower = log.follow(dict.fromkeys(rules, 0))
    found = size = claimed = 0
    started = time.monotonic()
    while found < count:
        for record in await follower.next(limit=2000):
            if not rules[record.partition].accepts(record):
                continue
            if record.key:
                found, size = found + 1, size + len(record.value)
            elif claimed < len(rules):
                claimed, started = claimed + 1, time.monotonic()
    await follower.close()
    return found / (time.monotonic() - started), size / found


async def restore(log: Log) -> dict[str, float]:
    """Read, decode and fold a partition without a checkpoint; then with one of many live aggregates."""
    partition = Partition("runs", 3)
    owned = await become_owner(context(log, checkpoint_every_ms=10**9), partition, DECIDER)
    await _fill(owned, RESTORED)
    await owned.abandon()
    folds, recoveries = [], []
    for _ in range(3):
        started = time.monotonic()
        again = await become_owner(context(log), partition, DECIDER)
        folds.append(RESTORED / (time.monotonic() - started))
        await again.abandon()
    last = await become_owner(context(log), partition, DECIDER)
    await last.leave()
    for _ in range(3):
        started = time.monotonic()
        again = await become_owner(context(log), partition, DECIDER)
        recoveries.append(time.monotonic() - started)
        assert len(again.processor.live) == LIVE
        await again.abandon()
    return {"restore_events_per_s": statistics.median(folds), "recover_10k_live_s": statistics.median(recoveries)}


async def _fill(owned: Any, count: int) -> None:
    from foldgate.contracts.places import Position
    from foldgate.decider.stamp import Incoming

    for number in range(count):
        value = request(f"run_{number % LIVE}", number).value
        meta, event = CODEC.decode(value)
        incoming = Incoming(Partition("intake", 3), Position(number + 1), meta, event, value)
        owned.processor.take(incoming, key=meta.run_id, now=0)
        if number % 500 == 0:
            owned.pump()
            await owned.room()
            await asyncio.sleep(0)
    while owned.processor.pending:
        owned.pump()
        await asyncio.sleep(0.005)


async def measure(driver: str, where: str) -> dict[str, float]:
    figures = await latency(driver, where)
    async with opened(driver, where, "single") as log:
        figures |= await in_process(log)
        figures |= await claims(log)
        figures |= await restore(log)
    return figures | await sustained(driver, where)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--driver", choices=["postgres", "kafka"], action="append")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    figures = {}
    for driver in chosen.driver or ["postgres", "kafka"]:
        with address(driver) as where:
            figures[driver] = uvloop.run(measure(driver, where))
    if chosen.json:
        print(json.dumps(figures, indent=1))
        return
    for name in next(iter(figures.values())):
        print(f"{name:28}" + "".join(f"{driver:>10} {values[name]:>12,.2f}" for driver, values in figures.items()))


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main()
