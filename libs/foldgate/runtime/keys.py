"""The keys of a service: those of its purpose, and the roots by which it checks others.

They lie in a folder (setting `keys`), which `foldgate keys init` makes:

    root.pub                                   root keys that are trusted, hexadecimal, one a line
    kernel.json, scheduler.json, issuer.json   each a private key and its certificate
    suite.key                                  what leases' secrets are derived from, hexadecimal; the first line makes
                                               them, all lines are accepted

Each file is read when a service first asks for it. So a service needs none but those it uses, and refuses to start
without them.
"""

from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Literal

import msgspec

from foldgate.authority.keys import Certificate, Purpose, Signer, Trust, keys_in
from foldgate.runtime.settings import Settings, SettingsInvalid

ROOT, SUITE = "root.pub", "suite.key"
KEY_BYTES = 32
Read = Callable[[str], bytes]
"""The content of a file of the folder; raises OSError if it cannot be read."""


class KeyFile(msgspec.Struct, frozen=True, kw_only=True):
    """What one file of a purpose holds."""

    private_key: bytes
    certificate: Certificate


def file_of(purpose: Purpose) -> str:
    """Its file."""
    return f"{purpose}.json"


class Keys:
    """The keys that these files hold. Whoever has no folder has no keys, and learns so when it asks for one."""

    def __init__(self, read: Read, *, roots: str | None = None) -> None:
        self._read, self._roots = read, roots

    @classmethod
    def of(cls, settings: Settings) -> "Keys":
        """The keys that the settings name."""
        folder = settings.keys
        return cls(_no_folder if folder is None else reading(Path(folder)), roots=settings.root_keys)

    @cached_property
    def trust(self) -> Trust:
        """Whom to believe, by the roots."""
        text = self._roots if self._roots is not None else self._text(ROOT)
        return Trust(_keys_in(text, "FOLDGATE_ROOT_KEYS" if self._roots is not None else ROOT))

    @cached_property
    def kernel(self) -> Signer:
        """Signs writs."""
        return self._signer("kernel")

    @cached_property
    def scheduler(self) -> Signer:
        """Signs leases."""
        return self._signer("scheduler")

    @cached_property
    def issuer(self) -> Signer:
        """Signs what is asked: of runs, of workflows, of policy, and votes."""
        return self._signer("issuer")

    @cached_property
    def suite(self) -> tuple[bytes, ...]:
        """What leases' secrets are derived from: the first makes them, all are accepted."""
        return _keys_in(self._text(SUITE), SUITE)

    def voucher(self, *, unsigned: Literal["allow", "refuse"]) -> Signer | None:
        """The issuer, who signs what is asked; nobody where there is no folder and what is unsigned counts."""
        return None if unsigned == "allow" and self._read is _no_folder else self.issuer

    def _signer(self, purpose: Purpose) -> Signer:
        name = file_of(purpose)
        return signer_in(self._content(name), purpose, where=f"FOLDGATE_KEYS: expected a key in {name}")

    def _text(self, name: str) -> str:
        return self._content(name).decode(errors="replace")

    def _content(self, name: str) -> bytes:
        try:
            return self._read(name)
        except OSError as error:
            raise SettingsInvalid(
                f"FOLDGATE_KEYS: expected to read {name} in the folder of keys, but: {error.strerror or error}. Make"
                " one with `foldgate keys init FOLDER` and set FOLDGATE_KEYS=FOLDER, or run `foldgate up`, which has"
                " its own."
            ) from None


def signer_in(content: bytes, purpose: Purpose, *, where: str) -> Signer:
    """What a file of a purpose holds, which may be anybody's own; `where` begins the sentence if it is no key."""
    try:
        found = msgspec.json.decode(content, type=KeyFile)
        signer = Signer(found.private_key, found.certificate)
    except ValueError as error:
        raise SettingsInvalid(f"{where}, but it holds none: {error}") from None
    if found.certificate.purpose != purpose:
        raise SettingsInvalid(f"{where} for '{purpose}', but it is for '{found.certificate.purpose}'.")
    return signer


def _keys_in(text: str, where: str) -> tuple[bytes, ...]:
    try:
        return keys_in(text)
    except ValueError as error:
        raise SettingsInvalid(f"{where}: {error}") from None


def reading(folder: Path) -> Read:
    """Reads the files of a folder."""
    return lambda name: (folder / name).read_bytes()


def _no_folder(name: str) -> bytes:
    del name
    raise OSError("no folder is set")
