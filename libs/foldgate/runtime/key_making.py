"""Makes keys: a root key, and one for each purpose with its certificate; writes them to a folder, for its owner alone.

The root key is needed for nothing but making certificates: it may, and should, be kept somewhere else.
"""

import os
import secrets
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import get_args

import msgspec

from foldgate.authority.keys import Certificate, Purpose, certify, key_id_of, keys_in, public_of
from foldgate.runtime.keys import KEY_BYTES, ROOT, SUITE, KeyFile, Keys, file_of
from foldgate.runtime.settings import SettingsInvalid

ROOT_KEY = "root.key"
PURPOSES: tuple[Purpose, ...] = get_args(Purpose)
YEAR_MS = 365 * 86_400_000
PERSON = "person"
"""The role of a certificate that is somebody's own."""
ROLES = ("admin",)
"""Of a new issuer: whoever holds its key may change what holds."""
LIVE_MS = 5 * YEAR_MS
"""How long a certificate is good unless told otherwise."""
EARLIER_MS = 3_600_000
"""By how much a certificate begins earlier: other machines' clocks may be behind."""


def new_files(at: int) -> dict[str, bytes]:
    """The files of a whole folder, all new; `root.key` among them."""
    root = new_key()
    files = {ROOT_KEY: _line(root), ROOT: _line(public_of(root)), SUITE: _line(new_key())}
    return files | {file_of(purpose): new_file(root, purpose, at=at) for purpose in PURPOSES}


def new_file(
    root: bytes,
    purpose: Purpose,
    *,
    at: int,
    live_ms: int = LIVE_MS,
    name: str = "",
    roles: Sequence[str] = ROLES,
) -> bytes:
    """A new key for a purpose, with its certificate, as a file; `roles` are an issuer's."""
    private_key = new_key()
    public_key = public_of(private_key)
    certificate = Certificate(
        key_id=key_id_of(public_key),
        public_key=public_key,
        purpose=purpose,
        name=name or purpose,
        roles=tuple(roles) if purpose == "issuer" else (),
        not_before=at - EARLIER_MS,
        not_after=at + live_ms,
    )
    made = KeyFile(private_key=private_key, certificate=certify(root, certificate))
    return msgspec.json.format(msgspec.json.encode(made), indent=2) + b"\n"


def replaced(root_key: str, purpose: Purpose, *, at: int) -> dict[str, bytes]:
    """The file of that purpose with a new key, certified by the root key of this text."""
    return {file_of(purpose): new_file(_root_in(root_key), purpose, at=at)}


def new_person(root_key: str, name: str, *, roles: Sequence[str], at: int, live_ms: int = YEAR_MS) -> bytes:
    """Somebody's own key, as a file: it speaks for nobody but whom it names, in these roles."""
    return new_file(_root_in(root_key), "issuer", at=at, live_ms=live_ms, name=name, roles=(PERSON, *roles))


def _root_in(text: str) -> bytes:
    try:
        [root] = keys_in(text)
    except ValueError:
        raise SettingsInvalid("Expected one root key of 64 hexadecimal digits, but that is something else.") from None
    return root


def with_new_suite_key(found: bytes) -> dict[str, bytes]:
    """The file of the key of the suite with a new first one; the last is still accepted."""
    return {SUITE: _line(new_key()) + found.splitlines(keepends=True)[0]}


def new_key() -> bytes:
    """A private key, or another secret."""
    return secrets.token_bytes(KEY_BYTES)


def throwaway() -> Keys:
    """Keys of nobody: to fold or to measure with, where nothing is signed that anybody checks."""
    return Keys(new_files(0).__getitem__)


def make(folder: Path, files: Mapping[str, bytes]) -> None:
    """A new folder with these files, whole or not at all."""
    scratch = folder.with_name(f"{folder.name}.new")
    shutil.rmtree(scratch, ignore_errors=True)
    write(scratch, files)
    scratch.rename(folder)


def write(folder: Path, files: Mapping[str, bytes]) -> None:
    """Put the files there, each whole or not at all, readable by their owner alone but for the public one."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for name, content in files.items():
        scratch = folder / f"{name}.new"
        mode = 0o644 if name == ROOT else 0o600
        scratch.unlink(missing_ok=True)
        with os.fdopen(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        scratch.replace(folder / name)


def _line(key: bytes) -> bytes:
    return f"{key.hex()}\n".encode()
