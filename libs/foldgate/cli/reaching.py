"""The servers of a suite, seen from a command: looked at first, so that what is amiss is one line and soon said."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from foldgate.cli.finding import NoSuite, settings_of_suite
from foldgate.contracts.codec import Codec
from foldgate.contracts.places import Partition, Position
from foldgate.eventlog.log import Log
from foldgate.eventlog.looking import Seen
from foldgate.runtime.settings import Settings

if TYPE_CHECKING:
    from foldgate.authority.keys import Signer
    from foldgate.sdk.client import Client


PRINCIPAL = "client"
"""Who asks for what people ask for on the command line, where they do not say."""


class Reached(NamedTuple):
    """A suite that a command can speak to."""

    log: Log
    codec: Codec
    settings: Settings
    seen: Seen

    def client(self, tenant: str, *, principal: str = PRINCIPAL, signer: "Signer | None" = None) -> "Client":
        """A client that reads long partitions from their last checkpoint. The suite's issuer signs what it asks."""
        from foldgate.cli.reading import position_before
        from foldgate.runtime.keys import Keys
        from foldgate.sdk.client import Client

        async def entrance(partition: Partition) -> Position:
            return await position_before(self.log, partition, await self.log.end(partition))

        signer = signer or Keys.of(self.settings).voucher(unsigned=self.settings.unsigned_requests)
        return Client(self.log, codec=self.codec, tenant=tenant, principal=principal, entrance=entrance, signer=signer)


async def look(settings: Settings) -> Seen:
    """The server that keeps the log."""
    if settings.kafka is not None:
        from foldgate.eventlog.kafka_looking import look_at_kafka
        from foldgate.runtime.brokers import address_of

        return await look_at_kafka(address_of(settings), suite=settings.suite)
    from foldgate.eventlog.looking import look_at_postgres

    assert settings.postgres is not None
    return await look_at_postgres(settings.postgres, suite=settings.suite)


@asynccontextmanager
async def opened(data: Path | None) -> AsyncIterator[Reached]:
    """The suite that is meant by the environment or the folder."""
    async with opened_as(settings_of_suite(data)) as suite:
        yield suite


@asynccontextmanager
async def opened_as(settings: Settings) -> AsyncIterator[Reached]:
    """The suite with these settings, if there is one: nothing is created by looking for it."""
    from foldgate.runtime.connecting import codec_for, open_log

    seen = await look(settings)
    if not seen.streams:
        raise NoSuite(
            f"Expected a suite named '{settings.suite}' at {seen.where}, but there is none: start it with"
            " `foldgate up`, or set FOLDGATE_SUITE to the name it has."
        )
    log = await open_log(settings)
    try:
        yield Reached(log, codec_for(settings), settings, seen)
    finally:
        await log.close()
