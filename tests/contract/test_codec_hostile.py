"""The codec and bytes that mean no good: each is either an event or `Undecodable`, with a sentence, at bounded cost."""

import copy
import tracemalloc
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from foldgate.contracts.codec import NO_CHAIN, Codec, Decoded, Undecodable
from foldgate.contracts.events import WorkerBeat
from foldgate.contracts.schemas import Schema
from foldgate.contracts.varint import Malformed, take_long, varint
from tests.support.avro import EVENTS, KnownSchemas, alone, datum_of, sample, written

CODEC = Codec()
HEADER = 10
OVERLONG = b"\xff" * 9 + b"\x7f"
ABSURD = [varint(number) for number in (2**63 - 1, -(2**63), 2**31, -(2**31), 2**20, -1)] + [OVERLONG, b"\x80" * 12]


def another_edition() -> Schema:
    """RunRequested as somebody else may have it: a field less, and one of every kind of block more."""
    schema = copy.deepcopy(alone("RunRequested"))
    more = {"name": "more", "type": {"type": "array", "items": {"type": "map", "values": "string"}}}
    schema["fields"] = [schema["fields"][0], more, *(f for f in schema["fields"][1:] if f["name"] != "labels")]
    return schema


OTHER = another_edition()
READER = Codec(KnownSchemas({7: OTHER, 8: alone("WorkerBeat")}))
OF_OTHER = bytes([0, 0, 0, 0, 7]) + written(
    OTHER, {**datum_of(*sample("RunRequested")), "more": [{"a": "b", "c": "d"}, {}, {"e": "f"}]}
)
OURS = {name: CODEC.encode(*sample(name)) for name in EVENTS}
SAMPLES = [*OURS.values(), OF_OTHER]
"""An event of each name, and one that is read under another's schema, by the library."""


def attempt(value: bytes) -> Decoded | Undecodable:
    """What comes of reading these bytes; any other exception fails the test."""
    for look in (READER.peek, READER.meta, lambda it: READER.chain_holds(it, NO_CHAIN)):
        try:
            look(value)
        except Undecodable as refusal:
            sentence(refusal)
    try:
        return READER.decode(value)
    except Undecodable as refusal:
        return sentence(refusal)


def sentence(refusal: Undecodable) -> Undecodable:
    assert refusal.code in {"undecodable", "unknown_schema"}
    assert str(refusal).startswith("Expected ")
    assert str(refusal).endswith(".")
    assert len(str(refusal)) < 500
    return refusal


def is_sound(outcome: Decoded | Undecodable) -> bool:
    """Refused, or an event that can be written and read again."""
    return isinstance(outcome, Undecodable) or CODEC.decode(CODEC.encode(*outcome)) == outcome


def test_the_samples_are_read() -> None:
    assert all(isinstance(attempt(value), Decoded) for value in SAMPLES)
    assert attempt(OF_OTHER) == (
        sample("RunRequested")[0],
        msgspec.structs.replace(sample("RunRequested")[1], labels={}),
    )


HEADERS = [
    b"",
    b"\xc3\x01",
    bytes([0, 0, 0, 0, 7]),
    bytes([0, 0, 0, 0, 8]),
    *(value[:HEADER] for value in OURS.values()),
]


@given(st.sampled_from(HEADERS), st.binary(max_size=400))
@settings(max_examples=1000)
@example(b"", b"")
@example(b"", b"\x00\x00\x00\x00")
@example(b"", b"\xc3")
def test_chance_is_refused_or_read(header: bytes, rest: bytes) -> None:
    assert is_sound(attempt(header + rest))


@pytest.mark.parametrize("value", SAMPLES, ids=lambda value: READER.peek(value).name)
def test_an_event_cut_short_anywhere_is_refused(value: bytes) -> None:
    whole = READER.meta(value)
    for end in range(len(value)):
        assert isinstance(attempt(value[:end]), Undecodable)
        try:
            assert READER.meta(value[:end]) == whole, "a Meta that was cut short may not look like one that was not"
        except Undecodable:
            continue


@pytest.mark.parametrize("value", SAMPLES, ids=lambda value: READER.peek(value).name)
def test_an_event_with_anything_after_it_is_refused(value: bytes) -> None:
    for rest in (b"\x00", b"\x02", value):
        refusal = attempt(value + rest)
        assert isinstance(refusal, Undecodable)
        assert f"{len(rest)} bytes follow its end" in str(refusal)


