"""The one spelling of a workflow: what two documents that mean the same have in common.

Names, units and shapes are already one (`spelling`, `models`); here what is said by default is said no more, and what
`defaults` says is said of every step. JSON with sorted keys. Its SHA-256 is the digest, so nothing here ever changes
for a document that is published: a new key has a default that means what was meant without it.
"""

import hashlib
from typing import Any, TypeVar

import msgspec

from foldgate.language.models import (
    AnyStep,
    DefaultTerms,
    JobStep,
    LoopStep,
    MetaTerms,
    Model,
    ParallelStep,
    RouteTerms,
    WaitStep,
    WorkflowDocument,
)

T = TypeVar("T", bound=Model)
_BLOCKS = ("retry", "route", "meta", "approval")
"""Maps that say nothing when they are empty."""


def canonical(document: WorkflowDocument) -> str:
    """The canonical form of a workflow."""
    form = _form(document)
    form.pop("defaults", None)
    form["steps"] = {name: _form(resolved(document, name)) for name in document.steps}
    return msgspec.json.encode(form, order="sorted").decode()


def digest_of(form: str) -> str:
    """The digest of a canonical form."""
    return hashlib.sha256(form.encode()).hexdigest()


def resolved(document: WorkflowDocument, name: str) -> AnyStep:
    """A step with what it has by `defaults`, and with what its type gives it: `timeout` for all but groups, whose
    parts have it; `retry` and `pool` for what asks the outside world; `meta` key by key for all."""
    step, defaults = document.steps[name], document.defaults or DefaultTerms()
    changed: dict[str, Any] = {}
    if step.timeout is None and not isinstance(step, ParallelStep | LoopStep):
        changed["timeout"] = defaults.timeout
    if defaults.meta is not None:
        changed["meta"] = _filled(step.meta or MetaTerms(), defaults.meta)
    if isinstance(step, JobStep):
        changed["topic"] = step.topic or f"job.{document.id}.{name}"
        changed["retry"] = step.retry or defaults.retry
        changed["route"] = _filled(step.route or RouteTerms(), RouteTerms(pool=defaults.pool))
    elif isinstance(step, WaitStep):
        changed["signal"] = step.signal or step.name or name
    return step.model_copy(update=changed)


def _filled(given: T, default: T) -> T:
    """What is given, and by default the rest."""
    rest = {name: getattr(default, name) for name in default.model_fields_set - given.model_fields_set}
    return given.model_copy(update=rest)


def _form(model: Model) -> dict[str, Any]:
    """Everything of a model that is not said by default."""
    form = model.model_dump(by_alias=True, exclude_defaults=True, warnings=False)
    return {key: value for key, value in form.items() if value != {} or key not in _BLOCKS}
