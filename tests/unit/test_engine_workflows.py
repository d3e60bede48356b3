"""What becomes a version of a workflow, and what does not."""

from typing import Any

import msgspec
import pytest

from foldgate.authority.keys import Signer
from foldgate.authority.requests import OfWorkflow, Vouching, sign_request
from foldgate.contracts import ids
from foldgate.contracts.events import (
    Event,
    RunStarted,
    WorkflowConfirmed,
    WorkflowPublished,
    WorkflowRefused,
    WorkflowRetired,
    WorkflowRetireRequested,
    WorkflowSubmitted,
)
from foldgate.decider.decider import Decider, IllegalTransition, Message, Said, SetAside, Tick
from foldgate.engine.workflows.decide import (
    MAX_PROBLEM_CHARACTERS,
    MAX_PROBLEMS,
    MAX_SOURCE_BYTES,
    workflows,
)
from foldgate.engine.workflows.state import DISMISSED_REMEMBERED, Workflow
from foldgate.language.compile import compiled
from foldgate.language.publish import prepare
from tests.support.given import Given, meta
from tests.support.keys import ANYBODY, ISSUER, KERNEL, STRANGER, TRUST, signer_with

KEY = ids.workflow_key("acme", "triage")
DECIDER = workflows(ANYBODY)
STRICT = workflows(Vouching(TRUST))
ONE = "id: triage\nversion: 1\nsteps:\n  ask: {type: job, topic: job.ask}\n"
OTHER = ONE.replace("job.ask", "job.other")


class Workflows(Given[Workflow]):
    """A workflow, and what is asked of it; each request has an id of its own."""

    def __init__(self, decider: Decider[Workflow] = DECIDER) -> None:
        super().__init__(decider, key=KEY)
        self.asked = 0

    def submit(self, source: str = ONE, **changes: Any) -> Event:
        return self._only(WorkflowSubmitted(workflow="triage", source=source), **changes)

    def retire(self, reason: str = "", **changes: Any) -> Event:
        return self._only(WorkflowRetireRequested(workflow="triage", reason=reason), **changes)

    def _only(self, event: Event, **changes: Any) -> Event:
        self.asked += 1
        [answer] = self.when(event, **{"request_id": f"r{self.asked}", **changes})
        return answer


def published(source: str = ONE) -> WorkflowPublished:
    prepared = prepare(source)
    return WorkflowPublished(
        workflow="triage",
        version=prepared.version,
        digest=prepared.digest,
        definition=prepared.canonical,
        source=source,
    )


def test_a_document_becomes_a_version_that_can_be_run() -> None:
    event = Workflows().submit()
    assert event == published()
    assert isinstance(event, WorkflowPublished)
    assert event.version == "1"
    assert compiled(event.definition, digest=event.digest).workflow == "triage"


def test_it_is_about_no_run_whatever_the_submission_says() -> None:
    [said] = Workflows().said(WorkflowSubmitted(workflow="triage", source=ONE), run_id="run_1", pool="p")
    assert said == Said(published(), run_id="", pool="")


def test_without_a_version_the_digest_is_it() -> None:
    event = Workflows().submit(ONE.replace("version: 1\n", ""))
    assert isinstance(event, WorkflowPublished)
    assert event.version == event.digest


def test_the_same_content_is_confirmed_however_it_is_written() -> None:
    subject = Workflows()
    first = subject.submit()
    assert isinstance(first, WorkflowPublished)
    as_json = '{"version": "1", "steps": {"ask": {"topic": "job.ask", "type": "job"}}, "id": "triage"}'
    assert subject.submit(as_json) == WorkflowConfirmed(workflow="triage", version="1", digest=first.digest)


def test_other_content_under_the_same_version_is_a_conflict() -> None:
    subject = Workflows()
    subject.submit()
    refused = subject.submit(OTHER)
    assert isinstance(refused, WorkflowRefused)
    assert (refused.code, refused.problems) == ("version_conflict", ())
    assert refused.reason.startswith("Expected new content under a new version, but version '1' is ")
    assert isinstance(subject.submit(OTHER.replace("version: 1", "version: 2")), WorkflowPublished)
    assert isinstance(subject.submit(), WorkflowConfirmed)


def test_every_mistake_is_told() -> None:
    refused = Workflows().submit("id: triage\nsteps:\n  a: {typ: job}\n  b: {type: job, depends_on: [c]}\n")
    assert isinstance(refused, WorkflowRefused)
    assert refused.code == "invalid"
    assert len(refused.problems) >= 2
    assert all(problem.startswith("line ") for problem in refused.problems)
    assert refused.problems[0] in refused.reason


