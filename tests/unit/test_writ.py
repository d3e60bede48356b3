"""Writs: what a worker holds against the job it was given, before it does anything."""

import msgspec
import pytest

from foldgate.authority.writ import WritInvalid, job_hash, verify
from foldgate.contracts.events import Job, Writ

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
WRIT = Writ(
    writ_id="writ_1",
    job_id=JOB.job_id,
    job_hash=job_hash(JOB),
    pool="default",
    policy_snapshot="snapshot_1",
    rule="r",
    issued_at=1000,
    expires_at=2000,
)
AGAIN = msgspec.structs.replace(JOB, job_id="run_1:job@2", attempt=2)


def test_a_writ_allows_its_job_until_it_expires() -> None:
    verify(WRIT, JOB, pool="default", at=1000)
    verify(WRIT, JOB, pool="default", at=2000)


@pytest.mark.parametrize(
    ("job", "where", "code"),
    [
        (AGAIN, ("default", 1000), "other_job"),
        (msgspec.structs.replace(JOB, input='{"a":2}'), ("default", 1000), "job_altered"),
        (JOB, ("another", 1000), "other_pool"),
        (JOB, ("default", 2001), "expired"),
    ],
)
def test_it_allows_nothing_else(job: Job, where: tuple[str, int], code: str) -> None:
    pool, at = where
    with pytest.raises(WritInvalid, match="Expected") as caught:
        verify(WRIT, job, pool=pool, at=at)
    assert caught.value.code == code


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
NOT_WHAT_IT_DOES = {"attempt": 2, "priority": 9, "queue_timeout_ms": 1, "attempt_timeout_ms": 1}


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
