"""Plain scalars by the core schema of YAML 1.2: `yes`, `on` and `0777` are what they look like, not what 1.1 made of
them."""

import re

Scalar = str | int | float | bool | None

_NULL = {"", "~", "null", "Null", "NULL"}
_TRUE, _FALSE = {"true", "True", "TRUE"}, {"false", "False", "FALSE"}
_DECIMAL = re.compile(r"[-+]?[0-9]+")
_OCTAL, _HEXADECIMAL = re.compile(r"0o[0-7]+"), re.compile(r"0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_BEYOND = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_LONGEST = 400
"""Characters of a number: converting a long one takes time that grows with its square."""


class NumberInvalid(ValueError):
    """A number that has no place in JSON, or more than 64 bits."""


def plain(text: str) -> Scalar:
    """What a scalar without quotes stands for."""
    if text in _NULL:
        return None
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    if text[0] in "+-.0123456789":
        return _number(text)
    return text


def _number(text: str) -> Scalar:
    if _BEYOND.fullmatch(text):
        raise NumberInvalid(f"Expected a number that JSON has, but got {text}; put it in quotes if it is a text.")
    for pattern, base in ((_DECIMAL, 10), (_OCTAL, 8), (_HEXADECIMAL, 16)):
        if pattern.fullmatch(text):
            return _whole(text, base)
    return _real(text) if _FLOAT.fullmatch(text) else text


def _whole(text: str, base: int) -> int:
    number = int(text, base) if len(text) <= _LONGEST else 1 << 64
    if not -(1 << 63) <= number < 1 << 63:
        raise NumberInvalid(f"Expected a number of at most 64 bits, but got {text[:40]}; put it in quotes.")
    return number


def _real(text: str) -> float:
    number = float(text) if len(text) <= _LONGEST else float("inf")
    if number in {float("inf"), float("-inf")}:
        raise NumberInvalid(f"Expected a number of at most 64 bits, but got {text[:40]}; put it in quotes.")
    return number
