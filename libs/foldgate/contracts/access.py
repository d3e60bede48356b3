"""Who may do what with which stream: of the streams' values, what access lists and database roles are made from.

Services are named as they name themselves; `worker` stands for the workers of one pool.
"""

from typing import NamedTuple

from foldgate.contracts.topics import STREAMS, Stream

GATEWAY, WORKER = "gateway", "worker"
DEFAULT_POOL = "default"
"""Its workers are called as workers are; those of another pool bear its name too."""
SERVICES = (GATEWAY, "engine", "policy_kernel", "approval", "scheduler")


class Access(NamedTuple):
    """The names of the streams that one appends to as their owner, submits to, and reads. One that ends in `.*` stands
    for its family; of that, workers get only their pool's."""

    appends: frozenset[str]
    submits: frozenset[str]
    reads: frozenset[str]


def access_of(who: str) -> Access:
    """What a service, or the workers of a pool, may do."""
    if who not in (*SERVICES, WORKER):
        raise ValueError(f"Expected one of {', '.join((*SERVICES, WORKER))}, but got '{who}'.")
    return Access(
        appends=frozenset(stream.name for stream in STREAMS if stream.kind == "owned" and stream.owner == who),
        submits=frozenset(stream.name for stream in STREAMS if _submits(stream, who)),
        reads=frozenset(stream.name for stream in STREAMS if _reads(stream, who)),
    )


def _submits(stream: Stream, who: str) -> bool:
    return who in stream.writers or (stream.kind == "relay" and stream.owner == who)


def _reads(stream: Stream, who: str) -> bool:
    return who == GATEWAY or who in stream.readers or (stream.kind == "owned" and stream.owner == who)
