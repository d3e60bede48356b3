"""The codec: its bytes are the Avro library's, in both framings, and what comes back is what was put in."""

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foldgate.contracts.codec import CHAIN_SIZE, NO_CHAIN, Codec, Peeked, Unencodable
from foldgate.contracts.events import Event, Job, JobRequested, Meta, RunRequested, WorkerBeat
from foldgate.contracts.schemas import META, Schema, expanded
from tests.support.avro import (
    EVENTS,
    KnownSchemas,
    alone,
    any_event,
    blocks,
    compiled,
    datum_of,
    events,
    fields,
    metas,
    read,
    sample,
    written,
)

CODEC = Codec()
SINGLE_OBJECT, CONFLUENT = 10, 5


@pytest.mark.parametrize("name", EVENTS)
@given(data=st.data())
@settings(max_examples=40)
def test_the_bytes_are_those_of_the_avro_library_and_come_back_equal(name: str, data: st.DataObject) -> None:
    meta, event = data.draw(metas()), data.draw(events(name))
    value = CODEC.encode(meta, event)
    assert value[SINGLE_OBJECT:] == written(alone(name), datum_of(meta, event))
    assert CODEC.decode(value) == (meta, event)
    assert CODEC.meta(value) == meta
    assert CODEC.peek(value) == Peeked(name, SINGLE_OBJECT)


def record(name: str, *fields: tuple[str, Any]) -> dict[str, Any]:
    types = [{"name": field, "type": node, "doc": "A field."} for field, node in fields]
    return {"type": "record", "name": name, "namespace": "foldgate", "doc": "A record.", "fields": types}


EVERY_TYPE = {
    "Meta": record("Meta", ("chain", {"type": "fixed", "name": "ChainHash", "size": 32})),
    "Alpha": record("Alpha", ("omega", "foldgate.Omega"), ("maybe", ["null", "foldgate.Omega"])),
    "Omega": record("Omega", ("text", "string"), ("maybe", ["null", "string"]), ("count", ["null", "int"])),
    "Seen": record(
        "Seen",
        ("meta", META),
        ("fixed", {"type": "fixed", "name": "Digest", "size": 7}),
        ("again", {"type": "fixed", "name": "Digest", "size": 7}),
        ("flags", {"type": "array", "items": "boolean"}),
        ("lists", {"type": "array", "items": {"type": "array", "items": "int"}}),
        ("names", {"type": "map", "values": {"type": "array", "items": "string"}}),
        ("parts", {"type": "map", "values": "foldgate.Alpha"}),
        ("blobs", {"type": "array", "items": ["null", "bytes"]}),
        ("flag", ["null", "boolean"]),
        ("number", ["null", "long"]),
        ("last", {"type": "array", "items": {"type": "map", "values": "long"}}),
    ),
}
MADE = compiled(EVERY_TYPE, "made_of_every_type")


@given(fields(EVERY_TYPE["Seen"], EVERY_TYPE))
@settings(max_examples=400)
def test_the_generator_knows_its_types_alone_and_within_one_another(datum: dict[str, Any]) -> None:
    event = msgspec.convert(datum, MADE.Seen)
    out: list[bytes] = []
    MADE.PUT["Seen"](out, event)
    schema = alone_of("Seen")
    assert b"".join(out) == written(schema, datum)
    assert MADE.TAKE["Seen"](b"".join(out), 0) == (event, len(b"".join(out)))


def alone_of(name: str) -> Schema:
    schema = {**EVERY_TYPE[name], "fields": EVERY_TYPE[name]["fields"][1:]}
    return expanded(schema, EVERY_TYPE)


@given(any_event, any_event)
def test_a_sealed_event_holds_to_the_one_before_it_alone(one: tuple[Meta, Event], other: tuple[Meta, Event]) -> None:
    chain, first = CODEC.seal(*one, NO_CHAIN)
    assert CODEC.decode(first) == (msgspec.structs.replace(one[0], chain=chain), one[1])
    assert CODEC.chain_holds(first, NO_CHAIN)
    _, second = CODEC.seal(*other, chain)
    assert CODEC.chain_holds(second, chain)
    assert not CODEC.chain_holds(second, NO_CHAIN)


