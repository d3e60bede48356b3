"""Writs: what a worker holds against the job it was given, before it does anything."""

from typing import Any

import msgspec
import pytest

from foldgate.authority.keys import Trust, public_of
from foldgate.authority.writ import WritInvalid, constraints_hash, job_hash, resume_hash, sign_writ, verify
from foldgate.contracts.events import Job, Writ
from tests.support.keys import KERNEL, ROOT_KEY, SCHEDULER, STRANGER, TRUST, signer, signer_with

JOB = Job(
    job_id="run_1:job@1",
    step="job",
    attempt=1,
    kind="job",
    topic="job.echo",
    input='{"a":1}',
    labels={"env": "test"},
    tenant="acme",
    principal="ada",
    workflow="job",
    digest="d",
    pool="gpu",
    worker="sre-1",
    placement={"zone": "a"},
    capability="k8s.write",
    risk_tags=("prod",),
    requires=("kubectl",),
    pack_id="sre",
    actor_id="bot",
    actor_type="agent",
)
BARE = Writ(
    writ_id="writ_1",
    job_id=JOB.job_id,
    job_hash=job_hash(JOB),
    pool="default",
    policy_snapshot="snapshot_1",
    rule="r",
    issued_at=1000,
    expires_at=2000,
    tenant="acme",
    policies_offset=3,
    approval_id="run_1:job#1",
    constraints_hash=constraints_hash('{"max_runtime_ms":5}'),
)
WRIT = sign_writ(KERNEL, BARE)
AGAIN = msgspec.structs.replace(JOB, job_id="run_1:job@2", attempt=2)


def check(
    writ: Writ,
    job: Job = JOB,
    *,
    trust: Trust = TRUST,
    pool: str = "default",
    at: int = 1000,
    constraints: str = '{"max_runtime_ms":5}',
) -> None:
    verify(writ, job, trust=trust, pool=pool, at=at, constraints=constraints)


def refusal(writ: Writ, job: Job = JOB, **changes: Any) -> str:
    with pytest.raises(WritInvalid, match=r"^Expected .+, but .+\.$") as caught:
        check(writ, job, **changes)
    return caught.value.code


def test_a_writ_allows_its_job_until_it_expires() -> None:
    check(WRIT, at=1000)
    check(WRIT, at=2000)
    assert refusal(WRIT, at=2001) == "expired"


def test_it_allows_nothing_else() -> None:
    assert refusal(WRIT, AGAIN) == "other_job"
    assert refusal(WRIT, msgspec.structs.replace(JOB, input='{"a":2}')) == "job_altered"
    assert refusal(WRIT, pool="another") == "other_pool"
    assert refusal(WRIT, constraints="") == refusal(WRIT, constraints='{"max_runtime_ms":6}') == "constraints_altered"


def test_a_checkpoint_is_the_one_that_was_authorised() -> None:
    job = msgspec.structs.replace(JOB, resume='{"at":3}')
    writ = sign_writ(KERNEL, msgspec.structs.replace(BARE, resume_hash=resume_hash(job)))
    check(writ, job)
    assert refusal(writ, msgspec.structs.replace(JOB, resume='{"at":4}')) == "job_altered"
    assert refusal(writ) == refusal(WRIT, job) == "job_altered"


def test_without_constraints_there_are_none() -> None:
    free = sign_writ(KERNEL, msgspec.structs.replace(BARE, constraints_hash=constraints_hash("")))
    check(free, constraints="")
    assert refusal(free, constraints="{}") == "constraints_altered"


def test_only_a_trusted_kernel_allows() -> None:
    assert refusal(BARE) == "unsigned"
    assert refusal(sign_writ(SCHEDULER, BARE)) == "wrong_purpose"
    assert refusal(sign_writ(STRANGER, BARE)) == "unknown_key"
    assert refusal(sign_writ(signer_with("kernel", not_after=999), BARE)) == "key_expired"
    revoked = Trust([public_of(ROOT_KEY)], revoked={KERNEL.certificate.key_id})
    assert refusal(WRIT, trust=revoked) == "key_revoked"


FORGED: dict[str, object] = {
    "writ_id": "writ_2",
    "job_id": "run_2:job@1",
    "job_hash": b"x",
    "pool": "gpu",
    "policy_snapshot": "snapshot_2",
    "rule": "s",
    "issued_at": 1001,
    "expires_at": 2001,
    "tenant": "other",
    "policies_offset": 4,
    "approval_id": "",
    "constraints_hash": b"",
    "pools_number": 5,
    "resume_hash": b"x",
}


@pytest.mark.parametrize("field", [name for name in Writ.__struct_fields__ if name != "signature"])
def test_no_field_of_a_writ_may_change(field: str) -> None:
    assert refusal(msgspec.structs.replace(WRIT, **{field: FORGED[field]})) == "bad_signature"


def test_what_a_replaced_key_signed_is_good_until_it_expires() -> None:
    old, new = sign_writ(signer_with("kernel", not_after=5000), BARE), sign_writ(signer("kernel", 8), BARE)
    for one in (old, new):
        check(one, at=2000)
        assert refusal(one, at=2001) == "expired"


CHANGES: dict[str, object] = {
    "step": "x",
    "kind": "x",
    "topic": "x",
    "input": "1",
    "labels": {},
    "tenant": "x",
    "principal": "x",
    "workflow": "x",
    "digest": "x",
    "pool": "x",
    "worker": "x",
    "placement": {"zone": "b"},
    "capability": "x",
    "risk_tags": ("prod", "write"),
    "requires": (),
    "pack_id": "x",
    "actor_id": "x",
    "actor_type": "x",
    "job_id": "run_2:job@1",
}
NOT_WHAT_IT_DOES = {
    "attempt": 2,
    "retries": 1,
    "resume": "{}",
    "priority": 9,
    "queue_timeout_ms": 1,
    "attempt_timeout_ms": 1,
}


def test_each_field_of_a_job_is_in_its_hash_or_known_not_to_be() -> None:
    assert CHANGES.keys() | NOT_WHAT_IT_DOES.keys() == set(Job.__struct_fields__)


@pytest.mark.parametrize("field", CHANGES)
def test_everything_a_job_would_do_is_in_its_hash(field: str) -> None:
    assert job_hash(msgspec.structs.replace(JOB, **{field: CHANGES[field]})) != WRIT.job_hash


@pytest.mark.parametrize("field", NOT_WHAT_IT_DOES)
def test_how_soon_and_how_long_is_not(field: str) -> None:
    assert job_hash(msgspec.structs.replace(JOB, **{field: NOT_WHAT_IT_DOES[field]})) == WRIT.job_hash


def test_what_moves_from_one_field_to_another_is_another_job() -> None:
    moved = msgspec.structs.replace(JOB, pack_id="", actor_id=JOB.pack_id)
    assert job_hash(moved) != job_hash(msgspec.structs.replace(JOB, actor_id=""))


def test_all_attempts_of_a_job_share_its_hash() -> None:
    assert job_hash(AGAIN) == WRIT.job_hash
