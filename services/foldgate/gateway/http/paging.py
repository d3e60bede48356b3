"""Lists in pages: what a list is asked with, and cursors.

A cursor is the key of the row at which a page ended, and the name of the list: the next page begins behind it, however
many rows have come meanwhile. It is opaque to clients, and what they send is checked: one that we did not make is
answered, and never reaches a query.
"""

import base64
import binascii
from collections.abc import Collection, Mapping, Sequence
from typing import Annotated, Any

import msgspec
from starlette.requests import HTTPConnection
from starlette.responses import Response

from foldgate.gateway.http.operations import Parameter
from foldgate.gateway.http.problems import Problem
from foldgate.gateway.http.querying import Row

DEFAULT_LIMIT, MOST = 50, 200
MOST_VALUES = 20
_MAX_CHARS = 1000
CURSOR_FORM = f"^[A-Za-z0-9_-]{{1,{_MAX_CHARS}}}$"
_LIMIT = r"^([1-9]|[1-9][0-9]|1[0-9][0-9]|200)$"
LIMIT = Parameter("limit", "query", f"How many at most: 1 to {MOST}, {DEFAULT_LIMIT} if it is not said.", _LIMIT)
CURSOR = Parameter("cursor", "query", "The `next_cursor` of the page before.", CURSOR_FORM)
PAGES = (LIMIT, CURSOR)
Int = Annotated[int, msgspec.Meta(ge=0, lt=2**31)]
Long = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
"""Numbers in cursors, as PostgreSQL has them."""


class Given:
    """The parameters of a request, each known and given as often as it may be."""

    def __init__(self, request: HTTPConnection, once: Collection[str], many: Collection[str] = ()) -> None:
        self._values: dict[str, list[str]] = {}
        for name, value in request.query_params.multi_items() if request.scope["query_string"] else ():
            if name not in once and name not in many:
                known = ", ".join(f"`{one}`" for one in sorted({*once, *many})) or "none"
                raise _wrong(f"Expected one of the parameters {known}, but got `{name[:60]}`.", name[:60])
            if "\0" in value:
                raise _wrong(f"Expected text in `{name}`, but there is a zero character.", name)
            self._values.setdefault(name, []).append(value)
        for name, values in self._values.items():
            if len(values) > (1 if name in once else MOST_VALUES):
                most = "one" if name in once else f"at most {MOST_VALUES}"
                raise _wrong(f"Expected {most} `{name}`, but there are {len(values)}.", name)

    def one(self, name: str) -> str | None:
        """The value of a parameter."""
        return self._values.get(name, [None])[0]

    def all(self, name: str) -> list[str]:
        """The values of a parameter that may come several times."""
        return self._values.get(name, [])

    def among(self, name: str, values: Sequence[str]) -> list[str]:
        """Those of a parameter, each one of these."""
        for value in self.all(name):
            if value not in values:
                raise _wrong(f"Expected `{name}` to be one of {', '.join(values)}, but got '{value[:60]}'.", name)
        return self.all(name)

    def one_of(self, name: str, values: Sequence[str]) -> str | None:
        """The value of a parameter that is one of these."""
        return next(iter(self.among(name, values)), None)

    @property
    def limit(self) -> int:
        """How many are asked for."""
        text = self.one("limit")
        if text is None:
            return DEFAULT_LIMIT
        if not (text.isascii() and text.isdecimal() and len(text) <= 3 and 1 <= int(text) <= MOST):
            raise _wrong(f"Expected a `limit` of 1 to {MOST}, but got '{text[:20]}'.", "limit")
        return int(text)

    def cursor(self, of: str, shape: Any) -> Any:
        """The key in a cursor of that list; None without one."""
        text = self.one("cursor")
        return None if text is None else key_in(text, of, shape)


def cursor_at(of: str, key: Sequence[Any]) -> str:
    """The cursor of the row with this key, in that list."""
    return base64.urlsafe_b64encode(msgspec.json.encode([of, list(key)])).rstrip(b"=").decode()


def key_in(text: str, of: str, shape: Any) -> Any:
    """The key in a cursor."""
    try:
        if len(text) > _MAX_CHARS:
            raise ValueError
        data = base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
        name, key = msgspec.json.decode(data, type=tuple[str, shape])
        if name != of or "\\u0000" in data.decode() or cursor_at(of, key) != text:
            raise ValueError
    except (ValueError, binascii.Error, msgspec.MsgspecError, RecursionError):
        what = f"Expected a cursor from an earlier page of this list, but got '{text[:60]}'."
        raise _wrong(what, "cursor") from None
    return key


def cut(rows: Sequence[Row], limit: int, *, of: str, by: Sequence[str]) -> tuple[Sequence[Row], str | None]:
    """At most so many of the rows, of which one more was asked for; and the cursor that leads on, if there is more. The
    columns `by` which they are ordered are its key."""
    shown = rows[:limit]
    return shown, cursor_at(of, [shown[-1][name] for name in by]) if len(rows) > limit else None


def page(items: Sequence[Mapping[str, Any]], next_cursor: str | None, **more: Any) -> Response:
    """A part of a list."""
    body = msgspec.json.encode({"items": items, "next_cursor": next_cursor, **more})
    return Response(body, media_type="application/json")


def _wrong(detail: str, field: str) -> Problem:
    return Problem("invalid_parameter", detail, field=field)
