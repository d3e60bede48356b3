"""One line of a diagnosis: what was looked at, how it is, and what to do about it."""

from typing import Literal

import msgspec

from foldgate.cli.terminal import harmless, say

State = Literal["ok", "warn", "bad"]
_STYLES: dict[State, str] = {"ok": "green", "warn": "yellow", "bad": "bold red"}


class Finding(msgspec.Struct, frozen=True):
    """What one check found. `advice` is empty where there is nothing to do."""

    check: str
    state: State
    found: str
    advice: str = ""

    def show(self) -> None:
        """Print it for people."""
        from rich.text import Text

        line = Text.assemble((f"{self.state:<5}", _STYLES[self.state]), f"{self.check:<14}", harmless(self.found))
        if self.advice:
            line.append(f"\n     {'':<14}{harmless(self.advice)}", style="dim")
        say(line)


def fine(check: str, found: str) -> Finding:
    """As it should be."""
    return Finding(check, "ok", found)


def odd(check: str, found: str, advice: str) -> Finding:
    """Worth knowing; works nevertheless."""
    return Finding(check, "warn", found, advice)


def bad(check: str, found: str, advice: str) -> Finding:
    """Does not work, or loses what it should keep."""
    return Finding(check, "bad", found, advice)
