"""What nothing names any more is removed, in the end; what something names, or somebody uses, is not."""

import contextlib
import os
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

import asyncpg
import pytest

from foldgate.contracts.codec import NO_CHAIN, Codec
from foldgate.contracts.events import Meta, RunRequested
from foldgate.contracts.topics import INTAKE
from foldgate.eventlog.log import Log, Outgoing
from foldgate.eventlog.memory import MemoryLog
from foldgate.sdk.artifact_folder import FolderArtifacts
from foldgate.sdk.artifact_stores import Store, store_at
from foldgate.sdk.artifact_sweeping import Swept, sweep
from foldgate.sdk.artifacts import ArtifactMissing, Idle, reference_of
from tests.support.logs import USED, Opened

IDLE, GRACE, MOMENT = timedelta(days=30), timedelta(days=1), timedelta(seconds=1)
STREAMS = {stream.name: stream.partitions for stream in USED}
DATA = b"of a time long ago"
REFERENCE = reference_of(DATA)


class Aged(NamedTuple):
    """A store, and time that passes in it: for what was used, and for what was condemned."""

    store: Store
    passes: Callable[[timedelta], Awaitable[None]]

    async def has(self, reference: str = REFERENCE, tenant: str = "t") -> bool:
        """Whether it is there; nothing is used by looking."""
        return Idle(tenant, reference) in await self.store.idle(timedelta(seconds=-60), most=1000)

    async def sweep(self, log: Log | None = None) -> Swept:
        return await sweep(self.store, log or MemoryLog(), STREAMS, idle=IDLE, grace=GRACE)


@pytest.fixture(params=["folder", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where a store is, of each kind."""
    return str(tmp_path / "artifacts" if request.param == "folder" else request.getfixturevalue("postgres_url"))


@contextlib.asynccontextmanager
async def aged(place: str) -> AsyncIterator[Aged]:
    suite = f"t{secrets.token_hex(5)}"
    store = store_at(place, suite=suite)

    async def in_a_folder(time: timedelta) -> None:
        for file in Path(place).rglob("*"):
            if file.is_file():
                at = file.stat().st_mtime - (time + MOMENT).total_seconds()
                os.utime(file, (at, at))

    async def in_a_database(time: timedelta) -> None:
        connection = await asyncpg.connect(place)
        await connection.execute(
            f"UPDATE {suite}.artifact SET used_at = used_at - $1::interval, condemned_at = condemned_at - $1",
            time + MOMENT,
        )
        await connection.close()

    try:
        yield Aged(store, in_a_folder if isinstance(store, FolderArtifacts) else in_a_database)
    finally:
        await store.close()


async def name(log: Log, text: str) -> None:
    """An event that has this in its input."""
    codec, meta = Codec(), Meta(chain=NO_CHAIN, event_id="e", stream=INTAKE.name, key="k", at=0)
    await log.submit(INTAKE.name, [Outgoing(b"k", codec.encode(meta, RunRequested(workflow="w", input=text)))])


async def test_what_nothing_names_goes_in_two_sweeps(place: str) -> None:
    async with aged(place) as old:
        await old.store.put(DATA, tenant="t")
        assert await old.sweep() == Swept(), "it is young"
        await old.passes(IDLE)
        young = await old.store.put(b"of today", tenant="t")
        assert await old.sweep() == Swept(idle=1, condemned=1)
        assert await old.sweep() == Swept(idle=1, kept=1), "it was condemned just now"
        await old.passes(GRACE)
        assert await old.sweep() == Swept(idle=1, removed=1)
        assert not await old.has()
        assert await old.has(young)
        with pytest.raises(ArtifactMissing):
            await old.store.get(REFERENCE, tenant="t")
        assert await old.sweep() == Swept()


async def test_what_an_event_names_stays_on_every_log(place: str, opened: Opened) -> None:
    async with opened() as log, aged(place) as old:
        await old.store.put(DATA, tenant="t")
        await name(log, f'{{"file": {{"$artifact": "{REFERENCE}", "size": 1, "content_type": "a/b"}}}}')
        await name(log, "other")
        for _ in range(3):
            await old.passes(IDLE)
            assert await old.sweep(log) == Swept(idle=1, named=1)
            assert await old.sweep(log) == Swept(), "and is not looked at again for long"
        assert await old.has()


@pytest.mark.parametrize("use", ["put", "get", "read", "name"])
async def test_what_was_condemned_and_is_used_again_stays(place: str, use: str) -> None:
    log = MemoryLog()
    await log.prepare(USED)
    async with aged(place) as old:
        await old.store.put(DATA, tenant="t")
        await old.passes(IDLE)
        assert (await old.sweep(log)).condemned == 1
        if use == "put":
            await old.store.put(DATA, tenant="t")
        elif use == "name":
            await name(log, REFERENCE)
        else:
            await getattr(old.store, use)(REFERENCE, tenant="t")
        await old.passes(GRACE)
        assert (await old.sweep(log)).removed == 0
        await old.passes(IDLE)
        again = await old.sweep(log)
        assert (again.condemned, again.named) == ((0, 1) if use == "name" else (1, 0)), "it begins anew"
        assert await old.store.get(REFERENCE, tenant="t") == DATA


async def test_who_is_too_late_to_settle_removes_nothing(place: str) -> None:
    async with aged(place) as old:
        await old.store.put(DATA, tenant="t")
        await old.passes(IDLE)
        [one] = await old.store.idle(IDLE, most=10)
        assert await old.store.settle(one, idle=IDLE, grace=GRACE) == "condemned"
        await old.passes(GRACE)
        await old.store.get(REFERENCE, tenant="t")
        assert await old.store.settle(one, idle=IDLE, grace=GRACE) == "kept"
        assert await old.store.settle(Idle("t", reference_of(b"none")), idle=IDLE, grace=GRACE) == "kept"


async def test_a_sweep_looks_at_no_more_than_it_may_and_at_the_idlest_first(place: str) -> None:
    async with aged(place) as old:
        for number in range(5):
            await old.store.put(str(number).encode(), tenant=f"t{number}")
            await old.passes(IDLE)
        found = await old.store.idle(IDLE, most=2)
        assert found == [Idle(f"t{number}", reference_of(str(number).encode())) for number in range(2)]


async def test_a_crash_leaves_a_file_aside_which_comes_back(tmp_path: Path) -> None:
    store = FolderArtifacts(tmp_path)
    await store.put(DATA, tenant="t")
    [file] = [path for path in tmp_path.rglob("*") if path.is_file()]
    file.rename(file.with_name(f".aside.{file.name}"))
    with pytest.raises(ArtifactMissing):
        await store.get(REFERENCE, tenant="t")
    assert await store.idle(IDLE, most=10) == []
    assert await store.get(REFERENCE, tenant="t") == DATA
