"""How far a backtest is: a bar on a terminal, and a line where nobody looks."""

import io

import pytest
from rich.console import Console

from foldgate.cli import backtesting


def bar(monkeypatch: pytest.MonkeyPatch, *, on_terminal: bool) -> str:
    """What is shown of half of two thousand records."""
    shown = io.StringIO()
    screen = Console(file=shown, force_terminal=on_terminal, width=100)
    monkeypatch.setattr(backtesting, "console", lambda **_: screen)
    monkeypatch.setattr(backtesting, "note", shown.write)
    with backtesting._bar(2000) as advance:
        for _ in range(1000):
            advance()
    return shown.getvalue()


def test_on_a_terminal_a_bar_grows(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = bar(monkeypatch, on_terminal=True)
    assert "deciding again" in shown
    assert "50%" in shown


def test_elsewhere_it_is_said_once(monkeypatch: pytest.MonkeyPatch) -> None:
    assert bar(monkeypatch, on_terminal=False) == "reading 2,000 records \u2026"
