"""What the models find, said as sentences with the place of each."""

from collections.abc import Callable
from functools import lru_cache
from typing import TypeAlias, get_args

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from foldgate.language import spelling
from foldgate.language.findings import Findings, Path
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
from foldgate.language.nodes import walk

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
_LENGTHS = {"too_short": "at least {min_length}", "too_long": "at most {max_length}"}
_LIMITS = {
    "greater_than_equal": "at least {ge}",
    "less_than_equal": "at most {le}",
    "string_too_short": "at least {min_length} character",
    "string_too_long": "at most {max_length} characters",
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
Unknown: TypeAlias = Callable[[Findings, Path], str]
_DURATIONS = {*spelling.STEP_DURATIONS, *spelling.WORKFLOW_DURATIONS, "backoff", "max_backoff", "delay", "expires_in"}


def tell(error: ValidationError, found: Findings, *, unknown: Unknown | None = None) -> None:
    """Add each of the mistakes that the models found. `unknown` says what to do about a key that nobody knows."""
    for each in error.errors(include_url=False):
        _tell(each, found, unknown or _unknown)


def _tell(error: ErrorDetails, found: Findings, unknown: Unknown) -> None:
    path, code = path_of(error["loc"]), error["type"]
    if code == "extra_forbidden":
        found.add(path, "unknown_key", unknown(found, path), on_key=True)
    elif code == "missing":
        found.add(path, "missing_key", f"Expected the key '{path[-1]}', but it is missing.")
    elif code == "union_tag_not_found":
        found.add(path, "missing_key", "Expected the key 'type', but it is missing.", on_key=True)
    elif code == "union_tag_invalid":
        found.add((*path, "type"), "unknown_type", _unknown_type(found, error["input"]["type"]))
    else:
        found.add(path, _code(code), _sentence(error), on_key=error["loc"][-1:] == ("[key]",))


def path_of(loc: Path) -> Path:
    """Where it is in the document: the models add the type of the step, and mark keys."""
    path = tuple(part for part in loc if part != "[key]")
    return (*path[:2], *path[3:]) if path[:1] == ("steps",) and len(path) > 2 else path


def _code(kind: str) -> str:
    if kind in _KINDS:
        return "wrong_type"
    if kind == "literal_error":
        return "unknown_value"
    return "out_of_range" if kind in _LIMITS or kind in _LENGTHS else kind


def _sentence(error: ErrorDetails) -> str:
    kind, context = error["type"], error.get("ctx", {})
    if kind in _KINDS:
        hint = "; put it in quotes" if kind == "string_type" and not isinstance(error["input"], list | dict) else ""
        return f"Expected {_KINDS[kind]}, but got {_shown(error['input'])}{hint}."
    if kind in _LIMITS:
        return f"Expected {_LIMITS[kind].format(**context)}, but got {_shown(error['input'])}."
    if kind in _LENGTHS:
        return f"Expected {_LENGTHS[kind].format(**context)}, but there are {len(error['input'])}."
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
    return str(value)


def _unknown(found: Findings, path: Path) -> str:
    """What to say of a key that nobody knows."""
    key, above = str(path[-1]), path[:-1]
    if above[:1] == ("steps",) and len(above) == 2:
        return _unknown_in_step(found, key, _kind(found, above))
    named = [part for part in above if isinstance(part, str)]
    here = known(_PARTS[named[-1]] if named else WorkflowDocument)
    return f"Expected a known key, but got '{key[:80]}'{found.guess(key, here)}"


def _unknown_in_step(found: Findings, key: str, kind: str) -> str:
    others = sorted(other for other, model in STEP_MODELS.items() if key in known(model, other))
    if others:
        return f"Expected a key of a step of type {kind}, but '{key}' belongs to type {', '.join(others)}."
    return f"Expected a known key, but got '{key[:80]}'{found.guess(key, known(STEP_MODELS[kind], kind))}"


def _kind(found: Findings, step: Path) -> str:
    *_, stop = walk(found.root, (*step, "type"))
    return str(stop.node.value)


def _unknown_type(found: Findings, kind: object) -> str:
    types = sorted({*STEP_MODELS, *spelling.TYPES})
    return f"Expected one of {', '.join(types)}, but got '{str(kind)[:80]}'{found.guess(str(kind), types)}"


@lru_cache
def known(model: type[Model], kind: str = "") -> frozenset[str]:
    """Every key that may be written where the model is, by all its names."""
    names = {field.alias or name for name, field in model.model_fields.items()}
    names |= {name + suffix for name in names & _DURATIONS for suffix in spelling.UNITS}
    others = {**spelling.ANY_STEP, **spelling.STEP_NAMES.get(kind, {})} if kind or model is DefaultTerms else {}
    if model is RetryTerms:
        names |= {"max_retries", "initial_backoff", "initial_backoff_ms", "initial_backoff_sec"}
    if kind:
        names |= {*spelling.FOR_EACH}
    if "approval" in names:
        names |= {"on_expire"}
    return frozenset(names | {other for other, name in others.items() if name in names})
