"""Publishes and retires workflows, and tells what their owner said to it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from foldgate.cli.documents import judged, print_judged, shown_version
from foldgate.cli.mistakes import FAILED
from foldgate.cli.reaching import opened
from foldgate.cli.telling import told
from foldgate.cli.terminal import harmless, plain, say, say_json
from foldgate.contracts.events import (
    Event,
    WorkflowConfirmed,
    WorkflowPublished,
    WorkflowRefused,
    WorkflowRetired,
)

_STATUS = {"WorkflowPublished": "published", "WorkflowConfirmed": "unchanged", "WorkflowRetired": "retired"}


async def publish_all(files: Sequence[str], *, tenant: str, data: Path | None, as_json: bool) -> int:
    """Publish these documents; none, if one of them is no workflow."""
    documents = judged(files)
    if any(document.problems for document in documents):
        print_judged([document for document in documents if document.problems], as_json=as_json)
        return FAILED
    async with opened(data) as suite:
        client = suite.client(tenant)
        said = [(document.file, (await client.publish(document.source)).event) for document in documents]
    if as_json:
        say_json([{"file": file, **_as_object(event)} for file, event in said])
    else:
        for file, event in said:
            _print(file, event)
    return FAILED if any(isinstance(event, WorkflowRefused) for _, event in said) else 0


async def retire_one(workflow: str, *, reason: str, tenant: str, data: Path | None, as_json: bool) -> int:
    """Retire a workflow."""
    async with opened(data) as suite:
        verdict = await suite.client(tenant).retire(workflow, reason=reason)
    if as_json:
        say_json(_as_object(verdict.event))
    else:
        _print("", verdict.event)
    return FAILED if isinstance(verdict.event, WorkflowRefused) else 0


def _as_object(event: Event) -> dict[str, Any]:
    status = _STATUS.get(type(event).__name__, "refused")
    shown = {name: value for name, value in plain(event).items() if name not in ("definition", "source")}
    return {"status": status, **shown}


def _print(file: str, event: Event) -> None:
    where = f"{file}: " if file else ""
    match event:
        case WorkflowPublished() | WorkflowConfirmed():
            what = "published" if isinstance(event, WorkflowPublished) else "was there already"
            say(
                f"{where}{harmless(event.workflow)} {shown_version(event)} {what}, digest {event.digest}", style="green"
            )
        case WorkflowRetired():
            say(f"{harmless(event.workflow)} starts no new runs.", style="green")
        case WorkflowRefused(problems=problems):
            say(f"{where}{told(event, most=1000)}", style="red")
            for problem in problems:
                say(f"  {harmless(problem)}", style="red")
        case _:
            say(f"{where}{told(event)}")
