"""What the command line makes of a queue's events: the question as it is now, what it lacks, how long it was open."""

from typing import Any

import msgspec
import pytest

from foldgate.authority.terms import Quorum, Terms
from foldgate.cli.question_showing import tell_question
from foldgate.cli.terminal import console
from foldgate.cli.voting import signer_of
from foldgate.cli.words import lasted
from foldgate.contracts.events import (
    ApprovalClosed,
    ApprovalExpired,
    ApprovalGranted,
    ApprovalOpened,
    ApprovalRefused,
    ApprovalRevised,
    Event,
    VoteRecorded,
)
from foldgate.runtime.settings import SettingsInvalid
from foldgate.sdk.questions import Question, take
from tests.support.given import meta
from tests.support.keys import ISSUER, folder_of_keys
from tests.support.suite import settings

RUN, ASKED = "run_1", "run_1:apply#aa"
JOB = {"topic": "job.deploy.apply", "input": {"replicas": 4}, "labels": {"env": "prod"}, "tenant": "acme", "meta": {}}
SHOWN = {"job": JOB, "rule": "floor#two", "reason": "Production needs two."}


def opened(terms: Terms, *, kind: str = "policy", **changes: object) -> ApprovalOpened:
    fields: dict[str, Any] = {
        "approval_id": ASKED,
        "step": "apply",
        "kind": kind,
        "input": msgspec.json.encode(SHOWN).decode(),
        "terms": terms.text(),
        "binding": "b1",
        "requester": "ada",
        "job_hash": b"\x01",
        "policy_snapshot": "snapshot_1",
    }
    return ApprovalOpened(**(fields | changes))


def revised(terms: Terms, **changes: object) -> ApprovalRevised:
    fields: dict[str, Any] = {
        "approval_id": ASKED,
        "step": "apply",
        "terms": terms.text(),
        "binding": "b2",
        "reason": "stricter",
    }
    return ApprovalRevised(**(fields | changes))


def yes(voter: str, *roles: str) -> VoteRecorded:
    return VoteRecorded(approval_id=ASKED, step="apply", voter=voter, approve=True, roles=roles)


def granted(*by: str) -> ApprovalGranted:
    return ApprovalGranted(approval_id=ASKED, step="apply", by=by)


def after(*events: Event) -> Question:
    """The question after these events, each a second later than the one before."""
    found: dict[str, Question] = {}
    for number, event in enumerate(events, 1):
        take(found, meta(RUN, at=number * 1000), event)
    return found[ASKED]


def shown(one: Question, capsys: pytest.CaptureFixture[str]) -> str:
    console.cache_clear()  # it writes to what was standard output when it was made
    tell_question(one)
    console.cache_clear()
    return capsys.readouterr().out


def test_what_a_question_lacks_is_counted_by_its_terms() -> None:
    terms = Terms(required=2, roles=("sre",), also=(Quorum(roles=("law",)),))
    one = after(opened(terms), yes("bob", "sre"))
    assert one.missing == ["1 of 2 votes of sre", "1 of 1 votes of law"]
    assert after(opened(terms), yes("bob", "sre", "law")).missing == ["1 of 2 votes of sre"]
    assert after(opened(Terms()), yes("bob"), granted("bob")).missing == [], "what is over lacks nothing"


@pytest.mark.parametrize(
    ("end", "status"),
    [
        (granted("bob"), "granted"),
        (ApprovalRefused(approval_id=ASKED, step="apply", by=("bob",), reason="no"), "refused"),
        (ApprovalExpired(approval_id=ASKED, step="apply", on_expire="denied"), "expired"),
        (ApprovalClosed(approval_id=ASKED, step="apply", reason="run_ended"), "closed"),
    ],
)
def test_how_long_a_question_was_open_ends_with_its_answer(end: Event, status: str) -> None:
    one = after(opened(Terms()), end)
    assert (one.status, one.settled_at, one.open_ms) == (status, 2000, 1000)


def test_other_terms_leave_the_votes_that_count_under_them() -> None:
    one = after(opened(Terms(required=2)), yes("bob"), yes("eve", "sre"), revised(Terms(required=2, roles=("sre",))))
    assert [vote.voter for vote in one.votes] == ["eve"]
    assert (one.binding, one.missing, one.revised_because) == ("b2", ["1 of 2 votes of sre"], "stricter")


def test_another_job_leaves_no_vote() -> None:
    other = msgspec.json.encode({**SHOWN, "job": {**JOB, "input": 9}}).decode()
    one = after(opened(Terms(required=2)), yes("bob"), revised(Terms(required=2), input=other, job_hash=b"\x02"))
    assert (one.votes, one.input["job"]["input"], one.job_hash) == ([], 9, "02")


def test_what_was_granted_and_is_asked_again_is_open_since_then() -> None:
    one = after(opened(Terms()), yes("bob"), granted("bob"), granted("bob"))
    assert (one.status, one.settled_at) == ("granted", 3000), "said again, it was settled when it was said first"
    again = after(opened(Terms()), yes("bob"), granted("bob"), revised(Terms(required=2)))
    assert (again.status, again.opened_at, again.settled_at, again.data) == ("open", 4000, None, None)
    assert again.missing == ["1 of 2 votes"]


def test_what_is_said_of_other_questions_changes_nothing() -> None:
    found: dict[str, Question] = {}
    for event in (yes("bob"), granted("bob"), revised(Terms())):
        take(found, meta(RUN), event)
    assert found == {}


def test_who_votes_is_shown_what_on(capsys: pytest.CaptureFixture[str]) -> None:
    terms = Terms(required=2, roles=("sre", "lead"), exclude_requester=True, majority=True, expires_in_ms=3_600_000)
    text = shown(after(opened(terms, expires_at=3_601_000), yes("bob", "sre"), revised(terms)), capsys)
    for said in (
        "leave to do a job",
        "floor#two: Production needs two.",
        "job.deploy.apply",
        '{"replicas":4}',
        '"labels":{"env":"prod"}',
        "2 votes of sre or lead; none of ada; a majority decides; denied after 1 h",
        "1 of 2 votes of sre or lead",
        "binding    b2",
        "stricter",
        "bob: yes",
    ):
        assert said in text, text


def test_of_a_step_its_own_words_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    terms = Terms(on_expire="timed_out", expires_in_ms=90_000)
    gate = opened(terms, kind="input", input='{"page":"\\u001b[2J"}', schema='{"type":"object"}', binding="")
    text = shown(after(gate, ApprovalGranted(approval_id=ASKED, step="apply", by=("bob",), data="1")), capsys)
    assert "\x1b" not in text
    for said in ("asks for   data", '{"type":"object"}', "timed out after 1 min 30 s", "data       1"):
        assert said in text, text
    assert "lacks" not in text
    assert "binding" not in text


@pytest.mark.parametrize(
    ("ms", "words"),
    [
        (0, "0 ms"),
        (999, "999 ms"),
        (61_000, "1 min 1 s"),
        (3_600_000, "1 h"),
        (90_000_000, "1 d 1 h"),
        (86_430_000, "1 d"),
    ],
)
def test_a_span_of_time_in_words(ms: int, words: str) -> None:
    assert lasted(ms) == words


def test_votes_are_signed_wherever_there_are_keys_and_needed_wherever_unsigned_ones_are_refused() -> None:
    assert signer_of(settings(unsigned_votes="allow")) is None
    signer = signer_of(settings(unsigned_votes="allow", keys=str(folder_of_keys())))
    assert signer is not None
    assert signer.certificate == ISSUER.certificate
    with pytest.raises(SettingsInvalid, match="foldgate keys init FOLDER"):
        signer_of(settings())
