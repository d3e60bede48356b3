"""Several expressions that are true or false, asked in one call whether all of them are false.

A call of CEL's library costs more than what a small expression does in it. What one call tells is little: that each is
false, evaluated by itself. Where it does not come to that, because one is true, has no value, is of another type or too
dear, nothing is known, and whoever asks evaluates them one by one.
"""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple

from cel_expr_python import cel

from foldgate.expr.cost import MAX_WORK, Allowance
from foldgate.expr.expression import Expression
from foldgate.expr.faults import ExpressionFailed
from foldgate.expr.names import ASKED, asking
from foldgate.expr.results import MAX_DEPTH, NoValue, weigh
from foldgate.expr.scope import Dotted, dotted, flat, widest

_FALSE_BYTES = len("false")


class _Readers(NamedTuple):
    """Those that read the same: which they are, and how often one of them reads it at most."""

    names: tuple[Dotted, ...]
    at: tuple[int, ...]
    reads: int


class Together:
    """Expressions over names with dots in them, all of them small."""

    def __init__(self, expressions: Sequence[Expression], names: frozenset[str]) -> None:
        self._texts = [one.text for one in expressions]
        self._names = names
        self._readers = _readers(expressions)
        self._reads = dotted(widest([path for one in expressions for path in one.paths]), names)

    def __len__(self) -> int:
        return len(self._texts)

    def all_false(self, scope: Mapping[str, Any], asked: Sequence[bool], allowance: Allowance) -> bool:
        """Whether all that are asked are false for certain. Then as much is spent as if each had been evaluated by
        itself, otherwise nothing."""
        much = _FALSE_BYTES * sum(asked)
        try:
            work = self._work(scope, asked)
            if not _is_left(work, much, allowance) or not self._is_false({**flat(self._reads, scope), ASKED: asked}):
                return False
        except (NoValue, ExpressionFailed, RuntimeError):
            return False
        allowance.work(work)
        allowance.bytes(much)
        return True

    def _work(self, scope: Mapping[str, Any], asked: Sequence[bool]) -> int:
        """What all of them cost, each by itself; NoValue if one of them may not be evaluated as it is."""
        work = 0
        for readers in self._readers:
            count = sum(asked[at] for at in readers.at)
            if count:
                much = weigh(flat(readers.names, scope), MAX_DEPTH + 4)
                if much * readers.reads > MAX_WORK:
                    raise NoValue("what costs more than it weighs")
                work += count * much
        return work

    def _is_false(self, data: dict[str, Any]) -> bool:
        return self._program is not None and self._program.eval(data=data).plain_value() is False

    @cached_property
    def _program(self) -> cel.Expression | None:
        """Whether any that is asked is true. None where they are too much for one expression."""
        asked = (f"{ASKED}[{at}] && (\n{text}\n)" for at, text in enumerate(self._texts))
        try:
            return asking(self._names).compile(" || ".join(asked))
        except RuntimeError:
            return None


def _readers(expressions: Sequence[Expression]) -> tuple[_Readers, ...]:
    same: dict[tuple[Dotted, ...], list[int]] = {}
    for at, one in enumerate(expressions):
        same.setdefault(one.given, []).append(at)
    return tuple(
        _Readers(names, tuple(several), max(expressions[at].reads for at in several)) for names, several in same.items()
    )


def _is_left(work: int, much: int, allowance: Allowance) -> bool:
    work_left, bytes_left = allowance.left
    return work <= work_left and much <= bytes_left
