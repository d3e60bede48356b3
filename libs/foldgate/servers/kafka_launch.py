"""How a broker's Java process is started: the runtime, the class path, the flags, and a class archive for a fast start.

The class archive (AppCDS) more than halves the time to ready. It is made once for a cache folder and a Java version,
by starting and stopping a throw-away broker, and belongs to exactly these jars and this runtime.
"""

import asyncio
import hashlib
import uuid
from base64 import urlsafe_b64encode
from dataclasses import dataclass, replace
from pathlib import Path

from foldgate.servers.java import Java
from foldgate.servers.kafka_artifacts import BROKER

_SMALL = ("-Xms256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
_FAST = ("-Xms512m", "-XX:+UseG1GC")


@dataclass(frozen=True)
class Launch:
    """Everything a node needs to become a process, apart from its own settings."""

    java: Java
    jars: Path
    heap_mb: int = 512
    for_throughput: bool = False
    archive: tuple[str, ...] = ()

    @property
    def archive_file(self) -> Path:
        """Where the class archive of these jars and this runtime lives."""
        runtime = hashlib.sha256(f"{self.java.path} {self.java.version}".encode()).hexdigest()[:12]
        return self.jars / f"classes-{runtime}.jsa"

    def reading_archive(self) -> "Launch":
        """Use the archive, if there is one. An empty file stands for a runtime that cannot make one."""
        if not self.archive_file.exists() or not self.archive_file.stat().st_size:
            return self
        return replace(self, archive=(f"-XX:SharedArchiveFile={self.archive_file}", "-Xlog:cds=off"))

    def writing_archive(self, file: Path) -> "Launch":
        """Write an archive of all classes in use at the end of the process."""
        return replace(self, archive=(f"-XX:ArchiveClassesAtExit={file}", "-Xlog:cds=off"))

    def command(self, *words: str, log: Path) -> list[str]:
        """The command line that runs a main class of the broker."""
        # Sorted and spelled out: an archive fits only the very class path it was made with.
        class_path = ":".join(str(jar) for jar in sorted(self.jars.glob("*.jar")))
        return [
            self.java.path,
            f"-Xmx{self.heap_mb}m",
            *(_FAST if self.for_throughput else _SMALL),
            *self.archive,
            "-XX:+ExitOnOutOfMemoryError",
            f"-Dlog4j2.configurationFile={BROKER / 'log4j2.properties'}",
            f"-Dfoldgate.kafka.log={log}",
            "-cp",
            class_path,
            *words,
        ]

    async def format(self, settings: Path, *, cluster_id: str, log: Path) -> str:
        """Format a node's data folder; returns what was wrong, or nothing."""
        what = ["--ignore-formatted", f"--cluster-id={cluster_id}", f"--config={settings}"]
        process = await asyncio.create_subprocess_exec(
            *self.command("kafka.tools.StorageTool", "format", *what, log=log),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await process.communicate()
        return said.decode(errors="replace").strip() if process.returncode else ""


def new_cluster_id() -> str:
    """A cluster id in the form Kafka wants."""
    return urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
