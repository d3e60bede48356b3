"""Keys for tests: the same ones in every run, so that what fails can be made again. Good for ever, and for nothing."""

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import TypeVar

import msgspec

from foldgate.authority.keys import Certificate, Purpose, Signer, Trust, certify, key_id_of, public_of
from foldgate.authority.requests import Vouching
from foldgate.authority.token import token, with_mac
from foldgate.contracts.events import JobFailed, JobProgressed, JobSucceeded
from foldgate.runtime.key_making import PURPOSES, write
from foldgate.runtime.keys import ROOT, SUITE, KeyFile, Keys, file_of

ROOT_KEY = bytes([1]) * 32
SUITE_KEY = bytes([9]) * 32
FOR_EVER = 2**53


def certificate(private_key: bytes, purpose: Purpose, *, name: str = "", root: bytes = ROOT_KEY) -> Certificate:
    """The certificate of a key, from the beginning of time."""
    public = public_of(private_key)
    made = Certificate(
        key_id=key_id_of(public),
        public_key=public,
        purpose=purpose,
        name=name or purpose,
        roles=("admin",) if purpose == "issuer" else (),
        not_before=0,
        not_after=FOR_EVER,
    )
    return certify(root, made)


@cache
def signer(purpose: Purpose, number: int = 2) -> Signer:
    """A signer of that purpose; another number is another key."""
    private_key = number.to_bytes(1, "big") * 32
    return Signer(private_key, certificate(private_key, purpose))


def signer_with(purpose: Purpose, *, root: bytes = ROOT_KEY, **changes: object) -> Signer:
    """A signer whose certificate says something else."""
    private_key = bytes([3]) * 32
    made = msgspec.structs.replace(certificate(private_key, purpose), **changes)
    return Signer(private_key, certify(root, made))


NUMBERS: dict[Purpose, int] = {"kernel": 4, "scheduler": 5, "issuer": 6}
KERNEL, SCHEDULER, ISSUER = (signer(purpose, NUMBERS[purpose]) for purpose in PURPOSES)
STRANGER = signer_with("kernel", root=bytes([7]) * 32)
"""Has a kernel's certificate of a root that nobody has pinned."""
TRUST = Trust([public_of(ROOT_KEY)])
ANYBODY = Vouching(TRUST, unsigned=True)
"""What is asked counts as it comes: where it is not asked who asks."""
R = TypeVar("R", JobSucceeded, JobFailed, JobProgressed)


def proved(report: R) -> R:
    """The report as who holds its lease would send it."""
    secret = token(SUITE_KEY, job_id=report.job_id, lease=report.lease, worker=report.worker)
    return with_mac(secret, report)


def from_anybody(_: JobSucceeded | JobFailed | JobProgressed) -> bool:
    """Reports are believed as they come: where it is not asked who sends them."""
    return True


def files(**others: int) -> dict[str, bytes]:
    """The folder of keys of a suite under test; of a purpose the key of another number."""
    made = {ROOT: f"{public_of(ROOT_KEY).hex()}\n".encode(), SUITE: f"{SUITE_KEY.hex()}\n".encode()}
    for purpose, usual in NUMBERS.items():
        number = others.get(purpose, usual)
        private_key = bytes([number]) * 32
        file = KeyFile(private_key=private_key, certificate=certificate(private_key, purpose))
        made[file_of(purpose)] = msgspec.json.encode(file)
    return made


KEYS = Keys(files().__getitem__)


@cache
def folder_of_keys() -> Path:
    """Where they lie for processes: made once, and gone with this one."""
    folder = Path(tempfile.mkdtemp(prefix="foldgate-keys-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    write(folder, files())
    return folder
