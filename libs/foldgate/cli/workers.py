"""`foldgate workers …`: who is there to do jobs."""

from typing import Annotated

import typer

from foldgate.cli.finding import AsJson, Data

commands = typer.Typer(help="Look at who is there to do jobs.", no_args_is_help=True, rich_markup_mode="markdown")


@commands.command("list")
def list_workers(
    pool: Annotated[str, typer.Option("--pool", metavar="POOL", help="Only those of this pool.")] = "",
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Each worker: its pool, what it does and is able to, what it holds, how busy it is, and its last beat."""
    from foldgate.cli import finding
    from foldgate.cli.workers_showing import print_workers

    finding.run(print_workers(pool=pool, data=data, as_json=as_json))