@given(any_event, st.data())
def test_no_byte_of_a_sealed_event_can_be_changed(event: tuple[Meta, Event], data: st.DataObject) -> None:
    _, value = CODEC.seal(*event, NO_CHAIN)
    at = data.draw(st.integers(SINGLE_OBJECT, len(value) - 1))
    changed = value[:at] + bytes([value[at] ^ data.draw(st.integers(1, 255))]) + value[at + 1 :]
    assert not CODEC.chain_holds(changed, NO_CHAIN)
    assert not CODEC.chain_holds(value[:at], NO_CHAIN)


@given(any_event)
@settings(max_examples=50)
def test_either_framing_is_read_by_either_reader(event: tuple[Meta, Event]) -> None:
    registry = KnownSchemas()
    with_registry = Codec(registry)
    framed, single = with_registry.encode(*event), CODEC.encode(*event)
    assert framed[:CONFLUENT] == bytes([0, 0, 0, 0, 1])
    assert single[:2] == b"\xc3\x01"
    assert framed[CONFLUENT:] == single[SINGLE_OBJECT:]
    for reader in (with_registry, Codec(registry)):
        assert reader.decode(framed) == reader.decode(single) == event
        assert reader.peek(framed) == Peeked(type(event[1]).__name__, CONFLUENT)
        assert reader.meta(framed) == event[0]


def test_a_chain_holds_in_another_framing() -> None:
    registry = KnownSchemas({7: alone("RunRequested")})
    _, value = CODEC.seal(*sample("RunRequested"), NO_CHAIN)
    framed = bytes([0, 0, 0, 0, 7]) + value[SINGLE_OBJECT:]
    assert Codec(registry).chain_holds(framed, NO_CHAIN)
    assert Codec(registry).seal(*sample("RunRequested"), NO_CHAIN)[1] == framed


def test_a_registry_is_asked_once_for_each_schema() -> None:
    registry = KnownSchemas()
    codec = Codec(registry)
    first, *_ = [codec.encode(*sample("RunRequested")) for _ in range(3)]
    assert registry.asked == ["RunRequested"]
    reader = Codec(registry)
    for _ in range(3):
        reader.decode(first)
    assert registry.asked == ["RunRequested", 1]


@given(st.sampled_from(["RunRequested", "WorkerBeat", "JobDispatched"]), st.data())
def test_blocks_as_other_writers_cut_them_are_read_as_the_library_reads_them(name: str, data: st.DataObject) -> None:
    """In several blocks, with and without their sizes in bytes (negative counts)."""
    meta, event = data.draw(metas()), data.draw(events(name))
    datum = datum_of(meta, event)
    body = blocks(alone(name), datum, lambda: data.draw(st.integers(0, 3)))
    assert read(alone(name), body) == datum
    value = CODEC.encode(meta, event)[:SINGLE_OBJECT] + body
    assert CODEC.decode(value) == (meta, event)
    assert CODEC.meta(value) == meta


def test_a_block_may_say_any_size_of_itself_because_nobody_skips_by_it() -> None:
    meta, _ = sample("WorkerBeat")
    plain = WorkerBeat(worker="w", name="n", max_parallel=1, beat=1, holding=(1, 2))
    value = CODEC.encode(meta, plain)
    rest = b"\x00" * 3 + b"\x01\x01"
    assert value.endswith(b"\x04\x02\x04\x00\x00" + rest)
    for size in (b"\x00", b"\x7f", b"\xfe\xff\xff\xff\x0f"):
        decoded = CODEC.decode(value[: -5 - len(rest)] + b"\x03" + size + b"\x02\x04\x00\x00" + rest).event
        assert decoded == plain


