"""Whatever somebody submits: it is a workflow, or WorkflowInvalid says why, within bounds of time and size."""

import json
import random
import string
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from foldgate.language.compile import compiled
from foldgate.language.nodes import MAX_DEPTH
from foldgate.language.plan import plan
from foldgate.language.problems import MOST
from foldgate.language.publish import Problem, WorkflowInvalid, prepare
from foldgate.language.read import MAX_BYTES
from tests.support.thorough import daily

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.yaml"))
RICH = """\
id: rich
version: 1.0
labels: {team: shop}
output: {total: '${steps.choose.output}'}
timeout: 1d
concurrency: {key: '${input.id}', limit: 2}
defaults: {retry: {max_retries: 2, initial_backoff_sec: 1}, timeout_sec: 60, pool: p, meta: {risk_tags: [prod]}}
steps:
  choose: {type: switch, value: input.kind, cases: [{match: a, next: [group]}, {when: 'input.x > 1', next: tell}]}
  group: {type: parallel, steps: [part, again, ask], strategy: n_of_m, required: 2, on_error: rescue}
  part: {type: http, for_each: '${input.items}', max_items: 5, input: {x: '${item}'}, compensate: undo}
  again: {type: loop, body: [pause, work], until: 'loop.index > 2 || steps.work.output.done', max_iterations: 5}
  pause: {type: delay, delay_ms: 5}
  work: {type: llm, when: 'loop.index >= 0', retries: {max_attempts: 2, backoff_ms: 5}, priority: 9}
  ask: {type: input, schema: {type: object}, approval: {roles: [sre], expires_in: 1h, on_expire: timed_out}}
  rescue: {type: transform, output: ['${steps.group.error}']}
  undo: {type: job}
  tell: {type: notify, level: warning, message: 'from ${run.id}'}
  keep: {type: storage, set: {a: '${steps.group.output}'}, depends_on: [group]}
  child: {type: subworkflow, workflow: other, version: 2, depends_on: [keep, tell]}
  signal: {type: wait, match: {id: '${input.id}'}, depends_on: child}
  sure: {type: condition, expression: input.sure, depends_on: child}
  gate: {type: approval, approval: {required: 2}, depends_on: [signal, sure]}
"""
DOCUMENTS = [yaml.safe_load(path.read_text()) for path in EXAMPLES] + [yaml.safe_load(RICH)]
WORDS = sorted(
    {word for text in (RICH, *(path.read_text() for path in EXAMPLES)) for word in text.replace(":", " ").split()}
    | {
        "${",
        "}",
        "$${",
        "<<",
        "&a",
        "*a",
        "!!str",
        "{",
        "[",
        "]",
        "- ",
        "? ",
        ": ",
        "|",
        ">",
        "---",
        "...",
        "'",
        '"',
    }
    | {
        "\t",
        "\x00",
        "\ud800",
        "\ufeff",
        "\u2028",
        "1e999",
        ".nan",
        "0o7",
        "yes",
        "~",
        "9" * 40,
        "-0.0",
        "%YAML 1.2",
        "#",
    }
)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**65), 2**65),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=8),
    st.sampled_from(WORDS),
    st.sampled_from(["group", "part", "work", "choose", "5s", "1.0", "${steps.work.output}", "${item}", "${1 +}"]),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(WORDS) | st.text(max_size=4), inner),
    max_leaves=12,
)


def outcome(source: str | bytes) -> str | None:
    """The canonical form; None if the document was refused with problems that can be told."""
    try:
        prepared = prepare(source)
    except WorkflowInvalid as invalid:
        refused = invalid.problems
    else:
        accepted(prepared.canonical)
        return prepared.canonical
    told(refused)
    return None


def told(problems: tuple[Problem, ...]) -> None:
    """Each is a line, in the order of the document, and there are not too many."""
    assert 1 <= len(problems) <= MOST
    for problem in problems:
        assert problem.message.startswith("Expected ")
        assert problem.message.isprintable()
        assert problem.path.isprintable()
        assert len(str(problem)) < 1200
        assert min(problem.line, problem.column) >= 1
    assert list(problems) == sorted(problems, key=lambda each: (each.line, each.column))


def accepted(canonical: str) -> None:
    """What was accepted is a fixed point, and can be compiled and planned."""
    again = prepare(canonical)
    assert again.canonical == canonical
    found = compiled(canonical)
    assert found.digest == again.digest
    assert sorted(found.order) == sorted(found.steps)
    assert found.roots
    assert len(plan(found)) == len(found.steps)


@given(st.binary(max_size=400))
def test_any_bytes(source: bytes) -> None:
    outcome(source)


@given(st.text(max_size=400))
def test_any_text(source: str) -> None:
    outcome(source)


@given(st.lists(st.sampled_from(WORDS) | st.sampled_from(["\n", "\n  ", "\n    ", ": ", ", ", " "]), max_size=60))
def test_any_words_of_the_language(words: list[str]) -> None:
    outcome("".join(words))


@given(VALUES)
def test_any_json(value: object) -> None:
    outcome(json.dumps(value))
    outcome(json.dumps({"id": "x", "steps": {"a": value}}))
    outcome(json.dumps({"id": "x", "steps": {"a": {"type": "job", "input": value}}}))


def mutate(document: Any, chance: random.Random, value: object) -> None:
    """Change one place of a tree: another value, a key that goes, comes or changes its name."""
    places: list[Any] = [document]
    for place in places:
        children = place.values() if isinstance(place, dict) else place
        places += [child for child in children if isinstance(child, dict | list) and child]
    place = chance.choice(places)
    key: Any = chance.choice(list(place)) if isinstance(place, dict) else chance.randrange(len(place))
    how = chance.randrange(4)
    if how == 0:
        place[key] = value
    elif how == 1 or isinstance(place, list):
        del place[key]
    elif how == 2:
        place[chance.choice(WORDS)] = value
    else:
        place[chance.choice(WORDS)] = place.pop(key)


