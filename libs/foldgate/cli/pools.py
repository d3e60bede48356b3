"""`foldgate pools …`: which pools there are, which topics go to them, and which of them take jobs."""

from collections.abc import Coroutine
from typing import Annotated, Any

import typer

from foldgate.cli.finding import AsJson, Data
from foldgate.cli.mistakes import FAILED

commands = typer.Typer(
    help="Say which pools there are and which topics go to them; close and open them.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)

Pool = Annotated[str, typer.Argument(metavar="POOL", help="The name of a pool, as `pools list` shows it.")]
Reason = Annotated[str, typer.Option("--reason", help="Why, for those who read it later.")]
By = Annotated[
    str,
    typer.Option("--as", metavar="NAME", help="Who asks. Default: the user of this machine.", show_default=False),
]


@commands.command("list")
def list_pools(data: Data = None, as_json: AsJson = False) -> None:
    """Each pool: whether it takes jobs, its workers, what they hold and what waits; and which topics go where."""
    from foldgate.cli import finding
    from foldgate.cli.pools_showing import print_pools

    finding.run(print_pools(data=data, as_json=as_json))


@commands.command("show")
def show(
    pool: Annotated[str, typer.Argument(metavar="[POOL]", help="Default: the document, to change and put again.")] = "",
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """One pool with its terms and workers; or the document that holds, as YAML."""
    from foldgate.cli import finding
    from foldgate.cli.pools_showing import print_document, print_pool

    work = print_pool(pool, data=data, as_json=as_json) if pool else print_document(data=data, as_json=as_json)
    finding.run(work)


@commands.command("put")
def put(
    file: Annotated[str, typer.Argument(metavar="FILE", help="All pools and routes, YAML or JSON; - is the input.")],
    reason: Reason = "",
    revision: Annotated[
        int | None,
        typer.Option(
            "--revision",
            metavar="N",
            help="The revision that was changed; 0 for the first. Default: the last.",
            show_default=False,
        ),
    ] = None,
    by: By = "",
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Say which pools there are from now on, and which topics go to them. Every mistake is told with its file, line and
    column."""
    from foldgate.cli.pools_changing import put_document

    _exit(put_document(file, reason=reason, revision=revision, by=_who(by), data=data, as_json=as_json))


@commands.command("drain")
def drain(pool: Pool, reason: Reason = "", by: By = "", data: Data = None, as_json: AsJson = False) -> None:
    """Let a pool take no more jobs: what its workers hold they finish, and what waits goes elsewhere where it can."""
    from foldgate.cli.pools_changing import drain_pool

    _exit(drain_pool(pool, draining=True, reason=reason, by=_who(by), data=data, as_json=as_json))


@commands.command("open")
def open_pool(pool: Pool, reason: Reason = "", by: By = "", data: Data = None, as_json: AsJson = False) -> None:
    """Let a pool that was drained take jobs again."""
    from foldgate.cli.pools_changing import drain_pool

    _exit(drain_pool(pool, draining=False, reason=reason, by=_who(by), data=data, as_json=as_json))


def _who(by: str) -> str:
    import getpass

    return by or getpass.getuser()


def _exit(work: Coroutine[Any, Any, bool]) -> None:
    from foldgate.cli import finding

    raise typer.Exit(0 if finding.run(work) else FAILED)
