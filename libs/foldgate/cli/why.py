"""`foldgate why RUN`: what a run waits for and what to do about it, or how and why it ended."""

from typing import Annotated

import typer

from foldgate.cli.finding import AsJson, Data


def why(
    run: Annotated[str, typer.Argument(metavar="RUN", help="The id of a run.")],
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """What a run waits for, since when, and what to do about it; of one that is over, how and why it ended.

    Read from the log itself: it tells the same whether any service runs or not.
    """
    from foldgate.cli import finding
    from foldgate.cli.explaining import print_why

    finding.run(print_why(run, data=data, as_json=as_json))
