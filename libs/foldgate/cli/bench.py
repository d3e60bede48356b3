"""`foldgate bench`: how fast a suite is on this machine, and how much of that is the log's own speed."""

from enum import StrEnum
from typing import Annotated

import typer

from foldgate.cli.finding import AsJson


class Driver(StrEnum):
    """Where the log is kept."""

    POSTGRES = "postgres"
    KAFKA = "kafka"


def bench(
    driver: Annotated[
        list[Driver] | None,
        typer.Option(help="The log to measure on; may be given twice. Default: postgres. (kafka needs Java 17.)"),
    ] = None,
    processes: Annotated[
        bool | None,
        typer.Option(
            "--processes/--together",
            help="Each service in a process of its own, or all in one. Default: one after the other.",
            show_default=False,
        ),
    ] = None,
    runs: Annotated[int, typer.Option(min=1, help="How many runs of each kind are timed, one after the other.")] = 50,
    seconds: Annotated[int, typer.Option(min=1, help="For how long the highest steady rate is measured.")] = 10,
    as_json: AsJson = False,
) -> None:
    """Measure a suite of its own on this machine, with a policy of ten rules; takes about a minute for each setting.

    Times of runs of 1, 3 and 9 steps and of 100 at once, from asking to the end; the highest steady rate of steps; the
    processor time of a step; and, on the same server, what the log alone can do with as many events of that size.
    Starts everything in a temporary folder, and leaves nothing running.
    """
    from foldgate.cli import finding
    from foldgate.cli.benching import Setting, measure

    chosen = [
        Setting(one.value, apart)
        for one in driver or [Driver.POSTGRES]
        for apart in ((False, True) if processes is None else (processes,))
    ]
    finding.run(measure(chosen, runs=runs, seconds=seconds, as_json=as_json))
