"""Who may change the policy of a suite, to what, and what stays in force when it is refused."""

from typing import Any

import msgspec
import pytest

from foldgate.authority import bundles
from foldgate.authority.authorship import sign_document
from foldgate.authority.keys import Certificate, Signer, certify
from foldgate.authority.requests import Signed, sign_request
from foldgate.authority.snapshot import snapshot_of
from foldgate.contracts.events import (
    Event,
    KeyRevoked,
    KeyRevokeRequested,
    KeySubmitted,
    KeyTrusted,
    PolicyDeleteRequested,
    PolicyDrafted,
    PolicyPublished,
    PolicyPublishRequested,
    PolicyPutRequested,
    PolicyRefused,
    PolicyRollbackRequested,
    PolicyShadowed,
    PolicyShadowRequested,
    RunSucceeded,
)
from foldgate.decider.decider import IllegalTransition, Message, Said, SetAside, Tick
from foldgate.policy_kernel.policies import changes
from foldgate.policy_kernel.policies.decide import policies
from foldgate.policy_kernel.policies.state import DISMISSED_REMEMBERED, KEY, Policy
from tests.support.given import Given, meta
from tests.support.keys import ROOT_KEY, TRUST, certificate, signer_with

ADMIN = signer_with("issuer", roles=("policy_admin",), name="gateway")
DECIDER = policies(TRUST, require_signed_bundles=False)
STRICT = policies(TRUST, require_signed_bundles=True)


def document(bundle: str = "team/base", decision: str = "allow", **more: str) -> str:
    rules = f"rules:\n  - {{id: all, decision: {decision}, reason: {more.get('reason', 'so it is')}}}\n"
    return f"bundle: {bundle}\n{rules}"


class Suite(Given[Policy]):
    """The policy of a suite, and what is asked of it; each request has an id of its own."""

    def __init__(self, *, strict: bool = False) -> None:
        super().__init__(STRICT if strict else DECIDER, key=KEY)
        self.asked = 0

    def ask(self, event: Event, *, by: Signer | None = ADMIN, **changes: Any) -> Event:
        """The one answer to this request, signed as it is sent."""
        [answer] = self.answers(event, by=by, **changes)
        return answer

    def answers(self, event: Event, *, by: Signer | None = ADMIN, **changes: Any) -> list[Event]:
        self.asked += 1
        about = {"request_id": f"r{self.asked}", **changes}
        if by is not None and isinstance(event, Signed):
            event = sign_request(by, meta(KEY, **about), event)
        return self.when(event, **about)

    def put(self, source: str = "", *, bundle: str = "team/base", revision: int = 0, **changes: Any) -> Event:
        asked = PolicyPutRequested(bundle=bundle, source=source or document(bundle), revision=revision, reason="new")
        return self.ask(asked, **changes)

    def publish(self, *bundles: str, **changes: Any) -> Event:
        return self.ask(PolicyPublishRequested(bundles=bundles, reason="it is time"), **changes)

    def publish_as(self, source: str, *, bundle: str = "team/base") -> PolicyPublished:
        """Put this and publish it."""
        assert self.state is None or isinstance(self.state, Policy)
        drafts = self.state.drafts if self.state else {}
        assert isinstance(self.put(source, bundle=bundle, revision=_revision(drafts, bundle)), PolicyDrafted)
        published = self.publish(bundle)
        assert isinstance(published, PolicyPublished)
        return published

    @property
    def active(self) -> str:
        return self.state.active if self.state else ""


def _revision(drafts: Any, bundle: str) -> int:
    return int(drafts[bundle].revision) if bundle in drafts else 0


def code(event: Event) -> str:
    assert isinstance(event, PolicyRefused), event
    assert event.reason.startswith("Expected "), event
    return event.code


# drafts


