"""From settings to the address of a Kafka cluster: who we are to it, and how we know that it is the right one."""

import ssl

from foldgate.eventlog.kafka_client import KafkaAddress
from foldgate.runtime.settings import Settings, SettingsInvalid


def address_of(settings: Settings) -> KafkaAddress:
    """Where the settings say that the log is. Certificates are read now, and not when they are first needed."""
    assert settings.kafka is not None
    return KafkaAddress(
        bootstrap=settings.kafka,
        patience_ms=settings.retry_within_ms,
        security_protocol=settings.kafka_security,
        ssl_context=_trusting(settings) if settings.kafka_security.endswith("SSL") else None,
        sasl_mechanism=settings.kafka_sasl,
        sasl_username=settings.kafka_username,
        sasl_password=settings.kafka_password,
    )


def _trusting(settings: Settings) -> ssl.SSLContext:
    """Brokers are believed whose certificate is in order, and bears the name by which they were called."""
    try:
        context = ssl.create_default_context(cafile=settings.kafka_ca)
    except OSError as error:
        raise _unreadable("FOLDGATE_KAFKA_CA", settings.kafka_ca, error) from error
    if settings.kafka_certificate is not None:
        try:
            context.load_cert_chain(settings.kafka_certificate, settings.kafka_key, password=_no_password)
        except (OSError, ValueError) as error:
            where = f"{settings.kafka_certificate} and {settings.kafka_key}"
            raise _unreadable("FOLDGATE_KAFKA_CERTIFICATE, FOLDGATE_KAFKA_KEY", where, error) from error
    return context


def _no_password() -> str:
    """Without this, a service whose key has one would ask for it at a terminal."""
    raise ValueError("the key has a password")


def _unreadable(name: str, where: str | None, error: Exception) -> SettingsInvalid:
    return SettingsInvalid(f"{name}={where}: expected PEM files that can be read and belong together, but: {error}.")
