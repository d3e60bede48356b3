"""`foldgate api-keys …`: who may come in by the gateway, as whom, what for, and until when."""

from typing import Annotated

import typer

from foldgate.cli.finding import AsJson, Data

commands = typer.Typer(
    help="Make, list, replace and revoke the keys by which programs and people ask the gateway.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)

Which = Annotated[str, typer.Argument(metavar="KEY", help="The name of a key, or its id.")]
Expires = Annotated[
    str, typer.Option("--expires-in", metavar="DURATION", help="How long it is good, such as 90d. Default: for ever.")
]


@commands.command("create")
def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Who asks with it: events and timelines say this name.")],
    role: Annotated[
        list[str],
        typer.Option(
            "--role",
            metavar="ROLE",
            help="viewer, worker, operator, approver, policy_admin or admin, and roles by which votes count, such as"
            " sre. May be repeated.",
        ),
    ],
    tenant: Annotated[
        list[str] | None,
        typer.Option("--tenant", metavar="TENANT", help="Whose objects; * for all. Default: default. May be repeated."),
    ] = None,
    expires_in: Expires = "",
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Make a key. It is shown once: only its SHA-256 is kept."""
    from foldgate.cli import finding
    from foldgate.cli.api_keys_changing import NewKey, create_key

    wanted = NewKey(name, roles=tuple(role), tenants=tuple(tenant or ("default",)), expires_in=expires_in)
    finding.run(create_key(wanted, data=data, as_json=as_json))


@commands.command("list")
def list_keys(
    everything: Annotated[bool, typer.Option("--all", help="Also those that are expired or revoked.")] = False,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Each key: its roles and tenants, until when it is good, and when it was last used. Nobody has the secrets."""
    from foldgate.cli import finding
    from foldgate.cli.api_keys_changing import print_keys

    finding.run(print_keys(everything=everything, data=data, as_json=as_json))


@commands.command("rotate")
def rotate(
    which: Which,
    overlap: Annotated[
        str, typer.Option("--overlap", metavar="DURATION", help="How long the old one is good yet; 0s: no more.")
    ] = "24h",
    expires_in: Annotated[
        str,
        typer.Option("--expires-in", metavar="DURATION", help="How long the new one is. Default: as long as the old."),
    ] = "",
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Make a key in place of another, with its name, roles and tenants. Both are good for a while."""
    from foldgate.cli import finding
    from foldgate.cli.api_keys_changing import rotate_key

    finding.run(rotate_key(which, overlap=overlap, expires_in=expires_in, data=data, as_json=as_json))


@commands.command("revoke")
def revoke(which: Which, data: Data = None, as_json: AsJson = False) -> None:
    """End a key, or all keys of a name. Gateways let nobody in by it after two seconds."""
    from foldgate.cli import finding
    from foldgate.cli.api_keys_changing import revoke_keys

    finding.run(revoke_keys(which, data=data, as_json=as_json))
