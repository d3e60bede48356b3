"""The program `foldgate`."""

import logging
import sys
from typing import Annotated

import typer

from foldgate.cli import (
    api_keys,
    approvals,
    artifacts,
    bench,
    database,
    demo,
    dlq,
    doctor,
    kafka,
    keys,
    policy,
    pools,
    run,
    streams,
    timeline,
    up,
    why,
    worker,
    workers,
    workflow,
)
from foldgate.cli.mistakes import report

commands = typer.Typer(
    name="foldgate",
    help="Runs workflows of AI agents and other workers: every side effect authorised first, every transition a fact"
    " on a log.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)
commands.command("up")(up.up)
commands.command("demo")(demo.demo)
commands.command("bench")(bench.bench)
commands.command("doctor")(doctor.doctor)
commands.command("timeline")(timeline.timeline)
commands.command("why")(why.why)
commands.command("worker")(worker.worker)
commands.add_typer(run.commands, name="run")
commands.add_typer(approvals.commands, name="approvals")
commands.add_typer(policy.commands, name="policy")
commands.add_typer(pools.commands, name="pools")
commands.add_typer(workers.commands, name="workers")
commands.add_typer(dlq.commands, name="dlq")
commands.add_typer(artifacts.commands, name="artifacts")
commands.add_typer(keys.commands, name="keys")
commands.add_typer(api_keys.commands, name="api-keys")
commands.add_typer(database.commands, name="database")
commands.add_typer(kafka.commands, name="kafka")
commands.add_typer(streams.commands, name="streams")
commands.add_typer(workflow.commands, name="workflow")


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"foldgate {version('foldgate')}")
        raise typer.Exit


@commands.callback()
def foldgate(
    debug: Annotated[bool, typer.Option("--debug", help="Show the stack trace of what fails.")] = False,
    version: Annotated[
        bool, typer.Option("--version", help="Show the version.", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    """Everything that is asked before a command."""
    del debug, version  # the one is read in `app`, when all of this is over; the other has been answered


def app() -> None:
    """The console script: does what is asked, and exits."""
    logging.getLogger().addHandler(logging.NullHandler())  # what libraries complain of, we say in our own words
    try:
        commands()
    except Exception as error:  # noqa: BLE001 - whatever it is, it becomes one line
        sys.exit(report(error, debug="--debug" in sys.argv or _debug_by_environment()))


def _debug_by_environment() -> bool:
    from foldgate.runtime.settings import given

    return given().get("FOLDGATE_LOG_LEVEL") == "debug"


if __name__ == "__main__":
    app()
