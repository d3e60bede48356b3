"""What each type of step becomes when it is compiled."""

from functools import singledispatch
from typing import Any

import msgspec

from foldgate.expr.template import Template
from foldgate.language.definition import (
    ApprovalSpec,
    Case,
    ConditionSpec,
    DelaySpec,
    InputSpec,
    JobSpec,
    LoopSpec,
    NotifySpec,
    ParallelSpec,
    Spec,
    StepType,
    StorageSpec,
    SubworkflowSpec,
    SwitchSpec,
    TransformSpec,
    WaitSpec,
)
from foldgate.language.forms import is_template, milliseconds_of
from foldgate.language.models import (
    NOT_GIVEN,
    AnyStep,
    ApprovalStep,
    ApprovalTerms,
    ConditionStep,
    DelayStep,
    InputStep,
    JobStep,
    LoopStep,
    NotifyStep,
    ParallelStep,
    StorageStep,
    SubworkflowStep,
    SwitchCase,
    SwitchStep,
    TransformStep,
    WaitStep,
)
from foldgate.language.schema import Schema


def template(source: Any, place: str) -> Template | None:
    """A value with expressions, where there is one."""
    return None if source is None else Template.of(source, place=place)


def schema(source: Any, place: str) -> Schema | None:
    """A JSON Schema, where there is one."""
    return None if source is None else Schema.of(source, place=place)


def type_of(step: AnyStep) -> StepType:
    """The type by which the engine knows it: all that ask the outside world are jobs."""
    kind: Any = getattr(step, "type")  # noqa: B009  (each model has its own)
    return "job" if isinstance(step, JobStep) else kind


@singledispatch
def spec_of(step: AnyStep, at: str) -> Spec:
    """What only this type of step has. `at` is where the step stands, for what goes wrong when it runs."""
    raise TypeError(f"Expected a step, but got a {type(step).__name__} at {at}.")


@spec_of.register
def _job(step: JobStep, _at: str) -> Spec:
    return JobSpec(kind=step.type, topic=step.topic or "")


@spec_of.register
def _approval(step: ApprovalStep, _at: str) -> Spec:
    terms = step.approval or ApprovalTerms()
    return ApprovalSpec(terms=_terms(terms), on_expire=terms.on_expire)


@spec_of.register
def _input(step: InputStep, at: str) -> Spec:
    terms = step.approval or ApprovalTerms()
    return InputSpec(schema=schema(step.schema_, f"{at}.schema"), terms=_terms(terms), on_expire=terms.on_expire)


def _terms(terms: ApprovalTerms) -> str:
    """Canonical JSON, with the duration as a number."""
    said = terms.model_dump(exclude_defaults=True)
    if terms.expires_in is not None:
        del said["expires_in"]
        said["expires_in_ms"] = terms.expires_in
    return msgspec.json.encode(said, order="sorted").decode()


@spec_of.register
def _wait(step: WaitStep, at: str) -> Spec:
    return WaitSpec(signal=step.signal or "", match=template(step.match, f"{at}.match"))


@spec_of.register
def _delay(step: DelayStep, at: str) -> Spec:
    given: Any = step.delay
    length = given if given is None or is_template(given) else milliseconds_of(given)
    return DelaySpec(delay=template(length, f"{at}.delay"), until=template(step.until, f"{at}.until"))


@spec_of.register
def _condition(step: ConditionStep, at: str) -> Spec:
    return ConditionSpec(expression=Template.of(step.expression, place=f"{at}.expression"))


@spec_of.register
def _switch(step: SwitchStep, at: str) -> Spec:
    return SwitchSpec(
        subject=template(step.expression, f"{at}.expression"),
        cases=tuple(_case(case, f"{at}.cases[{index}]") for index, case in enumerate(step.cases)),
        default=None if step.default is None else tuple(step.default),
    )


def _case(case: SwitchCase, at: str) -> Case:
    match = None if case.match is NOT_GIVEN else Template.of(case.match, place=f"{at}.match")
    return Case(when=template(case.when, f"{at}.when"), match=match, next=tuple(case.next))


@spec_of.register
def _parallel(step: ParallelStep, _at: str) -> Spec:
    required = {"all": len(step.steps), "any": 1}.get(step.strategy, step.required or 1)
    return ParallelSpec(
        steps=tuple(step.steps), strategy=step.strategy, required=required, max_parallel=step.max_parallel
    )


@spec_of.register
def _loop(step: LoopStep, at: str) -> Spec:
    return LoopSpec(
        body=tuple(step.body),
        while_=template(step.while_, f"{at}.while"),
        until=template(step.until, f"{at}.until"),
        max_iterations=step.max_iterations,
    )


@spec_of.register
def _transform(step: TransformStep, at: str) -> Spec:
    """Its input is its output where it has none."""
    key = "input" if step.output is None else "output"
    return TransformSpec(output=Template.of(getattr(step, key), place=f"{at}.{key}"))


@spec_of.register
def _storage(step: StorageStep, at: str) -> Spec:
    given = {name: Template.of(value, place=f"{at}.set.{name}") for name, value in (step.set or {}).items()}
    return StorageSpec(
        set=given or None,
        get=_names(step.get),
        delete=_names(step.delete),
        single=isinstance(step.get or step.delete, str),
    )


def _names(given: list[str] | str | None) -> tuple[str, ...] | None:
    if given is None:
        return None
    return (given,) if isinstance(given, str) else tuple(given)


@spec_of.register
def _notify(step: NotifyStep, at: str) -> Spec:
    return NotifySpec(
        channel=template(step.channel, f"{at}.channel"),
        message=template(step.message, f"{at}.message"),
        level=template(step.level, f"{at}.level"),
    )


@spec_of.register
def _subworkflow(step: SubworkflowStep, _at: str) -> Spec:
    return SubworkflowSpec(workflow=step.workflow, version=step.version or "")
