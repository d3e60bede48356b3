"""`http` steps and places: where a request never goes, whoever sends it there and however it is spelt."""

import asyncio
from collections.abc import Iterator

import pytest

from foldgate.runtime.clock import SystemClock
from foldgate.sdk import Worker
from foldgate.sdk.builtin.addresses import addresses_of
from foldgate.sdk.builtin.requests import HttpTerms, Requests
from foldgate.sdk.errors import JobError
from foldgate.sdk.testing import handle
from tests.support.http_steps import LOOPBACK, Names, ask, at, names
from tests.support.web import Asked, Web, response, web


@pytest.fixture
def site() -> Iterator[Web]:
    with web() as found:
        found.answers["/ok"] = response(200, b'{"a": [1, 2]}', {"Content-Type": "application/json", "X-Two": "1"})
        yield found


PRIVATE = [
    "127.0.0.1",
    "10.0.0.1",
    "172.16.3.4",
    "192.168.1.1",
    "100.64.0.1",
    "169.254.169.254",
    "168.63.129.16",
    "0.0.0.0",  # noqa: S104 - refused, and never bound to
    "224.0.0.1",
    "255.255.255.255",
    "::1",
    "::",
    "fe80::1",
    "fe80::1%eth0",
    "fc00::1",
    "fec0::1",
    "ff02::1",
    "::ffff:127.0.0.1",
    "::127.0.0.1",
    "64:ff9b::7f00:1",
    "2002:7f00:1::",
    "2001:0:0:0:0:0:7f00:1",
    "2001:db8::1",
]


@pytest.mark.parametrize("address", PRIVATE)
async def test_what_is_not_public_is_not_spoken_to(address: str) -> None:
    resolve = Names(example_com=[["93.184.216.34", address]])
    with pytest.raises(JobError, match="Expected a public address") as refused:
        await addresses_of("example.com", 80, networks=(), resolve=resolve)
    assert (refused.value.code, refused.value.retryable) == ("address_not_allowed", False)


@pytest.mark.parametrize(
    "address", ["93.184.216.34", "2606:2800:220:1::1", "::ffff:93.184.216.34", "64:ff9b::5db8:d822"]
)
async def test_what_is_public_is(address: str) -> None:
    resolve = Names(example_com=[[address]])
    assert len(await addresses_of("example.com", 80, networks=(), resolve=resolve)) == 1


@pytest.mark.parametrize("host", ["127.0.0.1", "2130706433", "0x7f.1", "localhost", "[::1]", "[::ffff:127.0.0.1]"])
async def test_however_loopback_is_spelt_it_is_not_spoken_to(site: Web, host: str) -> None:
    made = Worker("web")
    made.kind("http")(Requests(HttpTerms(), clock=SystemClock()))  # as the machine resolves names
    done = await handle(made, "t", {"url": f"http://{host}:{site.port}/ok"}, asked={"kind": "http"})
    assert done.code == "address_not_allowed"
    assert site.asked == []


async def test_a_name_that_changes_its_address_in_between_gains_nothing(site: Web) -> None:
    """The address that was looked at is the one that is connected to."""
    resolve = Names(example_com=[["127.0.0.1"], ["127.0.0.2"], ["10.0.0.1"]])
    assert (await ask({"url": at(site)}, resolve=resolve)).code == ""
    assert resolve.asked == ["example.com"]


async def test_a_name_that_is_public_first_and_then_private_is_refused_at_the_redirect(site: Web) -> None:
    resolve = Names(example_com=[["127.0.0.1"], ["127.0.0.2"]])
    site.answers["/away"] = response(302, headers={"Location": "/ok"})
    done = await ask({"url": at(site, "/away")}, resolve=resolve)
    assert done.code == "address_not_allowed"
    assert [asked.target for asked in site.asked] == ["/away"]


@pytest.mark.parametrize("location", ["//169.254.169.254/latest/meta-data", "//10.0.0.1/", "//[::1]/", "//127.0.0.2/"])
async def test_no_redirect_leads_to_a_private_address(site: Web, location: str) -> None:
    site.answers["/away"] = response(302, headers={"Location": location})
    assert (await ask({"url": at(site, "/away")})).code == "address_not_allowed"
    assert len(site.asked) == 1


@pytest.mark.parametrize("location", ["ftp://example.com/", "http://[", "http://u:p@x/", "http://a b/"])
async def test_no_redirect_leads_where_nobody_could_go(site: Web, location: str) -> None:
    site.answers["/away"] = response(302, headers={"Location": location})
    assert (await ask({"url": at(site, "/away")})).code == "redirect_not_allowed"


