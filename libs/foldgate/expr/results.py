"""What comes out of an expression: JSON, or nothing."""

import math
from binascii import b2a_base64
from collections.abc import Callable
from typing import Any

import msgspec

from foldgate.expr.moments import Moment, Span, text_of_moment, text_of_span

MAX_BYTES = 256 * 1024
MAX_DEPTH = 64
MIN_INT = -(2**63)
MAX_INT = 2**64 - 1
_encode = msgspec.json.Encoder(order="sorted").encode


class NoValue(Exception):
    """There is no result, or none that JSON can carry, or it is too large; the text goes on after "but got"."""

    def __init__(self, message: str, *, code: str = "expression_failed") -> None:
        super().__init__(message)
        self.code = code


def too_large(message: str) -> NoValue:
    """The bounds are passed."""
    return NoValue(message, code="expression_too_large")


def canonical(value: object) -> str:
    """Its one spelling in JSON."""
    return _encoded(value).decode()


def size(value: object) -> int:
    """Its bytes as JSON."""
    return len(_encoded(value))


def weigh(value: object, depth: int = MAX_DEPTH) -> int:
    """Its bytes as JSON; refused if it is nested deeper than that."""
    encoded = _encoded(value)
    if encoded.count(b"[") + encoded.count(b"{") > depth and _is_deeper(value, depth):
        raise too_large(f"a value nested deeper than {depth}")
    return len(encoded)


def within_bounds(value: object) -> None:
    """Refuse what is too large or too deep for a result."""
    if weigh(value) > MAX_BYTES:
        raise too_large(f"a value of more than {MAX_BYTES} bytes")


def _is_deeper(value: object, than: int) -> bool:
    if isinstance(value, dict):
        value = list(value.values())
    return isinstance(value, list) and (than == 0 or any(_is_deeper(item, than - 1) for item in value))


def _encoded(value: object) -> bytes:
    try:
        return _encode(value)
    except (RecursionError, UnicodeEncodeError) as error:
        raise NoValue(f"a value that JSON cannot carry ({error})") from None


def json_like(value: Any) -> Any:
    """The value as JSON has it: times and spans are text, bytes are base64, maps are in the order of their keys."""
    return _Copy().of(value, 0)


class _Copy:
    """A copy on its way; `left` bytes may still come."""

    def __init__(self) -> None:
        self.left = MAX_BYTES

    def of(self, value: Any, depth: int) -> Any:
        known = _AS_JSON.get(type(value))
        if known is None:
            raise NoValue(f"a {type(value).__name__.lower()}, which JSON cannot carry")
        return known(self, value, depth)

    def itself(self, value: Any, _depth: int) -> Any:
        return value

    def text(self, value: str, _depth: int) -> str:
        self._take(len(value))
        return value

    def whole(self, value: int, _depth: int) -> int:
        if not MIN_INT <= value <= MAX_INT:
            raise NoValue("a whole number of more than 64 bits")
        return value

    def fraction(self, value: float, _depth: int) -> float:
        if not math.isfinite(value):
            raise NoValue(f"the number {value}, which JSON cannot carry")
        return value

    def items(self, value: list[Any], depth: int) -> list[Any]:
        self._go_down(2 * len(value), depth)
        return [self.of(item, depth + 1) for item in value]

    def entries(self, value: dict[Any, Any], depth: int) -> dict[str, Any]:
        self._go_down(5 * len(value), depth)
        for key in value:
            if type(key) is not str:
                raise NoValue(f"a map with the key {key!r}, which is no text: write string(key)")
        return {key: self.of(value[key], depth + 1) for key in sorted(value)}

    def binary(self, value: bytearray, _depth: int) -> str:
        self._take(len(value))
        return b2a_base64(value, newline=False).decode()

    def moment(self, value: object, _depth: int) -> object:
        return text_of_moment(value)

    def span(self, value: object, _depth: int) -> object:
        return text_of_span(value)

    def _go_down(self, much: int, depth: int) -> None:
        if depth >= MAX_DEPTH:
            raise too_large(f"a value nested deeper than {MAX_DEPTH}")
        self._take(much)

    def _take(self, much: int) -> None:
        self.left -= much
        if self.left < 0:
            raise too_large(f"a value of more than {MAX_BYTES} bytes")


_AS_JSON: dict[type, Callable[[_Copy, Any, int], Any]] = {
    type(None): _Copy.itself,
    bool: _Copy.itself,
    int: _Copy.whole,
    str: _Copy.text,
    float: _Copy.fraction,
    list: _Copy.items,
    dict: _Copy.entries,
    bytearray: _Copy.binary,
    Moment: _Copy.moment,
    Span: _Copy.span,
}
