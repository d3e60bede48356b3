"""What the PostgreSQL log promises beyond the contract: no pause, kill or restart loses or doubles a record."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest

from foldgate.contracts.topics import REPORTS, RUNS, partition_of, stream_of
from foldgate.eventlog import postgres_arrivals
from foldgate.eventlog.acceptance import decode_head, encode_head
from foldgate.eventlog.log import Batch, BatchHead, Fenced, LogUnavailable, Outgoing, Partition, Record, RecordTooLarge
from foldgate.eventlog.postgres import PostgresLog
from foldgate.eventlog.postgres_append import _Append
from foldgate.eventlog.postgres_read import AHEAD_BYTES, PostgresFollower
from foldgate.eventlog.postgres_tables import CLAIM, SUBMIT
from foldgate.servers.postgres import PostgresServer
from tests.support.logs import USED
from tests.support.waiting import until

OWNED = Partition("runs", 0)
OPEN = Partition("reports", partition_of(b"k", 4))

# An owner in a process of its own: claims epoch 1, then appends batches of three until it is refused or killed, and
# says of each what it was told.
OWNER = """
import asyncio, sys
from foldgate.eventlog.log import Batch, BatchHead, Fenced, Outgoing, Partition
from foldgate.eventlog.postgres import PostgresLog

async def main(url):
    log = await PostgresLog.connect(url, suite="t")
    writer = await log.writer(Partition("runs", 0))
    await writer.append(Batch(BatchHead(1, 0, 1, (), "old"), [Outgoing(b"", b"claim")]))
    for n in range(1, 1_000_000):
        values = [Outgoing(b"k", f"old {n} {part}".encode()) for part in "abc"]
        try:
            await writer.append(Batch(BatchHead(1, n, 3), values))
        except Fenced:
            print("fenced", flush=True)
            break
        print(n, flush=True)
    await log.close()

