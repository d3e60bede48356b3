"""What strangers put on `intake`: set aside, shown with its reason, place and bytes, and the partition goes on."""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.commands import Up, running, up
from tests.support.strangers import Put, put, request, requests_of

ECHO = Path(__file__).parents[2] / "examples" / "echo_worker.py"
PARTITION = 2
LARGE = 950 * 1024
FUTURE = b"\xc3\x01" + bytes(range(8)) + b"\x00"
"""A record under a schema of this suite that this version does not know."""
ODD = b"\x1b[31mred\x1b[0m \xff"
GOOD, MISPLACED, MISNAMED = requests_of(PARTITION), requests_of(PARTITION - 1), request(1000)
HOSTILE = [
    ("undecodable", Put(PARTITION, b"key", ODD)),
    ("unknown_schema", Put(PARTITION, b"key", b"\x00" + (77).to_bytes(4, "big") + b"abc")),
    ("unknown_schema", Put(PARTITION, b"key", FUTURE)),
    ("too_large", Put(PARTITION, b"key", b"x" * LARGE)),
    ("key_mismatch", Put(PARTITION, b"another key", MISNAMED[1])),
]
ALL = ("streams", "tail", "quarantine", "--from", "beginning", "--follow", "--limit", str(len(HOSTILE)))


@pytest.fixture(scope="module", params=["postgres", "kafka"])
def suite(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """A suite that has been given all of it, and after it what is as it should be."""
    folder = tmp_path_factory.mktemp("quarantine") / "data"
    words = ["--kafka", request.getfixturevalue("kafka_bootstrap")] if request.param == "kafka" else []
    good = [Put(PARTITION, run.encode(), value) for run, value in (MISPLACED, GOOD)]
    settings = {"FOLDGATE_SUITE": f"q{os.getpid()}", "FOLDGATE_UNSIGNED_REQUESTS": "allow"}
    with up(folder, *words, settings=settings) as found:
        asyncio.run(put(found.suite, "intake", [*(record for _, record in HOSTILE), *good]))
        yield found


def test_each_is_shown_with_its_reason_its_place_and_its_bytes(suite: Up) -> None:
    shown = [one["body"] for one in suite.lines(*ALL)]
    assert [one["code"] for one in shown] == [code for code, _ in HOSTILE]
    places = [(one["source_stream"], one["source_partition"], one["source_offset"]) for one in shown]
    assert places == [("intake", PARTITION, offset) for offset in range(len(HOSTILE))]
    assert [bytes.fromhex(one["original"]) for one in shown] == [record.value for _, record in HOSTILE]


@pytest.mark.parametrize("run", [GOOD[0], MISPLACED[0]], ids=["after it", "that was misplaced"])
def test_the_partition_goes_on_with_a_run(suite: Up, run: str, tmp_path: Path) -> None:
    with running("worker", str(ECHO), "--data", str(suite.data), errors=tmp_path / "errors"):
        words = ("streams", "tail", "decisions", "--run", run, "--from", "beginning", "--follow", "--limit", "3")
        assert suite.lines(*words)[-1]["body"] == {"status": "succeeded"}
    assert suite.foldgate("timeline", MISNAMED[0]).returncode == 1


def test_for_people_they_are_harmless(suite: Up) -> None:
    told = suite.foldgate(*ALL)
    assert told.returncode == 0
    assert "\x1b" not in told.stdout
    assert f"undecodable at intake-{PARTITION} @0, key key: Expected an Avro header" in told.stdout
    assert f"bytes  {ODD.hex(' ')}" in told.stdout
    assert f"… ({LARGE} bytes in all)" in told.stdout


def test_what_cannot_be_decoded_is_shown_where_it_lies(suite: Up) -> None:
    first = suite.lines("streams", "tail", "intake", "--from", "beginning", "--limit", "1")[0]
    assert (first["partition"], first["offset"], first["value"]) == (PARTITION, 0, ODD.hex())
    assert first["undecodable"].startswith("Expected an Avro header")
    assert "undecodable: Expected an Avro header" in suite.foldgate("streams", "tail", "intake").stdout


def test_the_doctor_mentions_them(suite: Up) -> None:
    suite.lines(*ALL)
    found = suite.json("doctor")
    aside = next(check for check in found["checks"] if check["check"] == "quarantine")
    assert (aside["state"], aside["found"]) == ("warn", "5 records were set aside")
