"""How a run begins: what may be asked for, and what a request or a step above makes of it.

A request is refused with a reason, or becomes `RunStarted` and, in the same decision, whatever can begin at once. The
run id derives from tenant, workflow and idempotency key, so the same request again meets the run that it started.
"""

from collections.abc import Iterator, Mapping

import msgspec

from foldgate.authority.request import canonical, request_hash
from foldgate.contracts import ids
from foldgate.contracts.events import ChildRequested, Meta, Rerun, RunRefused, RunRequested, RunStarted, SlotRequested
from foldgate.decider.decider import Message, SetAside
from foldgate.engine.runs.advance import consider
from foldgate.engine.runs.beginning import GATED
from foldgate.engine.runs.ending import fail_run
from foldgate.engine.runs.turn import MAX_CARRIED_BYTES, Kind, Terms, Turn, Unfit, encoded, shortened, size_of
from foldgate.expr.template import ExpressionFailed
from foldgate.language.compile import single_job
from foldgate.language.definition import Definition, SwitchSpec
from foldgate.language.definitions import Definitions
from foldgate.language.upstream import upstream

MAX_NAME = 255
"""Characters of a name: what fits an index and a line."""
MAX_SEED_BYTES = 512 * 1024
"""What a rerun may take over in all, beside its input."""
SINGLE = "job"
"""The workflow of a run of one step."""


def definition_of(definitions: Definitions, *, digest: str, kind: str, topic: str) -> Definition:
    """What a run is pinned to."""
    found = definitions.by_digest(digest) if digest else single_job(kind, topic)
    if found is None:
        raise LookupError(f"the definition with digest {digest} was not read from the stream of workflows")
    return found


def requested(
    request: RunRequested,
    meta: Meta,
    message: Message,
    *,
    definitions: Definitions,
    terms: Terms,
    kinds: Mapping[str, Kind],
) -> Turn | RunRefused:
    """The start of a run that was asked for, or why there is none."""
    found = _definition(request, meta.tenant, definitions)
    refusal = found if isinstance(found, RunRefused) else _refusal(request, found)
    if refusal is not None:
        return refusal
    assert isinstance(found, Definition)
    turn = Turn(message, None, definition=found, definitions=definitions, terms=terms, kinds=kinds)
    single = request.workflow == SINGLE
    text = canonical(request.input)
    started = RunStarted(
        workflow=request.workflow,
        version=request.version if single else found.version,
        kind=request.kind if single else "",
        topic=request.topic,
        input=text,
        labels={**found.labels, **request.labels},
        idempotency_key=request.idempotency_key,
        request_hash=request_hash(request),
        digest="" if single else found.digest,
        deadline=_deadline(found, message.at),
        rerun=request.rerun,
        awaits_admission=request.rerun is not None or _awaits_admission(found),
    )
    turn.say(started)
    _go(turn)
    return turn


def asked_by_step(
    asked: ChildRequested, message: Message, *, definitions: Definitions, terms: Terms, kinds: Mapping[str, Kind]
) -> Turn:
    """The start of a child run. What could refuse it was judged by the step above."""
    found = definition_of(definitions, digest=asked.digest, kind="", topic="")
    turn = Turn(message, None, definition=found, definitions=definitions, terms=terms, kinds=kinds)
    started = RunStarted(
        workflow=asked.workflow,
        version=asked.version,
        input=asked.input,
        labels={**found.labels, **asked.labels},
        request_hash=b"",
        digest=asked.digest,
        deadline=_deadline(found, message.at),
        ancestors=asked.ancestors,
        parent_step=asked.step,
        awaits_admission=_awaits_admission(found),
    )
    turn.say(started, run_id=message.key)
    _go(turn)
    return turn


def _awaits_admission(definition: Definition) -> bool:
    """Whether policy lets it begin by a word of its own: where something comes without a writ, or no job at all."""
    steps = definition.steps
    roots = (steps[step_id] for step_id in definition.roots)
    asks = any(root.type == "job" and root.when is None and root.for_each is None for root in roots)
    return not asks or definition.concurrency is not None or any(step.type in GATED for step in steps.values())


def begin_roots(turn: Turn) -> None:
    """Begin what depends on nothing, and in a rerun what builds on what it took over."""
    for step_id, _ in list(turn.run.steps.items()):
        turn.skip_parts(turn.place(step_id))
    for step_id in turn.definition.order if turn.run.rerun_of else turn.definition.roots:
        consider(turn, step_id)


def check_names(request: RunRequested, meta: Meta) -> None:
    """Set aside what cannot be answered: a request that does not even name its run."""
    for what, name in (("tenant", meta.tenant), ("principal", meta.principal), ("request id", meta.request_id)):
        if len(name) > MAX_NAME:
            raise SetAside("name_too_long", f"Expected a {what} of at most {MAX_NAME} characters, but got {len(name)}.")
    expected = ids.run_id(meta.tenant, request.workflow, request.idempotency_key or meta.request_id)
    if meta.run_id != expected:
        raise SetAside("run_id_mismatch", f"Expected run id {expected} for this tenant, workflow and key.")


