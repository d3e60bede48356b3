"""The jars of a pinned Kafka broker, resolved once with Maven into a cache and checked against committed checksums.

The cache folder appears by one rename of a folder that was complete and verified, so whoever sees it may use it, and a
crash before the rename leaves only a scratch folder that the next resolve empties. An advisory lock keeps two processes
from resolving at once; the kernel drops it with the process that held it.

To move to another version: edit `kafka_broker/pom.xml` and `VERSION`, resolve by hand, and write `jars.sha256` with
`sha256sum *.jar`.
"""

import asyncio
import contextlib
import fcntl
import hashlib
import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import IO

VERSION = "4.1.1"
BROKER = Path(__file__).parent / "kafka_broker"
RESOLVE_TIMEOUT_S = 900.0


class ArtifactsUnavailable(Exception):
    """The broker's jars could not be had, or are not the ones we know."""


def cache_folder() -> Path:
    """$FOLDGATE_CACHE, else $XDG_CACHE_HOME/foldgate, else ~/.cache/foldgate."""
    if given := os.environ.get("FOLDGATE_CACHE"):
        return Path(given)
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "foldgate"


async def resolve() -> Path:
    """The folder with the broker's jars; fetched and verified if this machine does not have it yet."""
    home = cache_folder() / f"kafka-{VERSION}"
    if not home.is_dir():
        async with exclusively(home.with_name(home.name + ".lock")):
            if not home.is_dir():
                await _fetch_verified(home)
    return home


@contextlib.asynccontextmanager
async def exclusively(path: Path) -> AsyncIterator[None]:
    """Hold a lock file among all processes of this machine."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        await lock(file)
        yield


async def lock(file: IO[bytes]) -> None:
    """Lock an open file, until it is closed here and in every child that shares it; the wait can be cancelled."""
    while not _locked(file):
        await asyncio.sleep(0.1)


def _locked(file: IO[bytes]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


async def _fetch_verified(home: Path) -> None:
    scratch = home.with_name(home.name + ".resolving")
    shutil.rmtree(scratch, ignore_errors=True)
    await _maven_copy(scratch)
    verify(scratch)
    scratch.rename(home)


async def _maven_copy(folder: Path) -> None:
    maven = shutil.which("mvn")
    if maven is None:
        raise ArtifactsUnavailable(
            "Expected `mvn` on PATH to resolve the jars of a local Kafka, but it is not there. "
            "Install Maven, or name a broker that runs already."
        )
    words = ["-q", "-B", "-f", str(BROKER / "pom.xml"), "dependency:copy-dependencies"]
    process = await asyncio.create_subprocess_exec(
        maven,
        *words,
        "-DincludeScope=runtime",
        f"-DoutputDirectory={folder}",
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said = await _finished(process)
    if process.returncode != 0:
        raise ArtifactsUnavailable(f"Maven could not resolve the jars of Kafka {VERSION}: {_first_error(said)}")


async def _finished(process: asyncio.subprocess.Process) -> str:
    """What the process printed, or nothing of it: it is ended if it takes too long or if we are cancelled."""
    try:
        async with asyncio.timeout(RESOLVE_TIMEOUT_S):
            said, _ = await process.communicate()
    except TimeoutError:
        raise ArtifactsUnavailable(f"Maven did not resolve the jars within {RESOLVE_TIMEOUT_S:.0f} s.") from None
    finally:
        if process.returncode is None:
            process.kill()
    return said.decode(errors="replace")


def _first_error(said: str) -> str:
    lines = [line.strip() for line in said.splitlines() if "ERROR" in line] or said.splitlines()
    return lines[0] if lines else "it printed nothing"


def verify(folder: Path) -> None:
    """Hold the jars of a folder against the committed checksums: all of them, and none besides."""
    known = _known_checksums()
    found = {path.name: _sha256(path) for path in folder.glob("*.jar")}
    wrong = sorted(name for name in known.keys() | found.keys() if known.get(name) != found.get(name))
    if wrong:
        raise ArtifactsUnavailable(
            f"Expected the jars of Kafka {VERSION} to have the committed checksums, but these are missing, "
            f"unknown or different: {', '.join(wrong)}. Nothing was put into the cache."
        )


def _known_checksums() -> dict[str, str]:
    lines = (BROKER / "jars.sha256").read_text().splitlines()
    return {name: checksum for checksum, name in (line.split() for line in lines)}


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