@settings(max_examples=daily(150, thorough=2000))
@given(st.sampled_from(DOCUMENTS), st.integers(0, 2**32), st.lists(VALUES, min_size=1, max_size=3))
def test_documents_with_something_changed(document: Any, seed: int, values: list[object]) -> None:
    changed = json.loads(json.dumps(document))
    chance = random.Random(seed)
    for value in values:
        mutate(changed, chance, value)
    outcome(json.dumps(changed))


@settings(max_examples=daily(150, thorough=2000))
@given(st.integers(0, 2**32))
def test_documents_with_letters_changed(seed: int) -> None:
    chance = random.Random(seed)
    text = RICH
    for _ in range(chance.randint(1, 3)):
        at = chance.randrange(len(text))
        text = text[:at] + chance.choice(["", chance.choice(WORDS), chance.choice(string.printable)]) + text[at + 1 :]
    outcome(text)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: str(document["id"]))
@given(seed=st.integers(0, 2**32))
@settings(max_examples=10)
def test_the_order_of_keys_and_the_notation_change_nothing(document: dict[str, Any], seed: int) -> None:
    chance = random.Random(seed)

    def shuffled(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: shuffled(value[key]) for key in chance.sample(list(value), len(value))}
        return [shuffled(item) for item in value] if isinstance(value, list) else value

    written = {**document, "version": str(document.get("version", "1"))}
    written["steps"] = {
        name: {**step, "version": str(step["version"])} if "version" in step else step
        for name, step in document["steps"].items()
    }
    as_json, as_yaml = json.dumps(shuffled(written)), yaml.safe_dump(shuffled(written), sort_keys=False)
    assert outcome(as_json) == outcome(as_yaml) == outcome(json.dumps(written))


def test_the_documents_of_this_test_are_workflows() -> None:
    assert len(EXAMPLES) >= 2
    assert all(outcome(path.read_bytes()) for path in EXAMPLES)
    assert outcome(RICH)


STEPS = "id: x\nsteps:\n"
ALIASES = "a: &a [x, x]\n" + "".join(f"{b}: &{b} [*{a}, *{a}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True))
RINGS = "".join(f"  s{index}: {{type: job, depends_on: s{index ^ 1}}}\n" for index in range(1000))
BOMBS = {
    "aliases of aliases": ALIASES,
    "ten megabytes": "a: " + "x" * 10_000_000,
    "one megabyte": STEPS + "  a: {type: job, input: '" + "x" * (MAX_BYTES - 100) + "'}",
    "brackets": "[" * MAX_BYTES,
    "braces": '{"a":' * (MAX_BYTES // 5),
    "lines of brackets": "[\n" * (MAX_BYTES // 2),
    "dashes": "- " * (MAX_BYTES // 2),
    "question marks": "? " * (MAX_BYTES // 2),
    "quotes": "'" * MAX_BYTES,
    "dollars": STEPS + "  a: {type: job, input: '" + "${" * 500_000 + "'}",
    "values": STEPS + "  a: {type: job, input: [" + "0," * 500_000 + "]}",
    "a huge number": "a: " + "9" * 1_000_000,
    "a huge key": "x" * 1000 + ": 1\n? " + "y" * 1_000_000 + "\n: 2",
    "the same key": "{" + "a: 1," * 90_000 + "}",
    "unknown keys": STEPS + "  a: {type: job, " + ", ".join(f"k{index}: 1" for index in range(45_000)) + "}",
    "unknown steps": STEPS
    + "".join(
        f"  s{index}: {{type: job, depends_on: [{', '.join(f'x{n}' for n in range(90))}]}}\n" for index in range(999)
    ),
    "rings": STEPS + RINGS,
    "a chain": STEPS
    + "".join(f"  s{index}: {{type: job, depends_on: [s{index + 1}]}}\n" for index in range(999))
    + "  s999: {type: job}",
    "loops in loops": STEPS
    + "".join(f"  s{index}: {{type: loop, body: s{index + 1}, until: true}}\n" for index in range(999))
    + "  s999: {type: job, input: '${loop.index}'}",
    "handlers of handlers": STEPS
    + "".join(f"  s{index}: {{type: job, on_error: s{index + 1}}}\n" for index in range(999))
    + "  s999: {type: job}",
    "expressions": STEPS + "  a: {type: transform, output: [" + ", ".join(f"'${{{n}}}'" for n in range(5000)) + "]}",
    "a wild pattern": STEPS + "  a: {type: job, input_schema: {pattern: '" + "(a*)*" * 100_000 + "'}}",
    "a schema in schemas": STEPS + "  a: {type: job, input_schema: " + "{not: " * 40 + "{}" + "}" * 40 + "}",
    "newlines": "\n" * MAX_BYTES,
    "comments": "#\n" * (MAX_BYTES // 2),
    "escapes": 'a: "' + "\\x00" * 250_000 + '"',
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_what_is_made_to_take_long_does_not(bomb: str) -> None:
    before = time.process_time()
    outcome(BOMBS[bomb])
    assert time.process_time() - before < 10


@given(st.integers(1, MAX_DEPTH + 5), st.sampled_from(["[]", "{}", "for_each"]))
def test_any_depth(depth: int, kind: str) -> None:
    nested: Any = 1
    for _ in range(depth):
        nested = {"k": nested} if kind == "{}" else [nested]
    key = "for_each" if kind == "for_each" else "input"
    found = outcome(json.dumps({"id": "x", "steps": {"a": {"type": "job", key: nested}}}))
    assert (found is not None) == (depth <= MAX_DEPTH - (4 if kind == "for_each" else 3))
