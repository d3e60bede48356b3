"""How a Kafka cluster is reached, how long its troubles are borne, and what is leaned on in the client library.

The driver uses aiokafka's connections, requests and record batches, and not its producer and consumer: an append then
costs half the time, ends when it is told to (the stock idempotent producer retries for ever, and does not stop while
it does), and needs no private attribute for the fence. ADR 0001 has the figures. These classes are public but not
promised, so the library is held to one minor version, and everything here refuses to work with another.
"""

import asyncio
import contextlib
import importlib.metadata
import ssl
from collections.abc import Awaitable, Callable, Collection, Coroutine, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar

from aiokafka.client import AIOKafkaClient, ConnectionGroup, CoordinationType
from aiokafka.cluster import ClusterMetadata
from aiokafka.conn import create_conn
from aiokafka.errors import (
    AuthenticationFailedError,
    BrokerNotAvailableError,
    ClusterAuthorizationFailedError,
    ConcurrentTransactions,
    CorruptRecordException,
    GroupAuthorizationFailedError,
    KafkaConnectionError,
    KafkaError,
    LeaderNotAvailableError,
    NodeNotReadyError,
    ReplicaNotAvailableError,
    SaslAuthenticationFailed,
    TopicAuthorizationFailedError,
    TransactionalIdAuthorizationFailed,
)
from aiokafka.structs import TopicPartition

from foldgate.eventlog.log import LogError, LogUnavailable

T = TypeVar("T")
PROVED_WITH = "0.14"
BACKOFF_S = 0.1
_ALSO_PASSING = (BrokerNotAvailableError, ReplicaNotAvailableError, ConcurrentTransactions, CorruptRecordException)
_AUTHENTICATION = (AuthenticationFailedError, SaslAuthenticationFailed)
_AUTHORIZATION = (
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    TopicAuthorizationFailedError,
    TransactionalIdAuthorizationFailed,
)


class UnsupportedClientLibrary(LogError):
    """Another version of aiokafka is installed than the one this driver is proved with."""


