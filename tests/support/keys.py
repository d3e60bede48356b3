"""Keys for tests: the same ones in every run, so that what fails can be made again. Good for ever, and for nothing."""

from functools import cache

import msgspec

from foldgate.authority.keys import Certificate, Purpose, Signer, Trust, certify, key_id_of, public_of

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


KERNEL, SCHEDULER, ISSUER = signer("kernel", 4), signer("scheduler", 5), signer("issuer", 6)
STRANGER = signer_with("kernel", root=bytes([7]) * 32)
"""Has a kernel's certificate of a root that nobody has pinned."""
TRUST = Trust([public_of(ROOT_KEY)])
