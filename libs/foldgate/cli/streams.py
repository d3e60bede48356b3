"""`foldgate streams …`: what is on the log, as it lies there."""

from typing import Annotated

import typer

from foldgate.cli.finding import AsJson, Data

commands = typer.Typer(help="Look at the streams of the log.", no_args_is_help=True, rich_markup_mode="markdown")


def _names(incomplete: str) -> list[str]:
    """For the shell's completion."""
    from foldgate.contracts.topics import STREAMS

    return [stream.name for stream in STREAMS if stream.name.startswith(incomplete)]


@commands.command("list")
def list_streams(data: Data = None, as_json: AsJson = False) -> None:
    """The streams: how many records they hold, who owns them, and in which epoch."""
    from foldgate.cli import finding
    from foldgate.cli.listing import list_all

    finding.run(list_all(data, as_json=as_json))


@commands.command("tail")
def tail(
    stream: Annotated[str, typer.Argument(help="A stream, such as runs or dispatch.default.", autocompletion=_names)],
    start: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="OFFSET|beginning|end",
            help="Where to begin in each partition. Default: at the last LIMIT records.",
            show_default=False,
        ),
    ] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what comes.")] = False,
    limit: Annotated[
        int | None, typer.Option(min=1, help="How many records. Default: 20, or no limit with --from.")
    ] = None,
    run: Annotated[str | None, typer.Option(metavar="RUN", help="Only what is about this run.")] = None,
    everything: Annotated[
        bool,
        typer.Option("--all", help="Also what does not count, dimmed, and records that only move positions."),
    ] = False,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """The records of a stream, decoded; what cannot be decoded is shown as its bytes.

    `foldgate streams tail quarantine` shows what was set aside: why, where it lay, and its bytes.
    """
    from foldgate.cli import finding
    from foldgate.cli.tailing import Wanted, print_tail

    wanted = Wanted(start=start, follow=follow, limit=limit, run=run, everything=everything)
    finding.run(print_tail(stream, wanted, data=data, as_json=as_json))


@commands.command("rebuild")
def rebuild(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME]...", help="Read models, such as runs. Default: all of them.")
    ] = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Build read models anew from the streams, while those that are live go on serving.

    One that was broken off is gone on with. Readers see the new one once it has everything that the old one has.
    """
    from foldgate.cli import finding, rebuilding

    finding.run(rebuilding.rebuild(names or [], data=data, as_json=as_json))
