"""`foldgate demo`: a suite, a run, a worker that is killed in the middle of it, and the timeline that tells of it."""

from enum import StrEnum
from typing import Annotated

import typer

from foldgate.cli.finding import AsJson


class Scenario(StrEnum):
    """What there is to be shown."""

    WORKER = "worker"
    INCIDENT = "incident"


def demo(
    scenario: Annotated[
        Scenario, typer.Argument(help="incident: a worker dies, and people are asked; worker: a worker dies.")
    ] = Scenario.INCIDENT,
    keep: Annotated[bool, typer.Option("--keep", help="Keep the data folder afterwards, to look at.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show on this machine what happens to a run whose worker dies: nothing is lost, and nothing is done unseen.

    Starts a suite with a database of its own in a temporary folder, and two workers, one after the other. Takes some
    seconds, and leaves nothing running. In `incident`, a workflow of many steps, policy asks people before the patch.
    """
    from foldgate.cli import finding
    from foldgate.cli.demonstration import demonstrate

    finding.run(demonstrate(scenario.value, keep=keep, as_json=as_json))
