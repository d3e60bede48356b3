"""Compatibility: what was ever written is read for ever, and who has not heard of a change can read past it."""

import copy
import json
from collections.abc import Callable
from typing import Any

import avro.schema
import msgspec
import pytest
from avro.compatibility import ReaderWriterCompatibilityChecker, SchemaCompatibilityType

from foldgate.contracts.codec import NO_CHAIN, Codec, Decoded, Undecodable, editions
from foldgate.contracts.generate import fingerprint_of
from foldgate.contracts.schemas import Schema
from tests.contract import golden
from tests.support.avro import EVENTS, KnownSchemas, alone, datum_of, sample, written

CODEC = Codec()
CHECKER: Any = ReaderWriterCompatibilityChecker  # its annotations are wrong
GOLDENS = golden.goldens()
EDITIONS = [(name, edition) for name, known in editions().items() for edition in known]


def can_read(reader: Schema, writer: Schema) -> bool:
    """Whether a reader with one schema understands whatever was written with the other."""
    reads, writes = (avro.schema.parse(json.dumps(schema)) for schema in (reader, writer))
    found = CHECKER().get_compatibility(reads, writes)
    return bool(found.compatibility == SchemaCompatibilityType.compatible)


def test_every_event_has_its_current_edition_last() -> None:
    assert {name: known[-1]["schema"] for name, known in editions().items()} == {name: alone(name) for name in EVENTS}


def test_every_edition_is_what_its_fingerprint_says() -> None:
    assert all(edition["fingerprint"] == fingerprint_of(edition["schema"]) for _, edition in EDITIONS)


def test_every_edition_has_its_golden_records_and_none_has_vanished() -> None:
    known = {(name, edition["fingerprint"]) for name, edition in EDITIONS}
    found = {(one.name, one.fingerprint) for one in GOLDENS}
    assert not known - found, "run `python -m tests.contract.golden`, and commit what it adds"
    assert not found - known, "an edition is gone from editions.json, and its records can no longer be read"


@pytest.mark.parametrize("one", GOLDENS, ids=lambda one: f"{one.name}.{one.fingerprint}")
def test_golden_records_mean_what_they_ever_meant(one: golden.Golden) -> None:
    assert len(one.records) == 2
    for record in one.records:
        assert CODEC.peek(record.bytes()).name == one.name
        assert CODEC.decode(record.bytes()) == record.meaning(one.name)
        assert CODEC.meta(record.bytes()) == record.meaning(one.name).meta


@pytest.mark.parametrize("name", EVENTS)
def test_golden_records_of_today_are_todays_bytes(name: str) -> None:
    [one] = [one for one in GOLDENS if (one.name, one.fingerprint) == (name, fingerprint_of(alone(name)))]
    for record in one.records:
        assert CODEC.encode(*record.meaning(name)) == record.bytes()


@pytest.mark.parametrize("name", EVENTS)
def test_each_schema_and_every_edition_read_one_another(name: str) -> None:
    for edition in editions()[name]:
        past = edition["fingerprint"]
        assert can_read(alone(name), edition["schema"]), f"today's {name} cannot read what {past} wrote"
        assert can_read(edition["schema"], alone(name)), f"{past} cannot read what today's {name} writes"


def changed(change: Callable[[list[Schema]], Any]) -> Schema:
    """The schema of RunRequested after a change to its own fields (without Meta)."""
    schema = copy.deepcopy(alone("RunRequested"))
    meta, *own = schema["fields"]
    change(own)
    return {**schema, "fields": [meta, *own]}


ADDED = {"name": "more", "type": "string", "default": "none"}
ONLY_ADDED = changed(lambda own: own.append(ADDED))


