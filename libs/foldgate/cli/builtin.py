"""`foldgate worker --builtin`: what the built-in worker is allowed to do, as options, and the worker that they make."""

import ipaddress
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from foldgate.cli.mistakes import AskedWrongly

if TYPE_CHECKING:
    from foldgate.sdk.builtin.addresses import Network
    from foldgate.sdk.builtin.requests import HttpTerms
    from foldgate.sdk.builtin.scripts import ScriptTerms
    from foldgate.sdk.worker import Worker
    from foldgate.servers.account import Account

PANEL = "The built-in worker"
MIB = 1024 * 1024

Kinds = Annotated[
    str | None,
    typer.Option(
        "--builtin", metavar="KINDS", help="Do steps of these types: http, script, or both.", rich_help_panel=PANEL
    ),
]
Name = Annotated[str, typer.Option("--name", metavar="NAME", help="What it is called.", rich_help_panel=PANEL)]
InPool = Annotated[str, typer.Option("--pool", metavar="POOL", help="Whose jobs it takes.", rich_help_panel=PANEL)]
Parallel = Annotated[
    int, typer.Option("--max-parallel", metavar="N", min=1, max=1000, help="Jobs at once.", rich_help_panel=PANEL)
]
Capabilities = Annotated[
    list[str] | None,
    typer.Option("--capability", metavar="NAME", help="What it can be counted on to have.", rich_help_panel=PANEL),
]
Secrets = Annotated[
    list[str] | None,
    typer.Option(
        "--secret",
        metavar="PATTERN",
        help="Variables that inputs may refer to as secret://env/NAME. Default: none.",
        rich_help_panel=PANEL,
    ),
]
Hosts = Annotated[
    list[str] | None,
    typer.Option(
        "--http-host",
        metavar="PATTERN",
        help="A host that requests may go to, as *.example.com or name:port. Default: any that is public.",
        rich_help_panel=PANEL,
    ),
]
Networks = Annotated[
    list[str] | None,
    typer.Option(
        "--http-network",
        metavar="CIDR",
        help="Addresses that are not public, and to which requests may go all the same.",
        rich_help_panel=PANEL,
    ),
]
Authorities = Annotated[
    Path | None,
    typer.Option(
        "--http-ca",
        metavar="FILE",
        exists=True,
        dir_okay=False,
        help="Further authorities for TLS, as PEM.",
        rich_help_panel=PANEL,
    ),
]
HttpBytes = Annotated[
    int,
    typer.Option("--http-max-bytes", metavar="N", min=1, help="How large an answer may be.", rich_help_panel=PANEL),
]
HttpTimeout = Annotated[
    float,
    typer.Option(
        "--http-timeout", metavar="SECONDS", min=0.001, help="How long an answer may take.", rich_help_panel=PANEL
    ),
]
Folder = Annotated[
    Path | None,
    typer.Option("--scripts", metavar="DIR", help="The folder of the scripts that steps name.", rich_help_panel=PANEL),
]
ScriptTimeout = Annotated[
    float,
    typer.Option(
        "--script-timeout", metavar="SECONDS", min=0.001, help="How long a script may take.", rich_help_panel=PANEL
    ),
]
Cpu = Annotated[
    int,
    typer.Option(
        "--script-cpu",
        metavar="SECONDS",
        min=0,
        help="Processor time of each of its processes; 0: no limit.",
        rich_help_panel=PANEL,
    ),
]
Memory = Annotated[
    int,
    typer.Option(
        "--script-memory",
        metavar="MIB",
        min=0,
        help="Address space of each of its processes; 0: no limit.",
        rich_help_panel=PANEL,
    ),
]
FileSize = Annotated[
    int,
    typer.Option(
        "--script-file-size",
        metavar="MIB",
        min=0,
        help="Size of each of its files; 0: no limit.",
        rich_help_panel=PANEL,
    ),
]