def test_of_very_many_mistakes_the_first_are_told() -> None:
    steps = "".join(f"  s{n}: {{type: job, {'x' * 900}: 1}}\n" for n in range(MAX_PROBLEMS + 5))
    refused = Workflows().submit(f"id: triage\nsteps:\n{steps}")
    assert isinstance(refused, WorkflowRefused)
    assert len(refused.problems) == MAX_PROBLEMS
    assert max(map(len, refused.problems)) <= MAX_PROBLEM_CHARACTERS


def test_a_document_of_another_id_is_refused() -> None:
    refused = Workflows().submit(ONE.replace("triage", "other"))
    assert isinstance(refused, WorkflowRefused)
    assert refused.code == "id_mismatch"
    assert refused.reason == "Expected a document with the id 'triage', but its id is 'other'."


def test_what_an_append_would_not_take_is_refused() -> None:
    source = Workflows().submit(ONE + "#" * MAX_SOURCE_BYTES)
    assert isinstance(source, WorkflowRefused)
    assert source.code == "too_large"
    steps = "".join(f"  s{n}: {{type: transform, output: '{'x' * 2000}'}}\n" for n in range(150))
    form = Workflows().submit(ONE + steps)
    assert isinstance(form, WorkflowRefused)
    assert (form.code, "canonical form" in form.reason) == ("too_large", True)


def test_what_is_retired_stays_and_comes_back_when_it_is_published_again() -> None:
    subject = Workflows()
    subject.submit()
    assert subject.retire("old") == WorkflowRetired(workflow="triage", reason="old")
    assert subject.retire("older") == WorkflowRetired(workflow="triage", reason="older"), "whoever asks gets an answer"
    refused = subject.submit(OTHER)
    assert isinstance(refused, WorkflowRefused), "what version 1 is does not change by that"
    assert subject.submit() == published()
    assert isinstance(subject.submit(), WorkflowConfirmed)


def test_what_was_never_published_cannot_be_retired() -> None:
    refused = Workflows().retire()
    assert isinstance(refused, WorkflowRefused)
    assert refused.code == "unknown_workflow"


def test_the_same_request_again_adds_nothing() -> None:
    subject = Workflows()
    asked: list[Event] = [
        WorkflowSubmitted(workflow="triage", source=ONE),
        WorkflowSubmitted(workflow="triage", source=ONE),
        WorkflowSubmitted(workflow="triage", source=OTHER),
        WorkflowSubmitted(workflow="triage", source="nonsense"),
        WorkflowRetireRequested(workflow="triage"),
    ]
    for number, event in enumerate(asked):
        assert len(subject.when(event, request_id=f"same{number}")) == 1
    for number, event in enumerate(asked):
        assert subject.when(event, request_id=f"same{number}") == []


def test_what_somebody_vouched_for_is_answered_once_for_ever() -> None:
    subject = Workflows(STRICT)
    retire = WorkflowRetireRequested(workflow="triage")
    for number in range(200):
        asked = retire if number == 1 else WorkflowSubmitted(workflow="triage", source=ONE)
        assert len(signed(subject, asked, request_id=f"r{number}")) == 1
    assert signed(subject, retire, request_id="r1") == [], "whoever read it on the log sends it again in vain"


# Who may ask.

ASKED: list[OfWorkflow] = [WorkflowSubmitted(workflow="triage", source=ONE), WorkflowRetireRequested(workflow="triage")]


def signed(subject: Workflows, asked: OfWorkflow, by: Signer = ISSUER, **about: Any) -> list[Event]:
    return subject.when(sign_request(by, meta(KEY, **about), asked), **about)


@pytest.mark.parametrize("asked", ASKED, ids=lambda asked: type(asked).__name__)
@pytest.mark.parametrize(
    ("signer", "code"),
    [
        (None, "unsigned"),
        (STRANGER, "unknown_key"),
        (KERNEL, "wrong_purpose"),
        (signer_with("issuer", tenant="other"), "wrong_tenant"),
        (signer_with("issuer", not_after=1), "key_expired"),
        (signer_with("issuer", roles=("person",), name="bob"), "wrong_principal"),
    ],
)
def test_what_nobody_vouches_for_who_may_changes_nothing(asked: OfWorkflow, signer: Signer | None, code: str) -> None:
    subject = Workflows(STRICT)
    signed(subject, ASKED[0], request_id="first")
    [refused] = signed(subject, asked, signer) if signer else subject.when(asked)
    assert isinstance(refused, WorkflowRefused)
    assert (refused.workflow, refused.code) == ("triage", code)
    assert refused.reason.startswith("Expected ")
    assert subject.state is not None
    assert (set(subject.state.versions), subject.state.retired) == ({"1"}, False)
    assert (signed(subject, asked, signer) if signer else subject.when(asked)) == [], "once"


def test_a_revoked_key_vouches_for_nobody() -> None:
    revoked: set[str] = set()
    subject = Workflows(workflows(Vouching(TRUST, revoked=revoked)))
    signed(subject, ASKED[0], request_id="first")
    revoked.add(ISSUER.certificate.key_id)
    [refused] = signed(subject, ASKED[1], request_id="second")
    assert isinstance(refused, WorkflowRefused)
    assert refused.code == "key_revoked"


