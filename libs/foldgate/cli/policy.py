"""`foldgate policy …`: change what is allowed, try it before, and look at what was decided."""

from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any

import typer

from foldgate.cli.finding import AsJson, Data
from foldgate.cli.mistakes import FAILED

commands = typer.Typer(
    help="Change what is allowed, try it before, and look at what was decided.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)

Files = Annotated[list[str], typer.Argument(metavar="FILE…", help="Bundles of rules, YAML or JSON; - is the input.")]
Bundle = Annotated[str, typer.Argument(metavar="BUNDLE", help="The id of a bundle, such as team/production.")]
Reason = Annotated[str, typer.Option("--reason", help="Why, for those who read it later.")]
By = Annotated[
    str,
    typer.Option("--as", metavar="NAME", help="Who asks. Default: the user of this machine.", show_default=False),
]
AsJob = Annotated[
    str,
    typer.Option("--job", metavar="JSON", help="The job, as tests of a bundle have it, or @FILE.", show_default=False),
]
AsRun = Annotated[
    str,
    typer.Option(
        "--run",
        metavar="JSON",
        help="Its run, as tests have it, or @FILE. Without a job: may it begin?",
        show_default=False,
    ),
]
With = Annotated[
    list[str] | None,
    typer.Option("--with", metavar="FILE", help="A bundle as it would be, beside or instead of an active one."),
]


@commands.command("put")
def put(
    files: Files,
    reason: Reason = "",
    revision: Annotated[
        int | None,
        typer.Option(
            "--revision",
            metavar="N",
            help="The revision that was changed; 0 for a new bundle. Default: the last.",
            show_default=False,
        ),
    ] = None,
    sign: Annotated[
        Path | None,
        typer.Option("--sign", metavar="FILE", help="Sign as their author, with this key (`foldgate keys person`)."),
    ] = None,
    by: By = "",
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Put drafts of bundles: they hold once they are published. Every mistake is told with its file, line and column,
    and stops all of them."""
    from foldgate.cli.policy_changing import put_all

    _exit(put_all(files, reason=reason, revision=revision, key=sign, by=_who(by), data=data, as_json=as_json))


@commands.command("publish")
def publish(
    bundles: Annotated[
        list[str] | None, typer.Argument(metavar="[BUNDLE…]", help="Whose last drafts. Default: all that wait.")
    ] = None,
    reason: Reason = "",
    by: By = "",
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Make drafts active: from now on they hold, together with every other active bundle."""
    from foldgate.cli.policy_changing import publish_drafts

    _exit(publish_drafts(bundles or [], reason=reason, by=_who(by), data=data, as_json=as_json))


@commands.command("rollback")
def rollback(
    snapshot: Annotated[
        str,
        typer.Argument(metavar="[SNAPSHOT]", help="A snapshot, or its first 8 digits. Default: the one before."),
    ] = "",
    reason: Reason = "",
    by: By = "",
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Make an earlier snapshot active again, whole as it was."""
    from foldgate.cli.policy_changing import roll_back

    _exit(roll_back(snapshot, reason=reason, by=_who(by), data=data, as_json=as_json))


@commands.command("delete")
def delete(bundle: Bundle, reason: Reason = "", by: By = "", data: Data = None, as_json: AsJson = False) -> None:
    """Let a bundle be active no longer. What was decided under it can still be explained, and it can be taken back."""
    from foldgate.cli.policy_changing import delete_one

    _exit(delete_one(bundle, reason=reason, by=_who(by), data=data, as_json=as_json))


@commands.command("shadow")
def shadow(
    bundle: Bundle,
    end: Annotated[bool, typer.Option("--end", help="Evaluate it no longer.")] = False,
    reason: Reason = "",
    by: By = "",
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Evaluate the last draft of a bundle beside what is active: what it would say is recorded, and changes nothing."""
    from foldgate.cli.policy_changing import shadow_one

    _exit(shadow_one(bundle, end=end, reason=reason, by=_who(by), data=data, as_json=as_json))


@commands.command("snapshots")
def snapshots(data: Data = None, as_json: AsJson = False) -> None:
    """Every snapshot that became active, when, and by whom; the last is the active one."""
    from foldgate.cli import finding
    from foldgate.cli.policy_showing import print_snapshots

    finding.run(print_snapshots(data=data, as_json=as_json))


@commands.command("show")
def show(
    named: Annotated[
        str, typer.Argument(metavar="[BUNDLE|SNAPSHOT]", help="Default: what is active, and what waits.")
    ] = "",
    source: Annotated[bool, typer.Option("--source", help="Print the last draft as it was put.")] = False,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """What is active and which drafts wait; or one bundle with its rules, or what a snapshot holds."""
    from foldgate.cli import finding
    from foldgate.cli.policy_showing import print_bundle_source, print_policy

    work = print_bundle_source(named, data=data) if source else print_policy(named, data=data, as_json=as_json)
    finding.run(work)


@commands.command("test")
def run_cases(files: Files, as_json: AsJson = False) -> None:
    """Run the tests that bundles carry, without any suite. The exit code is 1 where one fails."""
    from foldgate.cli.policy_trying import run_all

    raise typer.Exit(run_all(files, as_json=as_json))


@commands.command("simulate")
def simulate(
    job: AsJob = "",
    run: AsRun = "",
    with_files: With = None,
    drafts: Annotated[bool, typer.Option("--drafts", help="As if every draft that waits were published.")] = False,
    alone: Annotated[
        bool, typer.Option("--alone", help="Ask no suite: the bundles of --with are all there are.")
    ] = False,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """What would be decided on a job, or on a run that wants to begin, and what every rule says to it."""
    from foldgate.cli import finding
    from foldgate.cli.policy_trying import simulate_one

    work = simulate_one(job, run, files=with_files or [], drafts=drafts, alone=alone, data=data, as_json=as_json)
    finding.run(work)


@commands.command("backtest")
def backtest(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A bundle of rules, YAML or JSON; - is the input.")],
    days: Annotated[float, typer.Option("--days", min=0.001, metavar="N", help="How far back.")] = 7,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """What the decisions of the last days would have been under this bundle, together with the other active ones. It
    changes nothing, and asks no service."""
    from foldgate.cli import finding
    from foldgate.cli.backtesting import print_backtest

    finding.run(print_backtest(file, days=days, data=data, as_json=as_json))


@commands.command("explain")
def explain(
    run: Annotated[str, typer.Argument(metavar="RUN", help="The id of a run.")],
    step: Annotated[str, typer.Option("--step", metavar="STEP", help="Only decisions on jobs of this step.")] = "",
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """What was decided on a run and its jobs, and rule by rule why: under the snapshot of then, whatever holds now."""
    from foldgate.cli import finding
    from foldgate.cli.policy_explaining import print_explained

    finding.run(print_explained(run, step=step, data=data, as_json=as_json))


def _who(by: str) -> str:
    import getpass

    return by or getpass.getuser()


def _exit(work: Coroutine[Any, Any, bool]) -> None:
    from foldgate.cli import finding

    raise typer.Exit(0 if finding.run(work) else FAILED)
