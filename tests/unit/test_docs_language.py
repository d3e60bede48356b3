"""The page of the language says what is so: its documents are played, its codes, types, limits and tests are there."""

import ast
import re
from pathlib import Path
from typing import Any, NamedTuple, get_args

import msgspec
import pytest

from foldgate.contracts import events
from foldgate.contracts.events import RunSucceeded
from foldgate.engine.runs import requests, state, step
from foldgate.engine.runs.turn import MAX_CARRIED_BYTES
from foldgate.engine.steps import storage, subworkflow
from foldgate.engine.workflows.decide import MAX_DEFINITION_BYTES, MAX_SOURCE_BYTES
from foldgate.expr import expression, results
from foldgate.language.check_expressions import MAX_EXPRESSIONS
from foldgate.language.models import MAX_STEPS, WorkflowDocument
from foldgate.language.nodes import MAX_DEPTH
from foldgate.language.publish import WorkflowInvalid, prepare
from foldgate.language.sentences import STEP_MODELS
from tests.support.error_codes import codes_in
from tests.support.patterns import World

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "language.md").read_text()
BLOCK = re.compile(r"^```yaml\n(.*?)^```", re.MULTILINE | re.DOTALL)
PROSE = BLOCK.sub("", PAGE)
SAID = re.compile(r"^# (.+?): (.*)\n", re.MULTILINE)
WORD = re.compile(r"`([a-z]+(?:_[a-z]+)*)`")
MOST_ANSWERS = 100


class Example(NamedTuple):
    """A document of the page, and what its comments say."""

    document: str
    given: Any
    answers: dict[str, str]
    fails: dict[str, str]
    ends: str


def example(block: str) -> Example:
    said = {about: what.strip() for about, what in SAID.findall(block)}
    return Example(
        document=block if re.search("^id:", block, re.MULTILINE) else f"id: fragment\n{block}",
        given=msgspec.json.decode(said.get("input", "{}")),
        answers={about.removesuffix(" answers"): what for about, what in said.items() if about.endswith(" answers")},
        fails={about.removesuffix(" fails"): what for about, what in said.items() if about.endswith(" fails")},
        ends=f"succeeded {_plain(said['output'])}" if "output" in said else said["ends"],
    )


def _plain(text: str) -> str:
    return msgspec.json.encode(msgspec.json.decode(text), order="sorted").decode()


EXAMPLES = [example(block) for block in BLOCK.findall(PAGE)]
WHOLE = [one.document for one in EXAMPLES if not one.document.startswith("id: fragment")]


def section(title: str) -> str:
    """The text under a heading, with all headings below it."""
    level, rest = re.split(rf"^(#+) {re.escape(title)}\n", PROSE, flags=re.MULTILINE)[1:3]
    return re.split(rf"^#{{1,{len(level)}}} ", rest, flags=re.MULTILINE)[0]


@pytest.mark.parametrize("one", EXAMPLES, ids=range(len(EXAMPLES)))
def test_each_document_does_what_is_said_of_it(one: Example) -> None:
    world = World(one.document, *(each for each in WHOLE if each != one.document), given=one.given)
    for _ in range(MOST_ANSWERS):
        if world.runs[""].ended:
            break
        world.hear(next_answer(world, one))
    *_, last = world.lines
    assert ended(last) == one.ends, "\n".join(world.lines)


def next_answer(world: World, one: Example) -> str:
    """What the world says next: an answer to whatever was asked, or else that time passes."""
    for name, run in world.runs.items():
        assert run.state is not None
        for step_id, found in run.state.steps.items():
            base, label = step_id.partition("[")[0], f"{name}/{step_id}".lstrip("/")
            if found.status == "cancelling" and found.attempt:
                return f"{label} stopped"
            if found.status == "requested" and base in one.fails:
                return f"{label} breaks {one.fails[base]}"
            if found.status == "requested":
                return f"{label} done {one.answers.get(base, '')}".strip()
            if found.status == "waiting" and found.kind in {"approval", "input"}:
                return f"{label} granted {one.answers.get(base, '')}".strip()
            if found.status == "waiting" and found.kind == "wait":
                return f"signal {found.awaits} {one.answers.get(base, '')}".strip()
    return "1h"


def ended(line: str) -> str:
    """The last line of a run, as the page says it: `succeeded OUTPUT` or `failed CODE`."""
    name, _, more = line.partition(" ")
    status = re.sub(r"(?<!^)(?=[A-Z])", "_", name.removeprefix("Run")).lower()
    return f"{status} {more.partition(' compensation')[0] if status != 'succeeded' else more}"


