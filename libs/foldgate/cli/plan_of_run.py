"""What a run would do: each step with what begins it, what policy says of it now, and where it would go.

Nothing is asked for. What policy says then is its word at the moment when it is asked, which may be another.
"""

from collections.abc import Collection
from typing import Any

from foldgate.authority.foreseeing import Foreseen, Foresight, Plan, Planned
from foldgate.cli.graph import about
from foldgate.cli.policy_history import history
from foldgate.cli.pools_known import known
from foldgate.cli.reaching import Reached
from foldgate.cli.showing import begins
from foldgate.cli.terminal import console, harmless, note, say, say_json, table
from foldgate.language.definition import Definition
from foldgate.language.edges import kind_of
from foldgate.runtime.clock import SystemClock


async def foresight(suite: Reached) -> Foresight:
    """What holds now."""
    policies = await history(suite)
    snapshot = policies.with_((), default_decision=suite.settings.default_decision)
    return Foresight(snapshot, await known(suite), SystemClock().now_ms())


def steps_of(definition: Definition, plan: Plan) -> list[dict[str, Any]]:
    """The steps in the order in which they can run, with those whose output is taken over from another run."""
    foreseen = {one.id: one for one in plan.steps}
    return [_step(definition, step_id, foreseen.get(step_id)) for step_id in definition.order]


def _step(definition: Definition, step_id: str, one: Foreseen | None) -> dict[str, Any]:
    step = definition.steps[step_id]
    by = f" by {one.rule}" if one is not None and one.rule else ""
    return {
        "step": step_id,
        "type": kind_of(step),
        "about": about(step),
        "begins": "taken over" if one is None else begins(definition, step_id),
        "decision": "" if one is None else one.decision + by,
        "reason": "" if one is None else one.reason,
        "pool": "" if one is None else one.pool or one.pool_reason,
    }


def print_plan(
    definition: Definition,
    run: Planned,
    foresight: Foresight,
    *,
    as_json: bool,
    kept: Collection[str] = (),
    again: dict[str, Any] | None = None,
) -> None:
    """The plan; nothing is asked for."""
    plan = foresight.plan(definition, run, done=kept)
    steps = steps_of(definition, plan)
    if as_json:
        about_run = {"workflow": definition.workflow, "version": definition.version, "digest": definition.digest}
        begin = {"policy_snapshot": plan.policy_snapshot, "decision": plan.decision, "reason": plan.reason}
        say_json({"dry_run": True, **about_run, **begin, **(again or {}), "steps": steps})
        return
    named = f"{definition.workflow} {harmless(definition.version, most=40)}"
    say(f"{named} with {harmless(run.input, most=160)}", style="bold")
    if again is not None:
        say(f"again from {again['from_step']} of {again['rerun_of']}, with ctx {harmless(str(again['ctx']), most=160)}")
    if plan.decision == "deny":
        say(f"it may not begin, by {harmless(plan.rule)}: {harmless(plan.reason, most=300)}", style="red")
    columns = ("step", "type", "about", "begins", "decision", "pool")
    shown = table(*columns)
    for step in steps:
        shown.add_row(*(harmless(str(step[name]), most=80) for name in columns))
    console().print(shown)
    note("Nothing was asked for: this is a plan.")
