"""The registry's client, against a registry that speaks Confluent's HTTP.

No registry that runs without a container is to be had from the package registries, so the one here is a small server
of the tests' own (tests/support/registry.py): the two routes, with a compatibility check. Set FOLDGATE_TEST_REGISTRY to
the URL of a real one to run the first tests against that, too; it gets a subject for each event.
"""

import copy
import os
import socket
from collections.abc import Iterator

import pytest

from foldgate.contracts.codec import Codec, Undecodable
from foldgate.contracts.registry import (
    ASK_AGAIN_MS,
    MAX_ANSWER_BYTES,
    REMEMBERED,
    HttpRegistry,
    RegistryRefused,
    RegistryUnavailable,
)
from foldgate.runtime.settings import SettingsInvalid, from_environment
from tests.support.avro import EVENTS, alone, datum_of, sample, written
from tests.support.registry import Answer, TestRegistry, running

GIVEN = os.environ.get("FOLDGATE_TEST_REGISTRY")
INCOMPATIBLE = {**alone("RunFailed"), "fields": [*alone("RunFailed")["fields"], {"name": "more", "type": "long"}]}


class Now:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.ms = 0

    def __call__(self) -> int:
        return self.ms


@pytest.fixture
def server() -> Iterator[TestRegistry]:
    with running() as registry:
        yield registry


@pytest.fixture(params=["small", "given"])
def url(request: pytest.FixtureRequest) -> str:
    if request.param == "given":
        return GIVEN or pytest.skip("FOLDGATE_TEST_REGISTRY does not name a real schema registry")
    server: TestRegistry = request.getfixturevalue("server")
    return server.url()


def client(url: str, *, now: Now | None = None, timeout_s: float = 10.0) -> HttpRegistry:
    return HttpRegistry(url, now_ms=now or Now(), timeout_s=timeout_s)


def test_one_codec_reads_what_another_wrote_by_the_ids_of_the_registry(url: str) -> None:
    writer, reader = Codec(client(url)), Codec(client(url))
    values = {name: writer.encode(*sample(name)) for name in EVENTS}
    assert len({value[1:5] for value in values.values()}) == len(EVENTS)
    for name, value in values.items():
        assert value[:1] == b"\x00"
        assert reader.decode(value) == sample(name)


def test_a_schema_keeps_its_id(url: str) -> None:
    first = client(url).id_of("RunFailed", alone("RunFailed"))
    assert client(url).id_of("RunFailed", alone("RunFailed")) == first
    assert client(url).schema_of(first) == alone("RunFailed")


def test_an_unknown_id_is_unknown(url: str) -> None:
    with pytest.raises(Undecodable, match="the registry does not know it: 2147483647") as refusal:
        Codec(client(url)).decode(b"\x00" + (2**31 - 1).to_bytes(4, "big") + b"\x00")
    assert refusal.value.code == "unknown_schema"


def test_a_schema_that_does_not_fit_the_registered_one_is_refused_in_one_line(url: str) -> None:
    registry = client(url)
    registry.id_of("RunFailed", alone("RunFailed"))
    with pytest.raises(RegistryRefused, match="to take today's schema of RunFailed, but it is incompatible") as refusal:
        client(url).id_of("RunFailed", INCOMPATIBLE)
    assert "\n" not in str(refusal.value)


def test_each_schema_is_asked_for_once(server: TestRegistry) -> None:
    registry = client(server.url())
    for _ in range(3):
        value = Codec(registry).encode(*sample("RunFailed"))
        assert Codec(registry).decode(value) == sample("RunFailed")
    assert server.asked == ["POST /subjects/foldgate.RunFailed/versions", "GET /schemas/ids/1"]


def test_an_unknown_id_is_not_asked_for_again_until_later(server: TestRegistry) -> None:
    now = Now()
    registry = client(server.url(), now=now)
    reader = Codec(registry)
    for _ in range(50):
        with pytest.raises(Undecodable):
            reader.decode(bytes([0, 0, 0, 0, 1]) + b"rest")
    assert server.asked == ["GET /schemas/ids/1"]
    value = bytes([0, 0, 0, 0, server.add(alone("RunFailed"))]) + written(
        alone("RunFailed"), datum_of(*sample("RunFailed"))
    )
    now.ms = ASK_AGAIN_MS - 1
    assert registry.schema_of(1) is None
    now.ms = ASK_AGAIN_MS
    assert reader.decode(value) == sample("RunFailed")
    assert server.asked == ["GET /schemas/ids/1"] * 2


def test_what_is_remembered_of_unknown_ids_is_bounded(server: TestRegistry) -> None:
    registry = client(server.url())
    for number in range(REMEMBERED + 1):
        assert registry.schema_of(number + 1) is None
    asked = len(server.asked)
    assert registry.schema_of(REMEMBERED + 1) is None
    assert len(server.asked) == asked
    assert registry.schema_of(1) is None
    assert len(server.asked) == asked + 1


def test_a_newer_edition_is_read_by_the_schema_in_the_registry(server: TestRegistry) -> None:
    newer = copy.deepcopy(alone("RunFailed"))
    newer["fields"].append({"name": "more", "type": ["null", "string"], "default": None})
    number = server.add(newer)
    value = bytes([0, 0, 0, 0, number]) + written(newer, {**datum_of(*sample("RunFailed")), "more": "said"})
    assert Codec(client(server.url())).decode(value) == sample("RunFailed")


