"""Which policy is active, as every process folds it for itself."""

import msgspec
import pytest

from foldgate.authority.active import Policies
from foldgate.authority.bundles import prepare
from foldgate.authority.snapshot import snapshot_of
from foldgate.contracts.events import (
    ApprovalRequired,
    Decision,
    Event,
    JobRequested,
    KeyRevoked,
    PolicyPublished,
    PolicyRefused,
    PolicyShadowed,
    PolicyVersion,
    RunSucceeded,
    WritIssued,
)
from foldgate.contracts.topics import POLICIES
from tests.support.given import meta
from tests.support.pools import issued, job

ABOUT = meta("policies")


def version(bundle: str, decision: str = "allow", number: int = 1) -> PolicyVersion:
    made = prepare(f"bundle: {bundle}\nrules: [{{id: all, decision: {decision}}}]\n")
    return PolicyVersion(bundle=bundle, version=number, digest=made.digest, definition=made.canonical)


def published(*bundles: PolicyVersion, kind: str = "publish") -> PolicyPublished:
    return PolicyPublished(policy_snapshot=snapshot_of(bundles).name, bundles=bundles, kind=kind)


def shadowed(draft: PolicyVersion) -> PolicyShadowed:
    return PolicyShadowed(bundle=draft.bundle, revision=draft.version, digest=draft.digest, definition=draft.definition)


def with_writ(offset: int) -> WritIssued:
    event = issued()
    return msgspec.structs.replace(event, writ=msgspec.structs.replace(event.writ, policies_offset=offset))


def required(offset: int) -> ApprovalRequired:
    decision = Decision(
        decision="require_approval", policy_snapshot="s", policies_offset=offset, rule="b#r", reason="Expected votes."
    )
    return ApprovalRequired(
        approval_id="run_1:s#1",
        step="s",
        job=job(),
        job_hash=b"h",
        terms="{}",
        requester="ada",
        binding="b",
        decision=decision,
    )


BASE, FLOOR, STRICT = version("base"), version("floor"), version("base", "deny", 2)


@pytest.fixture
def table() -> Policies:
    made = Policies()
    made.add(ABOUT, published(BASE, FLOOR), 7)
    return made


def test_before_anything_is_published_the_empty_snapshot_is_active() -> None:
    table = Policies()
    assert table.stream is POLICIES
    assert (table.active_name, table.offset, table.active.bundles) == (snapshot_of(()).name, 0, ())
    assert table.shadows == ()


def test_the_last_that_was_published_is_active_from_its_place_on(table: Policies) -> None:
    assert (table.active.name, table.offset) == (published(BASE, FLOOR).policy_snapshot, 7)
    assert [bundle.id for bundle in table.active.bundles] == ["base", "floor"]
    table.add(ABOUT, published(STRICT, FLOOR), 9)
    assert (table.active.name, table.offset) == (published(STRICT, FLOOR).policy_snapshot, 9)
    assert table.active is table.active, "compiled once"


def test_none_is_ever_forgotten(table: Policies) -> None:
    first = table.active_name
    table.add(ABOUT, published(STRICT), 9)
    found = table.by_name(first)
    assert found is not None
    assert [bundle.id for bundle in found.bundles] == ["base", "floor"]
    assert table.by_name("snapshot_none") is None
    table.add(ABOUT, published(BASE, FLOOR, kind="rollback"), 12)
    assert (table.active_name, table.offset) == (first, 12)


def test_what_was_decided_under_it_is_known_by_name_or_by_place(table: Policies) -> None:
    assert table.is_active(table.active_name, 3)
    assert table.is_active("snapshot_of_a_default_decision", 7)
    assert not table.is_active("snapshot_before", 6)


def test_a_shadow_is_what_would_be_active_with_the_draft(table: Policies) -> None:
    draft = version("base", "throttle", 3)
    table.add(ABOUT, shadowed(draft), 8)
    [shadow] = table.shadows
    assert (shadow.bundle, shadow.revision) == ("base", 3)
    assert shadow.snapshot.name == snapshot_of((draft, FLOOR)).name
    table.add(ABOUT, published(BASE), 9)
    [shadow] = table.shadows
    assert shadow.snapshot.name == snapshot_of((draft,)).name
    assert table.shadows is table.shadows, "compiled once"
    assert table.active_name == published(BASE).policy_snapshot, "it enforces nothing"


def test_a_shadow_ends_when_that_is_said_or_when_it_is_published(table: Policies) -> None:
    new = version("new")
    table.add(ABOUT, shadowed(STRICT), 8)
    table.add(ABOUT, shadowed(new), 9)
    assert [shadow.bundle for shadow in table.shadows] == ["base", "new"]
    table.add(ABOUT, PolicyShadowed(bundle="new", revision=0), 10)
    assert [shadow.bundle for shadow in table.shadows] == ["base"]
    table.add(ABOUT, published(STRICT, FLOOR), 11)
    assert table.shadows == ()


def test_keys_are_revoked_for_ever(table: Policies) -> None:
    revoked = table.revoked
    table.add(ABOUT, KeyRevoked(key_id="k"), 8)
    assert revoked == {"k"}, "whoever looks at the set sees it grow"


def test_a_refusal_changes_nothing(table: Policies) -> None:
    table.add(ABOUT, PolicyRefused(request="r", code="c", reason="Expected …"), 8)
    assert table.offset == 7


@pytest.mark.parametrize(
    ("event", "lacking"),
    [
        (JobRequested(job=job(), policies_offset=7), False),
        (JobRequested(job=job(), policies_offset=8), True),
        (with_writ(7), False),
        (with_writ(8), True),
        (required(7), False),
        (required(8), True),
        (RunSucceeded(output="null"), False),
    ],
)
def test_whoever_has_read_further_is_caught_up_with(table: Policies, event: Event, lacking: bool) -> None:
    assert table.lacks(ABOUT, event, reached=7) is lacking
