"""`foldgate dlq …`: the jobs that nobody will try again by itself, and what becomes of them."""

import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any

import typer

from foldgate.cli.finding import AsJson, Data
from foldgate.cli.mistakes import FAILED

commands = typer.Typer(
    help="Look at jobs that nobody will try again by itself (dead letters); try them again, or give them up.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)

LETTER = "RUN:STEP, as `dlq list` names it; RUN alone where that run has one open letter."
Letter = Annotated[str, typer.Argument(metavar="LETTER", help=LETTER)]
Letters = Annotated[list[str], typer.Argument(metavar="LETTER…", help=LETTER)]
Reason = Annotated[str, typer.Option("--reason", help="Why, for those who read it later.")]
By = Annotated[
    str,
    typer.Option("--as", metavar="NAME", help="Who asks. Default: the user of this machine.", show_default=False),
]
Sure = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask, after they are named, whether to do it.")]


@commands.command("list")
def list_letters(
    everything: Annotated[bool, typer.Option("--all", help="Also those that were retried or discarded.")] = False,
    run: Annotated[str, typer.Option("--run", metavar="RUN", help="Of this run alone.")] = "",
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """The dead letters that are open, the oldest first."""
    from foldgate.cli import finding
    from foldgate.cli.letters_showing import print_list

    finding.run(print_list(everything=everything, run=run, data=data, as_json=as_json))


@commands.command("show")
def show(letter: Letter, data: Data = None, as_json: AsJson = False) -> None:
    """One of them: why nobody tries it again, each attempt, what policy said of the last, and what the job would do."""
    from foldgate.cli import finding
    from foldgate.cli.letters_showing import print_letter

    finding.run(print_letter(letter, data=data, as_json=as_json))


@commands.command("retry")
def retry(
    letters: Letters,
    latest: Annotated[
        bool, typer.Option("--latest", help="Use the workflow's latest version, not the run's own.")
    ] = False,
    reason: Reason = "",
    wait: Annotated[bool, typer.Option("--wait", help="Wait for the end of each new run.")] = False,
    timeout_s: Annotated[
        float | None, typer.Option("--timeout", metavar="SECONDS", min=0, help="With --wait: give up after so long.")
    ] = None,
    by: By = "",
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Try again: a new run from that step on, which takes over what was done before it.

    However often it is asked for, there is one new run. A step inside a group means the whole group. The exit code is 1
    where a letter was settled already; with --wait, also where a new run does not succeed.
    """
    from foldgate.cli.letters_settling import Retrying, retry_all

    wanted = Retrying(latest=latest, reason=reason, wait=wait, timeout_s=timeout_s)
    _exit(retry_all(letters, wanted, by=_who(by), data=data, as_json=as_json))


@commands.command("discard")
def discard(
    letters: Letters,
    reason: Reason = "",
    sure: Sure = False,
    by: By = "",
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Give up: nobody tries it again. The exit code is 1 where a letter was settled already."""
    from foldgate.cli.letters_settling import discard_all

    if not (sure or as_json) and sys.stdin.isatty():
        _confirm(letters, data=data)
    _exit(discard_all(letters, reason=reason, by=_who(by), data=data, as_json=as_json))


def _confirm(letters: list[str], *, data: Path | None) -> None:
    from foldgate.cli import finding
    from foldgate.cli.letters_showing import print_named

    finding.run(print_named(letters, data=data))
    typer.confirm("Discard? Nobody tries a discarded job again.", abort=True)


def _who(by: str) -> str:
    import getpass

    return by or getpass.getuser()


def _exit(work: Coroutine[Any, Any, bool]) -> None:
    from foldgate.cli import finding

    raise typer.Exit(0 if finding.run(work) else FAILED)
