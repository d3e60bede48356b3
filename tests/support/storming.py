"""What rages in `tests/chaos/test_storm.py`: runs of many kinds, people who answer, and who kills and pauses."""

import asyncio
import contextlib
import os
import random
import signal
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator, Sequence
from typing import Any

import psutil

from foldgate.contracts.codec import Codec
from foldgate.contracts.endings import RUN_ENDS
from foldgate.contracts.events import ApprovalOpened, Event, RunSucceeded
from foldgate.contracts.places import Partition
from foldgate.contracts.topics import APPROVALS, RUNS
from foldgate.eventlog.log import Log, LogError
from foldgate.sdk.client import Client
from foldgate.sdk.requests import a_publication
from foldgate.sdk.voting import a_vote
from foldgate.servers.kafka import KafkaCluster
from foldgate.servers.postgres import PostgresServer
from tests.support.keys import ISSUER
from tests.support.overhearing import Overhearing, overhearing
from tests.support.processes import Processes

WORKFLOWS = {
    "chain": """
id: chain
steps:
  first: {type: job, topic: job.echo, input: "${input}", retry: {max_attempts: 4, backoff: 100ms}}
  second: {type: job, topic: job.shaky, depends_on: [first], retry: {max_attempts: 4, backoff: 100ms}}
  third: {type: job, topic: job.echo, input: "${steps.second.output}", depends_on: [second]}
""",
    "fan": """
id: fan
steps:
  all: {type: job, topic: job.echo, input: {n: "${item}"}, for_each: {items: "${input.items}", max_parallel: 3}}
  last: {type: job, topic: job.echo, depends_on: [all]}
""",
    "gated": """
id: gated
steps:
  look: {type: job, topic: job.echo}
  ask: {type: approval, depends_on: [look], approval: {required: 1}}
  do: {type: job, topic: job.echo, depends_on: [ask]}
""",
    "slow": """
id: slow
steps:
  wait: {type: delay, delay: 700ms}
  do: {type: job, topic: job.echo, depends_on: [wait]}
  child: {type: subworkflow, workflow: chain, input: "${input}", depends_on: [do]}
""",
}
STEPS = {"chain": 3, "fan": 5, "gated": 3, "slow": 3}
_CODEC = Codec()
_LAST_WORDS = 6_000


class Storm:
    """Over one suite of processes, on one log."""

    def __init__(self, started: Processes, chance: random.Random, *, server: Callable[[], Awaitable[None]]) -> None:
        self._started, self._chance, self._server = started, chance, server
        self.done: Counter[str] = Counter()

    async def rage(self, until: Callable[[], bool]) -> None:
        """Strike, and let a little happen, until there is nothing left to strike at."""
        while not until():
            await self._strike()
            await asyncio.sleep(self._chance.uniform(0.05, 0.6))

    async def _strike(self) -> None:
        blow = self._chance.choices(["kill", "pause", "server"], [10, 4, 1])[0]
        self.done[blow] += 1
        if blow == "server":
            await self._server()
            return
        process = self._started.all[self._chance.choice(sorted(self._started.all))]
        if blow == "kill":
            process.kill()
        else:
            process.pause()
            await asyncio.sleep(self._chance.choice([0.2, 1.0, 5.0]))
            process.go_on()
        if not process.runs:  # killed, or it gave up, as who supervises it would see
            process.kill()
            process.start()


@contextlib.contextmanager
def supervised(started: Processes) -> Iterator[list[str]]:
    """Whoever ends by itself, because its server is gone for too long, is started again. Who did, and last words."""
    again: list[str] = []

    async def watch() -> None:
        while True:
            for name, process in started.all.items():
                if not process.runs:
                    again.append(f"{name} ended with {process.code}, after:\n{process.said()[-_LAST_WORDS:]}")
                    process.kill()
                    process.start()
            await asyncio.sleep(0.2)

    watching = asyncio.ensure_future(watch())
    try:
        yield again
    finally:
        watching.cancel()


