"""`foldgate keys …`: keys for a suite, who holds them and until when, and new ones in place of old."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from foldgate.cli.finding import AsJson, Data
from foldgate.cli.mistakes import AskedWrongly

if TYPE_CHECKING:
    from foldgate.authority.keys import Certificate

commands = typer.Typer(
    help="Make the keys by which a suite signs, show them, and replace them.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)

Which = Literal["kernel", "scheduler", "issuer", "suite"]
Folder = Annotated[
    Path | None,
    typer.Argument(metavar="[FOLDER]", help="Default: FOLDGATE_KEYS, else that of the suite here.", show_default=False),
]


@commands.command("init")
def init(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="A folder that is not there yet.")],
    as_json: AsJson = False,
) -> None:
    """Make a folder of new keys. Its `root.key` makes other keys: keep it where no service can read it."""
    from foldgate.runtime import key_making
    from foldgate.runtime.clock import SystemClock

    if folder.exists():
        raise AskedWrongly(
            f"Expected a folder that is not there yet, but {folder} is: `foldgate keys rotate` replaces keys in it."
        )
    folder.parent.mkdir(parents=True, exist_ok=True)
    key_making.make(folder, key_making.new_files(SystemClock().now_ms()))
    _print(folder, as_json=as_json)


@commands.command("show")
def show(folder: Folder = None, data: Data = None, as_json: AsJson = False) -> None:
    """Show which root keys are trusted, and what they vouch for. Nothing secret is shown."""
    _print(_folder(folder, data), as_json=as_json)


@commands.command("person")
def person(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Whose key it is: it speaks for nobody else.")],
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where it is put: a file that is not there yet.")],
    role: Annotated[
        list[str] | None,
        typer.Option("--role", metavar="ROLE", help="What they are, such as policy_author. May be repeated."),
    ] = None,
    root: Annotated[
        Path | None,
        typer.Option("--root", metavar="FILE", help="The root key. Default: `root.key` of the suite's folder of keys."),
    ] = None,
    data: Data = None,
) -> None:
    """Make somebody's own key, good for a year: `foldgate policy put --sign FILE` signs a document with it."""
    from foldgate.cli.terminal import say
    from foldgate.runtime import key_making
    from foldgate.runtime.clock import SystemClock

    if file.exists():
        raise AskedWrongly(f"Expected a file that is not there yet, but {file} is.")
    text = _text(root or _folder(None, data) / "root.key")
    made = key_making.new_person(text, name, roles=role or (), at=SystemClock().now_ms())
    key_making.write(file.absolute().parent, {file.name: made})
    say(f"{file} is the key of '{name}'. Whoever has it signs in that name: it is theirs alone.")


@commands.command("rotate")
def rotate(
    which: Annotated[Which, typer.Argument(metavar="kernel|scheduler|issuer|suite", help="The key to replace.")],
    folder: Folder = None,
    root: Annotated[
        Path | None,
        typer.Option("--root", metavar="FILE", help="The root key. Default: `root.key` of the folder."),
    ] = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Replace a key. Services take it at their next start; what the old one signed stays good until its certificate
    ends or is revoked. After the key of the suite, start the engine anew before the scheduler."""
    from foldgate.runtime import key_making
    from foldgate.runtime.clock import SystemClock

    found = _folder(folder, data)
    if which == "suite":
        made = key_making.with_new_suite_key((found / "suite.key").read_bytes())
    else:
        made = key_making.replaced(_text(root or found / "root.key"), which, at=SystemClock().now_ms())
    key_making.write(found, made)
    _print(found, as_json=as_json)


def _folder(folder: Path | None, data: Path | None) -> Path:
    from foldgate.cli import finding
    from foldgate.runtime.settings import given

    named = given().get("FOLDGATE_KEYS")
    found = folder or (Path(named) if named else finding.folder(data) / "keys")
    if not found.is_dir():
        raise AskedWrongly(f"Expected a folder of keys at {found}, but there is none: `foldgate keys init` makes one.")
    return found


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError as error:
        raise AskedWrongly(
            f"Expected the root key at {path}, but: {error.strerror}. Say with --root where it is kept."
        ) from None


def _print(folder: Path, *, as_json: bool) -> None:
    from foldgate.cli.terminal import say, say_json

    roots = (folder / "root.pub").read_text().split()
    certificates = _certificates(folder)
    if as_json:
        say_json({"folder": str(folder), "root_keys": roots, "certificates": [_shown(one) for one in certificates]})
        return
    say(f"Keys in {folder}")
    for root in roots:
        say(f"  root       {root}")
    for one in map(_shown, certificates):
        say(f"  {one['purpose']:10} {one['key_id']} '{one['name']}' until {one['until'][:10]}")


def _certificates(folder: Path) -> "list[Certificate]":
    from foldgate.runtime.key_making import PURPOSES
    from foldgate.runtime.keys import Keys, file_of, reading

    keys = Keys(reading(folder))
    return [getattr(keys, purpose).certificate for purpose in PURPOSES if (folder / file_of(purpose)).exists()]


def _shown(certificate: "Certificate") -> Mapping[str, Any]:
    from datetime import UTC, datetime

    return {
        "purpose": certificate.purpose,
        "key_id": certificate.key_id,
        "name": certificate.name,
        "roles": list(certificate.roles),
        "tenant": certificate.tenant,
        "until": datetime.fromtimestamp(certificate.not_after / 1000, UTC).isoformat(timespec="seconds"),
    }
