"""What the models find, said as sentences with the place of each."""

import difflib
from collections.abc import Iterable
from typing import get_args

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from foldgate.language import spelling
from foldgate.language.models import (
    AnyStep,
    ApprovalTerms,
    ConcurrencyTerms,
    DefaultTerms,
    ForEachTerms,
    MetaTerms,
    Model,
    RetryTerms,
    RouteTerms,
    Step,
    SwitchCase,
    WorkflowDocument,
)
from foldgate.language.nodes import Node, walk
from foldgate.language.problems import Problem

Path = tuple[str | int, ...]
STEP_MODELS: dict[str, type[AnyStep]] = {
    kind: model for model in get_args(Step) for kind in get_args(model.model_fields["type"].annotation)
}
_KINDS = {
    "string_type": "a text",
    "int_type": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "list_type": "a list",
    "dict_type": "a map",
    "model_type": "a map",
    "model_attributes_type": "a map",
}
_LIMITS = {
    "greater_than_equal": "at least {ge}",
    "less_than_equal": "at most {le}",
    "string_too_short": "at least {min_length} characters",
    "string_too_long": "at most {max_length} characters",
    "too_short": "at least {min_length}",
    "too_long": "at most {max_length}",
    "literal_error": "{expected}",
}


_PARTS: dict[str, type[Model]] = {
    "approval": ApprovalTerms,
    "cases": SwitchCase,
    "concurrency": ConcurrencyTerms,
    "defaults": DefaultTerms,
    "for_each": ForEachTerms,
    "meta": MetaTerms,
    "retry": RetryTerms,
    "route": RouteTerms,
}
_DURATIONS = {*spelling.STEP_DURATIONS, *spelling.WORKFLOW_DURATIONS, "backoff", "max_backoff", "delay", "expires_in"}


def problem_at(root: Node, path: Path, *, code: str, message: str, on_key: bool = False) -> Problem:
    """A mistake in what stands at a path, or in its last key; at the nearest key above where nothing stands."""
    way = list(walk(root, path))
    place = way[-1].place if way else root.place
    if way and len(way) == len(path) and not on_key:
        place = way[-1].node.place
    names = ".".join(each.text for each in way).replace(".[", "[")
    return Problem(code=code, message=message, path=names, line=place.line, column=place.column)


def problems_of(error: ValidationError, root: Node) -> list[Problem]:
    """Each of the mistakes that the models found."""
    return [_problem(each, root) for each in error.errors(include_url=False)]


def _problem(error: ErrorDetails, root: Node) -> Problem:
    path = _path(error["loc"])
    code = error["type"]
    if code == "extra_forbidden":
        return problem_at(root, path, code="unknown_key", message=_unknown(root, path), on_key=True)
    if code == "missing":
        return problem_at(root, path, code="missing_key", message=f"Expected the key '{path[-1]}', but it is missing.")
    if code == "union_tag_not_found":
        return problem_at(
            root, path, code="missing_key", message="Expected the key 'type', but it is missing.", on_key=True
        )
    if code == "union_tag_invalid":
        return problem_at(root, (*path, "type"), code="unknown_type", message=_unknown_type(error["input"]["type"]))
    on_key = error["loc"][-1:] == ("[key]",)
    return problem_at(root, path, code=_code(code), message=_sentence(error), on_key=on_key)


def _path(loc: Path) -> Path:
    """Where it is in the document: the models add the type of the step, and mark keys."""
    path = tuple(part for part in loc if part != "[key]")
    return (*path[:2], *path[3:]) if path[:1] == ("steps",) and len(path) > 2 else path


def _code(kind: str) -> str:
    if kind in _KINDS:
        return "wrong_type"
    if kind == "literal_error":
        return "unknown_value"
    return "range" if kind in _LIMITS else kind


def _sentence(error: ErrorDetails) -> str:
    kind, context = error["type"], error.get("ctx", {})
    if kind in _KINDS:
        return f"Expected {_KINDS[kind]}, but got {_shown(error['input'])}."
    if kind in _LIMITS:
        return f"Expected {_LIMITS[kind].format(**context)}, but got {_shown(error['input'])}."
    return error["msg"]


def _shown(value: object) -> str:
    if isinstance(value, list):
        return f"a list of {len(value)}"
    if isinstance(value, dict):
        return "a map"
    if isinstance(value, str):
        return f"'{value[:40]}'"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return f"{value}; put it in quotes if it is a text"


def _unknown(root: Node, path: Path) -> str:
    """What to say of a key that nobody knows."""
    key, above = str(path[-1]), path[:-1]
    if above[:1] == ("steps",) and len(above) == 2:
        return _unknown_in_step(key, _kind(root, above))
    named = [part for part in above if isinstance(part, str)]
    here = known(_PARTS[named[-1]] if named else WorkflowDocument)
    return f"Expected a known key, but got '{key[:80]}'{_nearest(key, here)}."


def _unknown_in_step(key: str, kind: str) -> str:
    others = sorted(other for other, model in STEP_MODELS.items() if key in known(model, other))
    if others:
        return f"Expected a key of a step of type {kind}, but '{key}' belongs to {', '.join(others)}."
    return f"Expected a known key, but got '{key[:80]}'{_nearest(key, known(STEP_MODELS[kind], kind))}."


def _kind(root: Node, step: Path) -> str:
    *_, stop = walk(root, (*step, "type"))
    return str(stop.node.value)


def _unknown_type(kind: object) -> str:
    known_types = sorted({*STEP_MODELS, *spelling.TYPES})
    near = _nearest(str(kind), known_types)
    return f"Expected a type of step, but got '{str(kind)[:80]}'{near or ': there are ' + ', '.join(known_types)}."


def _nearest(word: str, words: Iterable[str]) -> str:
    found = difflib.get_close_matches(word[:80], sorted(words), 1)
    return f"; did you mean '{found[0]}'?" if found else ""


def known(model: type[Model], kind: str = "") -> set[str]:
    """Every key that may be written where the model is, by all its names."""
    names = {field.alias or name for name, field in model.model_fields.items()}
    names |= {name + suffix for name in names & _DURATIONS for suffix in spelling.UNITS}
    others = {**spelling.ANY_STEP, **spelling.STEP_NAMES.get(kind, {})} if kind else {}
    if model is RetryTerms:
        names |= {"max_retries", "initial_backoff", "initial_backoff_ms", "initial_backoff_sec"}
    if kind:
        names |= {*spelling.FOR_EACH}
    if "approval" in names:
        names |= {"on_expire"}
    return names | {other for other, name in others.items() if name in names}