def test_every_type_of_step_has_a_document() -> None:
    used = {kind for kind in STEP_MODELS if any(f"type: {kind}" in one.document for one in EXAMPLES)}
    heads = set(re.findall(r"^### (.*)$", PAGE, re.MULTILINE))
    listed = {kind for head in heads for kind in head.split(", ")}
    assert set(STEP_MODELS) <= listed
    assert set(STEP_MODELS) - used <= {"http", "container", "script"}, "kinds of job, all alike"


def test_every_key_of_a_document_and_of_a_step_is_told() -> None:
    assert {name for name in WorkflowDocument.model_fields if f"`{name}`" not in section("A document")} == set()
    told = section("A step") + section("The types of steps")
    keys = {field.alias or name for model in STEP_MODELS.values() for name, field in model.model_fields.items()}
    assert {key for key in keys if f"`{key}`" not in told} == set()


def test_the_codes_are_those_of_the_sources() -> None:
    folders = ("libs/foldgate/language", "libs/foldgate/expr", "services/foldgate/engine")
    there = set[str]().union(*(codes_in(ROOT / folder) for folder in folders))
    assert {"no_matching_case", "duplicate_key", "group_in_itself", "not_needed", "unknown_version"} <= there
    told = set(WORD.findall(section("Codes")))
    assert sorted(there - told) == [], "codes that the page does not tell of"
    others = {"quarantine", "loop", "parallel", "for_each", "switch", "delay", "notify", "subworkflow", "approval"}
    assert sorted(told - there - others - {"output"}) == [], "codes that nothing gives"


def test_every_status_is_told() -> None:
    told = {row.split("|")[1].strip(" `") for row in section("Status").splitlines() if row.startswith("| `")}
    assert set(get_args(step.Status)) | {"pending", "paused"} == told
    assert set(get_args(state.Phase)) - {"halted", "compensating", "refused"} <= told
    assert all(f"`{word}`" in section("Status") for word in ("not_needed", "run_halted", "branch_not_taken"))


def test_the_limits_are_those_of_the_sources() -> None:
    told = section("Limits").replace(",", "")
    kib = {MAX_SOURCE_BYTES, MAX_DEFINITION_BYTES, MAX_CARRIED_BYTES, results.MAX_BYTES, expression.MAX_TEXT}
    assert {size for size in kib if f"{size // 1024} KiB" not in told} == set()
    counts = {MAX_DEPTH, MAX_STEPS, MAX_EXPRESSIONS, results.MAX_DEPTH, requests.MAX_SIGNALS, subworkflow.MAX_DEPTH}
    assert {count for count in counts if str(count) not in told} == set()
    assert requests.MAX_SIGNAL_BYTES == storage.MAX_CONTEXT_BYTES == 1024**2
    assert told.count("1 MiB") == 2


@pytest.mark.parametrize("limit", ["max_items", "max_iterations", "max_attempts"])
def test_so_are_the_largest_that_may_be_asked_for(limit: str) -> None:
    most = 100 if limit == "max_attempts" else 10_000
    assert f"{most:,}" in section("Limits")
    asked = {
        "max_items": "for_each: {items: [], max_items: N}",
        "max_iterations": "max_iterations: N",
        "max_attempts": "retry: {max_attempts: N}",
    }[limit]
    kind = "loop, body: b, while: 'true'" if limit == "max_iterations" else "job"
    form = f"{{id: x, steps: {{a: {{type: {kind}, {asked}}}, b: {{type: job}}}}}}"
    prepare(form.replace("N", str(most)))
    with pytest.raises(WorkflowInvalid):
        prepare(form.replace("N", str(most + 1)))


def test_every_pattern_has_its_tests() -> None:
    modules = sorted((ROOT / "tests" / "unit").glob("test_patterns_*.py"))
    trees = [ast.parse(path.read_text()) for path in modules]
    there = {node.name for tree in trees for node in tree.body if isinstance(node, ast.FunctionDef)}
    named = set(re.findall(r"`(test_\w+)`", section("Patterns")))
    assert named == there


def test_the_events_that_are_named_are_there() -> None:
    named = set(re.findall(r"`(Run[A-Z]\w+)`", PAGE))
    assert RunSucceeded.__name__ not in named
    assert {name for name in named if not hasattr(events, name)} == set()
