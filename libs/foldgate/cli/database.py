"""`foldgate database …`: what a PostgreSQL that is not the suite's own needs."""

from typing import Annotated

import typer

from foldgate.cli.finding import Data

commands = typer.Typer(help="Prepare a PostgreSQL for a suite.", no_args_is_help=True, rich_markup_mode="markdown")


@commands.callback()
def database() -> None:
    """A group, also while there is one command in it."""


@commands.command("roles")
def roles(
    pool: Annotated[
        list[str] | None,
        typer.Option(
            "--pool", metavar="POOL", help="A pool whose workers get a role. Default: default. May be repeated."
        ),
    ] = None,
    suite: Annotated[
        str | None, typer.Option("--suite", metavar="NAME", help="Default: FOLDGATE_SUITE, else foldgate.")
    ] = None,
    apply: Annotated[
        bool, typer.Option("--apply", help="Run it, at the database and as the role that FOLDGATE_POSTGRES names.")
    ] = False,
    data: Data = None,
) -> None:
    """Print the SQL that makes a role for each service, and for the workers of each pool, with the least it needs.

    It is for the owner of the schema, who also has to be the first to connect, after each upgrade. The roles may log in
    and have no passwords: give them some, and each service its own FOLDGATE_POSTGRES.
    """
    from foldgate.cli import finding
    from foldgate.cli.role_making import apply_roles, suite_named
    from foldgate.contracts.access import DEFAULT_POOL
    from foldgate.eventlog.postgres_roles import roles_sql

    pools = pool or [DEFAULT_POOL]
    if apply:
        finding.run(apply_roles(finding.settings_of_suite(data), suite=suite, pools=pools))
    else:
        typer.echo(roles_sql(suite_named(suite), pools=pools), nl=False)
