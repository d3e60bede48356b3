"""`foldgate timeline RUN`: every event of one run, from every stream, in order."""

from typing import Annotated

import typer

from foldgate.cli.finding import AsJson, Data


def timeline(
    run: Annotated[str, typer.Argument(metavar="RUN", help="The id of a run.")],
    follow: Annotated[bool, typer.Option("--follow", help="Go on with what comes, until the run is over.")] = False,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Everything that happened in a run, read from the log itself.

    The order is that of cause and effect, not of clocks: what an event answers comes before it. With --follow,
    what comes later is told as it comes.
    """
    from foldgate.cli import finding
    from foldgate.cli.run_history import print_timeline

    finding.run(print_timeline(run, follow=follow, data=data, as_json=as_json))
