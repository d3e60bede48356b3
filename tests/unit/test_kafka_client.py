"""What is done otherwise than in the library that speaks to Kafka."""

import pytest
from aiokafka.client import CoordinationType

from foldgate.eventlog.kafka_client import Client, KafkaAddress, persevere
from foldgate.eventlog.log import LogUnavailable


async def test_while_no_broker_is_known_a_coordinator_is_asked_for_again() -> None:
    """A cluster that is coming back names no broker for a moment; that is a passing trouble like any other."""
    client = Client(**KafkaAddress(bootstrap="localhost:1").options())
    try:
        with pytest.raises(LogUnavailable, match="no broker of the cluster is known just now"):
            await persevere(
                "has no id", lambda: client.coordinator_lookup(CoordinationType.TRANSACTION, "t"), within_ms=300
            )
    finally:
        await client.close()
