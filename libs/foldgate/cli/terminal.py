"""What is printed: text for people, JSON for programs, and never a byte that could drive somebody's terminal.

Results go to standard output; progress and mistakes go to standard error, so that results can be piped. What came from
the log is foreign: control characters are spelt out, and no text is read as markup.
"""

import contextlib
import sys
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

WIDTH_OF_A_PIPE = 200


@cache
def console(*, stderr: bool = False) -> "Console":
    """Where people read; without colours, and wide, when it is not a terminal."""
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    return Console(file=stream, highlight=False, markup=False, width=None if stream.isatty() else WIDTH_OF_A_PIPE)


def say(line: "str | Text" = "", *, style: str | None = None) -> None:
    """One line of a result; as long as it is."""
    console().print(line, style=style, soft_wrap=True)


def note(line: str) -> None:
    """One line beside the result: progress, or what is worth knowing."""
    console(stderr=True).print(line, style="dim", soft_wrap=True)


def complain(line: str) -> None:
    """What went wrong, and what to do."""
    console(stderr=True).print(f"foldgate: {line}", style="red", soft_wrap=True)


def say_json(value: Any) -> None:
    """One line of JSON."""
    import msgspec

    sys.stdout.write(msgspec.json.encode(plain(value)).decode() + "\n")
    sys.stdout.flush()


def say_document(value: Any, *, as_json: bool) -> None:
    """A document for other programs to take up: YAML, or one line of JSON."""
    if as_json:
        say_json(value)
        return
    import yaml

    sys.stdout.write(yaml.safe_dump(plain(value), sort_keys=False, allow_unicode=True, width=120))
    sys.stdout.flush()


def plain(value: Any) -> Any:
    """A value as JSON has it, with bytes in hexadecimal digits."""
    import msgspec

    return _spelt(msgspec.to_builtins(value, builtin_types=(bytes,)))


def _spelt(value: Any) -> Any:
    match value:
        case bytes():
            return value.hex()
        case dict():
            return {name: _spelt(part) for name, part in value.items()}
        case list() | tuple():
            return [_spelt(part) for part in value]
        case _:
            return value


def harmless(text: str, *, most: int = 0) -> str:
    """A text of one line without control characters, cut at `most` characters if that is given."""
    cut = text if not most or len(text) <= most else f"{text[: most - 1]}…"
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in cut)


@contextlib.contextmanager
def progress(what: str) -> Iterator[None]:
    """Say what is being done while it is: a spinner on a terminal, a line elsewhere."""
    if console(stderr=True).is_terminal:
        with console(stderr=True).status(what):
            yield
    else:
        note(f"{what} …")
        yield


def table(*columns: str) -> "Table":
    """A table for people; columns of numbers are named with a '#' in front."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    made = Table(box=SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for column in columns:
        made.add_column(column.lstrip("#"), justify="right" if column.startswith("#") else "left", no_wrap=True)
    return made
