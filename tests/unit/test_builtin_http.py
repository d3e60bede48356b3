"""`http` steps against real servers: what is sent, what is a success, where a request never goes."""

import asyncio
import contextlib
import gzip
import ipaddress
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from foldgate.sdk.artifact_stores import store_at
from foldgate.sdk.builtin.requests import HttpTerms
from foldgate.sdk.testing import handle
from tests.support.http_steps import LOOPBACK, Names, ask, at, worker
from tests.support.tls import certified
from tests.support.web import Asked, Web, response, web


@pytest.fixture
def site() -> Iterator[Web]:
    with web() as found:
        found.answers["/ok"] = response(200, b'{"a": [1, 2]}', {"Content-Type": "application/json", "X-Two": "1"})
        yield found


async def test_a_value_comes_back_and_the_host_is_named(site: Web) -> None:
    done = await ask({"url": at(site, "/ok?x=1"), "query": {"y": [True, "b c"], "z": 3}, "headers": {"X-Mine": "m"}})
    assert done.output["status"] == 200
    assert done.output["body"] == {"a": [1, 2]}
    assert done.output["headers"]["x-two"] == "1"
    [asked] = site.asked
    assert (asked.method, asked.target) == ("GET", "/ok?x=1&y=true&y=b+c&z=3")
    assert asked.headers["host"] == f"example.com:{site.port}"
    assert asked.headers["x-mine"] == "m"
    assert asked.headers["traceparent"].startswith("00-")
    assert "idempotency-key" not in asked.headers


@pytest.mark.parametrize(
    ("body", "sent", "kind"),
    [
        ({"a": 1}, b'{"a":1}', "application/json"),
        ([], b"[]", "application/json"),
        ("text", b"text", "text/plain; charset=utf-8"),
        (None, b"", None),
    ],
)
async def test_a_body_is_sent_with_a_key_that_all_attempts_share(
    site: Web, *, body: Any, sent: bytes, kind: str | None
) -> None:
    done = await ask({"url": at(site), "method": "post", "body": body})
    assert done.code == ""
    [asked] = site.asked
    assert (asked.method, asked.body, asked.headers.get("content-type")) == ("POST", sent, kind)
    assert asked.headers["idempotency-key"] == "run_test:step"
    assert asked.headers["content-length"] == str(len(sent))


@pytest.mark.parametrize(
    ("body", "kind", "output"),
    [
        (b"plain", "text/plain", {"body": "plain"}),
        ("grün".encode("latin-1"), "text/plain; charset=latin-1", {"body": "grün"}),
        (b"\xff\x00", "image/png", {"body": "/wA=", "encoding": "base64"}),
        (b"{broken", "application/json", {"body": "{broken"}),
        (b"[1]", "application/problem+json; charset=utf-8", {"body": [1]}),
        (b"[" * 100_000, "application/json", {"body": "[" * 100_000}),
        (b'{"n": 123456789012345678901234567890}', "application/json", None),
        (b"x", "text/plain; charset=nonsense", {"body": "x"}),
        (b"", "application/json", {"body": None}),
    ],
)
async def test_bodies_of_every_kind(site: Web, *, body: bytes, kind: str, output: Any) -> None:
    site.answers["/it"] = response(200, body, {"Content-Type": kind, "Set-Cookie": "session=1"})
    done = await ask({"url": at(site, "/it")})
    assert done.code == ""
    assert "set-cookie" not in done.output["headers"]
    if output is not None:
        assert {name: value for name, value in done.output.items() if name not in ("status", "headers")} == output


@pytest.mark.parametrize(
    ("status", "retryable"),
    [
        (400, False),
        (404, False),
        (408, True),
        (409, False),
        (425, True),
        (429, True),
        (500, True),
        (501, False),
        (502, True),
        (503, True),
        (504, True),
        (304, False),
    ],
)
async def test_which_statuses_are_tried_again(site: Web, status: int, retryable: bool) -> None:
    site.answers["/it"] = response(status, b"why\n  it failed")
    done = await ask({"url": at(site, "/it")})
    assert (done.code, done.retryable) == (f"http_{status}", retryable)
    if status != 304:
        assert f"{status} Said: why it failed" in done.message


@pytest.mark.parametrize(("said", "after_ms"), [("7", 7000), ("-1", 0), ("soon", 0)])
async def test_when_to_come_again(site: Web, *, said: str, after_ms: int) -> None:
    site.answers["/it"] = response(429, headers={"Retry-After": said})
    assert (await ask({"url": at(site, "/it")})).retry_after_ms == after_ms


@pytest.mark.parametrize(("in_s", "least", "most"), [(90, 1_000, 90_000), (-90, 0, 0)])
async def test_when_to_come_again_by_date(site: Web, *, in_s: int, least: int, most: int) -> None:
    said = format_datetime(datetime.now(UTC) + timedelta(seconds=in_s), usegmt=True)
    site.answers["/it"] = response(429, headers={"Retry-After": said})
    assert least <= (await ask({"url": at(site, "/it")})).retry_after_ms <= most


