"""The settings of one node of a local Kafka: small, quick to start, and as strict about durability as production."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

HOST = "127.0.0.1"
_KINDS = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")


@dataclass(frozen=True)
class Address:
    """Where one node listens: for clients, and for the other nodes' controllers."""

    node: int
    port: int
    controller_port: int


def node_settings(me: Address, everyone: Sequence[Address], *, data: Path, also: Sequence[str] = ()) -> dict[str, str]:
    """The server.properties of one node among `everyone`, itself included, with other listeners beside the usual.

    `also` has `NAME://HOST:PORT`, or `NAME://HOST:PORT->HOST:PORT` where clients are told another address than the one
    it listens on, as behind a proxy.
    """
    return {**_place(me, everyone, data=data, also=also), **_copies(len(everyone)), **_FRUGAL, **_STRICT}


def as_properties(settings: Mapping[str, str]) -> str:
    """The text of a Java properties file."""
    return "".join(f"{name}={value}\n" for name, value in settings.items())


def _place(me: Address, everyone: Sequence[Address], *, data: Path, also: Sequence[str]) -> dict[str, str]:
    clients = [f"PLAINTEXT://{HOST}:{me.port}", *also]
    listens, told = ",".join(map(_listens, clients)), ",".join(map(_told, clients))
    return {
        "process.roles": "broker,controller",
        "node.id": str(me.node),
        # Static voters: the nodes may then come back under other ports, because nothing of this is written to disk.
        "controller.quorum.voters": ",".join(f"{a.node}@{HOST}:{a.controller_port}" for a in everyone),
        "listeners": f"{listens},CONTROLLER://{HOST}:{me.controller_port}",
        "advertised.listeners": told,
        "controller.listener.names": "CONTROLLER",
        "listener.security.protocol.map": ",".join(["CONTROLLER:PLAINTEXT", *(f"{kind}:{kind}" for kind in _KINDS)]),
        "log.dirs": str(data),
    }


def _listens(listener: str) -> str:
    return listener.partition("->")[0]


def _told(listener: str) -> str:
    name, _, address = listener.partition("://")
    return f"{name}://{address.rpartition('->')[2]}"


def _copies(nodes: int) -> dict[str, str]:
    copies, least = str(nodes), str(max(1, nodes - 1))
    return {
        "default.replication.factor": copies,
        "min.insync.replicas": least,
        "offsets.topic.replication.factor": copies,
        "transaction.state.log.replication.factor": copies,
        "transaction.state.log.min.isr": least,
        "share.coordinator.state.topic.replication.factor": copies,
        "share.coordinator.state.topic.min.isr": least,
    }


_FRUGAL = {
    "offsets.topic.num.partitions": "4",
    "transaction.state.log.num.partitions": "4",
    "num.network.threads": "2",
    "num.io.threads": "4",
    "log.cleaner.dedupe.buffer.size": "8388608",  # the default takes 128 MiB of heap at start
    "group.initial.rebalance.delay.ms": "0",
    "group.min.session.timeout.ms": "1000",
    "broker.session.timeout.ms": "3000",
    "broker.heartbeat.interval.ms": "500",
}

_STRICT = {
    "auto.create.topics.enable": "false",
    "unclean.leader.election.enable": "false",
}
