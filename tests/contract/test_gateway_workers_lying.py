"""Workers over HTTP that lie: each is refused with a code, and disturbs nobody."""

import asyncio
import contextlib
import re

import msgspec
import pytest

from foldgate.eventlog.memory import MemoryLog
from foldgate.gateway.http import seats as places
from tests.contract.test_gateway import ended, problem
from tests.contract.test_gateway_workers import API, Plain, holding, post, registered, suite
from tests.support.door import served


async def test_results_for_a_job_it_does_not_hold_are_refused(postgres_url: str) -> None:
    async with holding(postgres_url) as (door, plain, job, run):
        other = {**job, "job_id": job["job_id"].replace("@1", "@2")}
        for verb, said in (("complete", {"output": 1}), ("fail", {}), ("progress", {}), ("start", {})):
            assert problem(await plain.say(other, verb, **said)) == (403, "wrong_lease_token", "token")
        assert (await plain.say(job, "complete", output="mine")).status_code == 200
        assert (await plain.say(job, "complete", output="again")).status_code == 200
        assert (await ended(door, run))["output"] == "mine", "what comes later settles nothing"


@pytest.mark.parametrize("token", ["", "x", "a.b", "é.ü", "." * 50, "A" * 11_000])
async def test_a_wrong_token_is_told_at_once(postgres_url: str, token: str) -> None:
    async with holding(postgres_url) as (door, plain, job, _):
        path = f"{API}/jobs/{job['job_id']}/complete"
        assert problem(await door.client.post(path, json={"token": token})) == (403, "wrong_lease_token", "token")
        for wrong in (plain.token, job["lease_token"][:-2] + "AA", f"{plain.token.split('.')[0]}.x"):
            assert problem(await plain.say(job, "complete", token=wrong))[:2] == (403, "wrong_lease_token")
        for wrong in (token, job["lease_token"]):
            answer = await door.client.post(f"{API}/workers/{plain.id}/lease", json={"token": wrong, "wait": 0})
            assert problem(answer) == (403, "wrong_worker_token", "token")


async def test_output_that_is_too_large_or_no_json_is_refused(postgres_url: str) -> None:
    async with holding(postgres_url) as (door, plain, job, run):
        assert problem(await plain.say(job, "complete", output="x" * 300_000)) == (413, "output_too_large", "output")
        checkpoint = await plain.say(job, "progress", checkpoint="x" * 300_000)
        assert problem(checkpoint) == (413, "output_too_large", "checkpoint")
        assert problem(await plain.say(job, "complete", output="x" * 2_000_000))[:2] == (413, "body_too_large")
        path = f"{API}/jobs/{job['job_id']}/complete"
        for body in (b'{"output": NaN}', b'{"output": "\\ud800"}', b'{"output": 1, "output": 2}', b"[" * 9000, b"{"):
            answer = await door.client.post(path, content=body, headers={"X-Lease-Token": job["lease_token"]})
            assert problem(answer)[:2] == (400, "malformed_json")
        await plain.say(job, "complete", output="good")
        assert (await ended(door, run))["output"] == "good"


async def test_nobody_goes_by_anothers_name(postgres_url: str) -> None:
    async with holding(postgres_url) as (door, plain, job, _):
        same_name = await registered(door)
        assert same_name.id != plain.id
        liar = Plain(door.client, {"worker": plain.id, "token": same_name.token})
        assert problem(await liar.beat())[:2] == (403, "wrong_worker_token")
        assert problem(await liar.lease(wait=0))[:2] == (403, "wrong_worker_token")
        away = {"X-Tenant-ID": "other"}
        beat = await door.client.post(f"{API}/workers/{plain.id}/heartbeat", json={"token": plain.token}, headers=away)
        assert problem(beat)[:2] == (404, "unknown_worker")
        said = await door.client.post(
            f"{API}/jobs/{job['job_id']}/complete", json={"token": job["lease_token"]}, headers=away
        )
        assert problem(said)[:2] == (403, "wrong_lease_token")