async def test_redirects_end(site: Web) -> None:
    site.answers["/round"] = response(302, headers={"Location": "/round"})
    done = await ask({"url": at(site, "/round"), "redirects": 3})
    assert (done.code, len(site.asked)) == ("too_many_redirects", 4)
    assert (await ask({"url": at(site, "/round"), "redirects": 0})).code == "http_302"
    assert (await ask({"url": at(site, "/round"), "redirects": 0, "expect": [302]})).output["status"] == 302


@pytest.mark.parametrize(
    ("status", "method", "sent"),
    [
        (301, "POST", ("GET", b"")),
        (302, "POST", ("GET", b"")),
        (303, "PUT", ("GET", b"")),
        (303, "HEAD", ("HEAD", b"")),
        (302, "PUT", ("PUT", b"x")),
        (307, "POST", ("POST", b"x")),
        (308, "DELETE", ("DELETE", b"x")),
    ],
)
async def test_what_is_sent_again(site: Web, *, status: int, method: str, sent: tuple[str, bytes]) -> None:
    site.answers["/away"] = response(status, headers={"Location": "/ok"})
    body = None if method == "HEAD" else "x"
    assert (await ask({"url": at(site, "/away"), "method": method, "body": body})).code == ""
    assert (site.asked[1].method, site.asked[1].body) == sent
    assert ("content-type" in site.asked[1].headers) == bool(sent[1])


async def test_what_may_be_a_secret_goes_to_no_other_host(site: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOLD_TOKEN", "s3cr3t-and-long")
    given = {"bearer": "secret://env/TOLD_TOKEN", "headers": {"X-Api-Key": "k", "Cookie": "c", "Accept": "text/plain"}}
    for host in ("example.com", "example.org"):
        site.answers["/away"] = response(302, headers={"Location": at(site, host=host)})
        site.asked.clear()
        assert (await ask({"url": at(site, "/away"), **given})).code == ""
        first, second = site.asked
        assert first.headers["authorization"] == "Bearer s3cr3t-and-long"
        kept = {"authorization", "x-api-key", "cookie"} & second.headers.keys()
        assert kept == ({"authorization", "x-api-key", "cookie"} if host == "example.com" else set())
        assert second.headers["accept"] == "text/plain"
    site.answers["/keep"] = response(307, headers={"Location": at(site, host="example.org")})
    done = await ask({"url": at(site, "/keep"), "method": "POST", "body": "x"})
    assert done.code == "redirect_not_allowed"


async def test_a_secret_that_comes_back_is_not_said(site: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOLD_TOKEN", "s3cr3t-and-long")
    monkeypatch.setenv("UNTOLD", "another")

    async def echo(asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(response(int(asked.target[-3:]), asked.headers["authorization"].encode()))

    site.answers["/200"] = site.answers["/500"] = echo
    given = {"bearer": "secret://env/TOLD_TOKEN"}
    assert (await ask({"url": at(site, "/200"), **given})).output["body"] == "Bearer secret://env/TOLD_TOKEN"
    assert "s3cr3t" not in (await ask({"url": at(site, "/500"), **given})).message
    assert (await ask({"url": at(site), "bearer": "secret://env/UNTOLD"})).code == "secret_missing"


@pytest.mark.parametrize(
    ("allowed", "code"),
    [
        (["example.com"], ""),
        (["example.*"], ""),
        (["127.0.0.0/8"], ""),
        (["example.org"], "constraint_breached"),
        (["10.0.0.0/8"], "constraint_breached"),
        ([], "constraint_breached"),
    ],
)
async def test_policy_says_which_hosts(site: Web, allowed: list[str], code: str) -> None:
    done = await ask({"url": at(site)}, constraints={"network_allowlist": allowed})
    assert done.code == code
    assert done.breaches == (["network_allowlist"] if code else [])
    assert len(site.asked) == (not code)


async def test_policy_and_the_owner_are_asked_at_every_hop(site: Web) -> None:
    site.answers["/away"] = response(302, headers={"Location": at(site, host="example.org")})
    breached = await ask({"url": at(site, "/away")}, constraints={"network_allowlist": ["example.com"]})
    assert (breached.code, breached.breaches) == ("constraint_breached", ["network_allowlist"])
    terms = HttpTerms(networks=LOOPBACK, hosts=(f"example.com:{site.port}",))
    assert (await ask({"url": at(site, "/away")}, terms=terms)).code == "host_not_allowed"
    assert (await ask({"url": at(site)}, terms=terms)).code == ""
    assert [asked.target for asked in site.asked] == ["/away", "/away", "/ok"]


async def test_a_host_that_is_refused_is_not_even_looked_up(site: Web) -> None:
    resolve = names()
    await ask({"url": at(site)}, resolve=resolve, constraints={"network_allowlist": ["x.example.com"]})
    await ask({"url": at(site)}, resolve=resolve, terms=HttpTerms(hosts=("x.example.com",)))
    assert resolve.asked == []