asyncio.run(main(sys.argv[1]))
"""


@asynccontextmanager
async def opened(url: str, *, patience_s: float = 30.0) -> AsyncIterator[PostgresLog]:
    log = await PostgresLog.connect(url, suite="t", patience_s=patience_s)
    try:
        await log.prepare([RUNS, REPORTS])
        yield log
    finally:
        await log.close()


def claim_of(epoch: int, owner: str) -> Batch:
    return Batch(BatchHead(epoch, 0, 1, (), owner), [Outgoing(b"", b"claim")])


def batch(epoch: int, sequence: int, *values: str) -> Batch:
    return Batch(BatchHead(epoch, sequence, len(values)), [Outgoing(b"k", value.encode()) for value in values])


async def everything(log: PostgresLog, partition: Partition = OWNED) -> list[Record]:
    return [record async for chunk in log.read(partition, 0) for record in chunk]


async def values(log: PostgresLog, partition: Partition = OWNED) -> list[str]:
    return [record.value.decode() for record in await everything(log, partition) if record.key]


async def expect_whole(log: PostgresLog) -> None:
    """Offsets without a gap, and each batch complete."""
    records = await everything(log)
    assert [record.offset for record in records] == list(range(len(records)))
    at = 0
    while at < len(records):
        head = records[at].head
        assert head is not None
        decoded = decode_head(head)
        assert decoded is not None
        assert all(record.head is None for record in records[at + 1 : at + decoded.count])
        at += decoded.count
    assert at == len(records)


def an_owner(url: str) -> "subprocess.Popen[str]":
    return subprocess.Popen([sys.executable, "-c", OWNER, url], stdout=subprocess.PIPE, text=True)


async def said(owner: "subprocess.Popen[str]") -> str:
    assert owner.stdout
    return (await asyncio.to_thread(owner.stdout.readline)).strip()


async def test_an_owner_paused_and_resumed_cannot_append(postgres_url: str) -> None:
    async with opened(postgres_url) as log:
        owner = an_owner(postgres_url)
        try:
            while await said(owner) != "20":
                pass
            owner.send_signal(signal.SIGSTOP)
            writer = await log.writer(OWNED)
            await writer.append(claim_of(2, "new"))
            before = await values(log)
            await writer.append(batch(2, 1, "new 1"))
            owner.send_signal(signal.SIGCONT)
            told = (await asyncio.to_thread(owner.communicate))[0].split()
            await writer.append(batch(2, 2, "new 2"))
        finally:
            owner.kill()
            owner.wait()
        assert told[-1] == "fenced"
        assert await values(log) == [*before, "new 1", "new 2"]
        acknowledged = int(told[-2]) if len(told) > 1 else 20
        assert f"old {acknowledged} c" in before
        assert len(before) - 3 * acknowledged in {0, 3}  # what was on its way at the pause may be there, whole
        await expect_whole(log)


async def test_an_owner_killed_while_it_appends_leaves_whole_batches(postgres_url: str) -> None:
    async with opened(postgres_url) as log:
        owner = an_owner(postgres_url)
        while await said(owner) != "30":
            pass
        owner.kill()
        rest = (await asyncio.to_thread(owner.communicate))[0].split()
        acknowledged = int(rest[-1]) if rest else 30
        writer = await log.writer(OWNED)
        await writer.append(claim_of(2, "new"))
        await expect_whole(log)
        assert len(await values(log)) - 3 * acknowledged in {0, 3}


async def test_of_many_claims_of_an_epoch_the_database_takes_one(postgres_url: str) -> None:
    async with opened(postgres_url) as log:
        for epoch in range(1, 6):
            writers = [await log.writer(OWNED) for _ in range(6)]
            claims = (writer.append(claim_of(epoch, f"{epoch}-{n}")) for n, writer in enumerate(writers))
            outcomes = await asyncio.gather(*claims, return_exceptions=True)
            won = [writer for writer, outcome in zip(writers, outcomes, strict=True) if isinstance(outcome, int)]
            assert [type(outcome) for outcome in outcomes].count(Fenced) == 5
            await won[0].append(batch(epoch, 1, str(epoch)))
        assert await values(log) == ["1", "2", "3", "4", "5"]


async def test_a_server_killed_and_restarted_loses_and_doubles_nothing(postgres_server: PostgresServer) -> None:
    async with opened(postgres_server.url) as log:
        writer = await log.writer(OWNED)
        await writer.append(claim_of(1, "a"))
        follower = log.follow({OWNED: 1, OPEN: 0})
        followed: list[Record] = []
        done = asyncio.Event()

        async def append() -> int:
            sequence = 0
            while not done.is_set():
                sequence += 1
                await writer.append(batch(1, sequence, *(f"{sequence} {part}" for part in "abc")))
                await log.submit("reports", [Outgoing(b"k", str(sequence).encode())])
            return sequence

        async def follow() -> None:
            while True:
                followed.extend(await follower.next())

        appending, following = asyncio.create_task(append()), asyncio.create_task(follow())
        for _ in range(3):
            more = len(followed) + 100
            await until(lambda more=more: len(followed) > more, what="records to be appended and followed")
            os.kill(postgres_server.pid, signal.SIGKILL)
            await postgres_server.restart()
        done.set()
        last = await appending
        expected = [f"{n} {part}" for n in range(1, last + 1) for part in "abc"]
        await until(lambda: len([r for r in followed if r.partition == OWNED]) >= len(expected), what="the rest")
        await until(lambda: str(last).encode() in {r.value for r in followed}, what="the last submission")
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
        assert [r.value.decode() for r in followed if r.partition == OWNED] == expected == await values(log)
        submitted = [int(r.value) for r in followed if r.partition == OPEN]
        assert sorted(set(submitted)) == list(range(1, last + 1))  # at least once
        assert submitted == sorted(submitted)
        await expect_whole(log)
        await follower.close()


async def test_a_server_that_stays_away_is_said_to_be(postgres_server: PostgresServer) -> None:
    async with opened(postgres_server.url, patience_s=0.5) as log:
        writer = await log.writer(OWNED)
        await writer.append(claim_of(1, "a"))
        follower = log.follow({OWNED: 0})
        await postgres_server.stop()
        with pytest.raises(LogUnavailable, match=r"answer within 0\.5 s"):
            await writer.append(batch(1, 1, "x"))
        with pytest.raises(Fenced, match="new claim"):
            await writer.append(batch(1, 1, "x"))
        with pytest.raises(LogUnavailable):
            await log.submit("reports", [Outgoing(b"k", b"x")])
        with pytest.raises(LogUnavailable):
            await follower.next()
        await postgres_server.start()
        while not (records := await follower.next()):
            pass  # woken by the connection alone
        assert [record.offset for record in records] == [0]
        await follower.close()
    with pytest.raises(LogUnavailable, match="no_such_database"):
        await PostgresLog.connect(postgres_server.url.replace("/foldgate?", "/no_such_database?"), suite="t")


async def test_an_append_whose_answer_was_lost_is_recognised(postgres_url: str) -> None:
    async with opened(postgres_url) as log:
        writer = await log.writer(OWNED)
        number = await log._tables.id_of(OWNED)
        claim = claim_of(1, "a")
        await raw(postgres_url, CLAIM, number, 1, [b""], [b"claim"], encode_head(claim.head), 1, 0)
        with pytest.raises(Fenced):  # sent for the first time, it is another's
            await writer.append(claim)

        again = _Append(number, claim, after=0)
        again._sent = True
        assert await log._tables.run(again) == 0
        never = _Append(number, claim_of(1, "b"), after=0)
        never._sent = True
        assert await log._tables.run(never) is None


async def test_copies_are_there_with_their_batch_or_not_at_all(postgres_url: str) -> None:
    first, second = stream_of("dispatch.first"), stream_of("dispatch.second")
    one, other = Partition(first.name, 0), Partition(second.name, 0)
    async with opened(postgres_url) as log:
        await log.prepare([first, second])
        old, new = await log.writer(OWNED), await log.writer(OWNED)
        await old.append(claim_of(1, "old"))
        copies = {
            name: [Outgoing(b"w", f"{name} {n}".encode()) for n in range(2)] for name in (first.name, second.name)
        }
        follower = log.follow({other: 0})
        assert await old.append_with(batch(1, 1, "a", "b"), copies) == 1
        assert [record.value for record in await follower.next()] == [b"dispatch.second 0", b"dispatch.second 1"]
        await follower.close()
        await new.append(claim_of(2, "new"))
        with pytest.raises(Fenced):
            await old.append_with(batch(1, 2, "late"), copies)
        with pytest.raises(RecordTooLarge):
            await new.append_with(batch(2, 1, "c"), {one.stream: [Outgoing(b"w", b"x" * (first.max_record_bytes + 1))]})

        number, along = await log._tables.id_of(OWNED), await new._places(copies)
        again = _Append(number, batch(1, 1, "a", "b"), along=along, after=0)
        again._sent = True
        assert await log._tables.run(again) == 1, "it landed when it was sent first"
        assert await values(log) == ["a", "b"]
        assert await values(log, one) == ["dispatch.first 0", "dispatch.first 1"]
        assert await values(log, other) == ["dispatch.second 0", "dispatch.second 1"]


async def raw(url: str, statement: str, *arguments: object) -> None:
    """Do it as a process would that dies before it tells anybody."""
    connection = await asyncpg.connect(url, server_settings={"search_path": "t"})
    await connection.execute(statement, *arguments)
    await connection.close()


async def test_a_record_that_nobody_told_of_is_found(postgres_url: str) -> None:
    async with opened(postgres_url) as log:
        follower = log.follow({OPEN: 0})
        assert await follower.next(timeout_ms=0) == []
        waiting = asyncio.create_task(follower.next(timeout_ms=60_000))
        await raw(postgres_url, SUBMIT, await log._tables.id_of(OPEN), [b"k"], [b"quiet"])
        assert [record.value for record in await waiting] == [b"quiet"]
        await follower.close()


async def test_a_reader_listens_again_after_a_restart(
    postgres_server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_arrivals, "POLL_S", 3600.0)  # only being told can wake the reader
    async with opened(postgres_server.url) as log:
        follower = log.follow({OPEN: 0})
        await postgres_server.restart()
        assert await follower.next(timeout_ms=0) == []
        waiting = asyncio.create_task(follower.next(timeout_ms=60_000))
        number = await log._tables.id_of(OPEN)
        connection = await asyncpg.connect(postgres_server.url, server_settings={"search_path": "t"})
        await connection.execute(SUBMIT, number, [b"k"], [b"told"])

        async def told() -> bool:
            await connection.execute("SELECT pg_notify($1, '')", f"foldgate_t_{number}")
            return waiting.done()

        await until(told, what="the reader to hear")
        assert [record.value for record in await waiting] == [b"told"]
        await connection.close()
        await follower.close()


async def test_no_record_escapes_a_reader_while_many_submit_to_one_partition(postgres_url: str) -> None:
    async with opened(postgres_url) as log:
        follower = log.follow({OPEN: 0})
        writers = [await PostgresLog.connect(postgres_url, suite="t") for _ in range(6)]

        async def submit(writer: PostgresLog, name: int) -> None:
            for n in range(100):
                await writer.submit("reports", [Outgoing(b"k", f"{name}-{n}-{m}".encode()) for m in range(1 + n % 3)])

        submitting = asyncio.gather(*(submit(writer, name) for name, writer in enumerate(writers)))
        seen: list[Record] = []
        expected = 6 * sum(1 + n % 3 for n in range(100))
        async with asyncio.timeout(60):
            while len(seen) < expected:
                seen += await follower.next()
        await submitting
        assert [record.offset for record in seen] == list(range(expected))
        assert len({record.value for record in seen}) == expected
        for writer in writers:
            await writer.close()
        await follower.close()


async def test_a_reader_holds_no_more_than_its_measure(postgres_url: str) -> None:
    big = b"x" * 500_000
    async with opened(postgres_url) as log:
        for _ in range(24):
            await log.submit("reports", [Outgoing(b"k", big)])
        follower = PostgresFollower(log._tables, log._arrivals, {Partition("reports", n): 0 for n in range(4)})
        for _ in range(24):
            assert len(await follower.next(limit=1)) == 1
            assert sum(len(record.value) for record in follower._held) < AHEAD_BYTES + len(big)
        await follower.close()


async def test_of_many_partitions_a_busy_one_does_not_fall_behind(postgres_url: str) -> None:
    """A reader that comes now and then is given what has come to it meanwhile, however many others it reads."""
    async with opened(postgres_url) as log:
        await log.prepare(USED)
        follower = log.follow({Partition(stream.name, n): 0 for stream in USED for n in range(stream.partitions)})
        try:
            await log.submit(OPEN.stream, [Outgoing(b"k", b"%d" % n) for n in range(400)])
            assert [record.value for record in await follower.next(limit=1000)] == [b"%d" % n for n in range(400)]
        finally:
            await follower.close()


async def test_an_instance_that_dies_loses_its_share(postgres_url: str) -> None:
    partitions = [Partition("runs", n) for n in range(4)]
    async with opened(postgres_url) as one, opened(postgres_url) as two:
        first = one.membership("engine", "a", partitions)
        second = two.membership("engine", "b", partitions)
        shares = {"a": await first.changed(), "b": await second.changed()}

        async def watch() -> None:
            while True:
                shares["b"] = await second.changed()

        watching = asyncio.create_task(watch())
        await until(lambda: shares["b"] == {partitions[1], partitions[3]}, what="the two to share")
        first._beating.cancel()  # as a kill would: it does not say good-bye
        await until(lambda: shares["b"] == set(partitions), what="the other to get all")
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        await first.close()
        await second.close()


async def test_two_that_prepare_at_once_agree(postgres_url: str) -> None:
    logs = await asyncio.gather(*(PostgresLog.connect(postgres_url, suite="t") for _ in range(4)))
    await asyncio.gather(*(log.prepare([RUNS, REPORTS]) for log in logs))
    assert [await log.end(Partition("runs", 3)) for log in logs] == [0] * 4
    for log in logs:
        await log.close()


async def test_what_is_too_old_is_deleted_and_nothing_else(postgres_url: str) -> None:
    async with opened(postgres_url) as log:
        owned = await log.writer(OWNED)
        await owned.append(claim_of(1, "a"))
        await log.submit("reports", [Outgoing(b"k", b"old")] * 12_000)
        await log._retention.sweep()
        await log.submit("reports", [Outgoing(b"k", b"new")] * 5)
        await log._retention.sweep()
        assert len(await everything(log, OPEN)) == 12_005
        days = REPORTS.retention_days
        await raw(postgres_url, 'UPDATE mark SET at = at - make_interval(days => $1) WHERE "offset" = 12000', days)
        follower = log.follow({OPEN: 0})
        await log._retention.sweep()
        left = await everything(log, OPEN)
        assert [(record.offset, record.value) for record in left] == [(12_000 + n, b"new") for n in range(5)]
        assert await follower.next() == left
        assert await log.end(OPEN) == 12_005
        assert len(await everything(log)) == 1  # owned streams are kept for ever
        await follower.close()
