"""The servers that a suite brings along: its own PostgreSQL and, where asked for, its own Kafka broker.

They are processes that do not outlive ours (`servers/child.py`), in a folder that we hold (`servers/folder.py`). So a
crash of ours at any point leaves nothing running, and the next start recovers what is on disk.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from foldgate.cli.last_words import ending, last_words
from foldgate.cli.mistakes import AskedWrongly, CannotGoOn
from foldgate.cli.plan import Plan
from foldgate.cli.terminal import note
from foldgate.runtime.settings import Settings
from foldgate.runtime.together import together
from foldgate.servers.folder import FolderClaim

_POLL_S = 0.05


class ProcessEnded(CannotGoOn):
    """A process that the suite cannot do without has ended."""


class OtherLog(AskedWrongly):
    """The read models in the data folder are of another log."""


class Running(NamedTuple):
    """A child process that the suite needs. `status` tells what it ended with, or None."""

    name: str
    pid: int
    status: Callable[[], int | None]
    log: Path


@dataclass
class Servers:
    """Where the servers of the suite are, and those among them that are its own."""

    postgres: str | None = None
    kafka: str | None = None
    own: tuple[Running, ...] = ()

    def complete(self, settings: Settings) -> Settings:
        """The settings, with the addresses of our own servers."""
        found = {"postgres": self.postgres, "kafka": self.kafka}
        return settings.model_copy(update={name: url for name, url in found.items() if url is not None})


@asynccontextmanager
async def own_servers(plan: Plan, claim: FolderClaim, report: Callable[[str], None]) -> AsyncIterator[Servers]:
    """The suite's own servers, side by side; stopped at the end."""
    servers = Servers()
    async with AsyncExitStack() as stack:
        starting = []
        if plan.own_postgres:
            starting.append(_start_postgres(plan, servers, stack, claim=claim, report=report))
        if plan.own_kafka:
            starting.append(_start_kafka(plan, servers, stack))
        await together(*starting)
        yield servers


async def _start_postgres(
    plan: Plan, servers: Servers, stack: AsyncExitStack, *, claim: FolderClaim, report: Callable[[str], None]
) -> None:
    from foldgate.servers.postgres import PostgresServer

    server = PostgresServer(plan.data, report=report, claim=claim)
    servers.postgres = await server.start()
    stack.push_async_callback(server.stop)
    servers.own += (Running("PostgreSQL", server.pid, lambda: server.status, server.log),)


async def _start_kafka(plan: Plan, servers: Servers, stack: AsyncExitStack) -> None:
    from foldgate.servers.kafka import KafkaCluster

    cluster = KafkaCluster(data=plan.data / "kafka")
    await cluster.start()
    stack.push_async_callback(cluster.stop)
    servers.kafka, [node] = cluster.bootstrap, cluster.nodes
    servers.own += (Running("Kafka", node.pid, lambda: node.status, node.log),)


async def until_one_ends(running: "tuple[Running, ...] | list[Running]") -> None:
    """Watch until one of these processes ends, and say which, how, and what it said last."""
    while True:
        for one in running:
            if (status := one.status()) is not None:
                what = f"{one.name} (pid {one.pid}) has ended with {ending(status)}"
                note(f"{what}. Stopping everything else …")
                raise ProcessEnded(f"{what}, and everything else was stopped. {last_words(one.log)}")
        await asyncio.sleep(_POLL_S)


def expect_same_log(plan: Plan, identity: str) -> None:
    """Refuse to go on with read models, in a database of our own, that were made from another log."""
    file = plan.data / "log-of-read-models"
    known = file.read_text().strip() if file.exists() else identity
    if known != identity:
        raise OtherLog(
            f"Expected the data folder {plan.data} to be used with the log it was made with ({known}), but this is"
            f" another one ({identity}). Give this suite a folder of its own with --data DIR."
        )
    scratch = file.with_suffix(".new")
    scratch.write_text(f"{identity}\n")
    scratch.rename(file)