def test_a_document_becomes_a_draft() -> None:
    prepared = bundles.prepare(document())
    assert Suite().put() == PolicyDrafted(
        bundle="team/base",
        revision=1,
        digest=prepared.digest,
        definition=prepared.canonical,
        source=document(),
        reason="new",
        by="ada",
    )


def test_it_is_about_no_run_whatever_the_request_says() -> None:
    suite, about = Suite(), dict[str, Any](run_id="run_1", pool="p")
    asked = PolicyPutRequested(bundle="team/base", source=document(), revision=0)
    [said] = suite.said(sign_request(ADMIN, meta(KEY, **about), asked), **about)
    assert (said.run_id, said.pool) == ("", "")


def test_a_change_of_another_revision_than_the_last_is_a_conflict() -> None:
    suite = Suite()
    suite.put()
    for revision in (0, 2):
        assert code(suite.put(document(decision="deny"), revision=revision)) == "revision_conflict"
    second = suite.put(document(decision="deny"), revision=1)
    assert isinstance(second, PolicyDrafted)
    assert second.revision == 2
    assert code(Suite().put(revision=7)) == "revision_conflict"


def test_every_mistake_of_a_document_is_told() -> None:
    refused = Suite().put("bundle: team/base\nrules:\n  - {id: a, decision: perhaps}\n  - {id: a b, decision: deny}\n")
    assert isinstance(refused, PolicyRefused)
    assert (refused.code, refused.bundle, refused.request) == ("invalid", "team/base", "PolicyPutRequested")
    assert len(refused.problems) == 2
    assert all(problem.startswith("line ") for problem in refused.problems)
    assert refused.problems[0] in refused.reason


def test_a_document_of_another_bundle_is_refused() -> None:
    assert code(Suite().put(document("team/other"))) == "id_mismatch"


def test_a_document_that_fits_no_event_is_refused() -> None:
    source = document() + "#" + "x" * changes.MAX_SOURCE_BYTES
    assert code(Suite().put(source)) == "too_large"


# who may


@pytest.mark.parametrize(
    ("by", "expected"),
    [
        (None, "unsigned"),
        (signer_with("issuer", root=bytes([7]) * 32, roles=("admin",)), "unknown_key"),
        (signer_with("kernel", roles=("admin",)), "wrong_purpose"),
        (signer_with("issuer", roles=("admin",), not_after=1), "key_expired"),
        (signer_with("issuer", roles=("admin",), tenant="other"), "wrong_tenant"),
        (signer_with("issuer", roles=("admin",), tenant="acme"), "forbidden"),
        (signer_with("issuer", roles=("sre", "policy_author")), "forbidden"),
    ],
)
def test_a_change_that_nobody_vouches_for_is_refused(by: Signer | None, expected: str) -> None:
    suite = Suite()
    assert code(suite.put(by=by)) == expected
    assert suite.state is not None
    assert suite.state.drafts == {}


def test_a_signature_is_good_for_what_it_is_over_alone() -> None:
    suite = Suite()
    asked = sign_request(ADMIN, meta(KEY), PolicyPutRequested(bundle="team/base", source=document(), revision=0))
    altered = msgspec.structs.replace(asked, source=document(decision="deny"))
    [refused] = suite.when(altered)
    assert code(refused) == "bad_signature"
    [refused] = suite.when(asked, principal="eve")
    assert code(refused) == "bad_signature"
    [drafted] = suite.when(asked)
    assert isinstance(drafted, PolicyDrafted)


@pytest.mark.parametrize("role", ["admin", "policy_admin"])
def test_both_roles_may(role: str) -> None:
    assert isinstance(Suite().put(by=signer_with("issuer", roles=(role,))), PolicyDrafted)


