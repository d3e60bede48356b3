"""The parts of a template: what a source becomes when it is read, ready to be evaluated."""

import math
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from foldgate.expr.cost import Allowance
from foldgate.expr.expression import Expression, expression
from foldgate.expr.failures import failure
from foldgate.expr.faults import ExpressionInvalid, Path
from foldgate.expr.results import MAX_BYTES, MAX_DEPTH, MAX_INT, MIN_INT, NoValue, canonical
from foldgate.expr.tokens import end_of_expression

_OPENING = re.compile(r"\$\$\{|\$\{")
_Scope: TypeAlias = Mapping[str, Any]


class Part(ABC):
    """A part of a template that has expressions in it."""

    __slots__ = ()

    @abstractmethod
    def value(self, scope: _Scope, allowance: Allowance) -> Any:
        """What it becomes with these names."""


class Whole(Part):
    """One expression, whose value keeps its type."""

    __slots__ = ("expression", "place")

    def __init__(self, found: Expression, place: str) -> None:
        self.expression = found
        self.place = place

    def value(self, scope: _Scope, allowance: Allowance) -> Any:
        try:
            return self.expression.evaluate(scope, allowance)
        except NoValue as reason:
            raise failure(self.expression, scope, place=self.place, reason=reason) from None


class _Text(Part):
    """Texts and expressions, put together."""

    __slots__ = ("pieces",)

    def __init__(self, pieces: list[str | Whole]) -> None:
        self.pieces = pieces

    def value(self, scope: _Scope, allowance: Allowance) -> str:
        return "".join(
            piece if isinstance(piece, str) else _spelled(piece.value(scope, allowance)) for piece in self.pieces
        )


class _Map(Part):
    """A map with expressions in its entries."""

    __slots__ = ("entries",)

    def __init__(self, entries: dict[str, Any]) -> None:
        self.entries = entries

    def value(self, scope: _Scope, allowance: Allowance) -> dict[str, Any]:
        return {key: value_of(entry, scope, allowance) for key, entry in self.entries.items()}


class _List(Part):
    """A list with expressions in its items."""

    __slots__ = ("items",)

    def __init__(self, items: list[Any]) -> None:
        self.items = items

    def value(self, scope: _Scope, allowance: Allowance) -> list[Any]:
        return [value_of(item, scope, allowance) for item in self.items]


def value_of(made: Any, scope: _Scope, allowance: Allowance) -> Any:
    """The value of a part; everything else is its own."""
    return made.value(scope, allowance) if isinstance(made, Part) else made


def _spelled(value: object) -> str:
    return value if isinstance(value, str) else canonical(value)


class Reading:
    """Goes over a source once, and keeps the expressions that it finds."""

    def __init__(self, place: str, names: frozenset[str]) -> None:
        self.found: list[Expression] = []
        self.place = place
        self._names = names

    def spelled(self, source: Any) -> str:
        """The source as JSON, which tells it from others."""
        try:
            key = canonical(source)
        except NoValue as reason:
            raise self._unusable(f"a value that JSON can carry, but got {reason}", ()) from None
        if len(key.encode()) > MAX_BYTES:
            raise self._unusable(f"at most {MAX_BYTES} bytes of JSON, but there are more", ())
        return key

    def of(self, source: Any, path: Path = ()) -> Any:
        """The parts; what has no expressions in it stays a plain value."""
        if len(path) > MAX_DEPTH:
            raise self._unusable(f"at most {MAX_DEPTH} levels, but there are more", path)
        match source:
            case str():
                return self._text(source, path)
            case dict():
                return self._map(source, path)
            case list():
                items = [self.of(item, (*path, at)) for at, item in enumerate(source)]
                return _List(items) if any(isinstance(item, Part) for item in items) else items
            case None | bool():
                return source
            case int() if MIN_INT <= source <= MAX_INT:
                return source
            case float() if math.isfinite(source):
                return source
        raise self._unusable(f"a value that JSON can carry, but got {str(source)[:50]} ({type(source).__name__})", path)

    def _unusable(self, expected: str, path: Path) -> ExpressionInvalid:
        return ExpressionInvalid(f"Expected {expected}.", code="value_invalid").at(self.place, path, 0)

    def _map(self, source: dict[Any, Any], path: Path) -> Any:
        for key in source:
            if not isinstance(key, str) or "${" in key:
                raise self._unusable(f"a text without '${{' as a key, but got {str(key)[:50]!r}", path)
        entries = {key: self.of(entry, (*path, key)) for key, entry in source.items()}
        return _Map(entries) if any(isinstance(entry, Part) for entry in entries.values()) else entries

    def _text(self, text: str, path: Path) -> Any:
        pieces = [piece for piece in self._pieces(text, path) if piece != ""]
        if not any(isinstance(piece, Whole) for piece in pieces):
            return "".join(str(piece) for piece in pieces)
        return pieces[0] if len(pieces) == 1 else _Text(pieces)

    def _pieces(self, text: str, path: Path) -> Iterator[str | Whole]:
        at = 0
        while opening := _OPENING.search(text, at):
            yield text[at : opening.start()]
            at = opening.end()
            if opening[0] == "$${":
                yield "${"
            else:
                end = self._end(text, at, path)
                yield self._whole(text[at:end], path, at)
                at = end + 1
        yield text[at:]

    def _end(self, text: str, start: int, path: Path) -> int:
        try:
            return end_of_expression(text, start)
        except ExpressionInvalid as invalid:
            raise invalid.at(self.place, path, start) from None

    def _whole(self, text: str, path: Path, start: int) -> Whole:
        try:
            found = expression(text, self._names)
        except ExpressionInvalid as invalid:
            raise invalid.at(self.place, path, start) from None
        self.found.append(found)
        return Whole(found, _spelled_path(self.place, path))


def _spelled_path(place: str, path: Path) -> str:
    return place + "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in path)
