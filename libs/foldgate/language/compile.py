"""From the canonical form to what the engine runs. Pure, and the same for ever for the same form."""

from functools import lru_cache

import msgspec

from foldgate.expr.template import Template
from foldgate.language.canonical import canonical, digest_of, resolved
from foldgate.language.definition import Concurrency, Definition, ForEach, Retry, Route, StepDef, StepMeta
from foldgate.language.graph import Graph
from foldgate.language.models import (
    AnyStep,
    ConcurrencyTerms,
    ForEachTerms,
    JobStep,
    MetaTerms,
    RetryTerms,
    RouteTerms,
    WorkflowDocument,
)
from foldgate.language.specs import schema, spec_of, template, type_of

DAY_MS = 86_400_000


def compiled(form: str, *, digest: str = "") -> Definition:
    """The definition that a canonical form means. Only for forms that `prepare` made: nothing is checked again."""
    document = WorkflowDocument.model_validate(msgspec.json.decode(form))
    return _definition(document, digest or digest_of(form))


@lru_cache(maxsize=1000)
def single_job(kind: str, topic: str) -> Definition:
    """The run of one step `job`, which gets the run's input."""
    step = JobStep.model_construct(type=kind, topic=topic)
    document = WorkflowDocument.model_construct(id="job", steps={"job": step})
    return _definition(document, digest_of(canonical(document)))


def _definition(document: WorkflowDocument, digest: str) -> Definition:
    graph = Graph(document.steps)
    order = graph.order()
    steps = {name: _step(name, resolved(document, name), graph) for name in document.steps}
    return Definition(
        workflow=document.id,
        version=document.version or digest,
        digest=digest,
        name=document.name or "",
        labels=document.labels,
        input_schema=schema(document.input_schema, "input_schema"),
        output=template(document.output, "output"),
        timeout_ms=document.timeout,
        fail_fast=document.fail_fast,
        compensate_on=frozenset(document.compensate_on),
        compensation_timeout_ms=document.compensation_timeout,
        concurrency=_concurrency(document.concurrency),
        steps=steps,
        order=order,
        roots=tuple(name for name in order if _is_root(steps[name])),
    )


def _is_root(step: StepDef) -> bool:
    return not (step.depends_on or step.parent or step.handles or step.undoes)


def _step(name: str, step: AnyStep, graph: Graph) -> StepDef:
    at = f"steps.{name}"
    return StepDef(
        id=name,
        type=type_of(step),
        name=step.name or "",
        spec=spec_of(step, at),
        depends_on=graph.dependencies[name],
        dependents=graph.dependents.get(name, ()),
        switches=graph.switches.get(name, ()),
        parent=graph.parent.get(name, ""),
        handles=graph.handles.get(name, ""),
        undoes=graph.undoes.get(name, ""),
        depth=graph.depth(name),
        when=template(step.when, f"{at}.when"),
        input=template(step.input, f"{at}.input"),
        input_schema=schema(step.input_schema, f"{at}.input_schema"),
        output_schema=schema(step.output_schema, f"{at}.output_schema"),
        retry=_retry(step.retry or RetryTerms()),
        timeout_ms=step.timeout,
        attempt_timeout_ms=step.attempt_timeout,
        queue_timeout_ms=step.queue_timeout or DAY_MS,
        on_error=step.on_error or "",
        compensate=step.compensate or "",
        priority=step.priority,
        route=_route(step.route or RouteTerms()),
        meta=_meta(step.meta or MetaTerms()),
        for_each=_for_each(step.for_each, f"{at}.for_each"),
    )


def _retry(terms: RetryTerms) -> Retry:
    return Retry(
        max_attempts=terms.max_attempts,
        backoff_ms=terms.backoff,
        max_backoff_ms=terms.max_backoff,
        multiplier=terms.multiplier,
        jitter=terms.jitter,
        retry_on=tuple(terms.retry_on),
        non_retryable=tuple(terms.non_retryable),
    )


def _route(terms: RouteTerms) -> Route:
    return Route(pool=terms.pool or "", worker=terms.worker or "", labels=terms.labels)


def _meta(terms: MetaTerms) -> StepMeta:
    return StepMeta(
        capability=terms.capability or "",
        risk_tags=tuple(terms.risk_tags),
        requires=tuple(terms.requires),
        pack_id=terms.pack_id or "",
        actor_id=terms.actor_id or "",
        actor_type=terms.actor_type or "",
        labels=terms.labels,
    )


def _for_each(terms: ForEachTerms | None, at: str) -> ForEach | None:
    if terms is None:
        return None
    return ForEach(
        items=Template.of(terms.items, place=f"{at}.items"),
        max_parallel=terms.max_parallel,
        max_items=terms.max_items,
        on_item_failure=terms.on_item_failure,
        min_success=terms.min_success,
    )


def _concurrency(terms: ConcurrencyTerms | None) -> Concurrency | None:
    if terms is None:
        return None
    key = Template.of(terms.key, place="concurrency.key")
    return Concurrency(key=key, limit=terms.limit, on_conflict=terms.on_conflict)