@pytest.mark.parametrize(
    ("schema", "more"),
    [
        ('{"type": "object"}', {"schemaType": "JSON"}),
        ('syntax = "proto3";', {"schemaType": "PROTOBUF"}),
        ('syntax = "proto3";', {}),
        ('"string"', {}),
        ("[" * 100_000, {}),
        ('{"a":' * 100_000, {}),
    ],
    ids=["JSON", "Protobuf", "no JSON", "no record", "deep", "deeper"],
)
def test_what_is_no_avro_record_is_unknown(server: TestRegistry, schema: str, more: dict[str, str]) -> None:
    number = server.add(schema, **more)
    reader = Codec(client(server.url()))
    for _ in range(3):
        with pytest.raises(Undecodable, match=f"schema id {number} is no record") as refusal:
            reader.decode(bytes([0, 0, 0, 0, number]))
        assert refusal.value.code == "unknown_schema"
    assert len(server.asked) == 1


def test_the_user_and_password_are_those_of_the_url(server: TestRegistry) -> None:
    server.login = "ada:p@ss:/word é"
    login = "ada:p%40ss%3A%2Fword%20%C3%A9"
    assert client(server.url(login)).id_of("RunFailed", alone("RunFailed")) == 1
    assert client(server.url(login)).schema_of(1) == alone("RunFailed")
    for url in (server.url(), server.url("ada"), server.url("ada:secret")):
        with pytest.raises(RegistryRefused, match="does not take the user and password of its URL") as refusal:
            client(url).schema_of(1)
        assert "secret" not in str(refusal.value)


def test_a_redirect_is_not_followed_with_the_password(server: TestRegistry) -> None:
    with running() as other:
        server.instead = Answer(302, location=other.url() + "/schemas/ids/1")
        with pytest.raises(RegistryRefused, match="it answered 302; is this the address of a registry"):
            client(server.url("ada:secret")).schema_of(1)
        assert other.asked == []


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (Answer(401), "it does not take the user and password"),
        (Answer(403, b'{"message": "Read only."}'), "the user of its URL may not. It says: Read only."),
        (Answer(404, b"<html>"), "it answered 404; is this the address of a registry?"),
        (Answer(409, b'{"message": "a\\nb"}'), "it is incompatible with what is registered there. It says: a b."),
        (Answer(422, b"{}"), "it does not understand the schema"),
    ],
    ids=lambda value: str(value.status) if isinstance(value, Answer) else "",
)
def test_a_refusal_says_what_to_change(server: TestRegistry, answer: Answer, why: str) -> None:
    server.instead = answer
    with pytest.raises(RegistryRefused) as refusal:
        Codec(client(server.url("ada:secret"))).encode(*sample("RunFailed"))
    where = f"Expected the schema registry at {server.url()} to take today's schema of RunFailed, but {why}"
    assert str(refusal.value).startswith(where)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (Answer(500), "it answered 500"),
        (Answer(503, b"<html>"), "it answered 503"),
        (Answer(429), "it answered 429"),
        (Answer(200, b"<html>"), "it answered what no registry would"),
        (Answer(200, b"\xff\xfe"), "it answered what no registry would"),
        (Answer(200, b'{"id": -1, "schema": 3}'), "it answered what no registry would"),
        (Answer(200, b'{"id": 4294967296}'), "it answered what no registry would"),
        (Answer(200, b" " * (MAX_ANSWER_BYTES + 10) + b'{"id": 1, "schema": "{}"}'), "what no registry would"),
    ],
    ids=["500", "503", "429", "HTML", "bytes", "types", "large id", "long"],
)
def test_a_registry_out_of_order_is_unavailable_and_nothing_is_remembered(
    server: TestRegistry, answer: Answer, why: str
) -> None:
    server.instead = answer
    registry = client(server.url("ada:secret"))
    with pytest.raises(RegistryUnavailable, match=why) as reading:
        Codec(registry).decode(bytes([0, 0, 0, 0, 1]))
    with pytest.raises(RegistryUnavailable, match=why):
        Codec(registry).encode(*sample("RunFailed"))
    assert str(reading.value).startswith(f"Expected an answer of the schema registry at {server.url()}, but ")
    server.instead = None
    assert registry.schema_of(registry.id_of("RunFailed", alone("RunFailed"))) == alone("RunFailed")


def test_a_registry_that_is_not_there_is_unavailable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as place:
        url = f"http://127.0.0.1:{place.getsockname()[1]}"
    with pytest.raises(RegistryUnavailable, match="refused"):
        client(url).schema_of(1)


def test_a_registry_that_does_not_answer_is_unavailable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(RegistryUnavailable, match="timed out"):
            client(url, timeout_s=0.05).schema_of(1)


def test_a_registry_that_hangs_up_is_unavailable(server: TestRegistry) -> None:
    server.instead = Answer(200, b'{"schema": "')
    server.cut_short = True
    with pytest.raises(RegistryUnavailable):
        client(server.url()).schema_of(1)


WRONG = ["registry:8081", "ftp://ada:secret@localhost", "http://", "http://[::1", "http://ada:secret@a:b", "file:///x"]


@pytest.mark.parametrize("url", WRONG)
def test_what_is_no_url_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(RegistryRefused, match="such as http://localhost:8081, but it is none") as refusal:
        client(url)
    assert "secret" not in str(refusal.value)
    given = {"FOLDGATE_POSTGRES": "postgresql://localhost", "FOLDGATE_SCHEMA_REGISTRY": url}
    with pytest.raises(
        SettingsInvalid, match=r"FOLDGATE_SCHEMA_REGISTRY=.*: expected a URL such as http://"
    ) as invalid:
        from_environment(given)
    assert "secret" not in str(invalid.value)


def test_the_place_may_have_a_path() -> None:
    assert client("https://ada:secret@example.com/apis/ccompat/v7/").place == "https://example.com/apis/ccompat/v7"
