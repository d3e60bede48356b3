"""Events without secrets: what they carry for people and programs is redacted before they are appended or submitted.

Only what is carried is looked at: inputs, outputs, payloads, labels, messages. Ids and names stay as they are, since
others refer by them.
"""

from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

import msgspec

from foldgate.authority.secrets import Level, redacted, redacted_json

E = TypeVar("E", bound=msgspec.Struct)

_Redact = Callable[[Any, Level], Any]


def redacted_event(event: E, level: Level) -> E:
    """The event without secrets in what it carries; the very event where it carries none."""
    return event if level == "none" else _struct(event, level)


def _struct(event: E, level: Level) -> E:
    changed = None
    for name, redact in _carried(type(event)):
        value = getattr(event, name)
        if value:
            shown = redact(value, level)
            if shown is not value:
                changed = {**(changed or {}), name: shown}
    return event if changed is None else msgspec.structs.replace(event, **changed)


def _each(values: tuple[str, ...], level: Level) -> tuple[str, ...]:
    shown = tuple(redacted_json(one, level) for one in values)
    return values if shown == values else shown


def _values(values: dict[str, str], level: Level) -> dict[str, str]:
    shown = {name: redacted_json(one, level) for name, one in values.items()}
    return values if shown == values else shown


def _texts(values: dict[str, str], level: Level) -> dict[str, str]:
    shown: dict[str, str] = redacted(values, level)
    return values if shown == values else shown


_CARRIED: dict[str, _Redact] = {
    "checkpoint": redacted_json,
    "code": redacted,
    "ctx": _values,
    "data": redacted_json,
    "input": redacted_json,
    "items": _each,
    "job": _struct,
    "labels": _texts,
    "message": redacted,
    "output": redacted_json,
    "outputs": _values,
    "payload": redacted_json,
    "reason": redacted,
    "rerun": _struct,
    "resume": redacted_json,
    "value": redacted_json,
}


@cache
def _carried(kind: type[msgspec.Struct]) -> tuple[tuple[str, _Redact], ...]:
    return tuple((name, _CARRIED[name]) for name in kind.__struct_fields__ if name in _CARRIED)
