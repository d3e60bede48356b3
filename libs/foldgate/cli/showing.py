"""Shows workflows: as a list, one with its steps, its document, and its graph."""

from pathlib import Path
from typing import Any

import msgspec

from foldgate.cli import graph
from foldgate.cli.documents import shown_version
from foldgate.cli.mistakes import AskedWrongly
from foldgate.cli.published import Published, Version, published
from foldgate.cli.reaching import opened
from foldgate.cli.terminal import console, harmless, say, say_json, table
from foldgate.cli.words import moment
from foldgate.language.definition import Definition
from foldgate.language.edges import kind_of


async def print_list(*, tenant: str, data: Path | None, as_json: bool) -> None:
    """Every workflow, by its id."""
    async with opened(data) as suite:
        found = await published(suite, tenant=tenant)
    listed = [_listed(found, workflow) for workflow in sorted(found.versions)]
    if as_json:
        say_json(listed)
        return
    shown = table("workflow", "version", "#versions", "state", "published", "by", "digest")
    for one in listed:
        latest = found.version(one["workflow"])
        row = (one["workflow"], shown_version(latest.event), one["versions"], one["state"], one["published_at"])
        shown.add_row(*map(str, row), harmless(latest.by, most=30), latest.event.digest[:12])
    console().print(shown)


def _listed(found: Published, workflow: str) -> dict[str, Any]:
    latest = found.version(workflow)
    return {
        "workflow": workflow,
        "version": latest.event.version,
        "digest": latest.event.digest,
        "versions": len(found.versions[workflow]),
        "state": "retired" if found.is_retired(workflow) else "active",
        "published_at": moment(latest.at),
        "published_by": latest.by,
    }


async def print_workflow(workflow: str, version: str, *, tenant: str, data: Path | None, as_json: bool) -> None:
    """One version of a workflow."""
    async with opened(data) as suite:
        found = await published(suite, tenant=tenant)
    chosen = found.version(workflow, version)
    if as_json:
        say_json(_shown(found, chosen))
    else:
        _print(found, chosen)


def _shown(found: Published, chosen: Version) -> dict[str, Any]:
    versions = found.versions[chosen.event.workflow]
    return {
        "workflow": chosen.event.workflow,
        "version": chosen.event.version,
        "digest": chosen.event.digest,
        "state": "retired" if found.is_retired(chosen.event.workflow) else "active",
        "published_at": moment(chosen.at),
        "published_by": chosen.by,
        "versions": [one.event.version for one in versions],
        "definition": msgspec.json.decode(chosen.event.definition),
    }


def _print(found: Published, chosen: Version) -> None:
    event, definition = chosen.event, found.definition(chosen)
    say(f"{event.workflow} {shown_version(event)}", style="bold magenta")
    if definition.name:
        say(f"  {harmless(definition.name, most=150)}")
    say(f"  digest     {event.digest}")
    say(f"  published  {moment(chosen.at)} by {harmless(chosen.by, most=60)}")
    if found.is_retired(event.workflow):
        say("  retired    starts no new runs", style="yellow")
    if len(found.versions[event.workflow]) > 1:
        say(f"  versions   {', '.join(shown_version(one.event) for one in found.versions[event.workflow])}")
    console().print(_steps(definition))


def _steps(definition: Definition) -> Any:
    shown = table("step", "type", "begins", "about")
    for step_id in definition.order:
        step = definition.steps[step_id]
        shown.add_row(step.id, kind_of(step), begins(definition, step_id), harmless(graph.about(step), most=100))
    return shown


def begins(definition: Definition, step_id: str) -> str:
    """When a step begins, in a few words."""
    step = definition.steps[step_id]
    words = [f"after {', '.join(step.depends_on)}"] if step.depends_on else []
    words += [f"in {step.parent}"] if step.parent else []
    words += [f"if {step.handles} fails"] if step.handles else []
    words += [f"to undo {step.undoes}"] if step.undoes else []
    return "; ".join(words) or "at the start"


async def print_source(workflow: str, version: str, *, tenant: str, data: Path | None) -> None:
    """The document as it was published."""
    async with opened(data) as suite:
        chosen = (await published(suite, tenant=tenant)).version(workflow, version)
    text = chosen.event.source or chosen.event.definition
    for line in text.splitlines():
        say(harmless(line.expandtabs()))


async def print_graph(
    workflow: str, version: str, *, tenant: str, data: Path | None, as_mermaid: bool, as_json: bool
) -> None:
    """The graph of a published version, or of a document in a file."""
    from foldgate.cli.drawing import mermaid, tree

    definition = _in_file(workflow)
    if definition is None:
        async with opened(data) as suite:
            found = await published(suite, tenant=tenant)
        definition = found.definition(found.version(workflow, version))
    if as_mermaid:
        say(mermaid(definition))
    elif as_json:
        say_json(graph.as_object(definition))
    else:
        console().print(tree(definition))


def _in_file(name: str) -> Definition | None:
    """The definition in that file; None if it is no name of a file."""
    if "/" not in name and not name.endswith((".yaml", ".yml", ".json")):
        return None
    from foldgate.language.compile import compiled
    from foldgate.language.problems import WorkflowInvalid
    from foldgate.language.publish import prepare

    try:
        prepared = prepare(Path(name).read_bytes())
    except OSError as error:
        raise AskedWrongly(f"Expected a workflow document that can be read, but: {error}.") from None
    except WorkflowInvalid as error:
        raise AskedWrongly(f"Expected a workflow in {name}, but {error.problems[0]}") from None
    return compiled(prepared.canonical, digest=prepared.digest)