def test_a_copied_signature_is_good_for_nothing_else() -> None:
    copied = sign_request(ISSUER, meta(KEY), ASKED[1])
    cases: list[tuple[OfWorkflow, dict[str, Any]]] = [
        (msgspec.structs.replace(copied, reason="other"), {}),
        (copied, {"request_id": "other"}),
        (copied, {"principal": "eve"}),
        (msgspec.structs.replace(WorkflowSubmitted(workflow="triage", source=OTHER), signature=copied.signature), {}),
    ]
    for asked, about in cases:
        [refused] = Workflows(STRICT).when(asked, **about)
        assert isinstance(refused, WorkflowRefused)
        assert refused.code == "bad_signature"


def test_a_signature_that_is_wrong_is_refused_also_where_none_is_needed() -> None:
    [refused] = signed(Workflows(), ASKED[0], KERNEL)
    assert isinstance(refused, WorkflowRefused)
    assert refused.code == "wrong_purpose"


def test_a_signed_request_needs_an_id_so_that_it_counts_once() -> None:
    [refused] = signed(Workflows(STRICT), ASKED[0], request_id="")
    assert isinstance(refused, WorkflowRefused)
    assert refused.code == "no_request_id"


def test_no_stranger_takes_a_request_id_from_anybody() -> None:
    subject = Workflows(STRICT)
    subject.when(ASKED[0])
    [said] = signed(subject, ASKED[0])
    assert isinstance(said, WorkflowPublished)


def test_of_strangers_the_last_are_remembered() -> None:
    subject = Workflows(STRICT)
    for number in range(DISMISSED_REMEMBERED + 10):
        assert len(subject.when(ASKED[0], request_id=f"r{number}")) == 1
    assert subject.state is not None
    assert subject.state.dismissed == tuple(f"ada/r{n}" for n in range(10, DISMISSED_REMEMBERED + 10))
    assert not subject.state.answered


def test_a_request_without_an_id_is_judged_by_what_it_asks_for() -> None:
    decided = [Message(key=KEY, at=1, event=WorkflowSubmitted(workflow="triage", source=ONE), meta=meta(KEY))]
    state: Workflow | None = None
    for message in decided * 2:
        assert message.meta is not None
        [said] = DECIDER.decide(state, message)
        assert isinstance(said, Said)
        state = DECIDER.evolve(state, meta(KEY, request_id=""), said.event)
    assert state == Workflow(versions={"1": prepare(ONE).digest})
    assert not state.has_answered(meta(KEY, request_id=""), vouched=True)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"tenant": "other"}, "key_mismatch"),
        ({"tenant": "t" * 256}, "name_too_long"),
        ({"principal": "p" * 256}, "name_too_long"),
        ({"request_id": "r" * 256}, "name_too_long"),
    ],
)
def test_what_is_not_addressed_as_it_should_be_is_set_aside(changes: dict[str, str], code: str) -> None:
    with pytest.raises(SetAside, match="Expected") as refusal:
        Workflows().submit(**changes)
    assert refusal.value.code == code


def test_what_is_no_message_of_a_workflow_changes_nothing() -> None:
    subject = Workflows()
    assert subject.when(Tick()) == []
    assert subject.when(published()) == []


@pytest.mark.parametrize("asked", [WorkflowSubmitted(workflow="w", source=""), WorkflowRetireRequested(workflow="w")])
def test_after_a_fault_of_ours_whoever_asked_hears_of_it(asked: Event) -> None:
    [said] = DECIDER.fail(None, Message(key="acme/w", at=1, event=asked, meta=meta("acme/w")), "broken")
    assert isinstance(said, Said)
    assert isinstance(said.event, WorkflowRefused)
    assert (said.event.workflow, said.event.code, said.run_id) == ("w", "internal_error", "")


def test_a_tick_that_breaks_has_nobody_to_tell() -> None:
    assert list(DECIDER.fail(None, Message(key=KEY, at=1, event=Tick()), "broken")) == []


@pytest.mark.parametrize(
    "event",
    [
        WorkflowPublished(workflow="w", version="1", digest="other", definition="{}"),
        WorkflowConfirmed(workflow="w", version="1", digest="other"),
        RunStarted(workflow="w", input="{}", request_hash=b""),
    ],
)
def test_what_does_not_fit_is_a_fault_of_ours(event: Event) -> None:
    with pytest.raises(IllegalTransition):
        DECIDER.evolve(Workflow(versions={"1": "d"}), meta(KEY), event)
    with pytest.raises(IllegalTransition):
        DECIDER.evolve(None, meta(KEY), WorkflowRetired(workflow="w"))
