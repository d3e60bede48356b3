"""What stands on the pages between fences: commands as one types them, and whether what is said is what is shown."""

import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
_BLOCK = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
_FENCE = re.compile(r"^ *(?:```|~~~)", re.MULTILINE)
_COMMAND = re.compile(r"^\$ ", re.MULTILINE)
_VARIES = re.compile(
    r"[0-9a-f]{12,64}[….]?|[0-9]{4}-[0-9]{2}-[0-9]{2}(?:T[0-9:]{8}Z)?|fg_[\w-]+"
    r"|(?<= )[0-9.]+ (?:ms|s|min)(?: [0-9]+ s)?(?= |,|$)",
    re.MULTILINE,
)
_RULE = re.compile(r"^ *─+ *$", re.MULTILINE)


class Block(NamedTuple):
    """What stands between two fences."""

    page: str
    language: str
    text: str

    @property
    def name(self) -> str:
        """How it is spoken of: its page and its first line."""
        return f"{self.page}: {self.text.splitlines()[0].strip()}"


class Typed(NamedTuple):
    """A command of a page, and what the page says that it prints."""

    command: str
    shown: str


def blocks(page: Path) -> list[Block]:
    """All blocks of a page, in order."""
    return blocks_in(page.read_text(), page=page.relative_to(ROOT).as_posix())


def blocks_in(text: str, *, page: str = "") -> list[Block]:
    """All blocks of some text; fails if there is a fence that belongs to none."""
    found = [Block(page, language, textwrap.dedent(inside)) for _, language, inside in _BLOCK.findall(text)]
    assert len(_FENCE.findall(text)) == 2 * len(found), f"{page} has a fence that we do not understand"
    return found


def typed(text: str) -> Iterator[Typed]:
    """The commands of a block, each behind its `$`."""
    for one in _COMMAND.split(text)[1:]:
        command, _, shown = one.partition("\n")
        yield Typed(command, shown.strip("\n"))


def same(said: str, shown: str) -> bool:
    """Whether it is what the page shows, which leaves out what stands before the three dots. Ids, times, durations and
    how wide a table is may differ."""
    return _told(said).endswith(_told(shown.rpartition("…\n")[2]))


def _told(text: str) -> str:
    lines = _RULE.sub("", _VARIES.sub("*", text)).splitlines()
    return "\n".join(" ".join(line.split()) for line in lines if line.strip())
