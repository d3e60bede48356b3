"""The topics and the access lists of a suite: as documents, and made at a cluster.

Either may be done again, also after it was cut off half-way: what is there already stays as it is.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from foldgate.cli.mistakes import AskedWrongly
from foldgate.cli.role_making import suite_named
from foldgate.cli.terminal import say
from foldgate.contracts.access import SERVICES, WORKER
from foldgate.contracts.topics import STREAMS, is_pool_name
from foldgate.eventlog.kafka_acls import Acl, acls_of, allow, principal_of
from foldgate.eventlog.kafka_topics import prepare_topics, topics_of
from foldgate.runtime.brokers import address_of
from foldgate.runtime.settings import Settings

COPIES, LEAST = 3, 2
"""What a cluster of three brokers or more is to be told; `--apply` takes as many as there are brokers."""
_WORKERS = f"{WORKER}."


def topics_document(suite: str | None) -> dict[str, Any]:
    """The topics, for whoever makes them by other means."""
    return {
        topic.name: {
            "partitions": topic.partitions,
            "replication_factor": COPIES,
            "settings": {**topic.settings, "min.insync.replicas": str(LEAST)},
        }
        for topic in topics_of(suite_named(suite), STREAMS)
    }


def acls_document(suite: str | None, *, names: Mapping[str, str]) -> dict[str, Any]:
    """What everybody may do, by principal."""
    allowed = _allowed(suite_named(suite), names)
    return {name: _lines(acls) for name, acls in allowed.items()}


def _lines(acls: Sequence[Acl]) -> list[dict[str, Any]]:
    """One for each resource, with all that may be done to it."""
    operations: dict[tuple[str, str, str], list[str]] = {}
    for resource, name, prefixed, operation in acls:
        operations.setdefault((resource, name, "prefixed" if prefixed else "literal"), []).append(operation)
    return [
        {"resource": resource, "name": name, "pattern": pattern, "operations": may}
        for (resource, name, pattern), may in operations.items()
    ]


def named(given: Sequence[str], *, pools: Sequence[str]) -> dict[str, str]:
    """What each service, and the workers of each pool (`worker.POOL`), are to be called; empty: as by default."""
    if wrong := [pool for pool in pools if not is_pool_name(pool)]:
        raise AskedWrongly(f"Expected the name of a pool, but got '{wrong[0]}'.")
    names = dict.fromkeys([*SERVICES, *(f"{_WORKERS}{pool}" for pool in pools)], "")
    for one in given:
        who, equals, principal = one.partition("=")
        if who not in names or not equals or not principal.startswith("User:"):
            raise AskedWrongly(
                f"Expected --principal WHO=User:NAME with one of {', '.join(names)}, but got '{one}'. The workers of"
                " another pool need --pool POOL, too."
            )
        names[who] = principal
    return names


async def make_topics(settings: Settings, *, suite: str | None) -> None:
    """Make the topics that are missing, and compare the others."""
    address = address_of(_on_kafka(settings))
    topics = topics_of(suite_named(suite) if suite else settings.suite, STREAMS)
    client = await address.connect()
    try:
        await prepare_topics(client, topics, patience_ms=address.patience_ms)
    finally:
        await client.close()
    say(f"There are {len(topics)} topics at {settings.kafka}, from {topics[0].name} to {topics[-1].name}.")


async def allow_all(settings: Settings, *, suite: str | None, names: Mapping[str, str]) -> None:
    """Let everybody do what he must, and nothing else."""
    address = address_of(_on_kafka(settings))
    allowed = _allowed(suite_named(suite) if suite else settings.suite, names)
    client = await address.connect()
    try:
        for principal, acls in allowed.items():
            await allow(client, principal, acls, patience_ms=address.patience_ms)
            say(f"{principal}: {len(acls)} ACLs")
    finally:
        await client.close()


def _allowed(suite: str, names: Mapping[str, str]) -> dict[str, list[Acl]]:
    allowed: dict[str, list[Acl]] = {}
    for name, principal in names.items():
        who, pool = (WORKER, name.removeprefix(_WORKERS)) if name.startswith(_WORKERS) else (name, "")
        acls = acls_of(suite, who, pool=pool)
        allowed.setdefault(principal or principal_of(suite, who, pool=pool), []).extend(acls)
    return {principal: sorted(set(acls)) for principal, acls in allowed.items()}


def _on_kafka(settings: Settings) -> Settings:
    if settings.kafka is None:
        raise AskedWrongly("Expected a suite whose log is in Kafka, but this one's is in PostgreSQL: it has roles.")
    return settings
