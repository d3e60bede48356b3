"""What is not to be named in which files, and what to use instead: the table behind tests/unit/test_tidy.py."""

import ast
from collections.abc import Iterator
from fnmatch import fnmatch
from functools import cache
from typing import NamedTuple

CODE = ("libs/*", "services/*")
TESTS = ("tests/*",)


class Ban(NamedTuple):
    """Something not to be named in some files; `banned` is a full dotted name, or the start of one before a '*'."""

    banned: tuple[str, ...]
    where: tuple[str, ...]
    unless: tuple[str, ...]
    instead: str
    example: str


BANS = (
    Ban(
        (
            "time.time*",
            "time.monotonic*",
            "time.perf_counter*",
            "datetime.datetime.*now",
            "datetime.datetime.today",
            "datetime.date.today",
        ),
        CODE,
        ("libs/foldgate/runtime/clock.py",),
        "take a Clock, or `at` in the core: foldgate.runtime.clock alone reads the time",
        "from time import monotonic as now\nnow()",
    ),
    Ban(
        ("random.*", "secrets.*", "uuid.uuid1", "uuid.uuid4", "os.urandom"),
        CODE,
        (
            *(f"libs/foldgate/{shell}/*" for shell in ("cli", "eventlog", "runtime", "sdk", "servers", "testing")),
            "libs/foldgate/identity/api_keys.py",  # whose keys nobody may guess
        ),
        "derive ids from ids (foldgate.contracts.ids); chance belongs to the shell",
        "import uuid\nuuid.uuid4()",
    ),
    Ban(
        ("os.environ*", "os.getenv"),
        CODE,
        ("libs/foldgate/runtime/settings.py", "libs/foldgate/servers/*", "libs/foldgate/testing/*"),
        "add a field to foldgate.runtime.settings, which names every wrong one at once",
        "import os\nos.environ['HOME']",
    ),
    Ban(
        ("json.*",),
        CODE,
        (
            "libs/foldgate/contracts/codec.py",
            "libs/foldgate/contracts/generate*.py",
            "libs/foldgate/contracts/schemas.py",
            "libs/foldgate/identity/tokens.py",  # which must see a name that comes twice, as must
            "services/foldgate/gateway/http/bodies.py",
        ),
        "use msgspec.json, which is typed and faster; json is for schemas, and for bodies as they come in",
        "import json\njson.loads('{}')",
    ),
    Ban(
        ("time.sleep",),
        (*CODE, *TESTS),
        (),
        "await a condition with a deadline, or Popen.wait(timeout=…)",
        "import time\ntime.sleep(1)",
    ),
    Ban(
        ("asyncio.sleep",),
        TESTS,
        ("tests/support/*",),
        "use tests.support.waiting.until(condition), or asyncio.Event; `tick()` from there lets other tasks run",
        "import asyncio\nasyncio.sleep(0.1)",
    ),
    Ban(
        ("asyncio.get_event_loop", "asyncio.new_event_loop"),
        (*CODE, *TESTS),
        ("libs/foldgate/runtime/run.py",),
        "write a coroutine: whoever runs the process (or the test) made its loop",
        "import asyncio\nasyncio.get_event_loop()",
    ),
    Ban(
        ("unittest.mock*", "mock.*"),
        TESTS,
        (),
        "use the memory log, a real PostgreSQL or a real broker: a mock is a sign of code in the wrong layer",
        "from unittest.mock import patch\npatch('x')",
    ),
    Ban(
        ("pytest.mark.skip", "pytest.mark.xfail", "pytest.xfail"),
        TESTS,
        (),
        "make it pass or take it out; where a server is not to be had, fixtures of foldgate.testing skip for you",
        "import pytest\nmark = pytest.mark.skip(reason='later')",
    ),
)


def named(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Every dotted name that the module uses, as it would read with all imports spelt out, and its line."""
    full: dict[str, str] = {}
    for line, bound, name in _imports(tree):
        full[bound] = name
        yield line, name
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute | ast.Name):
            first, dot, rest = ast.unparse(node).partition(".")
            if first in full:
                yield node.lineno, full[first] + dot + rest


def _imports(tree: ast.AST) -> Iterator[tuple[int, str, str]]:
    """Line, the name that the import binds, and what it stands for."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                first = alias.name.partition(".")[0]
                yield (node.lineno, alias.asname, alias.name) if alias.asname else (node.lineno, first, first)
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                yield node.lineno, alias.asname or alias.name, f"{node.module}.{alias.name}"


@cache
def parsed(source: str) -> ast.Module:
    return ast.parse(source)


@cache
def _used(source: str) -> list[tuple[int, str]]:
    """What `named` finds, found once for all bans."""
    return list(named(parsed(source)))


def lines_with(ban: Ban, source: str) -> set[int]:
    """The lines that use what is banned."""
    return {line for line, name in _used(source) if any(fnmatch(name, banned) for banned in ban.banned)}


def applies(ban: Ban, path: str) -> bool:
    return any(fnmatch(path, glob) for glob in ban.where) and not any(fnmatch(path, glob) for glob in ban.unless)
