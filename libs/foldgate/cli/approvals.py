"""`foldgate approvals …`: what people are asked, by runs and by policy, and their answers."""

import sys
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer

from foldgate.cli.finding import AsJson, Data

commands = typer.Typer(
    help="Answer what runs and policy ask of people.", no_args_is_help=True, rich_markup_mode="markdown"
)

Approval = Annotated[str, typer.Argument(metavar="APPROVAL", help="A question, as `approvals list` names it.")]
Reason = Annotated[str, typer.Option("--reason", help="Why, for whoever reads the timeline.")]
Roles = Annotated[
    list[str] | None,
    typer.Option("--role", metavar="ROLE", help="A role of theirs; may be given several times. The issuer vouches."),
]
Binding = Annotated[
    str,
    typer.Option(
        "--binding",
        metavar="DIGEST",
        help="Vote only if this is still what is asked, as `approvals show` names it. Default: what it is now.",
        show_default=False,
    ),
]
Sure = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask, after the question is shown, whether to vote.")]
Voter = Annotated[
    str,
    typer.Option(
        "--as", metavar="NAME", help="Whose vote it is. Default: the user of this machine.", show_default=False
    ),
]


class NewVote(NamedTuple):
    """A vote as somebody gives it. The name and the roles are what the issuer of the suite vouches for."""

    approve: bool
    voter: str
    roles: tuple[str, ...]
    reason: str
    binding: str
    given: Any = None


@commands.command("list")
def list_questions(
    everything: Annotated[bool, typer.Option("--all", help="Also those that are over.")] = False,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """What is open, the oldest first."""
    from foldgate.cli import finding
    from foldgate.cli.question_showing import print_list

    finding.run(print_list(everything=everything, data=data, as_json=as_json))


@commands.command("show")
def show(approval: Approval, data: Data = None, as_json: AsJson = False) -> None:
    """One question: what is shown, on which terms it is answered, and who has voted."""
    from foldgate.cli import finding
    from foldgate.cli.question_showing import print_question

    finding.run(print_question(approval, data=data, as_json=as_json))


@commands.command("approve")
def approve(
    approval: Approval,
    body: Annotated[
        str, typer.Option("--input", metavar="JSON", help="The data that is asked for, or @FILE to read it from.")
    ] = "null",
    reason: Reason = "",
    voter: Voter = "",
    role: Roles = None,
    binding: Binding = "",
    sure: Sure = False,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Say yes, with the data if data is asked for. The exit code is 1 where the vote does not count."""
    from foldgate.cli.asking import parsed

    wanted = NewVote(True, voter, tuple(role or ()), reason=reason, binding=binding, given=parsed(body, "--input"))
    _vote(approval, wanted, sure=sure, data=data, as_json=as_json)


@commands.command("reject")
def reject(
    approval: Approval,
    reason: Reason = "",
    voter: Voter = "",
    role: Roles = None,
    binding: Binding = "",
    sure: Sure = False,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Say no. The exit code is 1 where the vote does not count."""
    wanted = NewVote(False, voter, tuple(role or ()), reason=reason, binding=binding)
    _vote(approval, wanted, sure=sure, data=data, as_json=as_json)


def _vote(approval: str, wanted: NewVote, *, sure: bool, data: Path | None, as_json: bool) -> None:
    """Show what is voted on, and vote on that: should another thing be asked meanwhile, the vote does not count."""
    import getpass

    from foldgate.cli import finding
    from foldgate.cli.question_showing import tell_question
    from foldgate.cli.voting import look, vote

    asked = finding.run(look(approval, data=data))
    wanted = wanted._replace(voter=wanted.voter or getpass.getuser(), binding=wanted.binding or asked.binding)
    if not as_json:
        tell_question(asked)
        if not sure and sys.stdin.isatty():
            typer.confirm(f"Vote {'yes' if wanted.approve else 'no'} as {wanted.voter}?", abort=True)
    raise typer.Exit(finding.run(vote(asked, wanted, data=data, as_json=as_json)))