REQUEST = RunRequested(workflow="w")
BEAT = WorkerBeat(worker="w", name="n", max_parallel=1, beat=1)
JOB = Job(job_id="j", step="s", attempt=1, kind="job", topic="t", input="{}", tenant="t", principal="p", workflow="w")


@pytest.mark.parametrize(
    ("event", "field", "wrong", "why"),
    [
        (REQUEST, "workflow", None, r"`str`, got `null` - at `\$.workflow`"),
        (REQUEST, "workflow", b"w", r"got `bytes` - at `\$.workflow`"),
        (REQUEST, "workflow", 3, r"`str`, got `int` - at `\$.workflow`"),
        (REQUEST, "workflow", "\ud800", "surrogates not allowed"),
        (REQUEST, "labels", {"a": "\udfff"}, "surrogates not allowed"),
        (REQUEST, "labels", {"\udfff": "a"}, "surrogates not allowed"),
        (REQUEST, "labels", None, r"`object`, got `null` - at `\$.labels`"),
        (REQUEST, "labels", [("a", "b")], r"`object`, got `array` - at `\$.labels`"),
        (REQUEST, "labels", {"a": 1}, r"`str`, got `int` - at `\$.labels"),
        (REQUEST, "labels", {1: "a"}, r"labels"),
        (BEAT, "max_parallel", 2**31, "32 bits, but got 2147483648"),
        (BEAT, "max_parallel", -(2**31) - 1, "32 bits"),
        (BEAT, "beat", 2**63, "64 bits, but got 9223372036854775808"),
        (BEAT, "beat", -(2**63) - 1, "64 bits"),
        (BEAT, "beat", 1.5, r"`int`, got `float` - at `\$.beat`"),
        (BEAT, "beat", "1", r"`int`, got `str` - at `\$.beat`"),
        (BEAT, "holding", None, r"`array`, got `null` - at `\$.holding`"),
        (BEAT, "holding", (1, None), r"`int`, got `null` - at `\$.holding\[1\]`"),
        (BEAT, "holding", (2**63,), "64 bits"),
        (BEAT, "leaving", None, r"`bool`, got `null` - at `\$.leaving`"),
        (BEAT, "leaving", "yes", r"`bool`, got `str` - at `\$.leaving`"),
        (JobRequested(job=JOB), "job", None, r"`object`, got `null` - at `\$.job`"),
        (JobRequested(job=JOB), "job", msgspec.structs.replace(JOB, attempt=2**31), "32 bits"),
    ],
)
def test_what_does_not_fit_its_schema_is_refused_and_named(*, event: Event, field: str, wrong: Any, why: str) -> None:
    name = type(event).__name__
    CODEC.encode(sample(name)[0], event)
    misfit = msgspec.structs.replace(event, **{field: wrong})
    with pytest.raises(Unencodable, match=f"^Expected a {name} that fits its schema, but: .*{why}"):
        CODEC.encode(sample(name)[0], misfit)
    with pytest.raises(Unencodable):
        CODEC.seal(sample(name)[0], misfit, NO_CHAIN)


@pytest.mark.parametrize(
    ("field", "wrong", "why"),
    [
        ("chain", bytes(CHAIN_SIZE - 1), "Expected 32 bytes in 'chain', but got 31"),
        ("chain", bytes(CHAIN_SIZE + 1), "Expected 32 bytes in 'chain', but got 33"),
        ("answers", "text", r"`bytes`, got `str` - at `\$.answers`"),
        ("at", 2**63, "64 bits"),
        ("tenant", None, r"`str`, got `null` - at `\$.tenant`"),
    ],
)
def test_a_meta_that_does_not_fit_is_refused_and_named(field: str, wrong: Any, why: str) -> None:
    misfit = msgspec.structs.replace(sample("RunRequested")[0], **{field: wrong})
    with pytest.raises(Unencodable, match=why):
        CODEC.encode(misfit, REQUEST)


def test_only_events_are_encoded() -> None:
    not_one: Any = JOB
    with pytest.raises(Unencodable, match="Expected an event, but got a Job"):
        CODEC.encode(sample("RunRequested")[0], not_one)
