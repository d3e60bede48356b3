"""`foldgate demo`: a suite, a run, a worker that is killed in the middle of it, and the timeline that tells of it."""

from typing import Annotated

import typer

from foldgate.cli.finding import AsJson


def demo(
    keep: Annotated[bool, typer.Option("--keep", help="Keep the data folder afterwards, to look at.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show on this machine what happens to a run whose worker dies: nothing is lost, and nothing is done unseen.

    Starts a suite with a database of its own in a temporary folder, and two workers, one after the other. Takes a few
    seconds, and leaves nothing running.
    """
    from foldgate.cli import finding
    from foldgate.cli.demonstration import demonstrate

    finding.run(demonstrate(keep=keep, as_json=as_json))
