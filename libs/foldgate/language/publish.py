"""The way in: from what somebody wrote to what is published, or to everything that is wrong with it."""

import re
from typing import Any

import msgspec
from pydantic import ValidationError

from foldgate.language.canonical import canonical, digest_of
from foldgate.language.checks import check
from foldgate.language.findings import Findings
from foldgate.language.models import WorkflowDocument
from foldgate.language.nodes import MAX_DEPTH, plain_value
from foldgate.language.problems import Place, Problem, WorkflowInvalid, invalid, stop
from foldgate.language.read import MAX_BYTES, read
from foldgate.language.secrets_within import secrets_in
from foldgate.language.sentences import path_of, tell
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
    found = Findings(root := read(source))
    if secrets := secrets_in(source, root):
        raise invalid(secrets)  # and nothing else: other mistakes are told in the words of the document
    found.problems += respell(found.root)
    document, whole = _document(found)
    if document is not None:
        check(document, found, whole=whole)
    if found.problems or document is None:
        raise invalid(found.problems)
    form = canonical(document)
    _check_size(form)
    digest = digest_of(form)
    return Prepared(workflow=document.id, version=document.version or digest, digest=digest, canonical=form)


def _document(found: Findings) -> tuple[WorkflowDocument | None, bool]:
    """The document, or what is left of it without the parts that are wrong, and whether it is whole."""
    value = plain_value(found.root)
    try:
        return WorkflowDocument.model_validate(value), True
    except ValidationError as error:
        tell(error, found)
        return _rest(value, error), False


def _rest(value: Any, error: ValidationError) -> WorkflowDocument | None:
    """What can be checked further, so that all mistakes are told at once: without the keys that are wrong, and then
    without the steps that need one of them."""
    if not isinstance(value, dict) or not isinstance(value.get("steps"), dict):
        return None
    for depth in (3, 2):
        value = _without(value, error, depth)
        try:
            return WorkflowDocument.model_validate(value)
        except ValidationError as again:
            error = again
    return None


def _without(value: dict[str, Any], error: ValidationError, depth: int) -> dict[str, Any]:
    """The document without what is wrong: keys at the top, and steps (2) or keys of steps (3)."""
    wrong = {path_of(each["loc"])[: depth if each["loc"][0] == "steps" else 1] for each in error.errors()}
    rest = {key: part for key, part in value.items() if (key,) not in wrong}
    rest["steps"] = {
        name: {key: part for key, part in step.items() if ("steps", name, key) not in wrong}
        for name, step in value["steps"].items()
        if ("steps", name) not in wrong
    }
    return {"id": "unknown", **rest}


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
