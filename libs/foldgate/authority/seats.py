"""Which conditions of a bundle may be asked together whether all of them are false."""

from collections.abc import Sequence
from typing import NamedTuple

from foldgate.expr.expression import Expression
from foldgate.expr.names import RULE_NAMES
from foldgate.expr.template import Template
from foldgate.expr.together import Together

_ROW = 16
"""So many, that one call is cheap beside theirs, and one that is true does not make many others dear."""


class Seat(NamedTuple):
    """The place of a condition among those that it may be asked together with."""

    together: Together
    at: int


def seats(conditions: Sequence[Template | None]) -> list[Seat | None]:
    """One a rule. Small conditions sit together that follow one another. What other conditions may cost depends on what
    those before them did, so they come between; rules without a condition do not."""
    found: list[Seat | None] = [None] * len(conditions)
    for row in _rows(conditions):
        together = Together([one for _, one in row], RULE_NAMES)
        for place, (at, _) in enumerate(row):
            found[at] = Seat(together, place)
    return found


def _rows(conditions: Sequence[Template | None]) -> list[list[tuple[int, Expression]]]:
    rows: list[list[tuple[int, Expression]]] = [[]]
    for at, template in enumerate(conditions):
        if template is None:
            continue
        small = _small(template)
        if len(rows[-1]) == _ROW or small is None:
            rows.append([])
        if small is not None:
            rows[-1].append((at, small))
    return rows


def _small(condition: Template) -> Expression | None:
    whole = condition.whole
    return whole if whole is not None and whole.is_small else None