def test_a_signed_request_counts_once_for_ever() -> None:
    suite = Suite()
    first = suite.publish_as(document())
    asked = sign_request(ADMIN, meta(KEY, request_id="old"), PolicyDeleteRequested(bundle="team/base"))
    assert isinstance(suite.when(asked, request_id="old")[0], PolicyPublished)
    for revision in range(1, 2 * DISMISSED_REMEMBERED):
        suite.put(document(reason=f"reason {revision}"), revision=revision)
    suite.publish_as(document())
    assert suite.active == first.policy_snapshot
    assert suite.when(asked, request_id="old") == []
    assert suite.active == first.policy_snapshot


def test_also_one_that_was_refused_cannot_be_sent_again_when_it_would_do() -> None:
    suite = Suite()
    asked = sign_request(ADMIN, meta(KEY, request_id="early"), PolicyPublishRequested(bundles=("team/base",)))
    [refused] = suite.when(asked, request_id="early")
    assert code(refused) == "unknown_bundle"
    suite.put()
    assert suite.when(asked, request_id="early") == []
    assert suite.active == ""


def test_a_request_without_an_id_could_be_sent_again_and_is_refused() -> None:
    assert code(Suite().put(request_id="")) == "no_request_id"


def test_what_nobody_vouches_for_is_answered_once_and_stands_in_no_other_requests_way() -> None:
    suite = Suite()
    asked = PolicyPutRequested(bundle="team/base", source=document(), revision=0)
    assert code(suite.ask(asked, by=None, request_id="same")) == "unsigned"
    assert suite.answers(asked, by=None, request_id="same") == []
    assert isinstance(suite.ask(asked, request_id="same"), PolicyDrafted)
    for number in range(DISMISSED_REMEMBERED):
        suite.ask(asked, by=None, request_id=f"noise {number}")
    assert code(suite.ask(asked, by=None, request_id="same 2")) == "unsigned"


# signed documents


def test_where_documents_must_be_signed_one_without_is_refused_and_what_holds_stays() -> None:
    suite = Suite(strict=True)
    assert code(suite.put()) == "bundle_unsigned"
    author = signer_with("issuer", roles=("policy_author",), name="bo")
    good = PolicyPutRequested(
        bundle="team/base", source=document(), revision=0, bundle_signature=sign_document(author, document())
    )
    drafted = suite.ask(good)
    assert isinstance(drafted, PolicyDrafted)
    assert drafted.author == "bo"
    before = suite.publish()
    assert isinstance(before, PolicyPublished)
    bad = msgspec.structs.replace(good, source=document(decision="deny"), revision=1)
    assert code(suite.ask(bad)) == "bundle_bad_signature"
    assert suite.active == before.policy_snapshot


def test_a_wrong_signature_is_refused_also_where_none_is_required() -> None:
    stranger = signer_with("issuer", roles=("sre",))
    asked = PolicyPutRequested(
        bundle="team/base", source=document(), revision=0, bundle_signature=sign_document(stranger, document())
    )
    assert code(Suite().ask(asked)) == "bundle_wrong_role"


def test_a_draft_from_before_signatures_were_required_is_not_published() -> None:
    suite = Suite()
    suite.put()
    suite.decider = STRICT
    refused = suite.publish()
    assert code(refused) == "bundle_unsigned"
    assert isinstance(refused, PolicyRefused)
    assert refused.bundle == "team/base"


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


# keys


def test_a_key_with_the_roots_certificate_is_listed() -> None:
    suite, certificate = Suite(), ADMIN.certificate
    assert suite.ask(KeySubmitted(certificate=certificate.encoded()), request_id="k") == KeyTrusted(
        key_id=certificate.key_id,
        purpose="issuer",
        name="gateway",
        certificate=certificate.encoded(),
        by="ada",
    )
    assert suite.answers(KeySubmitted(certificate=certificate.encoded()), request_id="k") == []
    strangers = signer_with("issuer", root=bytes([7]) * 32)
    assert code(suite.ask(KeySubmitted(certificate=strangers.certificate.encoded()))) == "unknown_key"


