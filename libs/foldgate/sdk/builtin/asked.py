"""The inputs of `http` and `script` steps: read strictly, so that nothing is passed over in silence."""

import difflib
from typing import Any, TypeVar

import msgspec

from foldgate.language.durations import milliseconds
from foldgate.sdk.errors import Fatal

Scalar = str | int | float | bool
Many = Scalar | list[Scalar]
T = TypeVar("T", bound=msgspec.Struct)


class HttpAsked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A request. `body` is sent as JSON, or as it is where it is a text; `bearer` is a token for `Authorization`."""

    url: str
    method: str = "GET"
    headers: dict[str, str] = {}
    bearer: str = ""
    query: dict[str, Many] = {}
    body: Any = None
    timeout: float | str | None = None
    max_bytes: int | None = None
    redirects: int = 5
    expect: list[int | str] = msgspec.field(default_factory=lambda: ["2xx"])


class ScriptAsked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A script by its name, its arguments, and what it reads as JSON."""

    script: str
    args: list[str] = []
    input: Any = None
    timeout: float | str | None = None


def asked_in(given: Any, form: type[T]) -> T:
    """The input as that form. Raises Fatal, which says what is wrong and where."""
    if not isinstance(given, dict):
        raise invalid(f"Expected a map with {_keys(form)}, but got {type(given).__name__}.")
    for key in given:
        if key not in form.__struct_fields__:
            near = difflib.get_close_matches(str(key), form.__struct_fields__, n=1, cutoff=0.5)
            hint = f": did you mean '{near[0]}'?" if near else f": there are {_keys(form)}."
            raise invalid(f"Expected a known key, but got '{str(key)[:80]}'{hint}")
    try:
        return msgspec.convert(given, form)
    except msgspec.ValidationError as error:
        raise invalid(f"{error}."[:500]) from None


def seconds(given: float | str | None, *, most: float) -> float:
    """How long that is: a number of seconds, or a duration such as `30s`; at most so long."""
    if given is None:
        return most
    try:
        found = milliseconds(given) / 1000 if isinstance(given, str) else float(given)
    except ValueError as error:
        raise invalid(f"timeout: {error}") from None
    if not found > 0:
        raise invalid(f"Expected a timeout above 0, but got {found:g}.")
    return min(found, most)


def invalid(message: str) -> Fatal:
    """What is wrong with an input."""
    return Fatal("invalid_input", message)


def _keys(form: type[msgspec.Struct]) -> str:
    return ", ".join(form.__struct_fields__)
