"""What `foldgate doctor` looks at, one check after the other: one that cannot be made says why, and ends no other."""

import platform
import sys
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path

from foldgate.cli import server_checks, stream_checks, up_file
from foldgate.cli.diagnosis import Finding, bad, fine, odd
from foldgate.cli.finding import NoSuite, settings_of_suite
from foldgate.cli.readiness import is_ready
from foldgate.eventlog.log import LogError
from foldgate.runtime.settings import Settings, SettingsInvalid
from foldgate.servers.postgres_binaries import WHEEL, NoPostgres, installed_home

OLDEST_PYTHON = (3, 11)

Check = Callable[[Settings], Awaitable[Iterable[Finding]]]


async def examine(folder: Path, data: Path | None) -> list[Finding]:
    """Every check that makes sense here."""
    findings = [_python()]
    try:
        settings = settings_of_suite(data)
    except SettingsInvalid as error:
        advice = "Correct these variables of the environment."
        return [*findings, bad("settings", " ".join(str(error).splitlines()), advice)]
    except NoSuite as error:
        return [*findings, odd("suite", "none runs here", str(error)), _own_postgres()]
    findings.append(await _suite(folder, settings))
    for name, check in _checks(settings).items():
        findings += await _made(name, check, settings)
    return findings


def _checks(settings: Settings) -> dict[str, Check]:
    checks: dict[str, Check] = {}
    if settings.postgres is not None:
        checks["postgres"] = server_checks.check_postgres
    if settings.kafka is not None:
        checks["kafka"] = server_checks.check_kafka
    return {**checks, "log": stream_checks.check_log}


async def _made(name: str, check: Check, settings: Settings) -> Iterable[Finding]:
    try:
        return await check(settings)
    except (LogError, OSError) as error:
        return [bad(name, str(error), _AWAY)]


_AWAY = "Start it, or correct its address; then look again. Its own log says why it ended: a full disk, perhaps."


def _python() -> Finding:
    found = f"{platform.python_version()} at {sys.executable}"
    if sys.version_info < OLDEST_PYTHON:
        return bad("python", found, "Foldgate needs Python 3.11 or newer: make an environment with that.")
    return fine("python", found)


def _own_postgres() -> Finding:
    try:
        return fine("own postgres", f"there, from the package {WHEEL}, at {installed_home()}")
    except NoPostgres as error:
        return odd("own postgres", "not there", str(error))


async def _suite(folder: Path, settings: Settings) -> Finding:
    """The suite of this folder, or one that was named and whose processes are elsewhere."""
    suite = up_file.read(folder)
    if suite is None or not suite.alive or (suite.postgres, suite.kafka) != (settings.postgres, settings.kafka):
        return fine("suite", f"'{settings.suite}', as the environment names it")
    if await is_ready(settings.http_host, suite.port):
        return fine("suite", f"ready at {suite.url}, process {suite.pid}, data in {suite.data}")
    return bad("suite", f"process {suite.pid} does not say that it is ready", f"See its logs in {suite.data}/logs.")
