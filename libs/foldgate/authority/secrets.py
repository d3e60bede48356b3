"""Secrets in values: references to them, and known ones by their shapes.

A reference (`secret://…`) names a secret and is none: it stays, and a worker resolves it. A known shape (a cloud key, a
token, a private key, a password in a URL or in a field of that name) is replaced by `[redacted:NAME]`. That mark counts
as presence, so that whoever sees a value after it was redacted still knows that there was a secret.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Literal

import msgspec

from foldgate.language.secret_shapes import (
    MARK,
    REFERENCE,
    Span,
    bare_name,
    is_password_field,
    is_secret_field,
    may_hold,
    spans,
)

Level = Literal["none", "low", "high"]
"""none: nothing is redacted. low: known shapes. high: also what only looks like a secret: long words of letters and
digits, and fields whose names speak of secrets."""

_KEPT = r"secret://[^\s\"'<>]++|\[redacted:[a-z_]++\]"
_WHOLE_REFERENCE = re.compile(rf"(?:[A-Za-z]{{1,20}} )?(?:{_KEPT})")
_OPAQUE = re.compile(
    rf"(?P<kept>{_KEPT})|(?<![0-9A-Za-z_+/=-])(?=[A-Za-z_+/=-]*+[0-9])(?=[0-9_+/=-]*+[A-Za-z])[0-9A-Za-z_+/-]{{24,}}+=*+"
)
"""What is kept at any level, and long words of letters and digits, which only look like secrets."""
_SPEAKING = ("passw", "secret", "token", "credential", "apikey", "cookie", "cvv", "cardnumber", "iban", "ssn")


def present(value: Any) -> bool:
    """Whether a JSON-like value holds a reference to a secret, a known secret, or the mark of one."""
    try:
        return _present(value)
    except RecursionError:
        return True  # nobody can say that it holds none


def redacted(value: Any, level: Level) -> Any:
    """The JSON-like value without its secrets. Twice is as good as once. What is nested too deeply to look through is
    redacted as a whole."""
    try:
        return value if level == "none" else _redacted(value, level)
    except RecursionError:
        return f"{MARK}too_deep]"


def present_in_json(text: str) -> bool:
    """The same of a JSON text; quick where there is nothing to find."""
    return may_hold(text) and present(_read(text))


def redacted_json(text: str, level: Level) -> str:
    """The same of a JSON text: the very text where there is nothing to redact."""
    if level == "none" or (level == "low" and not may_hold(text)):
        return text
    value = _read(text)
    shown = redacted(value, level)
    return text if shown == value else msgspec.json.encode(shown, order="sorted").decode()


def masked(data: bytes) -> bytes:
    """The bytes with `*` in place of each of a known secret: as many, so that what can be decoded still can."""
    text = data.decode("latin-1")  # a sign for each byte, whatever they are
    if not may_hold(text):
        return data
    shown = bytearray(data)
    for begin, end, _ in spans(text):
        shown[begin:end] = b"*" * (end - begin)
    return bytes(shown)


def _read(text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return text  # no JSON, but perhaps a secret


def _present(value: Any) -> bool:
    if isinstance(value, str):
        return may_hold(value) and (REFERENCE in value or MARK in value or any(True for _ in spans(value)))
    if isinstance(value, Mapping):
        return any(_present(name) or _is_secret(str(name), one) or _present(one) for name, one in value.items())
    return isinstance(value, list | tuple) and any(map(_present, value))


def _redacted(value: Any, level: Level) -> Any:
    if isinstance(value, str):
        return _text(value, level)
    if isinstance(value, Mapping):
        return _fields(value, level)
    if isinstance(value, list | tuple):
        return type(value)(_redacted(one, level) for one in value)
    return value


def _text(text: str, level: Level) -> str:
    if may_hold(text):
        text = _without(text, spans(text))
    return _OPAQUE.sub(lambda found: found["kept"] or f"{MARK}opaque]", text) if level == "high" else text


def _without(text: str, found: Iterable[Span]) -> str:
    """The text with a mark in place of each secret; where they overlap, the one that begins first is named."""
    parts, end = [], 0
    for span in sorted(found, key=lambda span: (span.begin, -span.end)):
        if span.begin >= end:
            parts += [text[end : span.begin], f"{MARK}{span.name}]"]
        end = max(end, span.end)
    return "".join(parts) + text[end:] if parts else text


def _fields(value: Mapping[Any, Any], level: Level) -> dict[Any, Any]:
    found: dict[Any, Any] = {}
    for name, one in value.items():
        shown = _unlike(_redacted(name, level), found)
        secret = _is_secret(str(name), one) or (level == "high" and _speaks_of_one(str(name), one))
        found[shown] = _hidden(one, level) if secret else _redacted(one, level)
    return found


def _unlike(name: Any, found: Mapping[Any, Any]) -> Any:
    """A name of its own for each field: two that are redacted alike are still two."""
    own, number = name, len(found)
    while own in found:
        own, number = f"{name}#{number}", number + 1
    return own


def _hidden(value: Any, level: Level) -> Any:
    """What a field for a secret holds, without it: texts and numbers, in lists and in maps as well."""
    if isinstance(value, str):
        return value if not value or _WHOLE_REFERENCE.fullmatch(value) else f"{MARK}field]"
    if isinstance(value, Mapping):
        return {_redacted(name, level): _hidden(one, level) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_hidden(one, level) for one in value)
    return value if value is None or isinstance(value, bool) else f"{MARK}field]"


def _is_secret(name: str, value: Any) -> bool:
    """Whether a field of this name holds a secret, if it holds anything: a number only where it can be a password, so
    that tokens may be counted, and nothing where it says whether there is one."""
    if isinstance(value, bool) or not value:
        return False
    return is_secret_field(name) if isinstance(value, str) else is_password_field(name)


def _speaks_of_one(name: str, value: Any) -> bool:
    return isinstance(value, str | int | float) and any(word in bare_name(name) for word in _SPEAKING)
