"""Who vouches for a vote: nobody's vote counts by itself, and taking another's name takes nothing from them."""

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from foldgate.approval.approvals.decide import approvals
from foldgate.approval.approvals.evolve import REQUESTS_REMEMBERED
from foldgate.approval.approvals.state import Questions
from foldgate.approval.approvals.voters import MAX_ROLES, Voters
from foldgate.authority.keys import Signer
from foldgate.authority.requests import sign_request
from foldgate.authority.secrets import Level
from foldgate.contracts.events import (
    ApprovalGranted,
    ApprovalOpened,
    ApprovalRequested,
    Event,
    VoteCast,
    VoteRecorded,
    VoteRefused,
)
from foldgate.decider.decider import Message
from tests.support.given import Given, meta
from tests.support.keys import ISSUER, KERNEL, STRANGER, TRUST, signer_with
from tests.support.planted import EVERYTHING, WORD

RUN, ASKED = "run_1", "run_1:ask"
YES = VoteCast(approval_id=ASKED, approve=True, roles=("sre",))
BOB = signer_with("issuer", name="bob", roles=("person", "law"))


def asking(
    voters: Voters | None = None, terms: str = '{"required":2}', *, redaction: Level = "low"
) -> Given[Questions]:
    subject: Given[Questions] = Given(approvals(voters or Voters(TRUST), redaction=redaction), key=RUN)
    asked = ApprovalRequested(step="ask", approval_id=ASKED, kind="approval", input="1", terms=terms, requester="ada")
    subject.when(asked, at=1000)
    return subject


def said(
    subject: Given[Questions], cast: VoteCast, by: str = "bob", *, request_id: str = "r", **about: Any
) -> list[Event]:
    return subject.when(cast, principal=by, request_id=request_id, **about)


def signed(signer: Signer, cast: VoteCast = YES, *, by: str = "bob", request_id: str = "r", **about: Any) -> VoteCast:
    return sign_request(signer, meta(RUN, principal=by, request_id=request_id, **about), cast)


def code(events: list[Event]) -> str:
    [event] = events
    assert isinstance(event, VoteRefused)
    assert event.reason.startswith("Expected")
    return event.code


def roles(events: list[Event]) -> tuple[str, ...]:
    [event] = events
    assert isinstance(event, VoteRecorded)
    return event.roles


def test_an_issuer_vouches_for_name_and_roles() -> None:
    assert roles(said(asking(), signed(ISSUER))) == ("sre",)


def test_a_persons_own_key_votes_for_that_person_alone_and_in_no_other_roles() -> None:
    assert roles(said(asking(), signed(BOB))) == ("person", "law")
    assert code(said(asking(), signed(BOB, by="eve"), "eve")) == "wrong_principal"


@pytest.mark.parametrize(
    ("cast", "expected"),
    [
        (YES, "unsigned"),
        (signed(KERNEL), "wrong_purpose"),
        (signed(STRANGER), "unknown_key"),
        (signed(ISSUER, by="eve"), "bad_signature"),
        (signed(ISSUER, request_id="other"), "bad_signature"),
        (msgspec.structs.replace(signed(ISSUER), approve=False), "bad_signature"),
        (msgspec.structs.replace(signed(ISSUER), roles=("admin",)), "bad_signature"),
        (signed(signer_with("issuer", not_after=1999)), "key_expired"),
        (signed(signer_with("issuer", not_before=2001)), "key_expired"),
        (signed(signer_with("issuer", tenant="others")), "wrong_tenant"),
        (signed(ISSUER, VoteCast(approval_id=ASKED, approve=True, roles=("r",) * (MAX_ROLES + 1))), "roles_invalid"),
        (signed(ISSUER, VoteCast(approval_id=ASKED, approve=True, roles=("r" * 256,))), "roles_invalid"),
    ],
)
def test_a_vote_that_nobody_may_vouch_for_is_refused_with_an_event(cast: VoteCast, expected: str) -> None:
    assert code(said(asking(), cast)) == expected


def test_a_key_that_was_revoked_meanwhile_is_trusted_no_longer() -> None:
    revoked: set[str] = set()
    subject = asking(Voters(TRUST, revoked=revoked))
    assert roles(said(subject, signed(ISSUER))) == ("sre",)
    revoked.add(ISSUER.certificate.key_id)
    assert code(said(subject, signed(ISSUER, by="eve"), "eve")) == "key_revoked"


