"""Who is calling: the place for authentication, in front of every route.

With a key or an issuer configured, every request carries a key or a token. Without one only loopback is served (the
settings see to that), and then no page in a browser may drive us: a page of another site gives itself away by `Origin`
or `Sec-Fetch-Site`, and one whose name was made to point at this machine by `Host`.

A caller may only name its own tenants. That another one is not its own says nothing of whether there is such a tenant;
within a tenant, what belongs to another is not there.
"""

from collections.abc import Mapping, Sequence

from starlette.types import ASGIApp, Receive, Scope, Send

from foldgate.gateway.http.callers import CALLER, Caller, Identity
from foldgate.gateway.http.callers import caller_of as caller_of  # noqa: PLC0414 - what areas ask
from foldgate.gateway.http.identities import Identities
from foldgate.gateway.http.problems import Problem, refuse
from foldgate.identity.api_keys import ALL_TENANTS, TENANT
from foldgate.runtime.settings import is_loopback

DEFAULT_TENANT = "default"
_ONCE = ("host", "origin", "x-api-key", "authorization", "x-tenant-id", "idempotency-key", "content-length")
Headers = Mapping[str, str]
"""The first of each name, in lower case."""


class Authenticating:
    """Lets a request in with its caller, or answers why not."""

    def __init__(self, app: ASGIApp, *, identities: Identities, host: str) -> None:
        self._app, self._identities = app, identities
        self._own_host = host.lower() if is_loopback(host) else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        try:
            scope[CALLER] = await self._caller(scope["headers"])
        except Problem as problem:
            await refuse(problem, scope, receive=receive, send=send)
            return
        await self._app(scope, receive, send)

    async def _caller(self, raw: Sequence[tuple[bytes, bytes]]) -> Caller:
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in reversed(raw)}
        if len(headers) < len(raw):
            _check_once(raw)
        if self._own_host is not None:
            _check_page(headers, self._own_host)
        named = _named(headers)
        identity = await self._identities.of(headers)
        return Caller(
            tenant=_tenant(named, identity),
            principal=identity.principal,
            roles=identity.roles,
            counted_as=identity.counted_as,
            everywhere=named is None and ALL_TENANTS in identity.tenants,
        )


def _check_once(raw: Sequence[tuple[bytes, bytes]]) -> None:
    names = [name.decode("latin-1") for name, _ in raw]
    for name in _ONCE:
        if names.count(name) > 1:
            raise Problem("invalid_header", f"Expected one {name}, but there are several.", field=name)


def _named(headers: Headers) -> str | None:
    """The tenant that the request names."""
    tenant = headers.get("x-tenant-id")
    if tenant is not None and not TENANT.fullmatch(tenant):
        what = "Expected a tenant of 1 to 63 lower case letters, digits, '_', '.' and '-', but it is not."
        raise Problem("invalid_header", what, field="X-Tenant-ID")
    return tenant


def _tenant(named: str | None, identity: Identity) -> str:
    """The tenant that is meant: without a name the only one, or `default` if that is among them."""
    own = identity.tenants
    if named is None:
        named = own[0] if len(own) == 1 and own[0] != ALL_TENANTS else DEFAULT_TENANT
        if ALL_TENANTS not in own and named not in own and own:
            what = "Expected the tenant that is meant in X-Tenant-ID, because there are several, but there is none."
            raise Problem("invalid_header", what, field="X-Tenant-ID")
    if ALL_TENANTS in own or (named in own and TENANT.fullmatch(named)):
        return named
    what = f"Expected one of the tenants that '{identity.principal[:100]}' may ask for, but '{named}' is none of them."
    raise Problem("foreign_tenant", what, field="X-Tenant-ID")


def _check_page(headers: Headers, own_host: str) -> None:
    host = headers.get("host", "").lower()
    if not (_name(host) == own_host or is_loopback(_name(host))):
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
