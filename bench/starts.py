"""Starting runs over HTTP: how long one request takes at a steady pace, and how many a second one gateway takes.

    python -m bench.starts [--driver postgres|kafka] [--json] [--requests N] [--every-ms N] [--at-once N] [--seconds N]

Engine, kernel, scheduler, approvals, a gateway and a worker are processes of their own, and so is the server that keeps
log and read models. The workflow has one job, whose handler does nothing, so all that follows a start goes on beside.
Answers are 201: what is measured is from the first byte sent until the engine's verdict is there. Requests come over
connections that are kept, and over HTTP as simple as can be, so that little of it is the client's. `a_second` is with
so many requests under way all the time, and `..._cpu_ms` the processor time of each process for each start of these,
with all that follows: what a machine can do is bounded by their sum, and a gateway with a core to itself by its own.
`waiting_a_second` is the same of a workflow whose runs begin by waiting, so that nothing follows but that they were let
begin. `a_second_by_100` is by batches of a hundred, one after the other, of the workflow with the job.
"""

import argparse
import asyncio
import contextlib
import itertools
import json
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Collection, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import psutil
import uvloop

from bench.dispatch import SHARES, SUITE, USUAL
from bench.servers import address, opened
from foldgate.servers.kafka import free_port
from tests.support.processes import SERVICES, Process, processes

REQUESTS, EVERY_MS, WARM_UP, AT_ONCE, SECONDS = 500, 20.0, 100, 64, 10.0
API, BATCH = "/api/v1/workflows", "/api/v1/workflow-runs:batch"
WORKFLOWS = {
    "nothing": b'{"id": "nothing", "steps": {"only": {"type": "job", "topic": "job.nothing"}}}',
    "waiting": b'{"id": "waiting", "steps": {"only": {"type": "wait", "signal": "go"}}}',
}


