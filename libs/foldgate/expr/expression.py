"""One expression: compiled once, evaluated often."""

import difflib
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from cel_expr_python import cel

from foldgate.expr.faults import ExpressionFailed, ExpressionInvalid
from foldgate.expr.moments import moment
from foldgate.expr.names import ALL_NAMES, environment
from foldgate.expr.reads import Reads, reads
from foldgate.expr.results import NotJson, canonical, json_like

MAX_TEXT = 4096
_FIRST_ERROR = re.compile(r"ERROR: <input>:(-?\d+):(-?\d+): (.*)")
_UNDECLARED = re.compile(r"undeclared reference to '(\w+)")


class Expression:
    """What stands inside `${…}`. `result` is the name of its type, `DYN` where only its value will tell."""

    __slots__ = ("_compiled", "reads", "result", "text")

    def __init__(self, text: str, compiled: cel.Expression, found: Reads) -> None:
        self.text = text
        self.reads = found
        self.result: str = compiled.return_type().name()
        self._compiled = compiled

    def evaluate(self, scope: Mapping[str, Any]) -> Any:
        """Its value, JSON-like; NotJson where it has none."""
        try:
            value = self._compiled.eval(data=self._data(scope))
            plain = value.plain_value()
        except RuntimeError as error:
            raise NotJson(str(error)) from None
        if value.type() in _FAILED:
            raise NotJson(str(plain))
        return json_like(plain)

    def _data(self, scope: Mapping[str, Any]) -> dict[str, Any]:
        data = {name: scope[name] for name in self.reads.roots if name in scope}
        if "now" in data:
            data["now"] = moment(data["now"])
        return data


_FAILED = (cel.Type.ERROR, cel.Type.UNKNOWN)


@lru_cache(maxsize=10_000)
def expression(text: str, names: frozenset[str]) -> Expression:
    """This text, compiled for a place where these names are known. ExpressionInvalid says what is wrong with it."""
    if len(text) > MAX_TEXT:
        raise ExpressionInvalid(
            f"Expected at most {MAX_TEXT} characters, but the expression has {len(text)}.", code="expression_too_large"
        )
    try:
        compiled = environment(names).compile(text)
    except RuntimeError as error:
        raise _refusal(str(error), names) from None
    return Expression(text, compiled, reads(text))


def _refusal(error: str, names: frozenset[str]) -> ExpressionInvalid:
    found = _FIRST_ERROR.search(error)
    if found is None:
        return ExpressionInvalid(error)
    line, column, message = max(1, int(found[1])), max(1, int(found[2])), found[3]
    unknown = _UNDECLARED.match(message)
    if unknown:
        near = difflib.get_close_matches(unknown[1], names, 1)
        message += f"; did you mean '{near[0]}'?" if near else f"; known here: {', '.join(sorted(names))}"
    return ExpressionInvalid(message, line=line, column=column)
