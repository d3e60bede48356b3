"""What comes out of an expression: JSON, or nothing."""

import math
from binascii import b2a_base64
from collections.abc import Callable
from typing import Any

import msgspec

from foldgate.expr.moments import Moment, Span, text_of_moment, text_of_span

MAX_BYTES = 256 * 1024
MAX_DEPTH = 64
_encode = msgspec.json.Encoder(order="sorted").encode


class NotJson(Exception):
    """A result is not JSON, or is too large; the text says what it is instead."""

    def __init__(self, message: str, *, code: str = "expression_failed") -> None:
        super().__init__(message)
        self.code = code


def canonical(value: object) -> str:
    """Its one spelling in JSON."""
    return _encode(value).decode()


def size(value: object) -> int:
    """Its bytes as JSON."""
    try:
        return len(_encode(value))
    except (OverflowError, UnicodeEncodeError) as error:
        raise NotJson(f"a value that JSON cannot carry ({error})") from None


def json_like(value: Any, depth: int = 0) -> Any:
    """The value as JSON has it: times and spans are text, bytes are base64."""
    if depth > MAX_DEPTH:
        raise NotJson(f"a value nested deeper than {MAX_DEPTH}", code="expression_too_large")
    known = _AS_JSON.get(type(value))
    if known is None:
        raise NotJson(f"a {type(value).__name__.lower()}, which JSON cannot carry")
    return known(value, depth)


def _itself(value: Any, _depth: int) -> Any:
    return value


def _float(value: float, _depth: int) -> float:
    if not math.isfinite(value):
        raise NotJson(f"the number {value}, which JSON cannot carry")
    return value


def _list(value: list[Any], depth: int) -> list[Any]:
    return [json_like(item, depth + 1) for item in value]


def _dict(value: dict[Any, Any], depth: int) -> dict[str, Any]:
    for key in value:
        if type(key) is not str:
            raise NotJson(f"a map with the key {key!r}, which is no text: write string(key)")
    return {key: json_like(item, depth + 1) for key, item in value.items()}


_AS_JSON: dict[type, Callable[[Any, int], Any]] = {
    type(None): _itself,
    bool: _itself,
    int: _itself,
    str: _itself,
    float: _float,
    list: _list,
    dict: _dict,
    bytes: lambda value, _: b2a_base64(value, newline=False).decode(),
    bytearray: lambda value, _: b2a_base64(value, newline=False).decode(),
    Moment: lambda value, _: text_of_moment(value),
    Span: lambda value, _: text_of_span(value),
}
