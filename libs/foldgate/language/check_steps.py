"""What is wrong within one step, seen by itself."""

from functools import singledispatch

from foldgate.language.findings import Findings, Path
from foldgate.language.models import (
    NOT_GIVEN,
    AnyStep,
    DelayStep,
    ForEachTerms,
    LoopStep,
    ParallelStep,
    RetryTerms,
    StorageStep,
    SubworkflowStep,
    SwitchCase,
    SwitchStep,
    TransformStep,
    WorkflowDocument,
)

RESERVED = "job"
"""The workflow of runs that are one step."""


def check_steps(document: WorkflowDocument, found: Findings) -> None:
    """Look at the heads of the document and at each step."""
    if document.id == RESERVED:
        found.add(("id",), "reserved_id", f"Expected another id: '{RESERVED}' stands for the runs of single jobs.")
    if document.defaults is not None and document.defaults.retry is not None:
        _retry(document.defaults.retry, ("defaults", "retry"), found)
    for name, step in document.steps.items():
        _every(step, ("steps", name), found)
        _check(step, ("steps", name), found)
        if isinstance(step, SubworkflowStep) and step.workflow == document.id:
            said = "Expected another workflow, but a workflow that reaches itself would never end."
            found.add(("steps", name, "workflow"), "workflow_in_itself", said)


def _every(step: AnyStep, at: Path, found: Findings) -> None:
    if step.retry is not None:
        _retry(step.retry, (*at, "retry"), found)
    if step.for_each is not None:
        _for_each(step.for_each, (*at, "for_each"), found)


def _retry(retry: RetryTerms, at: Path, found: Findings) -> None:
    if retry.max_backoff is not None and retry.max_backoff < retry.backoff:
        said = "Expected at least the first backoff, but the longest is shorter."
        found.add((*at, "max_backoff"), "out_of_range", said)
    both = sorted(set(retry.retry_on) & set(retry.non_retryable))
    if both:
        said = f"Expected codes that are not in retry_on, but '{both[0]}' is in both."
        found.add((*at, "non_retryable"), "contradiction", said)


def _for_each(terms: ForEachTerms, at: Path, found: Findings) -> None:
    if isinstance(terms.items, list) and len(terms.items) > terms.max_items:
        said = f"Expected at most {terms.max_items} items (max_items), but there are {len(terms.items)}."
        found.add((*at, "items"), "too_many_items", said)
    if terms.min_success and terms.on_item_failure == "fail":
        said = "Expected on_item_failure: collect, without which every item must succeed."
        found.add((*at, "min_success"), "contradiction", said)
    if terms.min_success > terms.max_items:
        found.add((*at, "min_success"), "out_of_range", f"Expected at most max_items, {terms.max_items}.")


@singledispatch
def _check(step: AnyStep, at: Path, found: Findings) -> None:
    """What is wrong with this type of step. Most types have nothing that the models do not see."""
    del step, at, found


@_check.register
def _delay(step: DelayStep, at: Path, found: Findings) -> None:
    _one_of({"delay": step.delay, "until": step.until}, at, found)


@_check.register
def _loop(step: LoopStep, at: Path, found: Findings) -> None:
    _one_of({"while": step.while_, "until": step.until}, at, found)


@_check.register
def _storage(step: StorageStep, at: Path, found: Findings) -> None:
    _one_of({"set": step.set, "get": step.get, "delete": step.delete}, at, found)


def _one_of(given: dict[str, object], at: Path, found: Findings) -> None:
    names = ", ".join(given)
    present = [name for name, value in given.items() if value is not None]
    if not present and not any(found.has((*at, name)) for name in given):
        found.add(at, "missing_key", f"Expected one of {names}, but none is given.")
    for name in present[1:]:
        found.add((*at, name), "given_twice", f"Expected only one of {names}, but {present[0]} is given, too.")


def _missing(key: str, at: Path, found: Findings) -> None:
    """Unless it is there, and was refused before."""
    if not found.has((*at, key)):
        found.add(at, "missing_key", f"Expected the key '{key}', but it is missing.")


@_check.register
def _transform(step: TransformStep, at: Path, found: Findings) -> None:
    if step.output is None and step.input is None:
        _missing("output", at, found)


@_check.register
def _parallel(step: ParallelStep, at: Path, found: Findings) -> None:
    if step.strategy == "n_of_m":
        if step.required is None:
            _missing("required", at, found)
        elif step.required > len(step.steps):
            said = f"Expected at most the number of steps, {len(step.steps)}."
            found.add((*at, "required"), "out_of_range", said)
    elif step.required is not None:
        said = "Expected strategy: n_of_m, without which it is known how many must succeed."
        found.add((*at, "required"), "contradiction", said)


@_check.register
def _switch(step: SwitchStep, at: Path, found: Findings) -> None:
    if step.for_each is not None:
        said = "Expected no for_each on a switch: it leads somewhere once."
        found.add((*at, "for_each"), "switch_repeated", said)
    for index, case in enumerate(step.cases):
        _case(case, (*at, "cases", index), found)
        if case.match is not NOT_GIVEN and step.expression is None and not found.has((*at, "expression")):
            said = "Expected the key 'expression' on the switch, which is what is compared."
            found.add((*at, "cases", index, "match"), "missing_key", said)


def _case(case: SwitchCase, at: Path, found: Findings) -> None:
    if case.when is None and case.match is NOT_GIVEN:
        found.add(at, "missing_key", "Expected one of when, match, but none is given.")
    if case.when is not None and case.match is not NOT_GIVEN:
        found.add((*at, "match"), "given_twice", "Expected only one of when, match, but both are given.")
