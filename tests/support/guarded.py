"""A broker that asks who is there, and lets nobody do what no access list allows: by password, or by certificate.

Its usual listener, without either, is the administrator's."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from foldgate.contracts.access import SERVICES, WORKER
from foldgate.eventlog.kafka_acls import principal_of
from foldgate.servers.kafka import free_port
from foldgate.testing.kafka import cluster
from tests.support.certificates import Authority, Pair

HOST = "127.0.0.1"
SUITE = "guarded"
POOLS = ("default", "gpu-large")
BY_CERTIFICATE = "by-certificate"
NAMES = [*((who, "default") for who in SERVICES), *((WORKER, pool) for pool in POOLS)]


def name_of(who: str, pool: str = "default") -> str:
    """What a service, or the workers of a pool, are called there."""
    return principal_of(SUITE, who, pool=pool).removeprefix("User:")


def password_of(name: str) -> str:
    return f"password-of-{name}"


@dataclass(frozen=True, kw_only=True)
class Guarded:
    """Where it is, and by which certificates."""

    folder: Path
    administrator: str
    by_password: str
    by_certificate: str
    authority: Authority
    holder: Pair

    def settings(self, who: str, *, pool: str = "default") -> dict[str, str]:
        """The settings under which a service, or the workers of a pool, reach it."""
        name = name_of(who, pool)
        return {
            "kafka": self.by_password,
            "kafka_security": "SASL_SSL",
            "kafka_ca": str(self.authority.file),
            "kafka_sasl": "PLAIN",
            "kafka_username": name,
            "kafka_password": password_of(name),
            "suite": SUITE,
            "retry_within_ms": "15000",
        }


@contextlib.contextmanager
def guarded_broker(folder: Path) -> Iterator[Guarded]:
    """One, for as long as the context lasts."""
    authority, by_password, by_certificate = Authority(folder), free_port(), free_port()
    own = authority.pair("broker", host=HOST).together()
    users = "".join(f' user_{n}="{password_of(n)}"' for n in (name_of(who, pool) for who, pool in NAMES))
    settings = {
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": "User:ANONYMOUS",
        "sasl.enabled.mechanisms": "PLAIN",
        "listener.name.sasl_ssl.plain.sasl.jaas.config": (
            f"org.apache.kafka.common.security.plain.PlainLoginModule required{users};"
        ),
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(own),
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(authority.file),
        "listener.name.ssl.ssl.client.auth": "required",
    }
    listeners = [f"SASL_SSL://{HOST}:{by_password}", f"SSL://{HOST}:{by_certificate}"]
    with cluster(folder / "kafka", settings=settings, listeners=listeners) as kafka:
        yield Guarded(
            folder=folder,
            administrator=kafka.bootstrap,
            by_password=f"{HOST}:{by_password}",
            by_certificate=f"{HOST}:{by_certificate}",
            authority=authority,
            holder=authority.pair(BY_CERTIFICATE),
        )