@pytest.mark.parametrize(("expect", "code"), [([404], ""), (["4xx", 200], ""), ([200, 201], "http_404")])
async def test_what_is_a_success_the_step_says(site: Web, expect: Any, code: str) -> None:
    assert (await ask({"url": at(site, "/none"), "expect": expect})).code == code


def zipped(data: bytes) -> bytes:
    """The same at any time: tests are named by it."""
    return gzip.compress(data, mtime=0)


BOMB = zipped(b"\0" * 50_000_000)


@pytest.mark.parametrize(
    ("body", "headers", "code"),
    [
        (b"x" * 1000, {}, ""),
        (b"x" * 1001, {}, "response_too_large"),
        (zipped(b"x" * 1000), {"Content-Encoding": "gzip"}, ""),
        (zipped(b"x" * 500) * 2, {"Content-Encoding": "gzip"}, ""),
        (zipped(b"x" * 500) * 3, {"Content-Encoding": "gzip"}, "response_too_large"),
        (zipped(b"") * 100, {"Content-Encoding": "gzip"}, "response_too_large"),
        (BOMB, {"Content-Encoding": "gzip"}, "response_too_large"),
        (zipped(b"x" * 500)[:-9], {"Content-Encoding": "gzip"}, "invalid_response"),
        (b"no gzip", {"Content-Encoding": "gzip"}, "invalid_response"),
        (b"x", {"Content-Encoding": "br"}, "unknown_encoding"),
        (b"x", {"Content-Encoding": "gzip, gzip"}, "unknown_encoding"),
    ],
)
async def test_an_answer_is_as_large_as_it_may_be(
    site: Web, *, body: bytes, headers: dict[str, str], code: str
) -> None:
    site.answers["/it"] = response(200, body, headers)
    done = await ask({"url": at(site, "/it")}, terms=HttpTerms(networks=LOOPBACK, max_bytes=1000))
    assert done.code == code
    site.answers["/it"] = response(500, body, headers)
    assert (await ask({"url": at(site, "/it")})).code == "http_500"


async def test_a_step_may_want_less_and_not_more(site: Web) -> None:
    site.answers["/it"] = response(200, b"x" * 100)
    terms = HttpTerms(networks=LOOPBACK, max_bytes=50)
    assert (await ask({"url": at(site, "/it"), "max_bytes": 1000}, terms=terms)).code == "response_too_large"
    assert (await ask({"url": at(site, "/it"), "max_bytes": 99})).code == "response_too_large"
    assert (await ask({"url": at(site, "/it"), "max_bytes": 100})).code == ""


