"""Who may change the policy of a suite, to what, and what stays in force when it is refused."""

from typing import Any

import msgspec
import pytest

from foldgate.authority import bundles
from foldgate.authority.authorship import sign_document
from foldgate.authority.keys import Certificate, Signer, certify
from foldgate.authority.requests import sign_request
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
    RunSucceeded,
)
from foldgate.decider.decider import IllegalTransition, Message, Said, SetAside, Tick
from foldgate.policy_kernel.policies import changes
from foldgate.policy_kernel.policies.state import DISMISSED_REMEMBERED, KEY
from tests.support.amending import ADMIN, DECIDER, STRICT, Suite, code, document
from tests.support.given import meta
from tests.support.keys import ROOT_KEY, certificate, signer_with

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


def test_nobody_rolls_back_to_what_nobody_signed_where_documents_must_be_signed() -> None:
    suite = Suite()
    unsigned = suite.publish_as(document())
    first, second = (suite.publish_signed(decision, revision) for revision, decision in ((1, "deny"), (2, "throttle")))
    suite.decider = STRICT
    refused = suite.ask(PolicyRollbackRequested(policy_snapshot=unsigned.policy_snapshot))
    assert (code(refused), suite.active) == ("bundle_unsigned", second.policy_snapshot)
    back = suite.ask(PolicyRollbackRequested(policy_snapshot=first.policy_snapshot))
    assert isinstance(back, PolicyPublished)
    assert suite.active == first.policy_snapshot


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
