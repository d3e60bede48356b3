"""Approvals and inputs: people are asked, and what they say is how the step ends."""

import msgspec
import pytest

from foldgate.contracts.events import ApprovalGranted, ApprovalRequested
from foldgate.language.problems import WorkflowInvalid
from tests.support.runs import begun, workflow

ASK = workflow("""
ask: {type: approval, input: {amount: '${input.n}'}, approval: {required: 2, roles: [ops], expires_in: 1h}}
then: {type: transform, depends_on: [ask], output: '${steps.ask.output}'}
""")
DATA = workflow("ask: {type: input, schema: {type: object, required: [name]}, approval: {roles: [hr]}}")


def test_people_are_shown_the_input_and_the_terms_are_for_the_service_that_asks_them() -> None:
    life = begun(ASK, given={"n": 3})
    [asked] = life.of(ApprovalRequested)
    assert (asked.approval_id, asked.kind) == (f"{life.run_id}:ask", "approval")
    assert asked.input == '{"amount":3}'
    assert msgspec.json.decode(asked.terms) == {"expires_in_ms": 3_600_000, "required": 2, "roles": ["ops"]}
    assert life.waiting == ["ask: people, who are asked for a yes"]


def test_the_question_is_bound_to_all_that_people_are_shown() -> None:
    def binding(document: str, n: int) -> str:
        return begun(document, given={"n": n}).of(ApprovalRequested)[0].binding

    assert binding(ASK, 3) == binding(ASK, 3)
    assert len({binding(ASK, 3), binding(ASK, 4), binding(ASK.replace("[ops]", "[dev]"), 3)}) == 3


def test_granted_it_succeeds_and_says_who() -> None:
    life = begun(ASK, given={"n": 3})
    assert life.grant("ask") == [
        'StepSucceeded ask {"approved":true,"by":["ada"]}',
        'StepSucceeded then {"approved":true,"by":["ada"]}',
        'RunSucceeded {"approved":true,"by":["ada"]}',
    ]


@pytest.mark.parametrize(
    ("reason", "by", "said"),
    [
        ("Too much.", ("ada", "bob"), "Refused by ada, bob: Too much."),
        ("", ("ada",), "Refused by ada."),
        ("", (), "Refused by somebody."),
    ],
)
def test_refused_it_is_denied_and_not_failed(reason: str, by: tuple[str, ...], said: str) -> None:
    life = begun(ASK, given={"n": 3})
    assert life.refuse("ask", reason, by=by) == [
        "StepDenied ask approval",
        "StepSkipped then upstream_failed",
        "RunDenied ask approval",
    ]
    step = life.run.steps.get("ask")
    assert step is not None
    assert step.reason == said


@pytest.mark.parametrize(
    ("on_expire", "said"),
    [("denied", "StepDenied ask approval"), ("timed_out", "StepTimedOut ask expired")],
)
def test_expired_it_ends_as_its_terms_say(on_expire: str, said: str) -> None:
    assert begun(ASK, given={"n": 3}).expire("ask", on_expire)[0] == said


def test_the_data_that_people_give_is_the_output() -> None:
    life = begun(DATA)
    [asked] = life.of(ApprovalRequested)
    assert (asked.kind, asked.schema) == ("input", '{"required":["name"],"type":"object"}')
    assert life.waiting == ["ask: people, who are asked for data"]
    assert life.grant("ask", {"name": "Eve"}) == ['StepSucceeded ask {"name":"Eve"}', 'RunSucceeded {"name":"Eve"}']


def test_an_input_without_a_schema_takes_anything_and_may_be_refused() -> None:
    life = begun(workflow("ask: {type: input}"))
    assert life.of(ApprovalRequested)[0].schema == ""
    assert life.refuse("ask")[-1] == "RunDenied ask approval"


def test_a_schema_is_small_enough_to_go_along_with_a_question() -> None:
    life = begun(workflow(f"ask: {{type: input, schema: {{description: {'x' * 120_000}}}}}"))
    assert life.waiting == ["ask: people, who are asked for data"]
    with pytest.raises(WorkflowInvalid, match="more than 131072"):
        begun(workflow(f"ask: {{type: input, schema: {{description: {'x' * 140_000}}}}}"))


def test_an_answer_to_another_question_changes_nothing() -> None:
    life = begun(ASK, given={"n": 3})
    for step, question in (("ask", "another"), ("then", f"{life.run_id}:ask"), ("nobody", f"{life.run_id}:nobody")):
        assert life.hear(ApprovalGranted(approval_id=question, step=step, by=("ada",))) == []


def test_without_an_answer_in_time_it_times_out() -> None:
    life = begun(workflow("ask: {type: approval, timeout: 1h}"))
    assert life.of(ApprovalRequested)[0].deadline == life.now + 3_600_000
    life.due()
    assert life.after(3_600_000) == ["StepTimedOut ask timeout", "RunTimedOut ask timeout"]


def test_cancelled_it_ends_at_once() -> None:
    life = begun(ASK, given={"n": 3})
    assert life.cancel() == [
        "RunHalted cancelled cancelled",
        "StepCancelled ask",
        "StepSkipped then run_halted",
        "RunCancelled",
    ]
