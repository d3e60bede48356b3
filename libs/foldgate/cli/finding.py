"""Which suite a command speaks to: the one the environment names, else the one that runs in the data folder."""

from collections.abc import Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from foldgate.cli.mistakes import CannotGoOn

if TYPE_CHECKING:
    from foldgate.runtime.settings import Settings

T = TypeVar("T")
LOCAL = "local"
"""What `--kafka` takes instead of an address: a broker of the suite's own."""
Data = Annotated[
    Path | None,
    typer.Option(
        "--data",
        envvar="FOLDGATE_DATA",
        help="The data folder of the suite. Default: ~/.local/share/foldgate.",
        show_default=False,
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
Tenant = Annotated[str, typer.Option("--tenant", metavar="TENANT", help="Whose workflows and runs are meant.")]


class NoSuite(CannotGoOn):
    """No suite runs where one was looked for, and none was named."""


def folder(data: Path | None) -> Path:
    """The data folder that is meant."""
    from foldgate.servers.folder import data_folder

    return (data or data_folder()).expanduser().absolute()


def settings_of_suite(data: Path | None) -> "Settings":
    """The settings under which the suite can be spoken to."""
    from foldgate.cli import up_file
    from foldgate.runtime.settings import from_environment, given

    found = given()
    if found.get("FOLDGATE_KAFKA") == LOCAL:  # meant for `up`: where that broker is, the suite itself says
        del found["FOLDGATE_KAFKA"]
    if "FOLDGATE_POSTGRES" in found or "FOLDGATE_KAFKA" in found:
        return from_environment(found)
    suite = up_file.read(folder(data))
    if suite is None or not suite.alive:
        gone = f" (the last one there, process {suite.pid}, is gone)" if suite else ""
        raise NoSuite(
            f"Expected a suite to run in {folder(data)}, but none does{gone}. Start one with `foldgate up`, name its"
            " folder with --data DIR, or set FOLDGATE_POSTGRES or FOLDGATE_KAFKA."
        )
    return from_environment({**suite.settings, **found})


def key_for(url: str, data: Path | None) -> str:
    """The key to be shown to that gateway: FOLDGATE_API_KEY, or where it is the gateway of the suite here, the key that
    this suite has made. Nobody else is shown that one. Empty if there is none."""
    from foldgate.cli import up_file
    from foldgate.runtime.settings import variable

    if (named := variable("FOLDGATE_API_KEY")) is not None:
        return named
    suite = up_file.read(folder(data))
    is_here = suite is not None and suite.alive and url.rstrip("/") in (suite.url, f"http://localhost:{suite.port}")
    return suite.settings.get("FOLDGATE_API_KEY", "") if suite is not None and is_here else ""


def run(work: Coroutine[Any, Any, T]) -> T:
    """Do the work of a command; Ctrl-C ends it quietly."""
    import uvloop

    try:
        return uvloop.run(work)
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
