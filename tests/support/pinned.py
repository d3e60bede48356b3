"""A service whose runs are pinned to what was published, and a test's own hand that publishes.

A run is pinned to the latest digest of its workflow when it begins, looks it up again a little later, when another
process may have the partition, and says what it found.
"""

import contextlib
from collections.abc import AsyncIterator, Iterator

import msgspec

from foldgate.contracts.codec import NO_CHAIN, Codec
from foldgate.contracts.events import (
    Event,
    Meta,
    RunRefused,
    RunRequested,
    RunStarted,
    RunSucceeded,
    WorkflowPublished,
)
from foldgate.contracts.topics import INTAKE, RUNS, WORKFLOWS
from foldgate.decider.decider import Decider, IllegalTransition, Message, Said, Tick
from foldgate.eventlog.log import Batch, BatchHead, Log, Outgoing, Partition, Writer
from foldgate.eventlog.owner import OwnStream, claim
from foldgate.runtime.service import Aggregate, Follow, Service

CODEC = Codec()
LATER_MS = 20


class Published:
    """The table: digests by workflow, and what each digest means."""

    stream = WORKFLOWS

    def __init__(self) -> None:
        self.latest: dict[str, str] = {}
        self.definitions: dict[str, str] = {}

    def add(self, meta: Meta, event: Event, _reached: int = 0, /) -> None:
        assert isinstance(event, WorkflowPublished), meta
        assert event.digest not in self.definitions, "each event is folded once"
        self.latest[event.workflow] = event.digest
        self.definitions[event.digest] = event.definition

    def lacks(self, meta: Meta, event: Event, *, reached: int) -> bool:
        assert meta.run_id
        if not isinstance(event, RunRequested):
            return False
        return event.workflow not in self.latest or event.workflows_offset > reached


class Pinned(msgspec.Struct, frozen=True):
    """One run."""

    digest: str
    later: int
    over: bool = False


def pinned(table: Published) -> Decider[Pinned]:
    def decide(state: Pinned | None, message: Message) -> Iterator[Event | Said]:
        match message.event:
            case RunRequested(workflow=workflow) if state is None and workflow in table.latest:
                digest = table.latest[workflow]
                yield RunStarted(workflow=workflow, topic="", input="", request_hash=b"", digest=digest)
            case RunRequested() if state is None:
                yield RunRefused(code="unknown_workflow", reason="Expected a published workflow.")
            case Tick() if state is not None:
                yield RunSucceeded(output=table.definitions[state.digest])

    def evolve(state: Pinned | None, meta: Meta, event: Event) -> Pinned:
        match event:
            case RunStarted(digest=digest) if state is None:
                return Pinned(digest=digest, later=meta.at + LATER_MS)
            case RunRefused() | RunSucceeded():
                return Pinned(digest="", later=0, over=True)
            case _:
                raise IllegalTransition(f"{type(event).__name__} is no event of a pinned run.")

    return Decider(
        state=Pinned,
        decide=decide,
        evolve=evolve,
        due=lambda state: state.later,
        ended=lambda state: state.over,
        openings=(RunRequested,),
    )


PINNED = Service(
    name="engine",
    aggregates=(
        Aggregate(
            stream=RUNS,
            decider=lambda _settings, _keys, table: pinned(table),
            follows=(Follow(stream=INTAKE, events=(RunRequested,), guard=True),),
            tables=(Published,),
        ),
    ),
)


class Publisher:
    """The owner of `workflows`, by hand; `claimed` begins to be it, perhaps after another one."""

    def __init__(self, own: OwnStream, writer: Writer) -> None:
        self._own, self._writer = own, writer
        self._sequence = own.acceptance.position.sequence

    @classmethod
    @contextlib.asynccontextmanager
    async def claimed(cls, log: Log, name: str) -> "AsyncIterator[Publisher]":
        own = OwnStream(Partition("workflows", 0))
        writer = await claim(log, CODEC, own, fold=lambda _: None, owner=name, at=0)
        try:
            yield cls(own, writer)
        finally:
            await writer.close()

    async def publish(self, workflow: str, digest: str) -> int:
        """Publish a version; returns the offset after it."""
        meta = Meta(
            chain=NO_CHAIN,
            event_id=f"workflows/{workflow}/{digest}",
            stream="workflows",
            key=workflow,
            at=0,
            principal="test",
        )
        event = WorkflowPublished(workflow=workflow, version=digest, digest=digest, definition=f"means {digest}")
        head = BatchHead(self._own.acceptance.position.epoch, self._sequence, 1)
        self._sequence += 1
        first = await self._writer.append(Batch(head, [Outgoing(workflow.encode(), CODEC.encode(meta, event))]))
        return first + 1
