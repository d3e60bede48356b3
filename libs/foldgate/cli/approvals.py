"""`foldgate approvals …`: what people are asked, and their answers."""

from pathlib import Path
from typing import Annotated, Any

import typer

from foldgate.cli.finding import AsJson, Data

commands = typer.Typer(help="Answer what runs ask of people.", no_args_is_help=True, rich_markup_mode="markdown")

Approval = Annotated[str, typer.Argument(metavar="APPROVAL", help="A question, as `approvals list` names it.")]
Reason = Annotated[str, typer.Option("--reason", help="Why, for whoever reads the timeline.")]
Voter = Annotated[
    str,
    typer.Option(
        "--as", metavar="NAME", help="Whose vote it is. Default: the user of this machine.", show_default=False
    ),
]


@commands.command("list")
def list_questions(
    everything: Annotated[bool, typer.Option("--all", help="Also those that are over.")] = False,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """What is open, the oldest first."""
    from foldgate.cli import finding
    from foldgate.cli.questions import print_list

    finding.run(print_list(everything=everything, data=data, as_json=as_json))


@commands.command("show")
def show(approval: Approval, data: Data = None, as_json: AsJson = False) -> None:
    """One question: what is shown, on which terms it is answered, and who has voted."""
    from foldgate.cli import finding
    from foldgate.cli.questions import print_question

    finding.run(print_question(approval, data=data, as_json=as_json))


@commands.command("approve")
def approve(
    approval: Approval,
    body: Annotated[
        str, typer.Option("--input", metavar="JSON", help="The data that is asked for, or @FILE to read it from.")
    ] = "null",
    reason: Reason = "",
    voter: Voter = "",
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Say yes, with the data if data is asked for. The exit code is 1 where the vote does not count."""
    from foldgate.cli.asking import parsed

    given = parsed(body, "--input")
    _vote(approval, True, given=given, reason=reason, voter=voter, data=data, as_json=as_json)


@commands.command("reject")
def reject(
    approval: Approval, reason: Reason = "", voter: Voter = "", data: Data = None, as_json: AsJson = False
) -> None:
    """Say no. The exit code is 1 where the vote does not count."""
    _vote(approval, False, given=None, reason=reason, voter=voter, data=data, as_json=as_json)


def _vote(
    approval: str, approve: bool, *, given: Any, reason: str, voter: str, data: Path | None, as_json: bool
) -> None:
    import getpass

    from foldgate.cli import finding
    from foldgate.cli.questions import vote

    named = voter or getpass.getuser()
    work = vote(approval, approve=approve, given=given, reason=reason, voter=named, data=data, as_json=as_json)
    raise typer.Exit(finding.run(work))
