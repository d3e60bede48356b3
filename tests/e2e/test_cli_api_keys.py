"""`foldgate api-keys` beside a suite that runs: keys are made, used, replaced and revoked."""

import asyncio
import contextlib
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from foldgate.runtime.protocol import places
from tests.support.commands import Up, foldgate, running, up
from tests.support.waiting import until

ECHO = Path(__file__).parents[2] / "examples" / "echo_worker.py"
CONNECTIONS = 2_000


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    with up(tmp_path_factory.mktemp("keys") / "data") as found:
        yield found


def asked(suite: Up, key: str, **headers: str) -> httpx.Response:
    return httpx.post(
        f"{suite.suite['url']}/api/v1/jobs", json={"topic": "job.echo"}, headers={"X-API-Key": key, **headers}
    )


def complaint(suite: Up, *words: str) -> str:
    done = suite.foldgate("api-keys", *words)
    assert (done.returncode, done.stdout) == (2, "")
    return done.stderr


async def refused(suite: Up, key: str) -> None:
    await until(lambda: asked(suite, key).status_code == 401, what="the end of a key")


async def test_a_key_lives_and_ends(suite: Up) -> None:
    words = ("create", "ci", "--role", "operator", "--role", "sre", "--tenant", "acme", "--expires-in", "90d")
    made = suite.json("api-keys", *words)
    assert (made["name"], made["roles"], made["tenants"]) == ("ci", ["operator", "sre"], ["acme"])
    assert asked(suite, made["key"]).status_code == 201
    assert asked(suite, made["key"], **{"X-Tenant-ID": "other"}).status_code == 403
    assert "rotate or revoke it" in complaint(suite, *words)

    new = suite.json("api-keys", "rotate", "ci", "--overlap", "1h")
    assert (new["name"], new["roles"], new["tenants"]) == ("ci", ["operator", "sre"], ["acme"])
    assert {asked(suite, key).status_code for key in (made["key"], new["key"])} == {201}, "both are good for a while"
    listed = {one["id"]: one["status"] for one in suite.json("api-keys", "list")}
    assert listed == {made["id"]: "ending", new["id"]: "live"}

    assert [one["id"] for one in suite.json("api-keys", "revoke", made["id"])] == [made["id"]]
    await refused(suite, made["key"])
    assert asked(suite, new["key"]).status_code == 201
    assert suite.foldgate("api-keys", "revoke", "ci").returncode == 0
    await refused(suite, new["key"])
    assert suite.json("api-keys", "list") == []
    shown = suite.foldgate("api-keys", "list", "--all").stdout
    assert shown.count("revoked") == 2
    for key in (made["key"], new["key"]):
        assert key.rpartition(f"{made['id']}_")[2] not in shown


def test_the_secret_alone_is_the_output_and_is_nowhere_else(suite: Up) -> None:
    done = suite.foldgate("api-keys", "create", "script", "--role", "viewer")
    key = done.stdout.strip()
    assert done.returncode == 0
    assert "not shown again" in done.stderr
    url = f"{suite.suite['url']}/api/v1/status"
    assert httpx.get(url, headers={"X-API-Key": key}).status_code == 200
    _, _, secret = key.split("_", 2)  # in which there may be more of them
    holding = [file for file in suite.data.rglob("*") if file.is_file() and secret.encode() in file.read_bytes()]
    assert holding == [], "neither the database nor a log has it"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("create", "x", "--role", "oprator"), "did you mean 'operator'?"),
        (("create", "x", "--role", "policy-admin"), "did you mean 'policy_admin'?"),
        (("create", "x", "--role", "sre"), "Expected one of these among the roles"),
        (("create", "x", "--role", "vie wer"), "Expected a role of"),
        (("create", "a b", "--role", "viewer"), "Expected a name of"),
        (("create", "x", "--role", "viewer", "--tenant", "Acme"), "Expected a tenant of"),
        (("create", "x", "--role", "viewer", "--expires-in", "soon"), "--expires-in: Expected a duration"),
        (("rotate", "nobody"), "see `foldgate api-keys list`"),
        (("rotate", "nobody", "--overlap", "-1h"), "--overlap: Expected a duration"),
        (("revoke", "nobody"), "see `foldgate api-keys list`"),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value),
)
def test_what_makes_no_sense(suite: Up, words: tuple[str, ...], said: str) -> None:
    assert said in complaint(suite, *words)


def test_a_worker_over_http_finds_the_key_of_the_suite_here(suite: Up, tmp_path: Path) -> None:
    words = ("worker", str(ECHO), "--url", suite.suite["url"], "--data", str(suite.data), "--json")
    with running(*words, errors=tmp_path / "errors") as worker:
        assert "worker" in worker.line()


def test_beyond_this_machine_nobody_is_let_in_unknown(tmp_path: Path) -> None:
    done = foldgate("up", "--port", "0", data=tmp_path / "data", settings={"FOLDGATE_HTTP_HOST": "0.0.0.0"})  # noqa: S104
    assert done.returncode == 2
    assert "set FOLDGATE_API_KEY or FOLDGATE_OIDC_ISSUER to serve on 0.0.0.0" in done.stderr
    assert not (tmp_path / "data" / "up.json").exists()


def test_the_key_that_is_made_is_its_owners_alone(suite: Up) -> None:
    assert suite.suite["url"].startswith("http://127.0.0.1:")
    assert (suite.data / "api-key").stat().st_mode & 0o777 == 0o600
    assert asked(suite, (suite.data / "api-key").read_text()).status_code == 201
    assert asked(suite, "").status_code == 401


async def test_thousands_who_say_nothing_hold_nobody_up(suite: Up) -> None:
    """Connections that are silent, that stop in the middle of a head or of a body, and that never read."""
    url, key = suite.suite["url"], (suite.data / "api-key").read_text()
    many = min(CONNECTIONS, places(CONNECTIONS) - 100)
    parts = [
        b"",
        b"GET / HTTP/1.1\r\nX: ",
        b"POST /api/v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n{",
    ]
    async with contextlib.AsyncExitStack() as stack, httpx.AsyncClient(timeout=30) as client:
        for number in range(many):
            _, writer = await asyncio.open_connection("127.0.0.1", suite.suite["port"])
            stack.callback(writer.close)
            writer.write(parts[number % len(parts)])
        assert (await client.get(f"{url}/readyz")).status_code == 200
        answers = [
            await client.post(f"{url}/api/v1/jobs", json={"topic": "job.echo"}, headers={"X-API-Key": key})
            for _ in range(10)
        ]
        assert {answer.status_code for answer in answers} == {201}
    assert Path(f"/proc/{suite.process.pid}").exists() or suite.process.poll() is None


async def test_a_flood_is_answered_to_the_last(suite: Up) -> None:
    """Many at once: each is taken or told to wait, and none is lost or breaks anything."""
    url, key = suite.suite["url"], (suite.data / "api-key").read_text()
    at_once = asyncio.Semaphore(100)

    async def ask(client: httpx.AsyncClient) -> httpx.Response:
        async with at_once:
            return await client.post("/api/v1/jobs", json={"topic": "job.nobody"})

    async with httpx.AsyncClient(base_url=url, headers={"X-API-Key": key}, timeout=60) as client:
        asked = [ask(client) for _ in range(1_000)]
        codes = {answer.status_code for answer in await asyncio.gather(*asked)}
        assert codes <= {201, 202, 429}
        assert 201 in codes
        assert (await client.get("/readyz")).status_code == 200