@pytest.mark.parametrize(
    ("other", "reads_old", "read_by_old"),
    [
        (changed(lambda own: own.clear()), True, False),
        (changed(lambda own: own.remove(own[0])), True, False),
        (changed(lambda own: own[0].update(name="renamed")), False, False),
        (changed(lambda own: own[0].update(type="long")), False, False),
        (changed(lambda own: own[0].update(type={"type": "array", "items": "string"})), False, False),
        (changed(lambda own: own.append({"name": "more", "type": "string"})), False, True),
        (ONLY_ADDED, True, True),
        (changed(lambda own: own.insert(0, ADDED)), True, True),
        (changed(lambda own: own.remove(own[-1])), True, True),
    ],
    ids=["emptied", "removed", "renamed", "number", "list", "no default", "added", "added first", "had a default"],
)
def test_the_check_bites(*, other: Schema, reads_old: bool, read_by_old: bool) -> None:
    assert can_read(other, alone("RunRequested")) == reads_old
    assert can_read(alone("RunRequested"), other) == read_by_old


DROPPED = {"name": "dropped", "type": {"type": "map", "values": "long"}}
OLDER = changed(lambda own: own.__setitem__(slice(1, None), [DROPPED, *own[1:-1]]))
META, EVENT = sample("RunRequested")
FROM_OLDER = Decoded(META, msgspec.structs.replace(EVENT, signature=None))


def of_schema(schema: Schema, datum: dict[str, Any]) -> bytes:
    return bytes.fromhex("c301" + fingerprint_of(schema)) + written(schema, datum)


def test_a_record_of_an_older_edition_has_the_defaults_of_what_came_later() -> None:
    known = {name: [{"schema": alone(name)}] for name in EVENTS}
    known["RunRequested"].insert(0, {"schema": OLDER})
    reader = Codec(known=known)
    value = of_schema(OLDER, {**datum_of(META, EVENT), "dropped": {"a": 1}})
    assert reader.decode(value) == FROM_OLDER
    assert reader.meta(value) == META
    assert reader.peek(value).name == "RunRequested"
    assert reader.encode(META, EVENT) == CODEC.encode(META, EVENT), "it writes today's all the same"
    _, sealed = reader.seal(META, EVENT, NO_CHAIN)
    assert reader.chain_holds(sealed, NO_CHAIN)


@pytest.mark.parametrize("rest", [b"\x00", b"\x00" * 40])
def test_a_record_of_an_older_edition_ends_where_it_should(rest: bytes) -> None:
    reader = Codec(known={"RunRequested": [{"schema": OLDER}, {"schema": alone("RunRequested")}]})
    value = of_schema(OLDER, {**datum_of(META, EVENT), "dropped": {"a": 1}})
    with pytest.raises(Undecodable, match=f"{len(rest)} bytes follow its end") as refusal:
        reader.decode(value + rest)
    assert refusal.value.code == "undecodable"
    with pytest.raises(Undecodable, match="it ends too early"):
        reader.decode(value[: -len(rest)])


def test_an_edition_of_the_future_is_unknown_without_a_registry() -> None:
    value = of_schema(ONLY_ADDED, {**datum_of(META, EVENT), "more": "said"})
    for look in (CODEC.decode, CODEC.meta, CODEC.peek, lambda it: CODEC.chain_holds(it, NO_CHAIN)):
        with pytest.raises(Undecodable, match="it may be of a newer one") as refusal:
            look(value)
        assert refusal.value.code == "unknown_schema"


def test_an_edition_of_the_future_is_read_with_a_registry_and_what_is_new_dropped() -> None:
    registry = KnownSchemas({300: ONLY_ADDED})
    reader = Codec(registry)
    value = bytes([0, 0, 0, 1, 44]) + written(ONLY_ADDED, {**datum_of(META, EVENT), "more": "said"})
    for _ in range(3):
        assert reader.decode(value) == (META, EVENT)
        assert reader.meta(value) == META
    assert registry.asked == [300]
    with pytest.raises(Undecodable, match="no registry is configured: 300") as refusal:
        CODEC.decode(value)
    assert refusal.value.code == "unknown_schema"
    with pytest.raises(Undecodable, match="the registry does not know it: 301") as refusal:
        reader.decode(bytes([0, 0, 0, 1, 45]) + value[5:])
    assert refusal.value.code == "unknown_schema"
