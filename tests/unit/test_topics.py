"""The streams as values: who owns what, where a key goes, and what a name means."""

import re

import pytest
from aiokafka.partitioner import murmur2
from hypothesis import example, given, settings
from hypothesis import strategies as st

from foldgate.contracts.events import EVENT_TYPES
from foldgate.contracts.topics import (
    DISPATCH,
    OWNERSHIP_EVENTS,
    QUARANTINE,
    RUNS,
    STREAMS,
    Stream,
    UnknownStream,
    _murmur2,
    partition_of,
    stream_of,
)

SERVICES = {"gateway", "engine", "policy_kernel", "approval", "scheduler"}
OWNED = [stream for stream in STREAMS if stream.kind == "owned"]
SINGLE = [stream for stream in STREAMS if not stream.name.endswith(".*")]


@pytest.mark.parametrize("stream", STREAMS, ids=lambda stream: stream.name)
def test_a_stream_has_an_owner_if_it_is_owned_and_only_then(stream: Stream) -> None:
    assert stream.owner in SERVICES if stream.kind in ("owned", "relay") else stream.owner is None


def test_owned_streams_are_kept_for_ever() -> None:
    assert OWNED
    assert all(stream.retention_days is None for stream in OWNED)


def test_names_are_distinct_and_a_broker_and_a_database_take_them() -> None:
    names = [stream.name for stream in STREAMS]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z]+(\.\*)?", name) for name in names)


def test_an_event_is_on_one_owned_stream_at_most() -> None:
    placed = [name for stream in OWNED for name in stream.events]
    assert len(set(placed)) == len(placed)
    assert not set(placed) & set(OWNERSHIP_EVENTS)
    assert {name for stream in STREAMS for name in stream.events} | set(OWNERSHIP_EVENTS) == set(EVENT_TYPES)


def test_the_quarantine_takes_what_was_too_large_for_another_stream() -> None:
    assert QUARANTINE.max_record_bytes > max(stream.max_record_bytes for stream in STREAMS if stream is not QUARANTINE)


def test_partitions_are_some_and_a_stream_without_a_spread_key_has_one() -> None:
    assert all(stream.partitions >= 1 and stream.doc for stream in STREAMS)
    assert all(stream.partitions == 1 for stream in STREAMS if stream.key in ("source", "workflow", "worker"))


@pytest.mark.parametrize("stream", SINGLE, ids=lambda stream: stream.name)
def test_a_stream_is_found_by_its_name(stream: Stream) -> None:
    assert stream_of(stream.name) is stream


@pytest.mark.parametrize("pool", ["default", "gpu-large", "eu.gpu", "a"])
def test_a_member_is_its_family_but_for_the_name(pool: str) -> None:
    member = stream_of(f"dispatch.{pool}")
    assert member == DISPATCH.member(pool)
    assert member.name == f"dispatch.{pool}"
    differing = {name for name in Stream.__dataclass_fields__ if getattr(member, name) != getattr(DISPATCH, name)}
    assert differing == {"name"}


@pytest.mark.parametrize("name", ["", "run", "Runs", "runs.default", "dispatch", "dispatch.", ".", "*", ".default"])
def test_an_unknown_name_is_refused_with_those_there_are(name: str) -> None:
    with pytest.raises(UnknownStream, match=r"Expected one of the streams .*dispatch\.\*.*runs.*, but got ") as refusal:
        stream_of(name)
    assert str(refusal.value).endswith(f"'{name}'.")


def test_only_a_family_has_members() -> None:
    with pytest.raises(
        ValueError, match=r"Expected a family of streams such as 'dispatch\.\*', but 'runs' is a single"
    ):
        RUNS.member("default")


@pytest.mark.parametrize(
    ("key", "signed"),
    [
        (b"21", -973932308),
        (b"foobar", -790332482),
        (b"a-little-bit-long-string", -985981536),
        (b"a-little-bit-longer-string", -1486304829),
        (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
        (b"abc", 479470107),
    ],
)
def test_the_hash_is_that_of_the_java_client(key: bytes, signed: int) -> None:
    """The vectors of the client's own test."""
    assert _murmur2(key) == signed & 0xFFFFFFFF
    assert partition_of(key, 4) == (signed & 0x7FFFFFFF) % 4


@given(st.binary(max_size=40), st.integers(1, 100))
@settings(max_examples=500)
@example(b"", 1)
@example(b"\xff" * 7, 3)
def test_keys_go_where_other_clients_send_them(key: bytes, count: int) -> None:
    assert _murmur2(key) == murmur2(key) & 0xFFFFFFFF
    assert partition_of(key, count) == (murmur2(key) & 0x7FFFFFFF) % count


def test_runs_are_spread_over_all_partitions() -> None:
    counts = [0] * RUNS.partitions
    for number in range(4000):
        counts[partition_of(f"run_{number:024x}".encode(), RUNS.partitions)] += 1
    assert min(counts) > 800
