"""What a run would do: each step with what begins it, before anything is asked for.

Whether a step may happen, and in which pool, is policy's word at the moment when it is asked: a plan cannot know it.
"""

from collections.abc import Collection
from typing import Any

from foldgate.cli.graph import about
from foldgate.cli.showing import begins
from foldgate.cli.terminal import console, harmless, note, say, say_json, table
from foldgate.language.definition import Definition, JobSpec
from foldgate.language.edges import kind_of

LATER = "asked when it runs"


def plan(definition: Definition, *, kept: Collection[str] = ()) -> list[dict[str, Any]]:
    """The steps in the order in which they can run. `kept` are those whose output is taken over from another run."""
    return [_step(definition, step_id, kept=step_id in kept) for step_id in definition.order]


def _step(definition: Definition, step_id: str, *, kept: bool) -> dict[str, Any]:
    step = definition.steps[step_id]
    asks = LATER if isinstance(step.spec, JobSpec) and not kept else ""
    return {
        "step": step_id,
        "type": kind_of(step),
        "about": about(step),
        "begins": "taken over" if kept else begins(definition, step_id),
        "decision": asks,
        "pool": (step.route.pool or asks) if asks else "",
    }


def print_plan(
    definition: Definition,
    *,
    given: str,
    as_json: bool,
    kept: Collection[str] = (),
    again: dict[str, Any] | None = None,
) -> None:
    """The plan; nothing is asked for."""
    steps = plan(definition, kept=kept)
    if as_json:
        about_run = {"workflow": definition.workflow, "version": definition.version, "digest": definition.digest}
        say_json({"dry_run": True, **about_run, **(again or {}), "steps": steps})
        return
    say(f"{definition.workflow} {harmless(definition.version, most=40)} with {harmless(given, most=160)}", style="bold")
    if again is not None:
        say(f"again from {again['from_step']} of {again['rerun_of']}, with ctx {harmless(str(again['ctx']), most=160)}")
    shown = table("step", "type", "about", "begins", "decision", "pool")
    for step in steps:
        shown.add_row(*(harmless(str(step[name]), most=80) for name in step))
    console().print(shown)
    note("Nothing was asked for: this is a plan.")
