"""A service whose runs have children on other partitions, and count them: what is lost or doubled shows in the sum.

A run of depth n asks for two children of depth n - 1, ends when both have ended, and says how many runs there are in
its tree. All of them are told more than they need: children are called back and asked for again once they have ended,
and parents are told twice, the last time perhaps after their own end. None of that may add anything.
"""

from collections.abc import Iterator
from operator import attrgetter

import msgspec

from foldgate.contracts.codec import NO_CHAIN, Codec
from foldgate.contracts.events import (
    ChildCancelRequested,
    ChildEnded,
    ChildRequested,
    Event,
    Meta,
    RunRequested,
    RunStarted,
    RunSucceeded,
)
from foldgate.contracts.ids import open_event_id
from foldgate.contracts.topics import INTAKE, RUNS
from foldgate.decider.decider import Decider, IllegalTransition, Message, Said
from foldgate.eventlog.log import Outgoing
from foldgate.runtime.service import Aggregate, Follow, Service

CODEC = Codec()
CHILDREN = 2


class Relative(msgspec.Struct, frozen=True):
    """One run of a tree; `waits` has the children that have not ended, `size` counts itself and those that have."""

    parent: str = ""
    waits: frozenset[str] = frozenset()
    size: int = 1
    over: bool = False


def _decide(state: Relative | None, message: Message) -> Iterator[Event | Said]:
    key = message.key
    match message.event:
        case RunRequested(input=depth) if state is None:
            yield from _begin(key, parent="", depth=int(depth))
        case ChildRequested() as asked if state is None and message.meta is not None:
            yield from _begin(key, parent=message.meta.run_id, depth=int(asked.input))
        case ChildEnded() as ended if state is not None and ended.step in state.waits:
            yield ChildCancelRequested(step="", child_run=ended.step, ending="cancelled", reason="it has ended")
            yield _asked(ended.step, depth=0)
            size = state.size + int(ended.output)
            yield from _end(key, state.parent, size) if len(state.waits) == 1 else [_noted(ended.step, size)]
        case _:
            return


def _begin(key: str, *, parent: str, depth: int) -> Iterator[Event | Said]:
    yield Said(RunStarted(workflow="tree", topic="", input=parent, request_hash=b""), run_id=key)
    for number in range(CHILDREN if depth else 0):
        yield _asked(f"{key}.{number}", depth=depth - 1)
    if not depth:
        yield from _end(key, parent, 1)


def _asked(child: str, *, depth: int) -> ChildRequested:
    return ChildRequested(step="", child_run=child, workflow="tree", version="", digest="", input=str(depth))


def _noted(child: str, size: int) -> ChildEnded:
    """For itself: its size so far. It is about no run, so nobody takes it."""
    return ChildEnded(parent_run="", step=child, status="", output=str(size))


def _end(key: str, parent: str, size: int) -> Iterator[Event | Said]:
    for _ in range(2 if parent else 0):
        yield ChildEnded(parent_run=parent, step=key, status="succeeded", output=str(size))
    yield RunSucceeded(output=str(size))


def _evolve(state: Relative | None, _meta: Meta, event: Event) -> Relative:
    match event:
        case RunStarted(input=parent):
            return Relative(parent=parent)
        case ChildRequested(child_run=child) if state is not None and child not in state.waits:
            return msgspec.structs.replace(state, waits=state.waits | {child})
        case ChildEnded(parent_run="", step=child, output=size) if state is not None:
            return msgspec.structs.replace(state, waits=state.waits - {child}, size=int(size))
        case ChildRequested() | ChildCancelRequested() | ChildEnded() if state is not None:
            return state
        case RunSucceeded() if state is not None:
            return msgspec.structs.replace(state, over=True)
        case _:
            raise IllegalTransition(f"{type(event).__name__} is no event of a tree.")


FAMILY = Service(
    name="engine",
    aggregates=(
        Aggregate(
            stream=RUNS,
            decider=lambda *_: Decider(
                state=Relative,
                decide=_decide,
                evolve=_evolve,
                ended=lambda state: state.over,
                openings=(RunRequested, ChildRequested),
            ),
            follows=(
                Follow(stream=INTAKE, events=(RunRequested,), guard=True),
                Follow(stream=RUNS, events=(ChildRequested, ChildCancelRequested), key=attrgetter("child_run")),
                Follow(stream=RUNS, events=(ChildEnded,), key=attrgetter("parent_run")),
            ),
        ),
    ),
)


def request(run: str, text: str, **changes: object) -> Outgoing:
    """Somebody asks for that run."""
    meta = Meta(
        chain=NO_CHAIN,
        event_id=open_event_id("test", run),
        stream="intake",
        key=run,
        run_id=run,
        at=0,
        request_id=run,
        tenant="test",
        principal="test",
    )
    event = msgspec.structs.replace(RunRequested(workflow="tree", input=text), **changes)
    return Outgoing(run.encode(), CODEC.encode(meta, event))


def size_of(depth: int) -> int:
    """How many runs a tree has."""
    return sum(CHILDREN**level for level in range(depth + 1))