class Runs:
    """Asked for at any time, whatever the log is about; each is asked for until it is on the log."""

    def __init__(self, log: Log, chance: random.Random) -> None:
        self._log, self._chance = log, chance
        self.client = Client(log, signer=ISSUER)
        self.asked: list[str] = []
        self.ends: list[Any] = []

    async def publish(self) -> None:
        for source in WORKFLOWS.values():
            await self.client.decided(a_publication("default", source), within_s=120)

    async def go_through(self, count: int, *, at_once: int) -> None:
        """So many more, so many at a time; all of them succeed."""

        async def to_its_end(run_id: str) -> None:
            self.ends.append(await persistently(lambda: self.client.ended(run_id)))

        await self.ask(count, at_once=at_once, then=to_its_end)
        assert {type(end) for end in self.ends} == {RunSucceeded}, Counter(type(end).__name__ for end in self.ends)

    async def ask(
        self, count: int, *, at_once: int, then: Callable[[str], Awaitable[None]] | None = None
    ) -> Sequence[str]:
        """For so many more, so many at a time."""
        known = await self._log.end(Partition("workflows", 0))
        before = len(self.asked)
        numbers = iter(range(before, before + count))

        async def one_after_the_other() -> None:
            for number in numbers:
                workflow = self._chance.choice(sorted(WORKFLOWS))
                given = {"n": number, "items": list(range(4))}
                asked = self.client.run(workflow, given, idempotency_key=str(number), workflows_offset=known)
                self.asked.append(asked.run_id)
                await persistently(lambda asked=asked: self.client.ask(asked))  # type: ignore[misc]
                if then is not None:
                    await then(asked.run_id)

        async with asyncio.TaskGroup() as group:
            for _ in range(at_once):
                group.create_task(one_after_the_other())
        return self.asked[before:]


async def all_succeed(log: Log, runs: Collection[str]) -> None:
    """Wait until they have, however many they are, and whatever becomes of the log."""
    while True:
        with contextlib.suppress(LogError):
            async with overhearing(log, RUNS.name) as heard:

                def ended() -> bool:
                    return ends(heard).keys() >= set(runs)

                await heard.until(ended, what=f"{len(runs)} runs to end", within_s=240)
                said = Counter(type(event).__name__ for run_id, event in ends(heard).items() if run_id in set(runs))
                assert said == {RunSucceeded.__name__: len(runs)}, said
                return
        await asyncio.sleep(0.2)


def ends(heard: Overhearing) -> dict[str, Event]:
    """By run, how it ended."""
    return {meta.run_id: event for meta, event in heard.heard if type(event) in RUN_ENDS}


@contextlib.asynccontextmanager
async def people(log: Log) -> AsyncIterator[None]:
    """Somebody says yes to whatever is asked."""
    client = Client(log, principal="bob", signer=ISSUER)

    async def answer() -> None:
        offsets = {Partition(APPROVALS.name, number): 0 for number in range(APPROVALS.partitions)}
        while True:
            with contextlib.suppress(LogError):
                follower = log.follow(offsets)
                try:
                    while True:
                        for record in await follower.next():
                            event = _CODEC.decode(record.value).event if record.key else None
                            if isinstance(event, ApprovalOpened):
                                vote = a_vote(event.approval_id, approve=True, request_id=event.approval_id)
                                await client.ask(vote)
                            offsets[record.partition] = record.offset + 1
                finally:
                    await follower.close()

    answering = asyncio.create_task(answer())
    try:
        yield
    finally:
        answering.cancel()
        await asyncio.gather(answering, return_exceptions=True)


def failing_postgres(server: PostgresServer, chance: random.Random) -> Callable[[], Awaitable[None]]:
    """Each time it is killed and started again, or stands still for a while with all that it has begun."""

    async def fails() -> None:
        if chance.random() < 0.5:
            os.kill(server.pid, signal.SIGKILL)
            await server.restart()
            return
        family = [psutil.Process(server.pid), *psutil.Process(server.pid).children(recursive=True)]
        _each(family, psutil.Process.suspend)
        await asyncio.sleep(chance.uniform(0.5, 3))
        _each(family, psutil.Process.resume)

    return fails


def _each(family: list[psutil.Process], do: Callable[[psutil.Process], None]) -> None:
    for one in family:
        with contextlib.suppress(psutil.NoSuchProcess):  # who served a connection that has ended
            do(one)


def failing_kafka(cluster: KafkaCluster, chance: random.Random) -> Callable[[], Awaitable[None]]:
    """Each time one node is killed and comes back after a while, or stands still."""

    async def fails() -> None:
        node, for_s = chance.choice(cluster.nodes), chance.uniform(0, 3)
        if chance.random() < 0.5:
            await node.kill()
            await asyncio.sleep(for_s)
            await node.restart()
        else:
            node.pause()
            await asyncio.sleep(for_s)
            node.resume()

    return fails


async def persistently(attempt: Callable[[], Awaitable[Any]]) -> Any:
    """Again while the log is not to be had."""
    while True:
        try:
            return await attempt()
        except LogError:
            await asyncio.sleep(0.2)