class Client(AIOKafkaClient):  # type: ignore[misc]  # published without types
    """The library's client, which meets brokers and leaves them out of the reach of cancellations, and meets none once
    it is closed: cut off half-way, or used while it closes, the library leaves a socket open.

    To a connection that was reset a moment ago uvloop refuses to write, with a RuntimeError, which the library does not
    expect: its tasks end of it, and whoever waits for them waits for ever. Here that is a connection lost, as any."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._own = {name: value for name, value in options.items() if name != "bootstrap_servers"}
        self.closed = False
        self._under_way: set[asyncio.Future[Any]] = set()

    async def bootstrap(self) -> None:
        await self._out_of_reach(self._bootstrap())

    @property
    def gone(self) -> bool:
        """Whether nothing of it is left: closing may have been cut off, and goes on by itself."""
        return self.closed and not self._under_way

    async def ready(self, node_id: Any, *, group: ConnectionGroup = ConnectionGroup.DEFAULT) -> bool:
        if self.closed:
            return False
        connection = self._conns.get((node_id, group))
        if connection is not None and connection.connected():
            return True
        return await self._out_of_reach(super().ready(node_id, group=group))

    async def send(self, node_id: Any, request: Any, *, group: ConnectionGroup = ConnectionGroup.DEFAULT) -> Any:
        with _known_as_lost():
            return await super().send(node_id, request, group=group)

    async def coordinator_lookup(self, coordinator_type: CoordinationType, coordinator_key: str) -> Any:
        if self.get_random_node() is None:  # while no broker is known the library stops on an assertion
            raise NodeNotReadyError("no broker of the cluster is known just now")
        return await super().coordinator_lookup(coordinator_type, coordinator_key)

    async def close(self) -> None:
        self.closed = True
        meetings = set(self._under_way)
        await self._out_of_reach(self._close_after(meetings))

    async def _bootstrap(self) -> None:
        """Meet the cluster; where that fails, say why: the library says only that it did."""
        try:
            with _known_as_lost():
                await super().bootstrap()
        except KafkaConnectionError as error:
            host, port, _ = self.hosts[0]
            if (reason := await self._reason(host, port)) is not None:
                raise KafkaConnectionError(f"{host}:{port}: {describe(reason)}") from error
            raise

    async def _get_conn(self, node_id: Any, *, group: ConnectionGroup = ConnectionGroup.DEFAULT) -> Any:
        try:
            with _known_as_lost():
                return await super()._get_conn(node_id, group=group)
        except KafkaConnectionError:
            return None  # as where it cannot be made

    async def _metadata_update(self, cluster_metadata: ClusterMetadata, topics: Collection[str] | None) -> bool:
        try:
            with _known_as_lost():
                return bool(await super()._metadata_update(cluster_metadata, topics))
        except KafkaConnectionError:
            cluster_metadata.failed_update(None)
            return False  # as where nobody answers

    async def _reason(self, host: str, port: int) -> Exception | None:
        try:
            with _known_as_lost():
                connection = await create_conn(host, port, **self._own)
        except (OSError, KafkaError, TimeoutError) as error:
            return error
        connection.close()
        return None

    async def _close_after(self, meetings: set[asyncio.Future[Any]]) -> None:
        if meetings:
            await asyncio.wait(meetings)
        await super().close()

    async def _out_of_reach(self, work: Coroutine[Any, Any, T]) -> T:
        """Do it to its end, also where nobody waits for that any more."""
        task = asyncio.ensure_future(work)
        self._under_way.add(task)
        task.add_done_callback(self._over)
        return await asyncio.shield(task)

    def _over(self, task: asyncio.Future[Any]) -> None:
        self._under_way.discard(task)
        if not task.cancelled():
            task.exception()  # looked at, also where nobody waits for it any more


@contextlib.contextmanager
def _known_as_lost() -> Iterator[None]:
    """What uvloop says of a connection that was reset, in words that the library knows."""
    try:
        yield
    except KafkaError:  # a RuntimeError too
        raise
    except RuntimeError as error:
        raise KafkaConnectionError(str(error)) from error


@dataclass(frozen=True, kw_only=True)
class KafkaAddress:
    """Where a cluster is, who we are to it, and for how long it may fail to answer."""

    bootstrap: str
    client_id: str = "foldgate"
    request_timeout_ms: int = 5_000
    patience_ms: int = 30_000
    security_protocol: str = "PLAINTEXT"
    ssl_context: ssl.SSLContext | None = None
    sasl_mechanism: str = "PLAIN"
    sasl_username: str | None = None
    sasl_password: str | None = None
    opened: set[Client] = field(default_factory=set, compare=False, repr=False)

    async def connect(self) -> Client:
        """A client that has met the cluster. Whoever asks for it closes it."""
        client = self.client()
        try:
            await persevere(f"No Kafka at {self.bootstrap}", client.bootstrap, within_ms=self.patience_ms)
        except BaseException:
            await client.close()
            raise
        return client

    def client(self) -> Client:
        """A client that has met nobody yet."""
        check_library(importlib.metadata.version("aiokafka"))
        client = Client(**self.options())
        self.opened.difference_update([one for one in self.opened if one.gone])
        self.opened.add(client)
        return client

    async def close(self) -> None:
        """Close every client that was made here, to the end: whoever had it may have been cut off, closing it too."""
        closing = [asyncio.ensure_future(client.close()) for client in self.opened if not client.gone]
        await asyncio.shield(asyncio.gather(*closing))

    def options(self) -> dict[str, Any]:
        """The same for every kind of client in the library."""
        return {
            "bootstrap_servers": self.bootstrap,
            "client_id": self.client_id,
            "request_timeout_ms": self.request_timeout_ms,
            "security_protocol": self.security_protocol,
            "ssl_context": self.ssl_context,
            "sasl_mechanism": self.sasl_mechanism,
            "sasl_plain_username": self.sasl_username,
            "sasl_plain_password": self.sasl_password,
        }


def check_library(installed: str) -> None:
    """Refuse a version of the client library that the driver is not proved with."""
    if installed.split(".")[:2] != PROVED_WITH.split("."):
        raise UnsupportedClientLibrary(
            f"Expected aiokafka {PROVED_WITH}.x, which the Kafka driver is proved with, but {installed} is installed. "
            f"Install `aiokafka~={PROVED_WITH}.0`."
        )


async def persevere(trouble: str, attempt: Callable[[], Awaitable[T]], *, within_ms: int) -> T:
    """Repeat what fails for a passing reason, until it succeeds or the time for it is over.

    `trouble` opens the message of the LogUnavailable that a lasting failure becomes.
    """
    last: KafkaError | None = None
    try:
        async with asyncio.timeout(within_ms / 1000):
            while True:
                try:
                    return await attempt()
                except KafkaError as error:
                    if not passes(error):
                        raise LogUnavailable(f"{trouble}: {describe(error)}.") from error
                    last = error
                await asyncio.sleep(BACKOFF_S)
    except TimeoutError:
        reason = describe(last) if last else "no answer"
        raise LogUnavailable(f"{trouble} within {within_ms / 1000:g} s: {reason}.") from last


def passes(error: KafkaError) -> bool:
    """Whether trying again may help."""
    return bool(error.retriable) or isinstance(error, _ALSO_PASSING)


def leader_of(client: AIOKafkaClient, place: TopicPartition) -> int:
    """The broker that leads the partition now, as far as this client knows."""
    leader = client.cluster.leader_for_partition(place)
    if leader is None or leader == -1:
        raise LeaderNotAvailableError
    return int(leader)


def describe(error: Exception) -> str:
    """The error in words, for a message of one line."""
    if isinstance(error, _AUTHENTICATION):
        return f"the broker refused our credentials ({error})"
    if isinstance(error, _AUTHORIZATION):
        what = type(error).__name__.split("Authorization")[0].lower().replace("transactionalid", "transactional id")
        return f"the cluster's ACLs do not let us do that ({what}): see `foldgate kafka acls`"
    return str(error) or type(error).__name__
