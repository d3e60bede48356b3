"""Connections to a database that goes away while somebody stops waiting for it."""

import asyncio

import pytest

from foldgate.database.connections import Connection, Connections
from tests.support.waiting import until


async def test_whoever_stops_waiting_is_not_made_to_try_again(postgres_url: str) -> None:
    """The connection is lost at the moment in which its user is cancelled: the cancellation counts."""
    connections = Connections(postgres_url, schema="public")
    begun: list[Connection] = []

    async def work(connection: Connection) -> None:
        begun.append(connection)
        try:
            await asyncio.Event().wait()
        finally:
            connection.terminate()

    task = asyncio.create_task(connections.run(work))
    await until(lambda: bool(begun), what="work to begin")
    task.cancel()
    await asyncio.wait([task], timeout=10)
    assert task.cancelled()
    assert len(begun) == 1
    await connections.close()


async def test_closing_that_is_cut_off_leaves_none_open(postgres_url: str) -> None:
    connections, used = Connections(postgres_url, schema="public"), list[Connection]()
    together = asyncio.Barrier(3)

    async def work(connection: Connection) -> None:
        used.append(connection)
        await together.wait()

    await asyncio.gather(*(connections.run(work) for _ in range(3)))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await connections.close()
    assert [connection.is_closed() for connection in used] == [True] * 3