class Connection:
    """One connection to the gateway, kept."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def post(self, path: str, body: bytes) -> int:
        """The status of the answer, once all of it is there."""
        status, _ = await self.ask("POST", path, body)
        return status

    async def ask(self, method: str, path: str, body: bytes = b"") -> tuple[int, bytes]:
        """The status and the body of the answer, once all of it is there."""
        lines = (
            f"{method} {path} HTTP/1.1",
            "host: 127.0.0.1",
            "content-type: application/json",
            f"content-length: {len(body)}",
        )
        self._writer.write("\r\n".join((*lines, "", "")).encode() + body)
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = next(line for line in head.split("\r\n") if line.startswith("content-length:"))
        answer = await self._reader.readexactly(int(length.partition(":")[2]))
        return int(head.split(" ", 2)[1]), answer


class Client:
    """Publishes these documents, and starts runs of them."""

    def __init__(
        self, port: int, documents: Collection[bytes] = tuple(WORKFLOWS.values()), *, answers: Collection[int] = (201,)
    ) -> None:
        self._port, self._free, self._numbers = port, list[Connection](), itertools.count()
        self._documents, self._answers = documents, answers
        self.took_ms = list[float]()

    async def start(self, workflow: str = "nothing") -> None:
        """One run."""
        async with self._connection() as connection:
            began = time.perf_counter()
            sent = b'{"input": {"n": %d}}' % next(self._numbers)
            status, said = await connection.ask("POST", f"{API}/{workflow}/runs", sent)
            assert status in self._answers, f"expected a run to start, but the gateway says {status}: {said!r}"
            self.took_ms.append((time.perf_counter() - began) * 1000)

    async def batched(self, count: int, *, of: int) -> float:
        """How many a second, by requests for so many runs each, one request after the other."""
        body = json.dumps({"runs": [{"workflow": "nothing"}] * of}).encode()
        began = time.perf_counter()
        for _ in range(count):
            async with self._connection() as connection:
                status, answer = await connection.ask("POST", BATCH, body)
                assert status == 200, answer
                assert json.loads(answer)["problems"] == 0, answer
        return count * of / (time.perf_counter() - began)

    async def publish(self) -> None:
        """What is run."""
        async with asyncio.timeout(60):
            while not await self._published():
                await asyncio.sleep(0.1)

    async def steadily(self, count: int, *, every_ms: float) -> list[float]:
        """How long each takes, at that pace whatever becomes of those before."""
        self.took_ms.clear()
        due = time.monotonic()
        async with asyncio.TaskGroup() as group:
            for _ in range(count):
                group.create_task(self.start())
                due += every_ms / 1000
                await asyncio.sleep(max(0.0, due - time.monotonic()))
        return sorted(self.took_ms)

    async def most(self, workflow: str, *, seconds: float, at_once: int) -> float:
        """How many a second."""
        self.took_ms.clear()
        until = time.monotonic() + seconds

        async def again() -> None:
            while time.monotonic() < until:
                await self.start(workflow)

        async with asyncio.TaskGroup() as group:
            for _ in range(at_once):
                group.create_task(again())
        return len(self.took_ms) / seconds

    async def _published(self) -> bool:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            async with self._connection() as connection:
                return all([await connection.post(API, one) in {200, 201} for one in self._documents])
        return False

    @contextlib.asynccontextmanager
    async def _connection(self) -> AsyncIterator[Connection]:
        one = self._free.pop() if self._free else Connection(*await asyncio.open_connection("127.0.0.1", self._port))
        yield one
        self._free.append(one)


class Place(NamedTuple):
    """Servers of one driver, and a folder, for as long as a suite is measured there."""

    driver: str
    where: str
    models: str
    folder: Path


@contextlib.contextmanager
def place(driver: str) -> Iterator[Place]:
    """All of it: on Kafka, the read models have a server beside it."""
    with contextlib.ExitStack() as stack:
        where = models = stack.enter_context(address(driver))
        if driver == "kafka":
            models = stack.enter_context(address("postgres"))
        yield Place(driver, where, models, Path(stack.enter_context(tempfile.TemporaryDirectory())))


@contextlib.contextmanager
def at_work(at: Place) -> Iterator[tuple[dict[str, Process], int]]:
    """The processes of a suite and a worker that does nothing, by name, and the port of the gateway."""
    given = {
        "FOLDGATE_POSTGRES": at.models,
        f"FOLDGATE_{at.driver.upper()}": at.where,
        "FOLDGATE_SUITE": SUITE,
        **USUAL,
    }
    with processes(given, at.folder) as started:
        ours, port = {name: started.service(name) for name in SERVICES}, free_port()
        ours["gateway"] = started.service("gateway", FOLDGATE_HTTP_PORT=str(port), FOLDGATE_REQUESTS_PER_SECOND="0")
        ours["worker"] = started.program("worker", "bench.dispatch_worker", BEGUN=str(at.folder / "begun"))
        yield ours, port


async def measured(at: Place, chosen: argparse.Namespace) -> dict[str, float]:
    """Every figure."""
    async with opened(at.driver, at.where, SUITE):
        with at_work(at) as (ours, port):
            client = Client(port)
            await client.publish()
            await client.steadily(WARM_UP, every_ms=chosen.every_ms)
            took = await client.steadily(chosen.requests, every_ms=chosen.every_ms)
            found = {f"start_{name}_ms": took[int(len(took) * share)] for name, share in SHARES.items()}
            for name, workflow in (("waiting_", "waiting"), ("", "nothing")):
                before = cpu_ms(ours)
                found[f"{name}a_second"] = await client.most(workflow, seconds=chosen.seconds, at_once=chosen.at_once)
                spent = {whose: ms - before.get(whose, 0.0) for whose, ms in cpu_ms(ours).items()}
                found |= {f"{name}{whose}_cpu_ms": ms / len(client.took_ms) for whose, ms in spent.items()}
            return {**found, "a_second_by_100": await client.batched(int(2 * chosen.seconds), of=100)}


def cpu_ms(ours: Mapping[str, Process]) -> dict[str, float]:
    """The processor time of every process so far; `servers` are all that is neither ours nor this one."""
    pids = {process.pid: name for name, process in ours.items()}
    found = {"client": _spent_ms(psutil.Process()), "servers": 0.0}
    for child in psutil.Process().children(recursive=True):
        name = pids.get(child.pid, "servers")
        with contextlib.suppress(psutil.NoSuchProcess):
            found[name] = found.get(name, 0.0) + _spent_ms(child)
    return found


def _spent_ms(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system) * 1000


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--driver", choices=("postgres", "kafka"), action="append")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--requests", type=int, default=REQUESTS)
    parser.add_argument("--every-ms", type=float, default=EVERY_MS)
    parser.add_argument("--at-once", type=int, default=AT_ONCE)
    parser.add_argument("--seconds", type=float, default=SECONDS)
    chosen = parser.parse_args()
    found: dict[str, dict[str, float]] = {}
    for driver in chosen.driver or ("postgres", "kafka"):
        with place(driver) as at:
            found[driver] = uvloop.run(measured(at, chosen))
        if not chosen.json:
            print(driver)
            for name, figure in found[driver].items():
                print(f"  {name:20} {figure:>10,.2f}", flush=True)
    if chosen.json:
        print(json.dumps(found, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
