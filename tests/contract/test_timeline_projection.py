"""The read model of timelines: the same rows and places, however its events come in."""

import random
from typing import Any

import msgspec
import pytest

from foldgate.contracts.events import (
    EVENT_TYPES,
    JobFailed,
    JobLost,
    JobSucceeded,
    MessageQuarantined,
    RunPauseRequested,
    RunSucceeded,
    Signature,
    VoteCast,
)
from foldgate.contracts.places import Partition, Position
from foldgate.contracts.topics import STREAMS
from foldgate.gateway.projections.timeline import PROJECTION, SHOWN_BYTES
from foldgate.readmodel.projection import Stretch
from tests.support.projected import Laid, applied, asked_of, in_stretches, models_in, tables_of

PAUSE = RunPauseRequested(reason="r")
LOST = JobLost(job_id="run_1:a@1", step="a", lease=1, worker="w", reason="r", policies_offset=0, pools_number=0)
ORDER = "SELECT event_id FROM timeline WHERE run_id = 'run_1' ORDER BY moment, turn, stream, partition, \"offset\""


def a_history(chance: random.Random, *, circles: bool) -> Laid:
    """Events of three runs that answer one another; with circles, strangers name any cause."""
    laid = Laid()
    ids: dict[str, list[str]] = {}
    for _ in range(150):
        stream = chance.choice(["intake", "reports", "runs", "decisions", "jobs"])
        key = f"run_{chance.randint(1, 3)}"
        before = ids.setdefault(key, [""])
        changes: dict[str, Any] = {"at": chance.randint(0, 40), "causation": chance.choice(before)}
        meta = laid.add(PAUSE, stream, key=key, partition=chance.randint(0, 1), **changes)
        before.append(meta.event_id)
    if circles:
        _lie(laid, ids, chance)
    return laid


def _lie(laid: Laid, ids: dict[str, list[str]], chance: random.Random) -> None:
    """Strangers name any event of the run as their cause, and take others' ids."""
    for number, (partition, seen) in enumerate(laid.events):
        if partition.stream in ("intake", "reports") and chance.random() < 0.2:
            names = {"causation": chance.choice(ids[seen.meta.key])}
            if chance.random() < 0.3:
                names["event_id"] = chance.choice(ids[seen.meta.key])
            laid.events[number] = (partition, seen._replace(meta=msgspec.structs.replace(seen.meta, **names)))


@pytest.mark.parametrize("circles", [False, True])
async def test_it_is_the_same_in_whatever_order_partitions_are_read(postgres_url: str, circles: bool) -> None:
    for seed in range(6):
        laid = a_history(random.Random(seed), circles=circles)
        found = []
        for chance, most in ((random.Random(seed + 100), 4), (random.Random(seed + 200), 60), (random.Random(1), 1)):
            async with models_in(postgres_url, f"t{seed}_{most}") as models:
                await applied(models, PROJECTION, in_stretches(laid.events, chance, most=most))
                build = await models.begin(PROJECTION)
                query = f"SELECT t::text FROM {build.schema(f't{seed}_{most}_read')}.timeline t ORDER BY 1"
                found.append([row[0] for row in await asked_of(models, query)])
                circular = await asked_of(models, "SELECT count(*) FROM timeline WHERE circular")
                assert bool(circular[0][0]) == circles
        assert len(found[0]) == 150
        assert found[0] == found[1] == found[2], seed


async def test_a_cause_that_comes_late_goes_before_its_effects(postgres_url: str) -> None:
    laid = Laid()
    asked = laid.add(PAUSE, "intake", at=500)
    dispatched = laid.add(LOST, "jobs", at=2000, causation=asked.event_id)
    said = laid.add(JobSucceeded(job_id="run_1:a@1", lease=1, worker="w", output="1"), "reports", at=1000)
    said = msgspec.structs.replace(said, causation=dispatched.event_id)
    laid.events[-1] = (laid.events[-1][0], laid.events[-1][1]._replace(meta=said))
    laid.add(RunSucceeded(output="1"), "runs", at=1500, causation=said.event_id)
    by_stream = [[stretch] for batch in in_stretches(laid.events, random.Random(0), most=9) for stretch in batch]
    by_stream.sort(key=lambda batch: ["runs", "reports", "jobs", "intake"].index(batch[0].partition.stream))
    async with models_in(postgres_url) as models:
        await applied(models, PROJECTION, by_stream)
        rows = await asked_of(models, ORDER)
        assert [row[0] for row in rows] == ["intake-0/0", "jobs-0/0", "reports-0/0", "runs-0/0"]


async def test_a_row_says_what_its_event_says_and_no_secret(postgres_url: str) -> None:
    laid, key = Laid(), "AKIA" + "A" * 16
    laid.add(VoteCast(approval_id="a", approve=True, reason=f"by {key}"), "intake", principal="x\0y", request_id="q")
    failed = JobFailed(job_id="run_1:a@1", lease=1, worker="w", code="c", message="m", mac=b"\1" * 32)
    laid.add(failed, "reports", causation="?", correlation="k", at=-7)
    signed = Signature(key_id="k", certificate=b"\xab", value=b"\xcd")
    laid.add(RunPauseRequested(reason="r", signature=signed), "intake")
    original = key.encode() + b" " + b"x" * 5000
    laid.add(
        MessageQuarantined(
            source_stream="intake",
            source_partition=0,
            source_offset=1,
            source_key=b"k",
            code="c",
            reason="r",
            original=original,
            original_size=len(original),
            original_sha256=b"",
        ),
        "quarantine",
        key="intake-0",
    )
    async with models_in(postgres_url) as models:
        await applied(models, PROJECTION, in_stretches(laid.events, random.Random(0), most=9))
        query = 'SELECT * FROM timeline ORDER BY stream, "offset"'
        vote, pause, quarantined, failure = await asked_of(models, query)
    assert (vote["principal"], vote["request_id"], vote["type"], vote["run_id"]) == (
        "x\ufffdy",
        "q",
        "VoteCast",
        "run_1",
    )
    assert key not in vote["body"]
    assert msgspec.json.decode(pause["body"])["signature"] == {"key_id": "k", "certificate": "ab", "value": "cd"}
    assert (failure["job_id"], failure["step"], failure["at"], failure["moment"]) == ("run_1:a@1", "", -7, 0)
    assert "mac" not in msgspec.json.decode(failure["body"])
    shown = bytes.fromhex(msgspec.json.decode(quarantined["body"])["original"])
    assert (len(shown), key.encode() in shown, quarantined["run_id"]) == (SHOWN_BYTES, False, "")


async def test_nothing_to_write_is_nothing_written(postgres_url: str) -> None:
    empty = Stretch(Partition("runs", 0), Position(0), Position(9), [])
    async with models_in(postgres_url) as models:
        await applied(models, PROJECTION, [[empty]])
        assert await tables_of(models, PROJECTION) == {"timeline": []}


def test_every_event_is_on_it_but_beats() -> None:
    kept = {name for stream in STREAMS if stream.kind != "relay" for name in stream.events} - {"WorkerBeat"}
    assert set(PROJECTION.events) == {EVENT_TYPES[name] for name in kept}
    assert "workers" not in PROJECTION.streams
    assert "letters" in PROJECTION.streams