async def test_a_clock_that_is_an_hour_off_changes_nothing(postgres_url: str) -> None:
    async with holding(postgres_url) as (door, plain, job, run):
        for field in ("at", "began_at"):
            assert problem(await plain.say(job, "complete", **{field: 1}))[:2] == (422, "invalid_body")
            assert problem(await plain.beat(**{field: 1}))[:2] == (422, "invalid_body")
        await plain.say(job, "complete", output=1)
        assert (await ended(door, run))["status"] == "succeeded"


FLOOD, LINES = 10_000, 10


async def flood(port: int, liar: Plain, times: int) -> list[bytes]:
    """So many beats over one connection, as fast as they are answered; the head of each answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    body = msgspec.json.encode({"token": liar.token})
    head = f"POST {API}/workers/{liar.id}/heartbeat HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n"
    heads = []
    for _ in range(times):
        writer.write(head.encode() + body)
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        [size] = re.findall(rb"content-length: (\d+)", heads[-1].lower())
        await reader.readexactly(int(size))
    writer.close()
    await writer.wait_closed()
    return heads


async def test_ten_thousand_beats_are_refused_and_disturb_nobody(postgres_url: str) -> None:
    async with holding(postgres_url, within_s=280) as (door, plain, job, run), served(door) as port:
        liar = await registered(door, "liar", topics=["job.nothing"])
        is_over, known = asyncio.Event(), []

        async def beating() -> None:
            while not is_over.is_set():
                answer = (await plain.beat(holding=[job["lease"]])).json()
                known.append((answer["known"], answer["called_back"]))
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(is_over.wait(), timeout=1)

        beats = asyncio.create_task(beating())
        heads = [
            head
            for line in await asyncio.gather(*(flood(port, liar, FLOOD // LINES) for _ in range(LINES)))
            for head in line
        ]
        is_over.set()
        await beats
        taken = [head for head in heads if head.startswith(b"HTTP/1.1 200 ")]
        refused = [head for head in heads if head.startswith(b"HTTP/1.1 429 ")]
        assert len(taken) + len(refused) == FLOOD
        assert 10 <= len(taken) <= FLOOD / 10, "ten at once, and then five a second"
        assert all(b"\r\nretry-after: 1\r\n" in head.lower() for head in refused)
        assert known
        assert set(map(repr, known)) == {repr((True, []))}, "who works beside it is known all the while"
        assert (await plain.say(job, "start")).status_code == 200, "its lease lasts"
        await plain.say(job, "complete", output=1)
        shown = await ended(door, run)
        assert (shown["status"], shown["output"]) == ("succeeded", 1)
        assert job["attempt"] == 1


async def test_beats_rise(postgres_url: str) -> None:
    async with suite(MemoryLog(), postgres_url) as door:
        plain = await registered(door)
        assert (await plain.beat(beat=7)).json()["beat"] == 7
        assert problem(await plain.beat(beat=7)) == (409, "beat_out_of_order", "beat")
        assert (await plain.beat()).json()["beat"] > 7


async def test_there_are_bounds(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with suite(MemoryLog(), postgres_url) as door:
        plain = await registered(door)
        for said in ({"n": 101}, {"wait": 31}, {"n": -1}):
            assert problem(await plain.lease(**said))[:2] == (422, "invalid_body")
        wide = await post(door.client, "workers", name="wide", topics=["t" * 200] * 100)
        assert problem(wide)[:2] == (422, "invalid_body")
        assert problem(await post(door.client, "workers", name="a/b"))[:2] == (422, "invalid_body")
        assert problem(await post(door.client, "workers", name="a", pool="a/b")) == (422, "invalid_body", "pool")
        monkeypatch.setattr(places, "MAX_WORKERS", 1)
        await plain.beat()
        assert problem(await (await registered(door, "second")).beat())[:2] == (429, "too_many_workers")
        assert (await plain.beat()).status_code == 200
        monkeypatch.setattr(places, "MAX_POOLS", 1)
        assert problem(await (await registered(door, pool="far")).beat())[:2] == (429, "too_many_workers")
