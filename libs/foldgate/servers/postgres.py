"""Foldgate's own PostgreSQL: a server in a data folder, for whoever gives no server of his own.

    async with PostgresServer(folder) as postgres:
        postgres.url            # postgresql://foldgate@/foldgate?host=...

It listens on a socket inside its folder and nowhere else, and lets in the account that started it and no other. As
root, which PostgreSQL refuses, it runs as an unprivileged account that owns just the database's files.

Why a crash between any two lines is safe: the claim on the folder ends with us, whatever ends us (`folder.py`); the
server is told to shut down by the kernel when we are gone (`child.py`), and what it did not get to do it recovers from
its own write-ahead log; files it left behind are told from live ones at the next start (`postgres_leftovers.py`); and
the folder is either whole or not there (`postgres_cluster.py`).
"""

import asyncio
import contextlib
import signal
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

import asyncpg
import structlog

from foldgate.servers import child
from foldgate.servers.account import unprivileged_account
from foldgate.servers.folder import FolderClaim
from foldgate.servers.postgres_binaries import programs
from foldgate.servers.postgres_cluster import ENVIRONMENT, Cluster, last_words
from foldgate.servers.postgres_leftovers import PID_FILE, SOCKET, clear
from foldgate.servers.postgres_settings import ROLE, SETTINGS

READY_WITHIN_S = 300.0
GRACE_S = 15.0
_LONGEST_SOCKET = 103
"""The shortest limit of any system we run on, in bytes; Linux takes 107."""
_LOG_KEPT = 16 * 1024 * 1024


class PostgresDidNotStart(Exception):
    """The server ended, or was not ready in time; the message carries the last lines of its log."""


class PostgresServer:
    """One server, from start to stop. Started again after it was stopped or was killed, it has the address it had."""

    def __init__(
        self,
        folder: Path,
        *,
        settings: Mapping[str, str] | None = None,
        report: Callable[[str], None] | None = None,
        ready_within_s: float = READY_WITHIN_S,
        claim: FolderClaim | None = None,
    ) -> None:
        """`claim` is the caller's own claim on the folder, where it has one; else the server takes and releases it."""
        self.folder = folder.resolve()
        self.data = self.folder / "postgres"
        self.log = self.folder / "postgres.log"
        self._settings = {**SETTINGS, **(settings or {})}
        self._report = report or structlog.get_logger("foldgate.postgres").info
        self._ready_within_s = ready_within_s
        self._process: subprocess.Popen[bytes] | None = None
        self._held_for_us = claim
        self._claim: FolderClaim | None = None
        self._short: Path | None = None

    @property
    def url(self) -> str:
        """Where clients under our own account find it."""
        return self._url(ROLE)

    @property
    def pid(self) -> int:
        """The process id of the server."""
        return self._running().pid

    @property
    def status(self) -> int | None:
        """What the server's process ended with, or None while it runs."""
        return self._running().poll()

    @property
    def alive(self) -> bool:
        """Whether the server's process runs."""
        return self._process is not None and self._process.poll() is None

    async def start(self) -> str:
        """Start the server over its folder, and wait until it answers; returns its URL."""
        self._claim = self._held_for_us or FolderClaim.take(self.folder)
        try:
            await self._start(self._claim)
        except BaseException:
            await self.stop()
            raise
        return self.url

    async def stop(self) -> None:
        """End the server in order, or by force if that takes too long, and give the folder up."""
        if self._process is not None:
            await child.stop(self._process, grace_s=GRACE_S, request=signal.SIGINT)
        self._process = None
        self._remove_short()
        if self._claim is not None and self._held_for_us is None:
            self._claim.release()
        self._claim = None

    async def restart(self) -> None:
        """Start again over the same data, at the same address, whatever became of the server."""
        await self.stop()
        await self.start()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def _start(self, claim: FolderClaim) -> None:
        account = unprivileged_account(self.data)
        cluster = Cluster(self.data, await programs(account), self._fresh_log(), account)
        await clear(self.data, claim.previous, self._report)
        if await cluster.make():
            self._report(f"Created a PostgreSQL database in {self.data}.")
        cluster.configure(self._settings)
        self._choose_socket(claim)
        self._spawn(cluster)
        claim.note(server_pid=self.pid, scratch=self._short)
        await self._ready()
        await self._make_database()

    def _spawn(self, cluster: Cluster) -> None:
        self._process = child.spawn(
            cluster.command("postgres"),
            log=self.log,
            folder=self.data,
            account=cluster.account,
            environment=ENVIRONMENT,
            orphaned=signal.SIGINT,
        )

    async def _ready(self) -> None:
        try:
            async with asyncio.timeout(self._ready_within_s):
                while not self._says_ready():
                    self._expect_running()
                    await asyncio.sleep(child.POLL_S)
        except TimeoutError:
            raise PostgresDidNotStart(
                f"PostgreSQL in {self.data} was not ready within {self._ready_within_s:.0f} s. {last_words(self.log)}"
            ) from None

    def _says_ready(self) -> bool:
        with contextlib.suppress(OSError):
            lines = (self.data / PID_FILE).read_text().split()
            return lines[:1] == [str(self.pid)] and lines[-1] == "ready"
        return False

    def _expect_running(self) -> None:
        if (status := self._running().poll()) is not None:
            raise PostgresDidNotStart(
                f"PostgreSQL in {self.data} ended with status {status} while starting. {last_words(self.log)}"
            )

    async def _make_database(self) -> None:
        connection = await asyncpg.connect(self._url("postgres"))
        try:
            with contextlib.suppress(asyncpg.DuplicateDatabaseError):
                await connection.execute(f"CREATE DATABASE {ROLE}")
        finally:
            await connection.close()

    def _choose_socket(self, claim: FolderClaim) -> None:
        """The server reaches its socket from where it stands; a client needs a path, and that may be too long."""
        if claim.previous is not None and claim.previous.scratch:
            _unlink(Path(claim.previous.scratch))
        if len(bytes(self.data / SOCKET)) > _LONGEST_SOCKET:
            self._short = _again(self._short) or Path(tempfile.mkdtemp(prefix="foldgate-")) / "d"
            self._short.symlink_to(self.data)

    def _remove_short(self) -> None:
        if self._short is not None:
            _unlink(self._short)

    def _url(self, database: str) -> str:
        return f"postgresql://{ROLE}@/{database}?host={quote(str(self._short or self.data), safe='/')}"

    def _fresh_log(self) -> Path:
        """The log of the server; what it was is set aside when it has grown large."""
        if self.log.exists() and self.log.stat().st_size > _LOG_KEPT:
            self.log.replace(self.log.with_suffix(".log.1"))
        return self.log

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise PostgresDidNotStart(f"PostgreSQL in {self.data} has not been started.")
        return self._process


def _again(short: Path | None) -> Path | None:
    """The short path we had, free for a link once more; None where there was none, or somebody took it meanwhile."""
    with contextlib.suppress(FileExistsError):
        if short is not None:
            short.parent.mkdir(mode=0o700)
            return short
    return None


def _unlink(short: Path) -> None:
    if short.is_symlink():
        short.unlink()
        short.parent.rmdir()
