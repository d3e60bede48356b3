"""Access lists of a Kafka cluster: for each service and for the workers of each pool the least that it needs.

Each appends only to the streams that it owns, keeps only their checkpoints, reads only what it follows, and submits
only where it may (`contracts/access.py`). An owner's fence is a transactional id for each of its partitions; its place
among the replicas of its service is that service's group. Names of topics are seen by all of a suite: who begins
compares the partition counts of all streams. Members of a family come to be when they are first needed, by whoever
fills or reads them. All other topics are an administrator's to make (`foldgate kafka topics --apply`).
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import for_code
from aiokafka.protocol.admin import CreateAclsRequest

from foldgate.contracts.access import DEFAULT_POOL, GATEWAY, WORKER, access_of
from foldgate.contracts.topics import DISPATCH
from foldgate.eventlog.kafka_client import persevere
from foldgate.eventlog.kafka_topics import checkpoint_topic_name, topic_name

Resource = Literal["topic", "group", "transactional-id"]
Operation = Literal["read", "write", "create", "describe"]
_RESOURCES: Mapping[Resource, int] = {"topic": 2, "group": 3, "transactional-id": 5}
_OPERATIONS: Mapping[Operation, int] = {"read": 3, "write": 4, "create": 5, "describe": 8}
_LITERAL, _PREFIXED, _ALLOW, _ANY_HOST = 3, 4, 3, "*"


class Acl(NamedTuple):
    """Something that somebody may do, from any host. `prefixed`: to everything whose name begins like that."""

    resource: Resource
    name: str
    prefixed: bool
    operation: Operation


def principal_of(suite: str, who: str, *, pool: str = DEFAULT_POOL) -> str:
    """What a service, or the workers of a pool, are called at the brokers where nobody says otherwise."""
    return f"User:{suite}-{who}" if who != WORKER or pool == DEFAULT_POOL else f"User:{suite}-{WORKER}-{pool}"


def acls_of(suite: str, who: str, *, pool: str = DEFAULT_POOL) -> list[Acl]:
    """What one of them may do."""
    return sorted({Acl("topic", f"{suite}.", True, "describe"), *_Somebody(suite, who, pool).acls()})


class _Somebody:
    """A service, or the workers of one pool."""

    def __init__(self, suite: str, who: str, pool: str) -> None:
        self._suite, self._who, self._pool = suite, who, pool
        self._access = access_of(who)

    def acls(self) -> Iterator[Acl]:
        for name in self._access.reads:
            yield self._topic(name, "read")
        for name in self._access.appends | self._access.submits:
            yield self._topic(name, "write")
        if DISPATCH.name in self._access.reads | self._access.submits:
            yield self._topic(DISPATCH.name, "create")
        if self._access.appends:
            yield Acl("group", topic_name(self._suite, self._who), False, "read")
        for name in self._access.appends:
            yield from self._owning(name)
        if self._who == GATEWAY:
            yield Acl("topic", checkpoint_topic_name(self._suite, ""), True, "read")

    def _owning(self, stream: str) -> Iterator[Acl]:
        yield Acl("transactional-id", f"{topic_name(self._suite, stream)}-", True, "write")
        yield Acl("topic", checkpoint_topic_name(self._suite, stream), False, "read")
        yield Acl("topic", checkpoint_topic_name(self._suite, stream), False, "write")

    def _topic(self, stream: str, operation: Operation) -> Acl:
        """Of a family, workers have only their pool's member."""
        if stream == DISPATCH.name and self._who == WORKER:
            return Acl("topic", topic_name(self._suite, DISPATCH.member(self._pool).name), False, operation)
        return Acl("topic", topic_name(self._suite, stream.removesuffix("*")), stream.endswith(".*"), operation)


async def allow(client: AIOKafkaClient, principal: str, allowed: Sequence[Acl], *, patience_ms: int) -> None:
    """Let the principal do that. What it is allowed already stays as it is; nothing is taken away."""

    async def attempt() -> None:
        request = _CreateAcls([_creation(principal, acl) for acl in allowed])
        response = await client.send(client.get_random_node(), request)
        for code, said, *_ in response.creation_responses:
            if code:
                raise for_code(code)(said or "")

    await persevere(f"No ACLs for {principal}", attempt, within_ms=patience_ms)


def _creation(principal: str, acl: Acl) -> tuple[int | str, ...]:
    resource, pattern = _RESOURCES[acl.resource], _PREFIXED if acl.prefixed else _LITERAL
    return (resource, acl.name, pattern, principal, _ANY_HOST, _OPERATIONS[acl.operation], _ALLOW)


class _CreateAcls(CreateAclsRequest):  # type: ignore[misc] # published without types
    """Many at once: the library's own request has room for one."""

    def __init__(self, creations: Sequence[tuple[int | str, ...]]) -> None:
        self._creations = creations

    def build(self, request_struct_class: Any) -> Any:
        return request_struct_class(self._creations)
