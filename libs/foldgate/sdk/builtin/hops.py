"""One request of an `http` step, and where a redirect leads it: what is sent again, and what goes to no other host."""

import ipaddress
import re
from typing import NamedTuple

import httpx
import msgspec

from foldgate.sdk.builtin.asked import HttpAsked, Many, Scalar, invalid
from foldgate.sdk.errors import Fatal
from foldgate.sdk.job import Job

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that change nothing: whoever repeats them does no harm."""
MOST_REDIRECTS = 10
_SEE_OTHER, _KEPT = 303, frozenset({307, 308})
REDIRECTS = frozenset({301, 302, _SEE_OTHER, *_KEPT})
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,200}")
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]{0,8000}")
_OURS = frozenset(
    {
        "accept-encoding",
        "connection",
        "content-length",
        "expect",
        "host",
        "keep-alive",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
"""What the way of a request is made of: no step says these."""
_HARMLESS = frozenset({"accept", "accept-language", "content-type", "user-agent", "idempotency-key", "traceparent"})
"""What may go to another host. All else may be a secret, under whatever name."""
_OF_BODY = frozenset({"content-type", "content-encoding", "content-language"})
_HOST = re.compile(r"[A-Za-z0-9_.-]{1,253}")
_PORTS = {"http": 80, "https": 443}


class Hop(NamedTuple):
    """A request to one place. Names of headers are in lower case."""

    method: str
    url: httpx.URL
    headers: dict[str, str]
    body: bytes

    @property
    def host(self) -> str:
        """As it is resolved."""
        return self.url.raw_host.decode("ascii")

    @property
    def port(self) -> int:
        """Said, or that of the scheme."""
        return self.url.port or _PORTS[self.url.scheme]

    @property
    def place(self) -> str:
        """Host and port, as limits ask for them."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def origin(self) -> tuple[str, str, int]:
        """Whom it speaks to."""
        return self.url.scheme, self.host, self.port


def first_hop(asked: HttpAsked, job: Job) -> Hop:
    """What the step asks for."""
    method = asked.method.upper()
    if not re.fullmatch("[A-Z]{1,20}", method) or method in ("CONNECT", "TRACE"):
        raise invalid(f"Expected a method such as GET or POST, but got '{asked.method[:40]}'.")
    headers, body = _headers(asked), _body(asked)
    if body and isinstance(asked.body, str):
        headers.setdefault("content-type", "text/plain; charset=utf-8")
    elif body:
        headers.setdefault("content-type", "application/json")
    headers.setdefault("user-agent", "foldgate")
    headers.setdefault("traceparent", job.traceparent)
    if method not in SAFE:
        headers.setdefault("idempotency-key", job.idempotency_key)
    try:
        url = _url(asked.url)
    except _NoPlace as error:
        raise invalid(f"url: {error}") from None
    return Hop(method, url.copy_merge_params(_query(asked.query)) if asked.query else url, headers, body)


def next_hop(hop: Hop, status: int, location: str) -> Hop:
    """Where a redirect leads. Raises Fatal where it must not."""
    try:
        url = _url(str(hop.url.join(location)))
    except (httpx.InvalidURL, _NoPlace) as error:
        raise _stopped(f"Expected a redirect to a place, but got '{location[:200]}': {error}") from None
    if hop.url.scheme == "https" and url.scheme != "https":
        raise _stopped(f"Expected a redirect to https, as before, but it leads to {url.scheme}://{url.host}.")
    to = hop._replace(url=url)
    if status not in _KEPT and hop.method != "HEAD" and (status == _SEE_OTHER or hop.method == "POST"):
        kept = {name: value for name, value in hop.headers.items() if name not in _OF_BODY}
        to = to._replace(method="GET", body=b"", headers=kept)
    if to.origin != hop.origin:
        if to.body:
            raise _stopped(f"Expected a redirect to the same host, since there is a body, but it leads to {to.place}.")
        to = to._replace(headers={name: value for name, value in to.headers.items() if name in _HARMLESS})
    return to


class _NoPlace(Exception):
    """A text is no URL that a request can go to; says why."""


def _url(text: str) -> httpx.URL:
    try:
        url = httpx.URL(text)
        host = url.raw_host.decode("ascii")
    except (httpx.InvalidURL, UnicodeError) as error:
        raise _NoPlace(f"{error}.") from None
    if url.scheme not in _PORTS or not (_HOST.fullmatch(host) or _is_address(host)):
        raise _NoPlace(f"Expected http://host/… or https://host/…, but got '{text[:200]}'.")
    if url.userinfo:
        raise _NoPlace("Expected a URL without a name and a password: use `bearer`, or the header Authorization.")
    return url.copy_with(fragment=None)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _headers(asked: HttpAsked) -> dict[str, str]:
    headers = {}
    for name, value in asked.headers.items():
        if not _TOKEN.fullmatch(name):
            raise invalid(f"headers: Expected the name of a header, but got {name[:80]!r}.")
        if name.lower() in _OURS:
            raise invalid(f"headers: '{name}' is not for steps to say: leave it out.")
        headers[name.lower()] = _value(name, value)
    if asked.bearer:
        headers["authorization"] = _value("bearer", f"Bearer {asked.bearer}")
    return headers


def _value(name: str, value: str) -> str:
    """Without the value in what is said about it: it may be a secret."""
    if not _VALUE.fullmatch(value):
        raise invalid(f"headers: Expected '{name}' to be a line of at most 8000 Latin characters, but it is not.")
    return value


def _body(asked: HttpAsked) -> bytes:
    if asked.body is None:
        return b""
    return asked.body.encode() if isinstance(asked.body, str) else msgspec.json.encode(asked.body)


def _query(query: dict[str, Many]) -> httpx.QueryParams:
    pairs = ((name, one) for name, value in query.items() for one in (value if isinstance(value, list) else [value]))
    return httpx.QueryParams(tuple((name, _text(one)) for name, one in pairs))


def _text(value: Scalar) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _stopped(message: str) -> Fatal:
    return Fatal("redirect_not_allowed", message)