@pytest.mark.parametrize("value", SAMPLES, ids=lambda value: READER.peek(value).name)
def test_any_bit_turned_over_is_refused_or_read(value: bytes) -> None:
    for at in range(len(value)):
        for bit in range(8):
            turned = value[:at] + bytes([value[at] ^ 1 << bit]) + value[at + 1 :]
            assert is_sound(attempt(turned))


@pytest.mark.parametrize("value", [OURS["RunRequested"], OURS["WorkerBeat"], OF_OTHER], ids=["map", "array", "library"])
def test_no_length_and_no_count_is_taken_at_its_word(value: bytes) -> None:
    """Wherever a number may stand, it says something absurd; what is read costs no more than what is there."""
    tracemalloc.start()
    try:
        for spliced in with_absurd_numbers(value):
            assert is_sound(attempt(spliced))
        assert tracemalloc.get_traced_memory()[1] < 8_000_000
    finally:
        tracemalloc.stop()


def with_absurd_numbers(value: bytes) -> Iterator[bytes]:
    start = READER.peek(value).body_at
    for at in range(start, len(value)):
        for number in ABSURD:
            yield value[:at] + number + value[at + 1 :]
            yield value[:at] + varint(-3) + number + value[at + 1 :]


BEAT = WorkerBeat(worker="w", name="n", max_parallel=1, beat=2, holding=(3,), leaving=True)
REST = b"\x00\x00\x00\x01\x01"
WHOLE = CODEC.encode(sample("WorkerBeat")[0], BEAT)
assert WHOLE.endswith(b"\x02\x04\x02\x06\x00\x01" + REST)
TAIL = WHOLE.removesuffix(REST)


@pytest.mark.parametrize(
    ("tail", "why"),
    [
        (b"\x02\x04\x02\x06\x00\x02", "a boolean of neither 0 nor 1"),
        (b"\x02\x04\x02\x06\x00", "it ends too early"),
        (b"\x02\x04\x02", "a block of 1 items where 0 bytes are left"),
        (varint(2**31) + b"\x04\x02\x06\x00\x01", "a number of more than 32 bits"),
        (varint(-(2**31) - 1) + b"\x04\x02\x06\x00\x01", "a number of more than 32 bits"),
        (b"\x02" + OVERLONG + b"\x02\x06\x00\x01", "a number of more than 64 bits"),
        (b"\x02" + b"\x80" * 10 + b"\x01", "a number of more than 64 bits"),
        (b"\x02\x04" + varint(100) + b"\x06\x00\x01", "a block of 100 items where 3 bytes are left"),
        (
            b"\x02\x04" + varint(-(2**63)) + b"\x00\x06\x00\x01",
            "a block of 9223372036854775808 items where 3 bytes are left",
        ),
    ],
)
def test_a_refusal_says_what_was_wrong(tail: bytes, why: str) -> None:
    refusal = attempt(TAIL[:-6] + tail)
    assert isinstance(refusal, Undecodable)
    assert str(refusal) == f"Expected an Avro WorkerBeat, but reading it failed: {why}."
    framed = attempt(bytes([0, 0, 0, 0, 8]) + TAIL[HEADER:-6] + tail)
    assert isinstance(framed, Undecodable), "the same in the other framing"


def test_text_that_is_not_utf8_is_refused() -> None:
    value = OURS["RunRequested"].replace(b"workflow \xc3\xa9", b"workflow \xff\xff")
    assert value != OURS["RunRequested"]
    refusal = attempt(value)
    assert isinstance(refusal, Undecodable)
    assert "can't decode byte 0xff" in str(refusal)


def test_a_number_that_the_library_lets_through_is_refused_too() -> None:
    schema = copy.deepcopy(alone("WorkerBeat"))
    schema["fields"].append({"name": "more", "type": "int"})
    reader = Codec(KnownSchemas({1: schema}))
    datum = {**datum_of(*sample("WorkerBeat")), "more": 1}
    value = bytes(4) + b"\x01" + written(schema, datum)
    assert reader.decode(value) == sample("WorkerBeat")
    with pytest.raises(Undecodable, match="32 bits"):
        reader.decode(bytes(4) + b"\x01" + written(schema, {**datum, "max_parallel": 2**31}))


@given(st.integers(-(2**63), 2**63 - 1))
def test_every_number_comes_back_from_its_bytes_and_from_longer_ones(number: int) -> None:
    short = varint(number)
    assert take_long(b"\xff" + short, 1) == (number, 1 + len(short))
    if len(short) < 10:
        assert take_long(short[:-1] + bytes([short[-1] | 0x80, 0]), 0) == (number, len(short) + 1)


