"""Who is calling: the place for authentication, in front of every route.

With a key configured, every request carries it. Without one only loopback is served (the settings see to that), and
then no page in a browser may drive us: a page of another site gives itself away by `Origin` or `Sec-Fetch-Site`, and
one whose name was made to point at this machine by `Host`.
"""

import hmac
import ipaddress
import re
from typing import NamedTuple

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from foldgate.gateway.http.problems import Problem, answer
from foldgate.runtime.settings import Settings

DEFAULT_TENANT = "default"
_TENANT = re.compile(r"[a-z0-9][a-z0-9_.-]{0,62}")
_CALLER = "foldgate.caller"
_ONCE = ("host", "origin", "x-api-key", "authorization", "x-tenant-id", "idempotency-key", "content-length")


class Caller(NamedTuple):
    """Who asks, and whose objects it may see."""

    tenant: str
    principal: str


def caller_of(request: Request) -> Caller:
    """The caller of a request that was let in."""
    caller: Caller = request.scope[_CALLER]
    return caller


class Authenticating:
    """Lets a request in with its caller, or answers why not."""

    def __init__(self, app: ASGIApp, *, settings: Settings) -> None:
        self._app, self._settings = app, settings
        self._key = None if settings.api_key is None else settings.api_key.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        try:
            scope[_CALLER] = self._caller(Headers(scope=scope))
        except Problem as problem:
            await _refuse(problem, scope, receive=receive, send=send)
            return
        await self._app(scope, receive, send)

    def _caller(self, headers: Headers) -> Caller:
        for name in _ONCE:
            if len(headers.getlist(name)) > 1:
                raise Problem("invalid_header", f"Expected one {name}, but there are several.", field=name)
        if _is_loopback(self._settings.http_host):
            _check_page(headers, self._settings.http_host)
        return Caller(tenant=_tenant(headers), principal=self._principal(headers))

    def _principal(self, headers: Headers) -> str:
        if self._key is None:
            return "local"
        scheme, _, token = headers.get("authorization", "").partition(" ")
        shown = headers.get("x-api-key") or (token.strip() if scheme.lower() == "bearer" else "")
        if not hmac.compare_digest(shown.encode("latin-1"), self._key):
            raise Problem(
                "unauthenticated",
                "Expected the key of this suite, but "
                + ("it is another one." if shown else "there is none: send it as X-API-Key or Authorization: Bearer."),
                field="X-API-Key",
            )
        return "api-key"


async def _refuse(problem: Problem, scope: Scope, *, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008})
    else:
        await answer(problem)(scope, receive, send)


def _tenant(headers: Headers) -> str:
    tenant = headers.get("x-tenant-id", DEFAULT_TENANT)
    if not _TENANT.fullmatch(tenant):
        what = "Expected a tenant of 1 to 63 lower case letters, digits, '_', '.' and '-', but it is not."
        raise Problem("invalid_header", what, field="X-Tenant-ID")
    return tenant


def _check_page(headers: Headers, own_host: str) -> None:
    host = headers.get("host", "").lower()
    if not (_is_loopback(_name(host)) or _name(host) == own_host.lower()):
        what = f"Expected a request to localhost, but its Host is '{host[:100]}'."
        raise Problem("foreign_host", f"{what} Ask for this server by 127.0.0.1 or localhost.", field="Host")
    site = headers.get("sec-fetch-site", "none").lower()
    if site not in ("none", "same-origin"):
        what = f"Expected no page of another site to send this, but Sec-Fetch-Site is '{site[:40]}'."
        raise Problem("foreign_page", what, field="Sec-Fetch-Site")
    origin = headers.get("origin")
    if origin is not None and origin.lower() not in (f"http://{host}", f"https://{host}"):
        what = f"Expected no page of another site to send this, but its Origin is '{origin[:100]}'."
        raise Problem("foreign_page", what, field="Origin")


def _name(host: str) -> str:
    """The host without its port."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"
