"""`foldgate up`: a whole suite on this machine, from nothing, until it is told to stop."""

from typing import Annotated

import typer

from foldgate.cli.finding import AsJson, Data


def up(
    kafka: Annotated[
        str | None,
        typer.Option(
            metavar="HOST:PORT|local",
            help="Keep the log in this Kafka, or in a broker of the suite's own (needs Java 17 and, once, Maven).",
        ),
    ] = None,
    postgres: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Use this PostgreSQL instead of one of the suite's own."),
    ] = None,
    processes: Annotated[
        bool, typer.Option("--processes", help="Run each service in a process of its own, instead of all in one.")
    ] = False,
    data: Data = None,
    port: Annotated[
        int | None,
        typer.Option(help="Where the API is served; 0 takes any free port. Default: 8081.", show_default=False),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Start the suite and keep it running until Ctrl-C or SIGTERM.

    Without options everything runs in this one process, on a PostgreSQL that comes along. The settings of the services
    (FOLDGATE_…, see the list of settings) hold here as well.
    """
    from foldgate.cli.finding import folder
    from foldgate.cli.plan import planned
    from foldgate.cli.supervising import supervise

    plan = planned(data=folder(data), kafka=kafka, postgres=postgres, port=port, processes=processes)
    supervise(plan, as_json=as_json)
