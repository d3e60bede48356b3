"""Which snapshots become active, by whose wish, and which drafts are evaluated beside them."""

import pytest

from foldgate.authority import bundles
from foldgate.authority.snapshot import snapshot_of
from foldgate.contracts.events import (
    PolicyDeleteRequested,
    PolicyPublished,
    PolicyRefused,
    PolicyRollbackRequested,
    PolicyShadowed,
    PolicyShadowRequested,
)
from foldgate.policy_kernel.policies import changes
from tests.support.amending import Suite, code, document

# snapshots


def test_publishing_makes_one_snapshot_of_all_that_is_active() -> None:
    suite = Suite()
    suite.put()
    suite.put(bundle="floor")
    first = suite.publish()
    assert isinstance(first, PolicyPublished)
    assert [(one.bundle, one.version) for one in first.bundles] == [("floor", 1), ("team/base", 1)]
    assert (first.kind, first.replaces, first.reason, first.by) == ("publish", "", "it is time", "ada")
    assert first.policy_snapshot == snapshot_of(first.bundles).name
    suite.put(document(decision="deny"), revision=1)
    second = suite.publish("team/base")
    assert isinstance(second, PolicyPublished)
    assert [(one.bundle, one.version) for one in second.bundles] == [("floor", 1), ("team/base", 2)]
    assert second.replaces == first.policy_snapshot != second.policy_snapshot
    assert second.bundles[0] == first.bundles[0]
    assert second.bundles[1].definition == bundles.prepare(document(decision="deny")).canonical


def test_without_names_only_drafts_that_wait_are_published() -> None:
    suite = Suite()
    assert code(suite.publish()) == "nothing_to_publish"
    suite.publish_as(document())
    assert code(suite.publish()) == "nothing_to_publish"
    suite.put(bundle="floor")
    published = suite.publish()
    assert isinstance(published, PolicyPublished)
    assert {one.bundle: one.version for one in published.bundles} == {"floor": 1, "team/base": 1}


def test_an_unknown_bundle_is_not_published_and_nothing_with_it() -> None:
    suite = Suite()
    suite.put()
    refused = suite.publish("team/base", "team/none")
    assert (code(refused), suite.active) == ("unknown_bundle", "")
    assert isinstance(refused, PolicyRefused)
    assert refused.bundle == "team/none"


def test_what_is_active_already_is_said_to_be() -> None:
    suite = Suite()
    suite.publish_as(document())
    assert code(suite.publish("team/base")) == "unchanged"


def test_a_draft_that_a_later_edition_cannot_read_is_not_published(monkeypatch: pytest.MonkeyPatch) -> None:
    suite = Suite()
    first = suite.publish_as(document())
    suite.publish_as(document(decision="deny"))
    suite.put(document(decision="throttle"), revision=2)

    def unreadable(source: str) -> bundles.PreparedBundle:
        return bundles.prepare(source.replace("decision", "decided"))

    monkeypatch.setattr(changes, "prepare", unreadable)
    assert code(suite.publish()) == "invalid"
    rollback = PolicyRollbackRequested(policy_snapshot=first.policy_snapshot)
    assert code(suite.ask(rollback)) == "invalid"


def test_bundles_that_fit_no_snapshot_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "MAX_BYTES", 150)
    suite = Suite()
    first = suite.publish_as(document())
    suite.put(document("floor", reason="x" * 100), bundle="floor")
    assert code(suite.publish()) == "too_large"
    assert suite.active == first.policy_snapshot


def test_an_earlier_snapshot_becomes_active_again_whole() -> None:
    suite = Suite()
    first = suite.publish_as(document())
    second = suite.publish_as(document(decision="deny"))
    back = suite.ask(PolicyRollbackRequested(policy_snapshot=first.policy_snapshot, reason="it broke"))
    assert isinstance(back, PolicyPublished)
    assert (back.policy_snapshot, back.bundles) == (first.policy_snapshot, first.bundles)
    assert (back.kind, back.replaces, back.reason) == ("rollback", second.policy_snapshot, "it broke")
    assert code(suite.publish()) == "nothing_to_publish"
    third = suite.publish_as(document(decision="throttle"))
    assert third.bundles[0].version == 3, "a version is never given twice"


def test_nobody_rolls_back_to_what_never_was_or_what_is() -> None:
    suite = Suite()
    first = suite.publish_as(document())
    assert code(suite.ask(PolicyRollbackRequested(policy_snapshot="snapshot_none"))) == "unknown_snapshot"
    assert code(suite.ask(PolicyRollbackRequested(policy_snapshot=first.policy_snapshot))) == "unchanged"


def test_a_bundle_is_deleted_and_can_be_published_again_by_name() -> None:
    suite = Suite()
    suite.publish_as(document("floor"), bundle="floor")
    suite.publish_as(document())
    gone = suite.ask(PolicyDeleteRequested(bundle="team/base", reason="not needed"))
    assert isinstance(gone, PolicyPublished)
    assert ([one.bundle for one in gone.bundles], gone.kind) == (["floor"], "delete")
    assert code(suite.publish()) == "nothing_to_publish"
    again = suite.publish("team/base")
    assert isinstance(again, PolicyPublished)
    assert {one.bundle: one.version for one in again.bundles} == {"floor": 1, "team/base": 2}


def test_only_what_is_active_is_deleted_and_what_is_left_may_be_nothing() -> None:
    suite = Suite()
    suite.put()
    assert code(suite.ask(PolicyDeleteRequested(bundle="team/base"))) == "unknown_bundle"
    suite.publish()
    gone = suite.ask(PolicyDeleteRequested(bundle="team/base"))
    assert isinstance(gone, PolicyPublished)
    assert gone.bundles == ()
    assert gone.policy_snapshot == snapshot_of(()).name


# shadows


def shadow(revision: int) -> PolicyShadowRequested:
    return PolicyShadowRequested(bundle="team/base", revision=revision, reason="let us see")


def test_a_draft_is_evaluated_beside_what_is_active_until_that_is_ended() -> None:
    suite = Suite()
    suite.put()
    draft = bundles.prepare(document())
    assert suite.ask(shadow(1)) == PolicyShadowed(
        bundle="team/base",
        revision=1,
        digest=draft.digest,
        definition=draft.canonical,
        reason="let us see",
        by="ada",
    )
    assert suite.ask(shadow(0)) == PolicyShadowed(bundle="team/base", revision=0, reason="let us see", by="ada")
    assert code(suite.ask(shadow(0))) == "not_shadowed"


def test_only_the_last_draft_of_a_bundle_is_shadowed_and_only_if_it_is_another() -> None:
    suite = Suite()
    assert code(suite.ask(shadow(1))) == "unknown_bundle"
    suite.publish_as(document())
    assert code(suite.ask(shadow(1))) == "unchanged"
    suite.put(document(decision="deny"), revision=1)
    assert code(suite.ask(shadow(1))) == "revision_conflict"
    assert isinstance(suite.ask(shadow(2)), PolicyShadowed)


def test_publishing_what_is_shadowed_ends_the_shadow_and_publishing_something_else_does_not() -> None:
    suite = Suite()
    suite.put()
    suite.ask(shadow(1))
    suite.put(document("floor"), bundle="floor")
    suite.publish("floor")
    assert suite.state is not None
    assert set(suite.state.shadows) == {"team/base"}
    suite.publish("team/base")
    assert suite.state.shadows == {}
    assert code(suite.ask(shadow(0))) == "not_shadowed"