def _go(turn: Turn) -> None:
    """Ask for a place under its concurrency key, where it has one; else begin."""
    concurrency = turn.definition.concurrency
    if concurrency is None:
        begin_roots(turn)
        return
    try:
        slot = _slot(turn, encoded(turn.evaluate(concurrency.key, None)))
    except (ExpressionFailed, Unfit) as error:
        fail_run(turn, error.code, f"The concurrency key: {error}")
        return
    turn.say(SlotRequested(slot=slot, limit=concurrency.limit, on_conflict=concurrency.on_conflict))


def _slot(turn: Turn, key: str) -> str:
    if len(key) > MAX_NAME:
        raise Unfit("name_too_long", f"Expected at most {MAX_NAME} characters, but it has {len(key)}.")
    return f"{ids.workflow_key(turn.run.tenant, turn.run.workflow)}/{key}"


def _deadline(definition: Definition, at: int) -> int | None:
    return None if definition.timeout_ms is None else at + definition.timeout_ms


def _definition(request: RunRequested, tenant: str, definitions: Definitions) -> Definition | RunRefused:
    name, version = request.workflow, request.version
    if name == SINGLE:
        return single_job(request.kind, request.topic) if request.topic else _NO_TOPIC
    if definitions.is_retired(tenant, name) and request.rerun is None:
        return RunRefused(
            code="workflow_retired",
            reason=f"Expected a workflow that starts runs, but '{shortened(name, 200)}' is retired.",
        )
    found = definitions.version(tenant, name, version) if version else definitions.latest(tenant, name)
    if found is not None:
        return found
    known = definitions.latest(tenant, name) is not None
    return RunRefused(
        code="unknown_version" if known else "unknown_workflow",
        reason=f"Expected a published workflow, but there is no '{shortened(name, 200)}'"
        + (f" of version '{shortened(version, 200)}'." if version else ": publish it first."),
    )


_NO_TOPIC = RunRefused(code="no_topic", reason="Expected a topic such as 'job.echo', but it is empty.")


def _refusal(request: RunRequested, definition: Definition) -> RunRefused | None:
    if (too_long := _too_long(request)) is not None:
        return too_long
    try:
        text = canonical(request.input)
    except ValueError as error:
        return RunRefused(code="invalid_input", reason=f"Expected input that is JSON, but {error}.")
    if (size := sum(map(size_of, (text, *_others(request))))) > MAX_CARRIED_BYTES:
        reason = f"Expected a request of at most {MAX_CARRIED_BYTES} bytes of input and labels, but it has {size}."
        return RunRefused(code="too_large", reason=reason)
    if definition.input_schema is not None:
        problem = definition.input_schema.problem(msgspec.json.decode(text))
        if problem is not None:
            return RunRefused(code="invalid_input", reason=f"The input does not fit input_schema: {problem}")
    return _rerun_refusal(request, definition)


def _too_long(request: RunRequested) -> RunRefused | None:
    names = {
        "workflow": request.workflow,
        "version": request.version,
        "kind": request.kind,
        "topic": request.topic,
        "idempotency key": request.idempotency_key,
    }
    for what, name in names.items():
        if len(name) > MAX_NAME:
            reason = f"Expected a {what} of at most {MAX_NAME} characters, but got {len(name)}."
            return RunRefused(code="name_too_long", reason=reason)
    return None


def _rerun_refusal(request: RunRequested, definition: Definition) -> RunRefused | None:
    rerun = request.rerun
    if rerun is None:
        return None
    step = definition.steps.get(rerun.from_step)
    if step is None or step.parent or step.handles or step.undoes:
        reason = f"Expected a step at the top of '{definition.workflow}', but got '{shortened(rerun.from_step, 100)}'."
        return RunRefused(code="unknown_step", reason=reason)
    strange = sorted(set(rerun.outputs) - upstream(definition, rerun.from_step))
    if strange:
        reason = f"Expected outputs of steps before '{rerun.from_step}' alone, but '{strange[0]}' is none."
        return RunRefused(code="not_upstream", reason=reason)
    if (size := sum(map(size_of, _seeds(request)))) > MAX_SEED_BYTES:
        reason = f"Expected at most {MAX_SEED_BYTES} bytes of ctx and outputs to take over, but there are {size}."
        return RunRefused(code="rerun_too_large", reason=reason)
    return _unreadable(rerun, definition)


def _unreadable(rerun: Rerun, definition: Definition) -> RunRefused | None:
    try:
        for text in (*rerun.ctx.values(), *rerun.outputs.values()):
            canonical(text)
        for step_id, text in rerun.outputs.items():
            if isinstance(definition.steps[step_id].spec, SwitchSpec):
                msgspec.json.decode(text, type=_Led)
    except (ValueError, msgspec.ValidationError) as error:
        reason = f"Expected what is taken over to be JSON, and of a switch where it led, but {error}."
        return RunRefused(code="invalid_rerun", reason=reason)
    return None


class _Led(msgspec.Struct):
    """What others read of the output of a switch."""

    next: tuple[str, ...]


def _seeds(request: RunRequested) -> Iterator[str]:
    for table in (request.rerun.ctx, request.rerun.outputs) if request.rerun is not None else ():
        yield from table
        yield from table.values()


def _others(request: RunRequested) -> Iterator[str]:
    """All that a run takes over from its request, but the input."""
    yield from (request.workflow, request.version, request.kind, request.topic, request.idempotency_key)
    yield from request.labels
    yield from request.labels.values()
