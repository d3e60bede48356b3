"""`foldgate timeline RUN`: every event of one run, from every stream, in order."""

from typing import Annotated

import typer

from foldgate.cli.finding import AsJson, Data


def timeline(
    run: Annotated[str, typer.Argument(metavar="RUN", help="The id of a run.")],
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Everything that happened in a run, read from the log itself.

    The order is that of cause and effect, not of clocks: what an event answers comes before it.
    """
    from foldgate.cli import finding
    from foldgate.cli.run_history import print_timeline

    finding.run(print_timeline(run, data=data, as_json=as_json))
