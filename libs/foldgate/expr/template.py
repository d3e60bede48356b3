"""Values with expressions in them, as workflows write them: compiled once, evaluated for every step."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from foldgate.expr.expression import Expression, expression
from foldgate.expr.faults import ExpressionFailed, ExpressionInvalid, Path
from foldgate.expr.names import ALL_NAMES
from foldgate.expr.results import MAX_BYTES, NotJson, canonical, json_like, size
from foldgate.expr.tokens import end_of_expression

__all__ = ["ALL_NAMES", "ExpressionFailed", "ExpressionInvalid", "Template"]

_OPENING = re.compile(r"\$\$\{|\$\{")
_Scope = Mapping[str, Any]
_Part = str | Expression


class Template:
    """A JSON-like value whose texts may hold `${…}`; immutable, equal where the source is the same."""

    __slots__ = ("_build", "_key", "constant", "result", "roots", "source", "steps")

    source: Any
    constant: bool
    roots: frozenset[str]
    steps: frozenset[str]
    result: str | None

    def __init__(self, source: Any, build: "_Builder") -> None:
        value = build.node(source, ())
        found = [part.reads for part in build.found]
        self.source = source
        self.constant = not isinstance(value, _Node)
        self.roots = frozenset().union(*(reads.roots for reads in found))
        self.steps = frozenset().union(*(reads.steps for reads in found))
        self.result = build.found[0].result if isinstance(value, _Whole) else None
        self._build = value
        self._key = canonical(source)

    @staticmethod
    def of(source: Any, *, place: str, names: frozenset[str] = ALL_NAMES) -> "Template":
        return Template(source, _Builder(place, names))

    def evaluate(self, scope: Mapping[str, Any]) -> Any:
        if isinstance(self._build, _Node):
            return self._build.value(scope)
        return self._build

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Template) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)

    def __repr__(self) -> str:
        return f"Template({self._key[:200]})"


class _Node:
    def value(self, scope: _Scope) -> Any:
        raise NotImplementedError


class _Whole(_Node):
    def __init__(self, place: str, found: Expression) -> None:
        self.place = place
        self.expression = found

    def value(self, scope: _Scope) -> Any:
        try:
            value = self.expression.evaluate(scope)
            if size(value) > MAX_BYTES:
                raise NotJson("too large", code="expression_too_large")
        except NotJson as error:
            raise ExpressionFailed(
                f"Expected a value of ${{{self.expression.text[:100]}}} at {self.place}, but got {error}.",
                code=error.code,
            ) from None
        return value


class _Text(_Node):
    def __init__(self, parts: list["str | _Whole"]) -> None:
        self.parts = parts

    def value(self, scope: _Scope) -> Any:
        return "".join(part if isinstance(part, str) else _spelled(part.value(scope)) for part in self.parts)


class _Each(_Node):
    def __init__(self, source: Any) -> None:
        self.source = source

    def value(self, scope: _Scope) -> Any:
        if isinstance(self.source, dict):
            return {key: item.value(scope) if isinstance(item, _Node) else item for key, item in self.source.items()}
        return [item.value(scope) if isinstance(item, _Node) else item for item in self.source]


def _spelled(value: object) -> str:
    return value if isinstance(value, str) else canonical(value)


class _Builder:
    def __init__(self, place: str, names: frozenset[str]) -> None:
        self.place = place
        self.names = names
        self.found: list[Expression] = []

    def node(self, source: Any, path: Path) -> Any:
        if isinstance(source, str):
            return self._text(source, path)
        if isinstance(source, dict):
            built: Any = {key: self.node(item, (*path, key)) for key, item in source.items()}
            values = list(built.values())
        elif isinstance(source, list):
            built = values = [self.node(item, (*path, at)) for at, item in enumerate(source)]
        else:
            return source
        return _Each(built) if any(isinstance(item, _Node) for item in values) else source

    def _text(self, text: str, path: Path) -> Any:
        parts: list[str | _Whole] = []
        at = 0
        while opening := _OPENING.search(text, at):
            parts.append(text[at : opening.start()])
            at = opening.end()
            if opening[0] == "$${":
                parts.append("${")
                continue
            try:
                end = end_of_expression(text, at)
                found = expression(text[at:end], self.names)
            except ExpressionInvalid as invalid:
                raise invalid.at(self.place, path, at) from None
            self.found.append(found)
            parts.append(_Whole(self.place, found))
            at = end + 1
        parts = [part for part in (*parts, text[at:]) if part != ""]
        if len(parts) == 1 and isinstance(parts[0], _Whole):
            return parts[0]
        if any(isinstance(part, _Whole) for part in parts):
            return _Text(parts)
        return "".join(str(part) for part in parts)
