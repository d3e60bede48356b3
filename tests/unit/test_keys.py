"""Keys: what is signed counts if a pinned root vouches for who signed it, for that purpose, at that time."""

from typing import Any

import msgspec
import pytest

from foldgate.authority.canonical import canonical_bytes
from foldgate.authority.keys import Certificate, SignatureInvalid, Signer, Trust, certify, keys_in, public_of
from foldgate.contracts.events import JobFailed, Signature
from tests.support.keys import (
    FOR_EVER,
    ISSUER,
    KERNEL,
    ROOT_KEY,
    SCHEDULER,
    STRANGER,
    TRUST,
    certificate,
    signer,
    signer_with,
)

DATA = b"what is vouched for"


def refusal(signature: Signature | None, *, data: bytes = DATA, trust: Trust = TRUST, at: int = 1000) -> str:
    with pytest.raises(SignatureInvalid, match=r"^Expected .+, but .+\.$") as found:
        trust.check(signature, data, purpose="kernel", at=at)
    return found.value.code


def test_what_a_certified_key_has_signed_counts() -> None:
    found = TRUST.check(KERNEL.sign(DATA), DATA, purpose="kernel", at=1000)
    assert (found.purpose, found.name, found.key_id) == ("kernel", "kernel", KERNEL.certificate.key_id)
    assert TRUST.certificate(KERNEL.certificate.encoded()) == KERNEL.certificate


def test_what_nobody_signed_is_refused() -> None:
    assert refusal(None) == refusal(Signature()) == "unsigned"


def test_what_is_altered_is_refused() -> None:
    assert refusal(KERNEL.sign(DATA), data=DATA + b"!") == "bad_signature"
    assert refusal(msgspec.structs.replace(KERNEL.sign(DATA), value=b"short")) == "bad_signature"


def test_a_key_signs_for_its_purpose_alone() -> None:
    assert refusal(SCHEDULER.sign(DATA)) == refusal(ISSUER.sign(DATA)) == "wrong_purpose"


def test_a_key_is_good_between_two_times() -> None:
    between = signer_with("kernel", not_before=1000, not_after=2000)
    for at in (1000, 2000):
        TRUST.check(between.sign(DATA), DATA, purpose="kernel", at=at)
    assert [refusal(between.sign(DATA), at=at) for at in (999, 2001)] == ["key_expired"] * 2


def test_a_key_can_be_revoked_while_it_is_in_use() -> None:
    revoked: set[str] = set()
    trust = Trust([public_of(ROOT_KEY)], revoked=revoked)
    trust.check(KERNEL.sign(DATA), DATA, purpose="kernel", at=1000)
    revoked.add(KERNEL.certificate.key_id)
    assert refusal(KERNEL.sign(DATA), trust=trust) == "key_revoked"


@pytest.mark.parametrize("encoded", [b"", b"{", b"{}", b"\xff", b"[1]", b'{"x":' + b"[" * 100_000])
def test_what_is_no_certificate_is_no_key(encoded: bytes) -> None:
    assert refusal(msgspec.structs.replace(KERNEL.sign(DATA), certificate=encoded)) == "unknown_key"


def test_a_certificate_holds_a_key() -> None:
    no_key = msgspec.structs.replace(KERNEL.certificate, public_key=b"short")
    assert refusal(msgspec.structs.replace(KERNEL.sign(DATA), certificate=no_key.encoded())) == "unknown_key"


def test_only_a_pinned_root_vouches() -> None:
    assert refusal(STRANGER.sign(DATA)) == "unknown_key"
    assert refusal(KERNEL.sign(DATA), trust=Trust([])) == "unknown_key"
    both = Trust([public_of(bytes([7]) * 32), public_of(ROOT_KEY)])
    for one in (STRANGER, KERNEL):
        both.check(one.sign(DATA), DATA, purpose="kernel", at=1000)


@pytest.mark.parametrize(
    "changes",
    [{"purpose": "kernel"}, {"not_after": FOR_EVER + 1}, {"tenant": "x"}, {"roles": ("sre",)}, {"name": "kernel"}],
    ids=str,
)
def test_a_certificate_that_was_altered_is_none(changes: dict[str, object]) -> None:
    altered = msgspec.structs.replace(ISSUER.certificate, **changes)
    assert refusal(msgspec.structs.replace(ISSUER.sign(DATA), certificate=altered.encoded())) == "unknown_key"


def test_a_key_has_the_id_of_what_it_is() -> None:
    misnamed = certify(ROOT_KEY, msgspec.structs.replace(KERNEL.certificate, key_id="0" * 32))
    assert refusal(msgspec.structs.replace(KERNEL.sign(DATA), certificate=misnamed.encoded())) == "unknown_key"


def test_the_certificate_of_one_key_is_none_of_another() -> None:
    with pytest.raises(ValueError, match=r"^Expected the certificate of this private key, but .+\.$"):
        Signer(bytes([8]) * 32, KERNEL.certificate)
    borrowed = msgspec.structs.replace(signer("scheduler").sign(DATA), certificate=KERNEL.certificate.encoded())
    assert refusal(borrowed) == "bad_signature"


def test_two_keys_of_one_purpose_are_good_at_the_same_time() -> None:
    for one in (KERNEL, signer("kernel", 8)):
        TRUST.check(one.sign(DATA), DATA, purpose="kernel", at=1000)


def test_any_number_of_certificates_may_come_by() -> None:
    trust, key = Trust([public_of(ROOT_KEY)]), bytes([3]) * 32
    for number in range(1002):
        named = Signer(key, certificate(key, "kernel", name=f"k{number}"))
        assert trust.check(named.sign(DATA), DATA, purpose="kernel", at=1).name == f"k{number}"


def test_canonical_bytes_say_what_they_are_of() -> None:
    failed = JobFailed(job_id="r:s@1", lease=1, worker="w/1", code="x", message="", retryable=False, mac=b"m")
    assert canonical_bytes("JobFailed", failed, leave_out=("mac",)) == (
        b'foldgate/JobFailed/1\n{"code":"x","job_id":"r:s@1","lease":1,"message":"","retryable":false,"worker":"w/1"}'
    )


def test_a_field_that_is_added_later_changes_no_signature_without_it() -> None:
    fields: list[tuple[str, Any] | tuple[str, Any, Any]] = [
        ("key_id", str),
        ("later", tuple[str, ...], ()),
        ("more", dict[str, str], msgspec.field(default_factory=dict)),
    ]
    later = msgspec.defstruct("Later", fields, kw_only=True)
    earlier = msgspec.defstruct("Earlier", [("key_id", str)], kw_only=True)
    assert canonical_bytes("x", later(key_id="k")) == canonical_bytes("x", earlier(key_id="k"))
    assert canonical_bytes("x", later(key_id="k", more={"a": "b"})) != canonical_bytes("x", earlier(key_id="k"))


def test_a_certificate_travels_as_it_is() -> None:
    assert msgspec.json.decode(ISSUER.certificate.encoded(), type=Certificate) == ISSUER.certificate


def test_keys_are_written_in_hexadecimal() -> None:
    one, other = "0a" * 32, "FF" * 32
    assert keys_in(f" {one}\n{other}, {one}\n") == (bytes([10]) * 32, bytes([255]) * 32, bytes([10]) * 32)
    for wrong in ("", one[1:], f"{one} x", "zz" * 32):
        with pytest.raises(ValueError, match=r"^Expected .+, but .+\.$"):
            keys_in(wrong)
