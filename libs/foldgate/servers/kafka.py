"""A local Apache Kafka (KRaft): one node for a laptop and for most tests, three nodes for tests of failure.

    async with KafkaCluster(data=folder, nodes=3) as kafka:
        kafka.bootstrap            # "127.0.0.1:21092,…"
        kafka.nodes[0].pause()     # SIGSTOP; also resume, kill, restart

`python -m foldgate.servers.kafka` prepares the cache ahead of the first start.

The data folder may be kept between starts. Each node is a process of its own that dies with ours (see `child.py`), and
nothing else is left outside the data folder and the cache, so a crash of ours between any two lines needs no cleaning
up: a folder that was formatted is recognised, one that was not is formatted again, and Kafka recovers its own log. The
folder's lock is open in the nodes too, so it is free only when the last of them is gone.

Ports are chosen below the range from which the system serves outgoing connections: else, while a node is down, a
client's attempt to reach it could take its port, or even connect to itself.
"""

import asyncio
import contextlib
import random
import socket
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from signal import SIGCONT, SIGKILL, SIGSTOP
from types import TracebackType
from typing import IO, Self

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError

from foldgate.servers import child
from foldgate.servers.java import find_java
from foldgate.servers.kafka_artifacts import exclusively, lock, resolve
from foldgate.servers.kafka_launch import Launch, new_cluster_id
from foldgate.servers.kafka_settings import HOST, Address, as_properties, node_settings

READY_WITHIN_S = 90.0
GRACE_S = 10.0
_ARCHIVING_S = 60.0
_FOLDER_FREE_WITHIN_S = 5.0  # the nodes of a process that was killed need a moment to be gone
_PORTS = range(20_000, 32_000)


class KafkaDidNotStart(Exception):
    """A node ended, or was not ready in time; the message carries the last lines of its log."""


class KafkaNode:
    """One broker-and-controller process, with its settings, data and logs in one folder."""

    def __init__(self, address: Address, *, folder: Path, launch: Launch) -> None:
        self.address = address
        self.folder = folder
        self.settings_file = folder / "server.properties"
        self._launch = launch
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def id(self) -> int:
        """The node's id, from 1."""
        return self.address.node

    @property
    def bootstrap(self) -> str:
        """The address of this node alone."""
        return f"{HOST}:{self.address.port}"

    @property
    def pid(self) -> int:
        """The process id, while there is a process."""
        return self._running().pid

    @property
    def status(self) -> int | None:
        """What the process ended with, or None while it runs."""
        return self._running().poll()

    @property
    def log(self) -> Path:
        """What the broker says of itself."""
        return self._log

    def spawn(self, lock: IO[bytes]) -> None:
        """Start the process, which shares the lock; `ready` waits for it."""
        self._lock = lock
        for log in (self._log, self._console):
            log.unlink(missing_ok=True)
        command = self._launch.command("kafka.Kafka", str(self.settings_file), log=self._log)
        self._process = child.spawn(command, log=self._console, keep_open=[lock.fileno()])

    async def ready(self, *, brokers: int) -> None:
        """Wait until the node answers and knows of so many live brokers."""
        try:
            async with asyncio.timeout(READY_WITHIN_S):
                while await known_brokers(self.bootstrap) < brokers:
                    self._expect_running()
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise KafkaDidNotStart(f"Kafka node {self.id} was not ready in time. {self.last_words()}") from None

    async def format(self, cluster_id: str) -> None:
        """Make the data folder a node's of this cluster, unless it is one."""
        if (self.folder / "data" / "meta.properties").exists():
            return
        if wrong := await self._launch.format(self.settings_file, cluster_id=cluster_id, log=self._log):
            raise KafkaDidNotStart(f"The folder {self.folder} could not be formatted for Kafka: {wrong}")

    def pause(self) -> None:
        """Stop the process in its tracks, as a long pause of the machine would."""
        self._running().send_signal(SIGSTOP)

    def resume(self) -> None:
        """Let a paused process go on."""
        self._running().send_signal(SIGCONT)

    async def kill(self) -> None:
        """End the process without any warning."""
        await child.kill(self._running())

    async def stop(self, *, grace_s: float = GRACE_S) -> None:
        """End the process in order, or by force if that takes too long."""
        if self._process is not None:
            await child.stop(self._process, grace_s=grace_s)

    async def restart(self) -> None:
        """Start again over the same data, at the same address, and wait until the node answers."""
        await self.stop()
        self.spawn(self._lock)
        await self.ready(brokers=1)

    def last_words(self, lines: int = 12) -> str:
        """The last lines of the node's logs without the frames of stack traces, for an error message."""
        said = [log.read_text(errors="replace") for log in (self._log, self._console) if log.exists()]
        last = [line for line in "\n".join(said).splitlines() if line and not line.startswith("\tat ")][-lines:]
        return f"The last lines of {self._log}:\n" + "\n".join(last) if last else f"{self._log} is empty."

    @property
    def _log(self) -> Path:
        return self.folder / "kafka.log"

    @property
    def _console(self) -> Path:
        return self.folder / "console.log"

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise KafkaDidNotStart(f"Kafka node {self.id} has not been started.")
        return self._process

    def _expect_running(self) -> None:
        if (status := self._running().poll()) is not None:
            raise KafkaDidNotStart(f"Kafka node {self.id} ended with status {status}. {self.last_words()}")


