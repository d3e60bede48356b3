"""A document that is wrong, with every mistake in it and its place."""

from typing import NamedTuple


class Wrong(NamedTuple):
    """A document, and what is said of it: line, column and code of each mistake."""

    name: str
    source: str
    expected: list[tuple[int, int, str]]


def steps(text: str) -> str:
    """A workflow of these steps, the first of which stands on line 3."""
    return "id: x\nsteps:\n" + text
