"""Real logs for benchmarks: a server of each kind for as long as one is measured."""

import contextlib
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

from foldgate.contracts.topics import STREAMS
from foldgate.eventlog.kafka import KafkaLog
from foldgate.eventlog.log import Log
from foldgate.eventlog.postgres import PostgresLog
from foldgate.testing import kafka, postgres


@contextlib.contextmanager
def address(driver: str) -> Iterator[str]:
    """Where a log of this driver is to be had."""
    with tempfile.TemporaryDirectory() as folder:
        if driver == "kafka":
            with kafka.broker(Path(folder)) as bootstrap:
                yield bootstrap
        else:
            with postgres.server(Path(folder)) as server, postgres.database(server) as url:
                yield url


@contextlib.asynccontextmanager
async def opened(driver: str, where: str, suite: str) -> AsyncIterator[Log]:
    """A connection to the log, with every stream in place."""
    connect = KafkaLog.connect if driver == "kafka" else PostgresLog.connect
    log: Log = await connect(where, suite=suite)
    try:
        await log.prepare([stream for stream in STREAMS if not stream.name.endswith(".*")])
        yield log
    finally:
        await log.close()