@dataclass(frozen=True, kw_only=True)
class Options:
    """All that was said of the built-in worker; None where nothing was."""

    name: str
    pool: str
    max_parallel: int
    capabilities: Sequence[str] | None
    secrets: Sequence[str] | None
    hosts: Sequence[str] | None
    networks: Sequence[str] | None
    authorities: Path | None
    http_max_bytes: int
    http_timeout_s: float
    scripts: Path | None
    script_timeout_s: float
    cpu_s: int
    memory_mib: int
    file_mib: int


def builtin(kinds: str, options: Options) -> "Worker":
    """The worker for these kinds."""
    from foldgate.contracts.topics import is_pool_name
    from foldgate.sdk.builtin.offer import HTTP, KINDS, SCRIPT, builtin_worker
    from foldgate.sdk.errors import WorkerUnfit

    wanted = [kind.strip() for kind in kinds.split(",")]
    if unknown := [kind for kind in wanted if kind not in KINDS]:
        raise AskedWrongly(f"Expected --builtin to be {', '.join(KINDS)} or one of them, but got '{unknown[0]}'.")
    if not is_pool_name(options.pool):
        raise AskedWrongly(f"Expected --pool to be the name of a pool, but got '{options.pool}'.")
    _check_kinds(wanted, options)
    try:
        return builtin_worker(
            options.name,
            http=_http(options) if HTTP in wanted else None,
            scripts=_scripts(options) if SCRIPT in wanted else None,
            pool=options.pool,
            max_parallel=options.max_parallel,
            capabilities=options.capabilities or (),
            secrets=options.secrets or (),
        )
    except WorkerUnfit as error:
        raise AskedWrongly(str(error)) from error


def _check_kinds(wanted: Sequence[str], options: Options) -> None:
    """What is said of a kind that it does not do is a mistake of somebody."""
    if "http" not in wanted and (options.hosts or options.networks or options.authorities):
        raise AskedWrongly("Expected --builtin http beside --http-host, --http-network and --http-ca, but it has none.")
    if "script" not in wanted and options.scripts:
        raise AskedWrongly("Expected --builtin script beside --scripts, but it has none.")
    if "script" in wanted and not options.scripts:
        raise AskedWrongly("Expected the folder of the scripts that steps may name, --scripts DIR, but none was given.")


def _http(options: Options) -> "HttpTerms":
    from foldgate.sdk.builtin.requests import HttpTerms

    return HttpTerms(
        hosts=tuple(options.hosts) if options.hosts else None,
        networks=tuple(map(_network, options.networks or ())),
        authorities=None if options.authorities is None else str(options.authorities),
        max_bytes=options.http_max_bytes,
        timeout_s=options.http_timeout_s,
    )


def _network(text: str) -> "Network":
    try:
        return ipaddress.ip_network(text)
    except ValueError as error:
        raise AskedWrongly(f"Expected --http-network to be a range such as 10.0.0.0/8, but: {error}.") from None


def _scripts(options: Options) -> "ScriptTerms":
    from foldgate.sdk.builtin.processes import Limits
    from foldgate.sdk.builtin.scripts import ScriptTerms

    assert options.scripts is not None
    return ScriptTerms(
        folder=options.scripts,
        account=_account(),
        limits=Limits(cpu_s=options.cpu_s, memory_bytes=options.memory_mib * MIB, file_bytes=options.file_mib * MIB),
        timeout_s=options.script_timeout_s,
    )


def _account() -> "Account | None":
    """Who runs scripts: never root, and whoever runs the worker otherwise."""
    from foldgate.cli.terminal import note
    from foldgate.servers.account import UNPRIVILEGED, nobody

    if os.geteuid() != 0:
        note("Scripts run as the user of this worker: they may do whatever that user may.")
        return None
    found = nobody()
    if found is None:
        raise AskedWrongly(
            f"Expected a user named {' or '.join(UNPRIVILEGED)} to run scripts as, since this is root, but there is"
            " none. Create one (`useradd --system foldgate`), or start as an ordinary user."
        )
    note(f"Scripts run as {found.name}.")
    return found
