"""`foldgate kafka …`: what a Kafka cluster that is not the suite's own needs."""

from typing import Annotated

import typer

from foldgate.cli.finding import AsJson, Data

commands = typer.Typer(help="Prepare a Kafka cluster for a suite.", no_args_is_help=True, rich_markup_mode="markdown")
Suite = Annotated[
    str | None,
    typer.Option("--suite", metavar="NAME", help="Default: FOLDGATE_SUITE, else foldgate.", show_default=False),
]
Apply = Annotated[
    bool, typer.Option("--apply", help="Do it, at the brokers and under the name that FOLDGATE_KAFKA… give.")
]


@commands.command("topics")
def topics(suite: Suite = None, apply: Apply = False, as_json: AsJson = False, data: Data = None) -> None:
    """Print the topics of a suite with their settings, as YAML; with --apply, make those that are missing.

    The services make them themselves where the brokers let them. A topic that is there with another number of
    partitions is left alone, and named.
    """
    from foldgate.cli import finding
    from foldgate.cli.kafka_preparing import make_topics, topics_document
    from foldgate.cli.terminal import say_document

    if apply:
        finding.run(make_topics(finding.settings_of_suite(data), suite=suite))
    else:
        say_document(topics_document(suite), as_json=as_json)


@commands.command("acls")
def acls(
    pool: Annotated[
        list[str] | None,
        typer.Option(
            "--pool", metavar="POOL", help="A pool whose workers get access. Default: default. May be repeated."
        ),
    ] = None,
    principal: Annotated[
        list[str] | None,
        typer.Option(
            "--principal",
            metavar="WHO=NAME",
            help="What the brokers call somebody: engine=User:CN=engine.example.com, or worker.POOL=User:… May be"
            " repeated. Default: User:SUITE-WHO.",
        ),
    ] = None,
    suite: Suite = None,
    apply: Apply = False,
    as_json: AsJson = False,
    data: Data = None,
) -> None:
    """Print what each service, and the workers of each pool, may do at the brokers, as YAML; with --apply, allow it.

    It is the least that each of them needs. Nothing that is allowed already is taken away.
    """
    from foldgate.cli import finding
    from foldgate.cli.kafka_preparing import acls_document, allow_all, named
    from foldgate.cli.terminal import say_document
    from foldgate.contracts.access import DEFAULT_POOL

    names = named(principal or [], pools=pool or [DEFAULT_POOL])
    if apply:
        finding.run(allow_all(finding.settings_of_suite(data), suite=suite, names=names))
    else:
        say_document(acls_document(suite, names=names), as_json=as_json)