def test_times_are_the_owners_whatever_a_vote_says() -> None:
    """Clocks differ by a minute: what counts is when the owner took it."""
    subject = asking(terms='{"expires_in_ms":1000}')
    for theirs in (-58_000, 1999, 62_000):
        vote_meta = meta(RUN, principal="bob", request_id="r", at=theirs)
        for ours, kinds in ((1999, [VoteRecorded, ApprovalGranted]), (2000, [VoteRefused])):
            message = Message(key=RUN, at=ours, event=signed(ISSUER), meta=vote_meta)
            assert [type(event) for event in subject.decider.decide(subject.state, message)] == kinds


def test_unsigned_votes_count_where_the_settings_say_so() -> None:
    lenient = Voters(TRUST, unsigned=True)
    assert roles(said(asking(lenient), YES)) == ("sre",)
    assert code(said(asking(lenient), signed(STRANGER))) == "unknown_key", "but none that is signed wrongly"
    assert code(said(asking(lenient), VoteCast(approval_id=ASKED, approve=True, roles=("r" * 256,)))) == "roles_invalid"


def test_whoever_takes_anothers_name_takes_no_request_id_from_them() -> None:
    subject = asking()
    assert code(said(subject, YES)) == "unsigned"
    assert said(subject, YES) == [], "and is answered once"
    assert roles(said(subject, signed(ISSUER))) == ("sre",)
    assert said(subject, signed(ISSUER)) == []


def test_a_vote_that_somebody_copies_counts_once() -> None:
    subject, cast = asking(), signed(ISSUER)
    assert len(said(subject, cast)) == 1
    assert said(subject, cast) == []
    assert code(said(subject, cast, "eve")) == "bad_signature"
    assert code(said(subject, cast, request_id="another")) == "bad_signature"
    last = said(subject, signed(ISSUER, by="eve"), "eve")
    assert isinstance(last[-1], ApprovalGranted)
    assert last[-1].by == ("bob", "eve")


def test_a_signed_vote_without_an_id_could_be_sent_again_and_is_refused() -> None:
    assert code(said(asking(), signed(ISSUER, request_id=""), request_id="")) == "no_request_id"


def test_noise_makes_no_vote_forgotten() -> None:
    """A vote that did not count is not sent again, by whoever has read it, when it would."""
    subject = asking()
    early = VoteCast(approval_id="run_1:later", approve=True, roles=("sre",))
    assert code(said(subject, signed(ISSUER, early))) == "unknown_approval"
    for number in range(REQUESTS_REMEMBERED + 1):
        assert code(said(subject, YES, request_id=f"noise {number}")) == "unsigned"
    later = ApprovalRequested(step="later", approval_id="run_1:later", kind="approval", input="1", terms="{}")
    assert isinstance(subject.when(later)[0], ApprovalOpened)
    assert said(subject, signed(ISSUER, early)) == []
    assert subject.state is not None
    assert len(subject.state.requests) == REQUESTS_REMEMBERED + 1, "of which one was vouched for"


def test_a_vote_is_checked_as_it_was_signed_and_counts_without_its_secrets() -> None:
    data = f'{{"password":"{WORD}","note":"{EVERYTHING[0]}"}}'
    cast = msgspec.structs.replace(YES, data=data, reason=f"see {EVERYTHING[0]}")
    [event] = said(asking(), signed(ISSUER, cast))
    assert isinstance(event, VoteRecorded)
    assert (event.data, event.reason) == (
        '{"note":"[redacted:aws_key]","password":"[redacted:field]"}',
        "see [redacted:aws_key]",
    )
    [kept] = said(asking(redaction="none"), signed(ISSUER, cast))
    assert isinstance(kept, VoteRecorded)
    assert WORD in kept.data


def test_the_page_names_every_code_that_a_vote_is_refused_with() -> None:
    root = Path(__file__).parents[2]
    signed_by = [root / "libs" / "foldgate" / "authority" / name for name in ("keys.py", "requests.py")]
    sources = [*(root / "services" / "foldgate" / "approval").rglob("*.py"), *signed_by]
    raised = re.compile(r'(?:VoteInvalid|SetAside|SignatureInvalid)\(\s*"(\w+)"')
    codes = {code for source in sources for code in raised.findall(source.read_text())}
    assert {"approval_stale", "already_voted", "not_open", "bad_signature"} <= codes
    page = set(re.findall(r"`(\w+)`", (root / "docs" / "approvals.md").read_text()))
    assert codes - page == set()
    assert "run_closed" in page