class KafkaCluster:
    """A local Kafka of one or of three nodes, from start to stop."""

    def __init__(
        self,
        *,
        data: Path,
        nodes: int = 1,
        settings: Mapping[str, str] | None = None,
        listeners: Sequence[str] = (),
        launch: Launch | None = None,
    ) -> None:
        """`listeners` of one node beside the usual one, such as SASL_SSL://127.0.0.1:21093 (see `node_settings`)."""
        self.data = data
        self.nodes: tuple[KafkaNode, ...] = ()
        self._size = nodes
        self._settings = dict(settings or {})
        self._listeners = listeners
        self._launch = launch

    @property
    def bootstrap(self) -> str:
        """The addresses of all nodes, as clients want them."""
        return ",".join(node.bootstrap for node in self.nodes)

    async def start(self) -> None:
        """Start all nodes and wait until each of them knows all of them."""
        launch = self._launch or await prepared_launch()
        addresses = _free_addresses(self._size)
        self.nodes = tuple(KafkaNode(a, folder=self.data / f"node-{a.node}", launch=launch) for a in addresses)
        self.data.mkdir(parents=True, exist_ok=True)
        self._lock = (self.data / "lock").open("wb")
        try:
            await self._take_folder()
            await self._format()
            await self._run()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """End all nodes."""
        await asyncio.gather(*(node.stop() for node in self.nodes))
        self._lock.close()

    async def kill(self) -> None:
        """End all nodes without any warning, where nobody needs their data any more."""
        await asyncio.gather(*(node.kill() for node in self.nodes))
        self._lock.close()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def _take_folder(self) -> None:
        try:
            async with asyncio.timeout(_FOLDER_FREE_WITHIN_S):
                await lock(self._lock)
        except TimeoutError:
            raise KafkaDidNotStart(f"The folder {self.data} is in use by another local Kafka.") from None

    async def _format(self) -> None:
        self._write_settings()
        cluster_id = self._cluster_id()
        await asyncio.gather(*(node.format(cluster_id) for node in self.nodes))

    async def _run(self) -> None:
        for node in self.nodes:
            node.spawn(self._lock)
        await asyncio.gather(*(node.ready(brokers=self._size) for node in self.nodes))

    def _write_settings(self) -> None:
        everyone = [node.address for node in self.nodes]
        for node in self.nodes:
            node.folder.mkdir(parents=True, exist_ok=True)
            settings = node_settings(node.address, everyone, data=node.folder / "data", also=self._listeners)
            node.settings_file.write_text(as_properties(settings | self._settings))

    def _cluster_id(self) -> str:
        """The id of this data folder's cluster, written before the first node is formatted with it."""
        file = self.data / "cluster-id"
        if not file.exists():
            scratch = file.with_suffix(".new")
            scratch.write_text(new_cluster_id())
            scratch.rename(file)
        return file.read_text()


async def known_brokers(bootstrap: str) -> int:
    """How many live brokers the node at this address knows of; none if it does not answer."""
    host, port = bootstrap.split(":")
    try:
        _, writer = await asyncio.open_connection(host, int(port))
    except OSError:
        return 0
    writer.close()
    client = AIOKafkaClient(bootstrap_servers=bootstrap, request_timeout_ms=2_000)
    try:
        await client.bootstrap()
        return len(client.cluster.brokers())
    except KafkaError:
        return 0
    finally:
        await client.close()


async def prepared_launch(*, heap_mb: int = 512, for_throughput: bool = False) -> Launch:
    """Everything needed to start nodes quickly: Java, the jars, and the class archive, made now if need be."""
    java = await find_java()
    launch = Launch(java, await resolve(), heap_mb=heap_mb, for_throughput=for_throughput)
    if not launch.archive_file.exists():
        async with exclusively(launch.archive_file.with_suffix(".lock")):
            if not launch.archive_file.exists():
                await _write_archive(launch)
    return launch.reading_archive()


async def _write_archive(launch: Launch) -> None:
    """Run a throw-away node once. Where it does not come to an orderly end, the next start tries again."""
    scratch = launch.archive_file.with_suffix(".new")
    scratch.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory(prefix="foldgate-kafka-") as folder:
        cluster = KafkaCluster(data=Path(folder), launch=launch.writing_archive(scratch))
        with contextlib.suppress(KafkaDidNotStart):
            await cluster.start()
            await cluster.nodes[0].stop(grace_s=_ARCHIVING_S)
            await cluster.stop()
            if cluster.nodes[0].status != -SIGKILL:
                scratch.touch()
                scratch.rename(launch.archive_file)


def _free_addresses(nodes: int) -> list[Address]:
    return [Address(node, free_port(), free_port()) for node in range(1, nodes + 1)]


def free_port() -> int:
    """A port that nobody listens on, outside of those the system gives to outgoing connections."""
    return next(port for port in random.sample(_PORTS, len(_PORTS)) if _is_free(port))


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


if __name__ == "__main__":
    asyncio.run(prepared_launch())