def test_a_revoked_key_vouches_for_nothing_any_more() -> None:
    suite = Suite()
    other = Signer(bytes([8]) * 32, _certificate_of(8, "admin"))
    revoke = KeyRevokeRequested(key_id=ADMIN.certificate.key_id, reason="lost")
    assert suite.ask(revoke, by=other) == KeyRevoked(key_id=ADMIN.certificate.key_id, reason="lost", by="ada")
    assert code(suite.put()) == "key_revoked"
    assert code(suite.ask(KeySubmitted(certificate=ADMIN.certificate.encoded()))) == "key_revoked"
    assert code(suite.ask(revoke, by=other)) == "unchanged"
    asked = PolicyPutRequested(
        bundle="team/base", source=document(), revision=0, bundle_signature=sign_document(ADMIN, document())
    )
    assert code(suite.ask(asked, by=other)) == "bundle_key_revoked"
    assert isinstance(suite.put(by=other), PolicyDrafted)


def test_only_what_can_be_a_key_is_revoked() -> None:
    assert code(Suite().ask(KeyRevokeRequested(key_id="everything"))) == "unknown_key"


def _certificate_of(number: int, role: str) -> Certificate:
    made = certificate(bytes([number]) * 32, "issuer")
    return certify(ROOT_KEY, msgspec.structs.replace(made, roles=(role,)))


# what is no request


def test_nothing_is_said_to_what_asks_for_nothing() -> None:
    suite = Suite()
    assert suite.when(Tick()) == []
    assert suite.when(RunSucceeded(output="null")) == []
    asked = Message(key=KEY, at=1, event=PolicyPublishRequested(), meta=None)
    assert list(DECIDER.decide(None, asked)) == []


@pytest.mark.parametrize(
    "about",
    [{"tenant": "t" * 256}, {"principal": "p" * 256}, {"request_id": "r" * 256}, {"bundle": "b" * 256}],
)
def test_what_has_too_long_a_name_is_set_aside(about: dict[str, Any]) -> None:
    with pytest.raises(SetAside) as aside:
        Suite().put(**about)
    assert aside.value.code == "name_too_long"


def test_what_is_not_sent_to_the_policy_is_set_aside() -> None:
    message = Message(key="elsewhere", at=1, event=PolicyPublishRequested(), meta=meta("elsewhere"))
    with pytest.raises(SetAside) as aside:
        list(DECIDER.decide(None, message))
    assert aside.value.code == "key_mismatch"


@pytest.mark.parametrize(
    "event",
    [
        PolicyDrafted(bundle="b", revision=2, digest="d", definition="{}"),
        PolicyPublished(policy_snapshot="s", bundles=(), kind="publish", replaces="another"),
        PolicyShadowed(bundle="b", revision=1, digest="d", definition="{}"),
        PolicyShadowed(bundle="b", revision=0),
        RunSucceeded(output="null"),
    ],
)
def test_what_does_not_fit_is_a_fault(event: Event) -> None:
    with pytest.raises(IllegalTransition):
        DECIDER.evolve(None, meta(KEY), event)


def test_a_key_is_revoked_once() -> None:
    revoked = KeyRevoked(key_id="k")
    once = DECIDER.evolve(None, meta(KEY), revoked)
    with pytest.raises(IllegalTransition):
        DECIDER.evolve(once, meta(KEY), revoked)


def test_what_nobody_asked_for_is_folded_without_a_request() -> None:
    assert DECIDER.evolve(None, meta(KEY, request_id=""), KeyRevoked(key_id="k")).answered == {}


def test_after_a_fault_of_ours_whoever_asked_hears_of_it() -> None:
    message = Message(key=KEY, at=1, event=PolicyPublishRequested(), meta=meta(KEY))
    [said] = DECIDER.fail(None, message, "broken")
    assert isinstance(said, Said)
    assert code(said.event) == "internal_error"
    assert list(DECIDER.fail(None, msgspec.structs.replace(message, event=Tick()), "broken")) == []
