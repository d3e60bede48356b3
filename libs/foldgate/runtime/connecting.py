"""From settings to a log, Kafka where brokers are named and PostgreSQL otherwise, and to the read models."""

from collections.abc import Sequence

from foldgate.contracts.codec import Codec
from foldgate.contracts.topics import STREAMS
from foldgate.eventlog.log import Log
from foldgate.readmodel.postgres import ReadModels
from foldgate.runtime.clock import SystemClock
from foldgate.runtime.service import Service
from foldgate.runtime.settings import Settings, SettingsInvalid


async def connect(settings: Settings) -> Log:
    """The log these settings name, with every stream in place."""
    log = await open_log(settings)
    try:
        await log.prepare([stream for stream in STREAMS if not stream.name.endswith(".*")])
    except BaseException:
        await log.close()
        raise
    return log


async def open_log(settings: Settings) -> Log:
    """The log these settings name, with the streams it has."""
    if settings.kafka is not None:
        from foldgate.eventlog.kafka import KafkaLog
        from foldgate.runtime.brokers import address_of

        address = address_of(settings)
        return await KafkaLog.connect(
            address,
            suite=settings.suite,
            fence_max_age_ms=settings.fence_max_age_ms,
            session_timeout_ms=settings.session_timeout_ms,
        )
    from foldgate.eventlog.postgres import PostgresLog

    assert settings.postgres is not None
    patience_s = settings.retry_within_ms / 1000
    return await PostgresLog.connect(settings.postgres, suite=settings.suite, patience_s=patience_s)


def check_models(services: Sequence[Service], settings: Settings) -> None:
    """Raise SettingsInvalid where a service has read models, and nothing says in which database."""
    for service in services:
        if service.projections and settings.postgres is None:
            raise SettingsInvalid(
                f"FOLDGATE_POSTGRES: expected postgresql://…, because {service.name} keeps its read models in"
                " PostgreSQL also where the log is in Kafka, but it is not set."
            )


async def connect_models(services: Sequence[Service], settings: Settings) -> ReadModels | None:
    """The read models of these services; None if they have none."""
    if settings.postgres is None or not any(service.projections for service in services):
        return None
    patience_s = settings.retry_within_ms / 1000
    return await ReadModels.connect(settings.postgres, suite=settings.suite, patience_s=patience_s)


def codec_for(settings: Settings) -> Codec:
    """The codec, with the registry where one is configured."""
    if settings.schema_registry is None:
        return Codec()
    from foldgate.contracts.registry import HttpRegistry

    return Codec(HttpRegistry(settings.schema_registry, now_ms=SystemClock().monotonic_ms))