@pytest.mark.parametrize("data", [b"\x80" * 10 + b"\x01", b"\xff" * 9 + b"\x02", b"\xff" * 20])
def test_a_number_that_does_not_end_within_64_bits_is_malformed(data: bytes) -> None:
    with pytest.raises(Malformed):
        take_long(data, 0)


def record(name: str, *fields: Any, namespace: Any = "foldgate") -> Schema:
    named = [{"name": f"f{at}", "type": node} for at, node in enumerate(fields)]
    return {"type": "record", "name": name, "namespace": namespace, "fields": named}


NODE = {"type": "record", "name": "Node", "fields": [{"name": "next", "type": ["null", "Node"]}]}
AS_BRANCH = {"type": "array", "items": ["null", record("Part", "long")]}


@pytest.mark.parametrize(
    ("schema", "why"),
    [
        (record("RunRequested", NODE), "a record within itself ('foldgate.Node')"),
        (
            record("RunRequested", {"type": "map", "values": {"type": "array", "items": "RunRequested"}}),
            "within itself",
        ),
        (record("RunRequested", {"type": "array", "items": "null"}), "a value of no bytes ('null')"),
        (record("RunRequested", "null"), "a value of no bytes ('null')"),
        (record("RunRequested", {"type": "fixed", "name": "F", "size": 0}), "a value of no bytes ('fixed')"),
        (record("RunRequested", record("Empty")), "a record of no bytes ('foldgate.Empty')"),
        (record("RunRequested", "nonsense"), "nonsense"),
        (
            {"type": "record", "name": "RunRequested", "namespace": "foldgate"},
            "a record of no bytes ('foldgate.RunRequested')",
        ),
        (record("Invoice"), "schema id 1 is 'foldgate.Invoice'"),
        (record("RunRequested", namespace="elsewhere"), "schema id 1 is 'elsewhere.RunRequested'"),
        (record("RunRequested", namespace=3), "schema id 1 is 'RunRequested'"),
        (record("Meta", "string"), "schema id 1 is 'foldgate.Meta'"),
        ({"type": "record", "name": 3}, "schema id 1 is no record"),
        ({"type": "string"}, "schema id 1 is no record"),
        ({}, "schema id 1 is no record"),
    ],
)
def test_a_schema_under_which_nothing_can_be_read_safely_is_unknown(schema: Schema, why: str) -> None:
    reader = Codec(KnownSchemas({1: schema}))
    for body in (b"\x02" * 900_000 + b"\x00", varint(2**62), b""):
        with pytest.raises(Undecodable, match=r"^Expected ") as refusal:
            reader.decode(bytes([0, 0, 0, 0, 1]) + body)
        assert refusal.value.code == "unknown_schema"
        assert why in str(refusal.value)


def test_a_schema_that_is_only_unusual_is_read() -> None:
    schema = copy.deepcopy(alone("RunRequested"))
    kinds: dict[str, tuple[Any, Any]] = {
        "branch": (AS_BRANCH, [None, {"f0": 1}]),
        "again": ("foldgate.Part", {"f0": 2}),
        "kind_of": ({"type": "enum", "name": "Kind", "symbols": ["A", "B"]}, "B"),
        "kind_again": ("foldgate.Kind", "A"),
        "number": ("double", 1.5),
        "bits": ({"type": "fixed", "name": "Bits", "size": 2}, b"\x01\x02"),
    }
    schema["fields"] += [{"name": name, "type": node} for name, (node, _) in kinds.items()]
    datum = {**datum_of(*sample("RunRequested")), **{name: value for name, (_, value) in kinds.items()}}
    value = bytes(4) + b"\x01" + written(schema, datum)
    assert Codec(KnownSchemas({1: schema})).decode(value) == sample("RunRequested")


def test_a_schema_of_other_types_than_ours_is_refused_when_it_is_read() -> None:
    schema = copy.deepcopy(alone("RunSucceeded"))
    schema["fields"][1]["type"] = "long"
    value = bytes(4) + b"\x01" + written(schema, {**datum_of(*sample("RunSucceeded")), "output": 3})
    with pytest.raises(Undecodable, match="Expected an Avro RunSucceeded, but reading it failed: ") as refusal:
        Codec(KnownSchemas({1: schema})).decode(value)
    assert refusal.value.code == "undecodable"
