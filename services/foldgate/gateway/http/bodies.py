"""What a body may be: one JSON object, read strictly, whatever the Content-Type says.

JSON that two programs could read differently is refused: a name that comes twice in an object, NaN, numbers beyond a
double or 64 bits, halves of surrogate pairs. A field that nobody knows is refused with the nearest that somebody
does, because a misspelt field that is passed over is a run that does something else than was asked.
"""

import asyncio
import difflib
import json
from collections.abc import Iterable, Mapping
from typing import Any, NoReturn, TypeVar

import msgspec
from pydantic import BaseModel, ValidationError
from starlette.requests import Request

from foldgate.gateway.http.problems import Mistake, Problem

MAX_BYTES = 1024 * 1024
MAX_DEPTH = 64
WITHIN_S = 30.0
_TOLD = 20
_DIGITS = 20
M = TypeVar("M", bound=BaseModel)


async def read(request: Request, model: type[M]) -> M:
    """The body as this model."""
    return fitting(parsed(await received(request)), model)


async def read_if_any(request: Request, model: type[M]) -> M:
    """The body as this model; without one, what that is by default."""
    data = await received(request)
    return fitting(parsed(data), model) if data else model()


async def received(request: Request) -> bytes:
    """The bytes of the body, no more than are taken."""
    encoding = request.headers.get("content-encoding", "identity")
    if encoding.lower() != "identity":
        what = f"Expected the body as it is, but its Content-Encoding is '{encoding[:40]}'."
        raise Problem("unsupported_encoding", what, field="Content-Encoding")
    declared = request.headers.get("content-length", "0")
    if declared.isdecimal() and int(declared[:20]) > MAX_BYTES:
        _too_large()
    try:
        async with asyncio.timeout(WITHIN_S):
            return await _streamed(request)
    except TimeoutError:
        what = f"Expected the whole body within {WITHIN_S:g} s, but it has not come: send it again, and faster."
        raise Problem("too_slow", what) from None


async def _streamed(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BYTES:
            _too_large()
    return bytes(body)


def parsed(data: bytes) -> Any:
    """The JSON in these bytes."""
    try:
        value = _decoder.decode(data.decode())
        if data.count(b"[") + data.count(b"{") > MAX_DEPTH:
            _check_depth(value)
        msgspec.json.encode(value)  # which strings of halves of surrogate pairs do not survive
    except RecursionError:
        raise _too_deep() from None
    except UnicodeEncodeError:
        raise Problem("malformed_json", "Expected text, but a string holds half of a surrogate pair.") from None
    except UnicodeDecodeError as error:
        what = f"Expected UTF-8, but byte {error.start} is 0x{data[error.start]:02x}."
        raise Problem("malformed_json", what) from None
    except json.JSONDecodeError as error:
        raise Problem("malformed_json", _not_json(data, error)) from None
    return value


def fitting(value: Any, model: type[M]) -> M:
    """The value as this model; a problem that names every field at fault if it does not fit."""
    if not isinstance(value, dict):
        raise Problem("invalid_body", f"Expected a JSON object, but it is {_kind(value)}.")
    try:
        return model.model_validate(value)
    except ValidationError as error:
        if _made_whole(value, error):
            return fitting(value, model)
        found = error.errors(include_url=False, include_context=False)[:_TOLD]
        mistakes = [Mistake(_path(one["loc"]), _sentence(one, model)) for one in found]
    raise Problem("invalid_body", mistakes[0].detail, field=mistakes[0].field, mistakes=mistakes)


def _made_whole(value: Any, error: ValidationError) -> bool:
    """Whether there was a 2.0 where a whole number is wanted, which in JSON is one; it is a 2 now."""
    made = False
    for one in error.errors(include_url=False, include_context=False):
        number, place = one["input"], one["loc"]
        if one["type"] == "int_type" and isinstance(number, float) and number.is_integer():
            inner = value
            for part in place[:-1]:
                inner = inner[part]
            inner[place[-1]], made = int(number), True
    return made


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) == len(pairs):
        return made
    seen: set[str] = set()
    twice = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
    name = twice[:100].encode(errors="replace").decode()
    what = f"Expected each name once in an object, but '{name}' is there again."
    raise Problem("malformed_json", what, field=name)


def _constant(name: str) -> NoReturn:
    raise Problem("malformed_json", f"Expected a number that JSON knows, but got {name}.")


def _number(text: str) -> float:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise Problem("malformed_json", f"Expected a number that a double holds, but got {text[:40]}.")
    return value


def _whole(text: str) -> int:
    if len(text) <= _DIGITS and -(2**63) <= (value := int(text)) < 2**64:
        return value
    raise Problem("malformed_json", f"Expected a whole number of at most 64 bits, but got {text[:40]}.")


_decoder = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_constant, parse_float=_number, parse_int=_whole)


def _check_depth(value: Any) -> None:
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [inner for outer in level for inner in _inside(outer)]
    if level:
        raise _too_deep()


def _inside(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _too_deep() -> Problem:
    return Problem("malformed_json", f"Expected at most {MAX_DEPTH} levels of nesting, but there are more.")


def _too_large() -> NoReturn:
    what = f"Expected a body of at most {MAX_BYTES} bytes, but it has more."
    raise Problem("body_too_large", f"{what} Put large data elsewhere, and its address into `input`.")


def _not_json(data: bytes, error: json.JSONDecodeError) -> str:
    if not data.strip():
        return "Expected a JSON object, but the body is empty."
    where = f"at line {error.lineno}, column {error.colno}: {error.msg}"
    return f"Expected JSON, but {where}."


def _path(place: tuple[int | str, ...]) -> str:
    """Where in the body: names and indexes from the outside in."""
    return ".".join(str(part) for part in place if part != "[key]")[:200]


def _sentence(found: Mapping[str, Any], model: type[BaseModel]) -> str:
    field = _path(found["loc"])
    if found["type"] == "missing":
        return f"Expected `{field}`, but it is missing."
    if found["type"] == "extra_forbidden":
        known = list(model.model_fields)
        near = difflib.get_close_matches(field, known, n=1, cutoff=0.5)
        hint = f"did you mean `{near[0]}`?" if near else f"there are {', '.join(f'`{name}`' for name in known)}."
        return f"Expected no field `{field}`: {hint}"
    wanted = str(found["msg"]).removeprefix("Expected ").removesuffix(".")  # as what we check ourselves begins and ends
    wanted = wanted.replace("Input should be ", "").replace("String should ", "a text that should ")
    return f"Expected {_in_json(wanted)} in `{field}`, but got {_kind(found['input'])}."


def _in_json(wanted: str) -> str:
    """JSON's words for what the checker calls by Python's."""
    wanted = wanted.replace("dictionary", "object").replace("Dictionary should", "an object that should")
    return wanted.replace(" after validation, not more", "").replace("match pattern", "match")


def _kind(value: Any) -> str:
    """What a value is, in JSON's words."""
    match value:
        case None | bool():
            return json.dumps(value)
        case str():
            return f"'{value[:60]}'"
        case int() | float():
            return f"the number {str(value)[:40]}"
        case list():
            return "an array"
        case _:
            return "an object"
