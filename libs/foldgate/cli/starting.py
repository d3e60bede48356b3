"""Starts runs of workflows, or says what one would do."""

from pathlib import Path
from typing import Any

import msgspec

from foldgate.authority.foreseeing import Planned
from foldgate.authority.request import canonical
from foldgate.cli import asking
from foldgate.cli.mistakes import CannotGoOn
from foldgate.cli.plan_of_run import foresight, print_plan
from foldgate.cli.published import published
from foldgate.cli.reaching import PRINCIPAL, Reached, opened
from foldgate.contracts.places import Partition
from foldgate.contracts.topics import WORKFLOWS


class WouldBeRefused(CannotGoOn):
    """The plan shows that the engine would refuse this."""


async def start_one(
    workflow: str,
    payload: Any,
    *,
    version: str,
    key: str,
    labels: dict[str, str],
    wait: bool,
    timeout_s: float | None,
    tenant: str,
    data: Path | None,
    as_json: bool,
) -> int:
    """Start a run of a workflow."""
    async with opened(data) as suite:
        client = suite.client(tenant)
        prepared = client.run(
            workflow,
            payload,
            version=version,
            labels=labels,
            idempotency_key=key,
            workflows_offset=await seen_of_workflows(suite),
        )
        return await asking.start(client, prepared, wait=wait, timeout_s=timeout_s, as_json=as_json)


async def start_job(
    topic: str,
    payload: Any,
    *,
    key: str,
    wait: bool,
    timeout_s: float | None,
    tenant: str,
    data: Path | None,
    as_json: bool,
) -> int:
    """Start a run of one step; without waiting, its verdict is not waited for either."""
    async with opened(data) as suite:
        client = suite.client(tenant)
        asked = await client.run_job(topic, payload, idempotency_key=key)
        if not wait:
            asking.tell_asked(asked.run_id, asked.request_id, as_json=as_json)
            return 0
        end = await asking.ended(client, asked.run_id, asked.request_id, timeout_s=timeout_s)
        return asking.tell_end(asked.run_id, end, as_json=as_json)


async def seen_of_workflows(suite: Reached) -> int:
    """How far the engine must have read: what was published before this command is known to the run."""
    return await suite.log.end(Partition(WORKFLOWS.name, 0))


async def plan_one(
    workflow: str,
    payload: Any,
    *,
    version: str,
    key: str,
    labels: dict[str, str],
    tenant: str,
    data: Path | None,
    as_json: bool,
) -> None:
    """Print what a run would do; nothing is asked for."""
    async with opened(data) as suite:
        found, now = await published(suite, tenant=tenant), await foresight(suite)
    chosen = found.version(workflow, version)
    if found.is_retired(workflow):
        raise WouldBeRefused(f"Expected a workflow that starts runs, but '{workflow}' is retired: publish it again.")
    definition = found.definition(chosen)
    if definition.input_schema is not None and (problem := definition.input_schema.problem(payload)) is not None:
        raise WouldBeRefused(f"Expected an input that fits the workflow's input_schema. {problem}")
    given = canonical(msgspec.json.encode(payload))
    run = Planned.of(definition, tenant=tenant, principal=PRINCIPAL, labels=labels, given=given, key=key)
    print_plan(definition, run, now, as_json=as_json)
