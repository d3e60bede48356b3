"""The way in: from what somebody wrote to what is published, or to everything that is wrong with it."""

import re

import msgspec
from pydantic import ValidationError

from foldgate.language.canonical import canonical, digest_of
from foldgate.language.checks import mistakes
from foldgate.language.models import WorkflowDocument
from foldgate.language.nodes import MAX_DEPTH, Node, plain_value
from foldgate.language.problems import Place, Problem, WorkflowInvalid, invalid, stop
from foldgate.language.read import MAX_BYTES, read
from foldgate.language.sentences import problems_of
from foldgate.language.spelling import respell

__all__ = ["Prepared", "Problem", "WorkflowInvalid", "prepare"]

_BRACKETS = re.compile(r'[{}\[\]]|"[^"\\]*(?:\\.[^"\\]*)*"')


class Prepared(msgspec.Struct, frozen=True, kw_only=True):
    """A document that may be published. `canonical` is what `compile.compiled` takes."""

    workflow: str
    version: str
    digest: str
    canonical: str


def prepare(source: str | bytes) -> Prepared:
    """The canonical form and digest of a document; WorkflowInvalid with every mistake in it."""
    root = read(source)
    problems = respell(root)
    document, whole = _document(root, problems)
    if document is not None:
        problems += mistakes(document, root, whole=whole)
    if problems or document is None:
        raise invalid(problems)
    form = canonical(document)
    _check_size(form)
    digest = digest_of(form)
    return Prepared(workflow=document.id, version=document.version or digest, digest=digest, canonical=form)


def _document(root: Node, problems: list[Problem]) -> tuple[WorkflowDocument | None, bool]:
    """The document, or what is left of it without the parts that are wrong, and whether it is whole."""
    value = plain_value(root)
    try:
        return WorkflowDocument.model_validate(value), True
    except ValidationError as error:
        problems += problems_of(error, root)
        wrong = {each["loc"][: 2 if each["loc"][0] == "steps" else 1] for each in error.errors() if each["loc"]}
    return _rest(value, wrong), False


def _rest(value: object, wrong: set[tuple[int | str, ...]]) -> WorkflowDocument | None:
    """What can be checked further, so that all mistakes are told at once."""
    if not isinstance(value, dict) or not isinstance(value.get("steps"), dict):
        return None
    rest = {key: part for key, part in value.items() if (key,) not in wrong}
    rest["steps"] = {key: step for key, step in value["steps"].items() if ("steps", key) not in wrong}
    rest.setdefault("id", "unknown")
    try:
        return WorkflowDocument.model_validate(rest)
    except ValidationError:
        return None


def _check_size(form: str) -> None:
    """The canonical form is a document, too, and can be read like one."""
    size = len(form.encode())
    if size > MAX_BYTES:
        said = (
            f"Expected a workflow of at most {MAX_BYTES} bytes once its defaults are in every step, but it has {size}."
        )
        raise stop("too_large", said, Place())
    if _depth(form) > MAX_DEPTH:
        raise stop("too_deep", f"Expected at most {MAX_DEPTH} levels, but the canonical form has more.", Place())


def _depth(form: str) -> int:
    """How many levels of maps and lists a JSON text has."""
    deepest = level = 0
    for part in _BRACKETS.findall(form):
        level += {"{": 1, "[": 1, "}": -1, "]": -1}.get(part, 0)
        deepest = max(deepest, level)
    return deepest
