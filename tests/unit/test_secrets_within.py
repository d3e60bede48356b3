"""Secrets in documents are refused where they stand, and never told."""

import json

import pytest

from foldgate.authority.bundles import BundleInvalid
from foldgate.authority.bundles import prepare as prepare_bundle
from foldgate.language.problems import Problem
from foldgate.language.publish import WorkflowInvalid, prepare
from tests.support.planted import ENDS, EVERYTHING, WITHIN, WORDS

TOKEN = WORDS["github_token"][0]
WORKFLOW = "id: w\nsteps:\n  a:\n    type: job\n    topic: job.echo\n"
BUNDLE = "bundle: b\ndefault_decision: allow\nrules:\n"
IN_VALUES = [one for one in EVERYTHING if "\n" not in one]


def problems_of(source: str | bytes) -> tuple[Problem, ...]:
    with pytest.raises(WorkflowInvalid) as refusal:
        prepare(source)
    return refusal.value.problems


@pytest.mark.parametrize("secret", IN_VALUES)
def test_each_shape_is_refused_in_an_input_and_told_nowhere(secret: str) -> None:
    problems = problems_of(WORKFLOW + f"    input:\n      note: {json.dumps(secret)}\n")
    assert [(one.code, one.line) for one in problems] == [("secret_in_document", 7)]
    assert secret not in str(problems)


@pytest.mark.parametrize(
    ("more", "line", "column"),
    [
        (f"# {TOKEN}\n", 6, 3),
        (f"    labels: {{a: b, c: {TOKEN}}}\n", 6, 23),
        (f"    labels: {{{TOKEN}: b}}\n", 6, 14),
        (f"    input: |\n      first\n      and {TOKEN}\n", 8, 11),
        (f"    input: [1, [x, {TOKEN}]]\n", 6, 20),
        ("    input: {password: hunter2}\n", 6, 23),
        ("    input: {api-key: [hunter2]}\n", 6, 23),
        ("    input: mysql --password=hunter2\n", 6, 12),
        (f'    input: "\\x67{TOKEN[1:]}"\n', 6, 12),
    ],
)
def test_it_is_named_by_line_and_column(more: str, line: int, column: int) -> None:
    [found] = problems_of(WORKFLOW + more)
    assert (found.line, found.column, found.code) == (line, column, "secret_in_document")
    assert "refer to it as secret://" in found.message


def test_bytes_and_json_are_looked_through_as_well() -> None:
    document = json.dumps({"id": "w", "steps": {"a": {"type": "job", "input": {"k": TOKEN}}}})
    for source in (document, document.encode()):
        assert [one.column for one in problems_of(source)] == [document.index(TOKEN) + 1]


def test_a_private_key_is_refused_once() -> None:
    key = WORDS["private_key"][1]
    block = "\n".join(f"      {line}" for line in key.splitlines())
    [found] = problems_of(WORKFLOW + f"    input: |\n{block}\n")
    assert (found.line, found.column) == (7, 7)


def test_secrets_are_told_alone_and_not_without_end() -> None:
    wrong = WORKFLOW.replace("type: job", f"type: {TOKEN}") + f"    retri: {TOKEN}x\n"
    assert {one.code for one in problems_of(wrong)} == {"secret_in_document"}
    many = "".join(f"    # {TOKEN}{n}\n" for n in range(1000))
    fields = "".join(f"        - {{password: p{n}}}\n" for n in range(100))
    assert len(problems_of(WORKFLOW + many)) == 20
    assert len(problems_of(WORKFLOW + "    input:\n        all:\n" + fields.replace("        -", "          -"))) == 20


@pytest.mark.parametrize(
    "more",
    [
        "    input: {password: 'secret://vault/db', token: '${input.token}', secret: ''}\n",
        "    input: {authorization: 'Bearer ${input.token}', text: 'password=${input.password}'}\n",
        "    input: {was: '[redacted:github_token]', password: '[redacted:field]'}\n",
        "    input: {max_tokens: 3, password: null, secret: false}\n",
        "    when: \"input.text.matches('password=[a-z]+')\"\n",
        "    input: {password: '${secrets}', url: 'postgres://ada@db/x'}\n".replace("${secrets}", "${input.p}"),
    ],
)
def test_references_expressions_marks_and_conditions_are_none(more: str) -> None:
    assert prepare(WORKFLOW + more).workflow == "w"


@pytest.mark.parametrize(
    ("name", "before", "secret"), [(n, *each) for n, several in WITHIN.items() for each in several]
)
def test_secrets_within_texts_are_refused(name: str, before: str, secret: str) -> None:
    problems = problems_of(WORKFLOW + f"    input: {json.dumps(before + secret + ENDS[name])}\n")
    assert [one.code for one in problems] == ["secret_in_document"]


def test_bundles_hold_none_either() -> None:
    rule = "  - {id: a, decision: deny, reason: " + TOKEN + "}\n"
    with pytest.raises(BundleInvalid) as refusal:
        prepare_bundle(BUNDLE + rule)
    [found] = refusal.value.problems
    assert (found.code, found.line, found.column) == ("secret_in_document", 4, rule.index(TOKEN) + 1)
    speaking = "  - {id: a, decision: deny, when: \"job.input.cmd.matches('password=[^ ]+')\"}\n"
    assert prepare_bundle(BUNDLE + speaking).bundle == "b"