async def _never_ends(_: Asked, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n")
    await writer.drain()
    await asyncio.Event().wait()


async def test_an_answer_that_does_not_end_is_given_up(site: Web) -> None:
    site.answers["/slow"] = _never_ends
    done = await ask({"url": at(site, "/slow"), "timeout": "200ms"})
    assert (done.code, done.retryable) == ("http_timeout", True)
    done = await ask({"url": at(site, "/slow"), "timeout": 60}, terms=HttpTerms(networks=LOOPBACK, timeout_s=0.2))
    assert done.code == "http_timeout"


async def test_a_job_that_is_called_back_waits_no_longer(site: Web) -> None:
    site.answers["/slow"] = _never_ends
    done = await ask({"url": at(site, "/slow")}, cancel_after=0.1)
    assert (done.code, done.retryable) == ("cancelled", False)


async def test_an_answer_that_breaks_off_may_be_tried_again(site: Web) -> None:
    site.answers["/short"] = response(200, b"x", {"Content-Length": "100"})
    site.answers["/garbage"] = b"\x00\x01 nothing of HTTP\r\n\r\n"
    site.answers["/silent"] = b""
    codes = {path: await ask({"url": at(site, path)}) for path in ("/short", "/garbage", "/silent")}
    assert {path: (done.code, done.retryable) for path, done in codes.items()} == {
        "/short": ("invalid_response", True),
        "/garbage": ("http_unreachable", True),
        "/silent": ("http_unreachable", True),
    }


async def test_who_cannot_be_reached_may_be_tried_again(site: Web) -> None:
    done = await ask({"url": "http://example.com:1/"})
    assert (done.code, done.retryable) == ("http_unreachable", True)
    assert (await ask({"url": "http://nobody/"})).code == "host_unknown"
    assert (await ask({"url": "http://example.com/"}, resolve=Names(example_com=[[]]))).code == "host_unknown"
    both = Names(example_com=[["127.0.0.2", "127.0.0.1"]])
    terms = HttpTerms(networks=(ipaddress.ip_network("127.0.0.0/8"),))
    assert (await ask({"url": at(site)}, resolve=both, terms=terms)).code == "", "the next address answers"


async def test_no_proxy_comes_by_the_environment(site: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    with web() as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        assert (await ask({"url": at(site)})).code == ""
        assert proxy.asked == []


async def test_nothing_is_kept_from_one_job_to_the_next(site: Web) -> None:
    site.answers["/it"] = response(200, b"x", {"Set-Cookie": "session=1; Path=/"})
    made = worker()
    for _ in range(2):
        await handle(made, "t", {"url": at(site, "/it")}, asked={"kind": "http"})
    assert all("cookie" not in asked.headers for asked in site.asked)


@contextlib.contextmanager
def secure(folder: Path, name: str) -> Iterator[tuple[Web, str]]:
    """A server with a certificate for that name, and the authority that vouches for it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority, chain, key = certified(folder, name)
    context.load_cert_chain(chain, key)
    with web(tls=context) as site:
        site.answers["/ok"] = response(200, b"safe")
        site.answers["/down"] = response(302, headers={"Location": "http://example.com/"})
        yield site, str(authority)


async def test_certificates_are_verified_for_the_name_that_was_asked(tmp_path: Path) -> None:
    with secure(tmp_path, "example.com") as (site, authority):
        terms = HttpTerms(networks=LOOPBACK, authorities=authority)

        def url(host: str, path: str = "/ok") -> dict[str, str]:
            return {"url": f"https://{host}:{site.port}{path}"}

        assert (await ask(url("example.com"), terms=terms)).output["body"] == "safe"
        for host, of in (("example.com", HttpTerms(networks=LOOPBACK)), ("example.org", terms)):
            done = await ask(url(host), terms=of)
            assert (done.code, done.retryable) == ("tls_not_trusted", False)
        assert (await ask(url("127.0.0.1"), terms=terms)).code == "tls_not_trusted"
        assert (await ask(url("example.com", "/down"), terms=terms)).code == "redirect_not_allowed"
        assert len(site.asked) == 2


async def test_a_server_without_tls_is_not_spoken_to_in_the_clear(site: Web) -> None:
    done = await ask({"url": f"https://example.com:{site.port}/ok"})
    assert (done.code, done.retryable, site.asked) == ("http_unreachable", True, [])


@pytest.mark.parametrize(
    ("given", "what"),
    [
        (None, "Object missing required field `url`"),
        ("text", "Expected a map with url, method"),
        ({"url": "http://x/", "metod": "GET"}, "but got 'metod': did you mean 'method'?"),
        ({"url": "http://x/", "zzz": 1}, "but got 'zzz': there are url, method"),
        ({"url": 5}, "Expected `str`, got `int` - at `$.url`"),
        ({"url": "file:///etc/passwd"}, "url: Expected http://host/"),
        ({"url": "http:///x"}, "url: Expected http://host/"),
        ({"url": "http://["}, "url: "),
        ({"url": "http://a:b@x/"}, "without a name and a password"),
        ({"url": "http://x/", "method": "TRACE"}, "Expected a method such as GET"),
        ({"url": "http://x/", "method": "GE T"}, "Expected a method such as GET"),
        ({"url": "http://x/", "headers": {"Host": "y"}}, "'Host' is not for steps to say"),
        ({"url": "http://x/", "headers": {"a b": "y"}}, "the name of a header"),
        ({"url": "http://x/", "headers": {"a": "y\r\nHost: z"}}, "to be a line"),
        ({"url": "http://x/", "bearer": "y\nz"}, "to be a line"),
        ({"url": "http://x/", "timeout": "soon"}, "Expected a duration such as"),
        ({"url": "http://x/", "timeout": 0}, "Expected a timeout above 0"),
        ({"url": "http://x/", "expect": ["ok"]}, "Expected a status such as 200"),
        ({"url": "http://x/", "max_bytes": 0}, "max_bytes: Expected at least 1"),
    ],
)
async def test_a_wrong_input_is_told(given: Any, what: str) -> None:
    done = await ask(given)
    assert (done.code, done.retryable) == ("invalid_input", False)
    assert what in done.message


async def test_a_large_body_is_an_artifact_and_its_status_stays(site: Web, tmp_path: Path) -> None:
    site.answers["/it"] = response(200, b'"' + b"x" * 300_000 + b'"', {"Content-Type": "application/json"})
    made = worker()
    assert (await handle(made, "t", {"url": at(site, "/it")}, asked={"kind": "http"})).code == "output_too_large"
    made.artifacts = store_at(str(tmp_path), suite="t")
    done = await handle(made, "t", {"url": at(site, "/it")}, asked={"kind": "http"})
    assert done.output["status"] == 200
    assert done.output["body"]["size"] == 300_002
    stored = await made.artifacts.get(done.output["body"]["$artifact"], tenant="default")
    assert msgspec.json.decode(stored) == "x" * 300_000
