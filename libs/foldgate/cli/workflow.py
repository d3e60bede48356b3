"""`foldgate workflow …`: publish workflows, and look at them."""

from typing import Annotated

import typer

from foldgate.cli.finding import AsJson, Data, Tenant
from foldgate.cli.mistakes import FAILED

commands = typer.Typer(help="Publish workflows, and look at them.", no_args_is_help=True, rich_markup_mode="markdown")

Files = Annotated[list[str], typer.Argument(metavar="FILE…", help="Workflow documents, YAML or JSON; - is the input.")]
Workflow = Annotated[str, typer.Argument(metavar="ID", help="The id of a workflow.")]
Version = Annotated[
    str,
    typer.Option(
        "--version", metavar="VERSION", help="A version, or the first 8 letters of a digest. Default: latest."
    ),
]


@commands.command("validate")
def validate(files: Files, as_json: AsJson = False) -> None:
    """Judge documents, without any suite: every problem is told with its file, line and column.

    The exit code is 1 if any of them is no workflow.
    """
    from foldgate.cli.documents import judged, print_judged

    documents = judged(files)
    print_judged(documents, as_json=as_json)
    raise typer.Exit(FAILED if any(document.problems for document in documents) else 0)


@commands.command("publish")
def publish(files: Files, tenant: Tenant = "default", data: Data = None, as_json: AsJson = False) -> None:
    """Publish documents: each becomes a version of its workflow, for ever. One that is no workflow stops all of them.

    A document that was published before changes nothing; the same version with other content is refused.
    """
    from foldgate.cli import finding
    from foldgate.cli.publishing import publish_all

    raise typer.Exit(finding.run(publish_all(files, tenant=tenant, data=data, as_json=as_json)))


@commands.command("retire")
def retire(
    workflow: Workflow,
    reason: Annotated[str, typer.Option(help="Why, for those who read it later.")] = "",
    tenant: Tenant = "default",
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Let a workflow start no new runs; what runs goes on. Publishing it again ends that."""
    from foldgate.cli import finding
    from foldgate.cli.publishing import retire_one

    work = retire_one(workflow, reason=reason, tenant=tenant, data=data, as_json=as_json)
    raise typer.Exit(finding.run(work))


@commands.command("list")
def list_workflows(tenant: Tenant = "default", data: Data = None, as_json: AsJson = False) -> None:
    """The published workflows: their latest version, how many there are, and whether they start runs."""
    from foldgate.cli import finding
    from foldgate.cli.showing import print_list

    finding.run(print_list(tenant=tenant, data=data, as_json=as_json))


@commands.command("show")
def show(
    workflow: Workflow,
    version: Version = "",
    source: Annotated[bool, typer.Option("--source", help="Print the document as it was published.")] = False,
    tenant: Tenant = "default",
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """One version of a workflow: its steps, its digest, and when it was published by whom."""
    from foldgate.cli import finding
    from foldgate.cli.showing import print_source, print_workflow

    if source:
        finding.run(print_source(workflow, version, tenant=tenant, data=data))
    else:
        finding.run(print_workflow(workflow, version, tenant=tenant, data=data, as_json=as_json))


@commands.command("graph")
def graph(
    workflow: Workflow,
    version: Version = "",
    as_mermaid: Annotated[bool, typer.Option("--mermaid", help="Print a Mermaid flowchart.")] = False,
    tenant: Tenant = "default",
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Which step leads to which. ID may also be the file of a document that is not published."""
    from foldgate.cli import finding
    from foldgate.cli.showing import print_graph

    work = print_graph(workflow, version, tenant=tenant, data=data, as_mermaid=as_mermaid, as_json=as_json)
    finding.run(work)
