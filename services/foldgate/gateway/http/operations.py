"""Operations as values: what is served where, and what is said of it to those who read the OpenAPI document."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from foldgate.identity.roles import Role


class Parameter(NamedTuple):
    """Something that is told beside the body. A pattern is what its text must fit; a format is what JSON Schema calls
    by that name."""

    name: str
    place: Literal["path", "query", "header"]
    description: str
    pattern: str = ""
    format: str = ""
    is_required: bool = False


class Said(NamedTuple):
    """An answer that is not a problem; without a model it is of that media type, or nothing."""

    model: type[BaseModel] | None
    description: str
    media_type: str = "application/octet-stream"


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One method of one path, and the role that it needs.

    `problems` are codes beyond those that every operation may answer with. One that `counts_itself` is not counted
    against its caller's key: what workers say. The answer of one that is `immutable` is the same for ever, because it
    is found by its content. The body of one that `takes_bytes` is no JSON. With names in `or_any_without` it may be
    any JSON as well but an object that has one of them."""

    method: Literal["GET", "POST", "PUT", "DELETE"]
    path: str
    endpoint: Callable[[Request], Awaitable[Response]]
    summary: str
    area: str
    role: Role
    answers: Mapping[int, Said]
    problems: tuple[str, ...] = ()
    body: type[BaseModel] | None = None
    parameters: tuple[Parameter, ...] = field(default=())
    counts_itself: bool = False
    immutable: bool = False
    takes_bytes: bool = False
    or_any_without: tuple[str, ...] = ()
