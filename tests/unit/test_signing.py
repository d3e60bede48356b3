"""What is signed besides writs: requests by issuers, leases by the scheduler, reports by whoever holds the lease."""

import hmac
from typing import Any

import msgspec
import pytest

from foldgate.authority.keys import SignatureInvalid
from foldgate.authority.lease import sign_cancel, sign_lease, verify_cancel, verify_lease
from foldgate.authority.requests import Vouching, check_request, sign_request
from foldgate.authority.revoked import Revoked
from foldgate.authority.token import Report, hmac_sha256, is_genuine, token, with_mac
from foldgate.contracts.events import (
    Job,
    JobCancelled,
    JobDispatched,
    JobFailed,
    JobSucceeded,
    KeyRevoked,
    Meta,
    VoteCast,
    Writ,
)
from tests.support.keys import ISSUER, KERNEL, SCHEDULER, SUITE_KEY, TRUST, signer_with

VOTE = VoteCast(approval_id="run_1:ask", approve=True, reason="seen", binding="ab", roles=("sre",))
META = Meta(
    chain=bytes(32),
    event_id="cli/1",
    stream="intake",
    key="run_1",
    run_id="run_1",
    at=1000,
    request_id="1",
    tenant="t",
    principal="ada",
)
JOB = Job(
    job_id="run_1:s@1",
    step="s",
    attempt=1,
    kind="job",
    topic="job.x",
    input="{}",
    tenant="t",
    principal="ada",
    workflow="w",
)
WRIT = Writ(
    writ_id="writ_1",
    job_id=JOB.job_id,
    job_hash=b"h",
    pool="default",
    policy_snapshot="s",
    rule="r",
    issued_at=1000,
    expires_at=2000,
)
DISPATCHED = JobDispatched(job=JOB, writ=WRIT, worker="w/1", lease=7, lease_ms=12_000, beat=3)
CANCELLED = JobCancelled(job_id=JOB.job_id, step="s", lease=7, worker="w/1", reason="cancelled")
SUCCEEDED = JobSucceeded(job_id=JOB.job_id, lease=7, worker="w/1", output="{}")
FAILED = JobFailed(job_id=JOB.job_id, lease=7, worker="w/1", code="x", message="m")
SECRET = token(SUITE_KEY, job_id=JOB.job_id, lease=7, worker="w/1")


def test_who_signs_a_request_is_known() -> None:
    signed = sign_request(ISSUER, META, VOTE)
    assert msgspec.structs.replace(signed, signature=None) == VOTE
    assert check_request(TRUST, META, signed, at=1000) == ISSUER.certificate


@pytest.mark.parametrize(
    "changes",
    [{"key": "run_2"}, {"run_id": "run_2"}, {"tenant": "u"}, {"principal": "bob"}, {"request_id": "2"}],
    ids=str,
)
def test_a_signed_request_is_good_for_what_it_is_about_alone(changes: dict[str, str]) -> None:
    with pytest.raises(SignatureInvalid) as found:
        check_request(TRUST, msgspec.structs.replace(META, **changes), sign_request(ISSUER, META, VOTE), at=1000)
    assert found.value.code == "bad_signature"


def test_when_a_request_was_sent_is_not_signed() -> None:
    later = msgspec.structs.replace(META, at=5000, event_id="cli/2")
    check_request(TRUST, later, sign_request(ISSUER, META, VOTE), at=5000)


@pytest.mark.parametrize(
    "changes", [{"approve": False}, {"roles": ("admin",)}, {"binding": "cd"}, {"data": "1"}], ids=str
)
def test_no_field_of_a_signed_request_may_change(changes: dict[str, Any]) -> None:
    altered = msgspec.structs.replace(sign_request(ISSUER, META, VOTE), **changes)
    with pytest.raises(SignatureInvalid) as found:
        check_request(TRUST, META, altered, at=1000)
    assert found.value.code == "bad_signature"


def test_requests_are_signed_by_issuers() -> None:
    with pytest.raises(SignatureInvalid) as found:
        check_request(TRUST, META, sign_request(KERNEL, META, VOTE), at=1000)
    assert found.value.code == "wrong_purpose"
    with pytest.raises(SignatureInvalid) as found:
        check_request(TRUST, META, VOTE, at=1000)
    assert found.value.code == "unsigned"


def test_an_issuer_speaks_for_its_tenant() -> None:
    check_request(TRUST, META, sign_request(signer_with("issuer", tenant="t"), META, VOTE), at=1000)
    with pytest.raises(SignatureInvalid, match=r"^Expected an issuer of tenant 't', but .+\.$") as found:
        check_request(TRUST, META, sign_request(signer_with("issuer", tenant="u"), META, VOTE), at=1000)
    assert found.value.code == "wrong_tenant"


def test_an_issuer_that_was_revoked_or_is_somebody_else_vouches_for_nothing() -> None:
    own = signer_with("issuer", roles=("person",), name="ada")
    assert Vouching(TRUST).check(META, sign_request(own, META, VOTE), at=1000) == own.certificate
    other = msgspec.structs.replace(META, principal="bob")
    cases = {
        "key_revoked": (Vouching(TRUST, revoked={own.certificate.key_id}), META),
        "wrong_principal": (Vouching(TRUST), other),
    }
    for code, (vouching, meta) in cases.items():
        with pytest.raises(SignatureInvalid, match=r"^Expected .+\.$") as found:
            vouching.check(meta, sign_request(own, meta, VOTE), at=1000)
        assert found.value.code == code


