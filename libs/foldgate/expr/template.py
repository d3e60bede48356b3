"""Values with expressions in them, as workflows write them: compiled once, evaluated for every step.

A text that is one whole `${…}` keeps the type of its value; in a longer text values are spelled out, texts as they are
and all else as JSON. `$${` is a literal `${`. Keys are taken as they are.
"""

from collections.abc import Mapping
from typing import Any

from foldgate.expr.cost import Allowance
from foldgate.expr.faults import ExpressionFailed, ExpressionInvalid, Path
from foldgate.expr.names import ALL_NAMES
from foldgate.expr.parts import Part, Reading, Whole
from foldgate.expr.results import NoValue, within_bounds

__all__ = ["ALL_NAMES", "ExpressionFailed", "ExpressionInvalid", "Template"]


class Template:
    """A JSON-like value whose texts may hold `${…}`; immutable, equal where the source is the same.

    constant  no expression is in it
    roots     the names that it reads
    paths     what it reads, as far as it is named
    patterns  the regular expressions that it searches for
    steps     the steps that it reads
    result    the CEL type of a template that is one whole `${…}`; None for all others
    whole     the expression of such a template
    """

    __slots__ = (
        "_key",
        "_made",
        "_place",
        "constant",
        "paths",
        "patterns",
        "result",
        "roots",
        "source",
        "steps",
        "whole",
    )

    def __init__(self, source: Any, made: Any, reading: Reading) -> None:
        self.source = source
        self.constant = not isinstance(made, Part)
        self.roots: frozenset[str] = frozenset().union(*(one.roots for one in reading.found))
        self.paths: frozenset[Path] = frozenset().union(*(one.paths for one in reading.found))
        self.patterns: frozenset[str] = frozenset().union(*(one.patterns for one in reading.found))
        self.steps: frozenset[str] = frozenset().union(*(one.steps for one in reading.found))
        self.whole = made.expression if isinstance(made, Whole) else None
        self.result = None if self.whole is None else self.whole.result
        self._made = made
        self._place = reading.place
        self._key = reading.spelled(source)

    @staticmethod
    def of(source: Any, *, place: str, names: frozenset[str] = ALL_NAMES) -> "Template":
        """The template that is written there. ExpressionInvalid says what is wrong with it."""
        reading = Reading(place, names)
        return Template(source, reading.of(source), reading)

    def evaluate(self, scope: Mapping[str, Any], allowance: Allowance | None = None) -> Any:
        """Its value with these names; not to be changed. ExpressionFailed says why there is none. Several that share an
        allowance cost no more together than one may alone."""
        if not isinstance(self._made, Part):
            return self._made
        value = self._made.value(scope, allowance or Allowance())
        return value if isinstance(self._made, Whole) else self._checked(value)

    def _checked(self, value: Any) -> Any:
        """Its parts are within bounds, but may not be so together."""
        try:
            within_bounds(value)
        except NoValue as reason:
            raise ExpressionFailed(f"Expected a value at {self._place}, but got {reason}.", code=reason.code) from None
        return value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Template) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)

    def __repr__(self) -> str:
        return f"Template({self._key[:200]})"
