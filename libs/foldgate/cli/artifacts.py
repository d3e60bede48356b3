"""`foldgate artifacts …`: what is too large for events, into the suite's store and out of it."""

from pathlib import Path
from typing import Annotated

import typer

from foldgate.cli.finding import AsJson, Data, Tenant

commands = typer.Typer(
    help="Put, get and clean up artifacts: what is too large for events.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)


@commands.command("put")
def put(
    file: Annotated[str, typer.Argument(metavar="FILE", help="The file; `-` for standard input.")],
    content_type: Annotated[
        str,
        typer.Option(
            "--type",
            metavar="TYPE",
            help="Its content type: handlers find the value of `application/json`. Default: by the file's name.",
            show_default=False,
        ),
    ] = "",
    tenant: Tenant = "default",
    data: Data = None,
) -> None:
    """Keep a file; prints, as JSON, what stands for it in an input."""
    from foldgate.cli import finding
    from foldgate.cli.artifacts_moving import put_file

    finding.run(put_file(file, content_type, tenant=tenant, data=data))


@commands.command("get")
def get(
    reference: Annotated[str, typer.Argument(metavar="REFERENCE", help="sha256:…, as it stands in `$artifact`.")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="Where to; `-` for standard output.")],
    force: Annotated[bool, typer.Option("--force", help="Put it in the place of a file that is there.")] = False,
    tenant: Tenant = "default",
    data: Data = None,
) -> None:
    """Fetch an artifact into a file, which is there only once all of it was compared with the reference."""
    from foldgate.cli import finding
    from foldgate.cli.artifacts_moving import get_file

    finding.run(get_file(reference, output, force=force, tenant=tenant, data=data))


@commands.command("sweep")
def sweep(
    idle_days: Annotated[
        int | None,
        typer.Option(
            "--idle-days",
            metavar="DAYS",
            min=1,
            help="What was put or fetched since is not looked at. Default: FOLDGATE_ARTIFACT_IDLE_DAYS, which is 30.",
            show_default=False,
        ),
    ] = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Remove artifacts that nothing on the log names. The first sweep that finds one condemns it; one a day later
    removes it. To be run every day."""
    from foldgate.cli import finding
    from foldgate.cli.artifacts_moving import sweep_store

    finding.run(sweep_store(idle_days, data=data, as_json=as_json))