def test_where_none_is_needed_a_wrong_signature_is_wrong() -> None:
    vouching = Vouching(TRUST, unsigned=True)
    assert vouching.check(META, VOTE, at=1000) is None
    with pytest.raises(SignatureInvalid):
        vouching.check(META, sign_request(KERNEL, META, VOTE), at=1000)


def test_which_keys_are_revoked_is_read_from_policy() -> None:
    revoked = Revoked()
    revoked.add(META, KeyRevoked(key_id="a", reason="lost", by="root"))
    revoked.add(META, VOTE, 7)
    assert revoked.keys == {"a"}
    assert not revoked.lacks(META, VOTE, reached=0)


def test_a_lease_is_signed_by_the_scheduler() -> None:
    signed = sign_lease(SCHEDULER, DISPATCHED, at=1500)
    assert verify_lease(TRUST, signed, issued_at=1500, at=1600) == SCHEDULER.certificate
    with pytest.raises(SignatureInvalid) as found:
        verify_lease(TRUST, sign_lease(KERNEL, DISPATCHED, at=1500), issued_at=1500, at=1600)
    assert found.value.code == "wrong_purpose"


@pytest.mark.parametrize(
    "changes",
    [
        {"worker": "w/2"},
        {"lease": 8},
        {"beat": 4},
        {"lease_ms": 99_000},
        {"token": b"another"},
        {"writ": msgspec.structs.replace(WRIT, writ_id="writ_2")},
        {"writ": msgspec.structs.replace(WRIT, job_id="run_2:s@1")},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_a_lease_is_of_one_writ_and_one_worker(changes: dict[str, Any]) -> None:
    altered = msgspec.structs.replace(sign_lease(SCHEDULER, DISPATCHED, at=1500), **changes)
    with pytest.raises(SignatureInvalid) as found:
        verify_lease(TRUST, altered, issued_at=1500, at=1600)
    assert found.value.code == "bad_signature"


def test_a_lease_is_of_its_time() -> None:
    with pytest.raises(SignatureInvalid):
        verify_lease(TRUST, sign_lease(SCHEDULER, DISPATCHED, at=1500), issued_at=1501, at=1600)


def test_a_job_is_called_back_by_the_scheduler() -> None:
    signed = sign_cancel(SCHEDULER, CANCELLED)
    assert verify_cancel(TRUST, signed, at=1600) == SCHEDULER.certificate
    for event, code in ((CANCELLED, "unsigned"), (sign_cancel(KERNEL, CANCELLED), "wrong_purpose")):
        with pytest.raises(SignatureInvalid) as found:
            verify_cancel(TRUST, event, at=1600)
        assert found.value.code == code


@pytest.mark.parametrize(
    "changes", [{"job_id": "run_2:s@1"}, {"lease": 8}, {"worker": "w/2"}, {"reason": "attempt_timeout"}], ids=str
)
def test_what_calls_a_job_back_is_of_one_lease(changes: dict[str, Any]) -> None:
    altered = msgspec.structs.replace(sign_cancel(SCHEDULER, CANCELLED), **changes)
    with pytest.raises(SignatureInvalid) as found:
        verify_cancel(TRUST, altered, at=1600)
    assert found.value.code == "bad_signature"


@pytest.mark.parametrize("report", [SUCCEEDED, FAILED])
def test_who_holds_the_lease_can_prove_a_report(report: Report) -> None:
    proved = with_mac(SECRET, report)
    assert is_genuine([SUITE_KEY], proved)
    assert with_mac(SECRET, proved) == proved
    assert not is_genuine([SUITE_KEY], report)
    assert not is_genuine([bytes(32)], proved)
    assert is_genuine([bytes(32), SUITE_KEY], proved)
    assert not is_genuine([], proved)


@pytest.mark.parametrize(
    "changes", [{"job_id": "run_1:s@2"}, {"lease": 8}, {"worker": "w/2"}, {"output": "1"}, {"mac": b"no"}], ids=str
)
def test_a_report_is_of_one_lease_and_one_outcome(changes: dict[str, Any]) -> None:
    assert not is_genuine([SUITE_KEY], msgspec.structs.replace(with_mac(SECRET, SUCCEEDED), **changes))


def test_a_proof_of_failure_is_none_of_success() -> None:
    failed = with_mac(SECRET, FAILED)
    assert not is_genuine([SUITE_KEY], msgspec.structs.replace(SUCCEEDED, mac=failed.mac))


def test_every_lease_has_a_secret_of_its_own() -> None:
    others = {
        token(SUITE_KEY, job_id="run_1:s@2", lease=7, worker="w/1"),
        token(SUITE_KEY, job_id=JOB.job_id, lease=8, worker="w/1"),
        token(SUITE_KEY, job_id=JOB.job_id, lease=7, worker="w/2"),
        token(bytes(32), job_id=JOB.job_id, lease=7, worker="w/1"),
    }
    assert len(others | {SECRET}) == 5


@pytest.mark.parametrize("length", [0, 1, 32, 63, 64, 65, 200])
def test_an_hmac_is_that_of_the_standard_library_whatever_the_key(length: int) -> None:
    key = bytes(range(length))
    for data in (b"", b"foldgate/token/1\n", bytes(1000)):
        assert hmac_sha256(key, data) == hmac.digest(key, data, "sha256")
