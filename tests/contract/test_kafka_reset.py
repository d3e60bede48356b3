"""A connection to Kafka that was reset, on the loop that programs run on: whoever sends just then finds it lost, and
the next attempt has a new one.
"""

from collections.abc import Awaitable, Callable

import pytest
import uvloop
from aiokafka.errors import KafkaConnectionError
from aiokafka.protocol.metadata import MetadataRequest

from foldgate.eventlog.kafka_client import Client, KafkaAddress, persevere
from tests.support.waiting import tick


async def answered(client: Client) -> None:
    """A request, until there is an answer."""
    (broker,) = client.cluster.brokers()
    await persevere("no answer", lambda: client.send(broker.nodeId, MetadataRequest([])), within_ms=10_000)


async def informed(client: Client) -> None:
    """What the cluster is like, until that is known."""

    async def news() -> None:
        if not await client.force_metadata_update():
            raise KafkaConnectionError

    await persevere("no news", news, within_ms=10_000)


@pytest.mark.parametrize("turns", range(4))
@pytest.mark.parametrize("asks", [answered, informed])
def test_however_long_ago_a_connection_was_reset_it_is_one_that_is_lost(
    kafka_bootstrap: str, asks: Callable[[Client], Awaitable[None]], turns: int
) -> None:
    """The loop closes it, the stream learns of that, and the library of it: a turn of the loop lies between each."""

    async def reset() -> None:
        client = await KafkaAddress(bootstrap=kafka_bootstrap).connect()
        await answered(client)
        for connection in client._conns.values():
            connection._writer.transport._force_close(ConnectionResetError())
        await tick(turns)
        await asks(client)
        await client.close()

    uvloop.run(reset())
