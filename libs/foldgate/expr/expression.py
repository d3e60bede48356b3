"""One expression: compiled once, evaluated often."""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from cel_expr_python import cel

from foldgate.expr.cost import MAX_TURNS, MAX_WORK, Allowance, Estimate
from foldgate.expr.faults import ExpressionInvalid, Path
from foldgate.expr.names import environment, ordering, range_name
from foldgate.expr.outline import Comprehension, Match, Outline, Read, leaves, outline
from foldgate.expr.refusals import library_refusal, refusal
from foldgate.expr.results import MAX_DEPTH, NoValue, json_like, size, too_large, weigh
from foldgate.expr.rewriting import in_order, ordered, renamed
from foldgate.expr.scope import ABSENT, dotted, flat, narrowed, value_at, widest

MAX_TEXT = 4096
_NO_VALUES = (cel.Type.ERROR, cel.Type.UNKNOWN)
_DRESSING = re.compile(r"^[A-Z_]+: | \[[A-Z_]+\]$")


class Expression:
    """What stands inside `${…}`. `result` is the name of its type, `DYN` where only its value will tell. `given` is
    what it reads under names with dots, `reads` how often it reads; a small one costs no more than what it reads."""

    __slots__ = (
        "_heavy",
        "_node",
        "_paths",
        "_program",
        "_ranges",
        "_whole",
        "given",
        "is_small",
        "paths",
        "patterns",
        "reads",
        "result",
        "roots",
        "steps",
        "text",
    )

    def __init__(
        self,
        text: str,
        program: cel.Expression,
        found: Outline,
        *,
        ranges: tuple[Path, ...],
        names: frozenset[str],
    ) -> None:
        parts = leaves(found.node)
        reads = [part.path for part in parts if isinstance(part, Read)]
        self.text: Final = text
        self.result: Final[str] = program.return_type().name()
        self.paths: Final[tuple[Path, ...]] = tuple(dict.fromkeys(reads))
        self.roots: Final = frozenset(str(path[0]) for path in reads)
        self.steps: Final = frozenset(str(path[1]) for path in reads if path[0] == "steps")
        self.patterns: Final = tuple(part.pattern for part in parts if isinstance(part, Match))
        self._program = program
        self._node = found.node
        self._heavy = any(isinstance(part, Comprehension | Match) for part in parts)
        self._paths = widest(reads)
        self._ranges = ranges
        self._whole = reads[0] if found.whole and reads[0] != ("now",) else None
        self.reads: Final = len(reads)
        self.given: Final = dotted(self._paths, names)
        self.is_small: Final = bool(self.given) and self._whole is None and not self._heavy

    def evaluate(self, scope: Mapping[str, Any], allowance: Allowance) -> Any:
        """Its value, JSON-like; NoValue says why there is none."""
        value = self._evaluated(scope, allowance) if self._whole is None else value_at(self._whole, scope)
        if value is ABSENT:
            raise NoValue("nothing, for there is none")
        if value is True or value is False:
            allowance.bytes(5 - value)
            return value
        found = json_like(value)
        allowance.bytes(size(found))
        return found

    def _evaluated(self, scope: Mapping[str, Any], allowance: Allowance) -> Any:
        data = flat(self.given, scope) if self.given else narrowed(self._paths, scope)
        allowance.work(self._work(data, scope))
        try:
            value = self._program.eval(data=data | in_order(self._ranges, scope) if self._ranges else data)
        except RuntimeError as error:
            raise _no_value(str(error)) from None
        plain = value.plain_value()
        if plain is not True and plain is not False and value.type() in _NO_VALUES:
            raise _no_value(str(plain))
        return plain

    def _work(self, data: dict[str, Any], scope: Mapping[str, Any]) -> int:
        much = weigh(data, MAX_DEPTH + 4)  # the names around its values come on top
        if not self._heavy and much * self.reads <= MAX_WORK:
            return much
        estimate = Estimate(scope)
        estimate.extent(self._node)
        return much + estimate.work


@lru_cache(maxsize=10_000)
def expression(text: str, names: frozenset[str]) -> Expression:
    """The text, compiled for a place where these names are known. ExpressionInvalid says what is wrong with it."""
    _measure(text)
    given = renamed(text)
    try:
        program = environment(names).compile(given)
    except RuntimeError as error:
        raise library_refusal(str(error), text, names) from None
    found = outline(text)
    _examine(found, text)
    rewritten = ordered(given, found)
    if rewritten.text != given:
        program = _over_lists(rewritten.text, names)
    return Expression(text, program, found, ranges=rewritten.ranges, names=names)


def _over_lists(text: str, names: frozenset[str]) -> cel.Expression:
    try:
        return ordering(names).compile(text)
    except RuntimeError:
        message = (
            "Expected a list that map or filter may go over, but it is a map, or too much around it: take it apart."
        )
        raise ExpressionInvalid(message) from None


def _measure(text: str) -> None:
    try:
        much = len(text.encode())
    except UnicodeEncodeError:
        raise ExpressionInvalid("Expected text, but half a character is in it.") from None
    if much > MAX_TEXT:
        message = f"Expected at most {MAX_TEXT} bytes, but the expression has {much}: take it apart."
        raise ExpressionInvalid(message, code="expression_too_large")


def _examine(found: Outline, text: str) -> None:
    """Refuse what compiles, but could not be judged before it runs."""
    for part in leaves(found.node):
        if isinstance(part, Read) and part.path[0] == "steps" and not isinstance((*part.path, 0)[1], str):
            message = "Expected steps.<id> or steps['<id>'], but steps is used otherwise"
            raise refusal(f"{message}: name the step, so that it is known what it waits for.", text, part.start)
        if isinstance(part, Match) and part.weight is None:
            message = "Expected matches('…') with the pattern as a text, but it is computed"
            raise refusal(f"{message}: write the pattern there, so that its cost is known.", text, part.at)


def _no_value(message: str) -> NoValue:
    if "Iteration budget exceeded" in message:
        return too_large(f"more than {MAX_TURNS} turns of its comprehensions")
    if f'name "{range_name(0)[:-2]}' in message:
        return NoValue("nothing to go over, for there is none")
    if "_+_(map, list)" in message:
        return NoValue("a map to go over, in an order that nobody knows: name it from its root, as input.a.map(…) does")
    return NoValue(f"an error ({_DRESSING.sub('', message)})")
