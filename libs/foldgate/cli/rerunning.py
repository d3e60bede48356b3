"""Runs a run again from a step: a new run that takes over what was done upstream of it, read from the old one's log."""

import difflib
from pathlib import Path
from typing import NamedTuple

import msgspec

from foldgate.authority.foreseeing import Foresight, Planned
from foldgate.cli import asking
from foldgate.cli.folding import FoldedRun, folded
from foldgate.cli.mistakes import AskedWrongly
from foldgate.cli.plan_of_run import foresight, print_plan
from foldgate.cli.published import Published, published
from foldgate.cli.reaching import PRINCIPAL, Reached, opened
from foldgate.cli.starting import seen_of_workflows
from foldgate.cli.terminal import harmless, note
from foldgate.contracts.events import RunRequested, RunStarted
from foldgate.language.definition import Definition
from foldgate.language.upstream import outermost
from foldgate.sdk import requests
from foldgate.sdk.rerunning import a_rerun

_JOB = "job"


class RunLive(AskedWrongly):
    """The run goes on: what it will have done is not known yet."""


class Again(NamedTuple):
    """What is asked for, and what it will do."""

    event: RunRequested
    definition: Definition


async def rerun_one(
    run_id: str,
    step: str,
    *,
    latest: bool,
    key: str,
    dry_run: bool,
    wait: bool,
    timeout_s: float | None,
    data: Path | None,
    as_json: bool,
) -> int:
    """Ask for the new run, or print its plan."""
    async with opened(data) as suite:
        old = await folded(suite, run_id)
        again = await _again(suite, old, step, latest=latest, key=key)
        if dry_run:
            _print(again, old.tenant, await foresight(suite), as_json=as_json)
            return 0
        client = suite.client(old.tenant)
        prepared = requests.a_run(old.tenant, again.event)
        return await asking.start(client, prepared, wait=wait, timeout_s=timeout_s, as_json=as_json)


async def _again(suite: Reached, old: FoldedRun, step: str, *, latest: bool, key: str) -> Again:
    started = _started(old)
    definition = await _definition(suite, old, started, latest=latest)
    top = outermost(definition, known_step(definition, step))
    if top != step:
        note(f"{harmless(step, most=100)} belongs to {top}: all of {top} runs again.")
    event = a_rerun(
        old.run_id,
        started,
        (seen.event for seen in old.events if seen.event is not None),
        definition=definition,
        step=top,
        latest=latest,
        key=key,
        workflows_offset=await seen_of_workflows(suite),
    )
    return Again(event, definition)


def _started(old: FoldedRun) -> RunStarted:
    if not old.is_over:
        raise RunLive(
            f"Expected a run that has ended, but {old.run_id} goes on: cancel it first with `foldgate run cancel"
            f" {old.run_id}`, or wait for its end."
        )
    if old.started is None:
        raise AskedWrongly(f"Expected a run that was started, but {harmless(old.run_id)} was refused.")
    return old.started


async def _definition(suite: Reached, old: FoldedRun, started: RunStarted, *, latest: bool) -> Definition:
    if started.workflow == _JOB:
        from foldgate.language.compile import single_job

        return single_job(started.kind, started.topic)
    found: Published = await published(suite, tenant=old.tenant)
    return found.definition(found.version(started.workflow, "" if latest else started.version))


def known_step(definition: Definition, step: str) -> str:
    """That step of the workflow; of `step[3]` the step that it is one of."""
    name = step.partition("[")[0]
    if name in definition.steps:
        return name
    near = difflib.get_close_matches(name, definition.steps, n=1, cutoff=0.4)
    hint = f"did you mean '{near[0]}'?" if near else f"it has {', '.join(definition.order[:20])}."
    raise AskedWrongly(
        f"Expected a step of '{definition.workflow}', but there is no '{harmless(step, most=100)}': {hint}"
    )


def _print(again: Again, tenant: str, now: Foresight, *, as_json: bool) -> None:
    rerun = again.event.rerun
    assert rerun is not None
    taken = {
        "rerun_of": rerun.run_id,
        "from_step": rerun.from_step,
        "input": msgspec.json.decode(again.event.input),
        "ctx": {name: msgspec.json.decode(value) for name, value in rerun.ctx.items()},
    }
    definition, event = again.definition, again.event
    run = Planned.of(
        definition,
        tenant=tenant,
        principal=PRINCIPAL,
        labels=event.labels,
        given=event.input,
        key=event.idempotency_key,
    )
    print_plan(definition, run, now, as_json=as_json, kept=rerun.outputs, again=taken)
