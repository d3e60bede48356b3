"""The operating-system account a server runs under: our own, or an unprivileged one when we are root."""

import contextlib
import os
import pwd
from dataclasses import dataclass
from pathlib import Path

UNPRIVILEGED = ("foldgate", "nobody")


class NoAccount(Exception):
    """There is no account to run a server under."""


@dataclass(frozen=True)
class Account:
    """An account other than our own."""

    name: str
    uid: int
    gid: int


def unprivileged_account(data: Path) -> Account | None:
    """None for an ordinary user. For root: the owner of the data if there is some, else the first that exists."""
    if os.geteuid() != 0:
        return None
    if data.exists() and (owner := data.stat()).st_uid != 0:
        return Account(_name_of(owner.st_uid), owner.st_uid, owner.st_gid)
    if (found := nobody()) is not None:
        return found
    raise NoAccount(
        f"Expected a user named {' or '.join(UNPRIVILEGED)} to run PostgreSQL under, since it refuses to run as root, "
        "but there is none. Create one (`useradd --system foldgate`), or start as an ordinary user."
    )


def nobody() -> Account | None:
    """An account that may do nothing in particular, if there is one."""
    for name in UNPRIVILEGED:
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(name)
            return Account(name, entry.pw_uid, entry.pw_gid)
    return None


def own_name() -> str:
    """The name of the account we run under, as the server sees it when we connect."""
    return _name_of(os.geteuid())


def _name_of(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        raise NoAccount(
            f"Expected the user id {uid} to have a name, which PostgreSQL asks for, but it has none. "
            "Add it to /etc/passwd, or name a server that runs already."
        ) from None
