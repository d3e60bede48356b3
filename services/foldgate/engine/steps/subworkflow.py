"""A subworkflow: a child run, on a partition of its own. Its end comes up as an event, and a cancellation goes down.

The version is resolved, and depth and recursion are judged, when the step begins; the child is pinned to what was
found. Its run id derives from this run and the step, so however often it is asked for, there is one child.
"""

import msgspec

from foldgate.contracts import ids
from foldgate.contracts.events import Ancestor, ChildCancelRequested, ChildEnded, ChildRequested
from foldgate.engine.runs.places import Place
from foldgate.engine.runs.turn import Ending, Turn, Unfit, shortened
from foldgate.engine.steps.instant import progress, wake
from foldgate.engine.steps.parallel import deadline
from foldgate.language.definition import Definition, SubworkflowSpec

__all__ = ["begin", "call_back", "ended", "progress", "wake"]

MAX_DEPTH = 16


def begin(turn: Turn, place: Place, given: str) -> None:
    """Ask for the child run."""
    run, spec = turn.run, place.step.spec
    assert isinstance(spec, SubworkflowSpec)
    ancestors = (*run.ancestors, Ancestor(run_id=run.run_id, workflow=run.workflow))
    child = _resolved(turn, spec, ancestors)
    if child.input_schema is not None:
        problem = child.input_schema.problem(msgspec.json.decode(given))
        if problem is not None:
            raise Unfit("input_invalid", f"The input does not fit that of '{child.workflow}': {problem}")
    asked = ChildRequested(
        step=place.id,
        child_run=ids.child_run_id(run.run_id, place.id),
        workflow=child.workflow,
        version=child.version,
        digest=child.digest,
        input=given,
        labels=run.labels,
        ancestors=ancestors,
        parent=turn.parent(place),
        deadline=deadline(turn, place),
    )
    turn.say(asked, principal=run.principal)


def call_back(turn: Turn, place: Place, ending: Ending) -> None:
    """Call the child back; the step ends when it has."""
    child, reason = turn.step(place).awaits, shortened(ending.reason)
    said = ChildCancelRequested(step=place.id, child_run=child, ending=ending.status, reason=reason)
    turn.say(said, principal=turn.run.principal)


def ended(turn: Turn, place: Place, child: ChildEnded) -> None:
    """The child has ended: so does the step."""
    step = turn.step(place)
    if child.status == "succeeded":
        turn.succeed(place, child.output)
    elif step.status == "cancelling":
        code = "timeout" if step.ending == "timed_out" else "cancelled"
        turn.end(place, Ending(step.ending, code, step.reason))
    else:
        turn.end(place, Ending(child.status, child.code, f"Its run {step.awaits}: {child.reason}"))


def _resolved(turn: Turn, spec: SubworkflowSpec, ancestors: tuple[Ancestor, ...]) -> Definition:
    tenant, name = turn.run.tenant, spec.workflow
    if name in {one.workflow for one in ancestors}:
        raise Unfit("recursive", f"Expected another workflow than those above, but '{name}' is one of them.")
    if len(ancestors) > MAX_DEPTH:
        raise Unfit("too_deep", f"Expected at most {MAX_DEPTH} runs above one another, but this would be one more.")
    table = turn.definitions
    found = table.version(tenant, name, spec.version) if spec.version else table.latest(tenant, name)
    if found is None:
        asked = f"version '{spec.version}' of '{name}'" if spec.version else f"'{name}'"
        raise Unfit("unknown_workflow", f"Expected a published workflow, but there is no {asked}: publish it first.")
    return found
