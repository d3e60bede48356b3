"""Two services that show whether each record is seen exactly once: one speaks, the other records all that it sees.

The speaker owns `decisions`, by run, and says one event for each request. The recorder owns `jobs`, by pool, and says
one event for each message it takes, naming it: from `decisions` and `reports`, which are under another key, so that it
reads all their partitions, and from `workers`, which is under its own.
"""

from collections import Counter
from typing import NamedTuple

import msgspec

from foldgate.contracts.codec import NO_CHAIN, Codec
from foldgate.contracts.events import (
    Event,
    JobDenied,
    JobReleased,
    JobSucceeded,
    Meta,
    RunRequested,
    WorkerBeat,
)
from foldgate.contracts.topics import DECISIONS, INTAKE, JOBS, REPORTS, WORKERS
from foldgate.decider.decider import Decider, Message, Said
from foldgate.eventlog.log import Outgoing
from foldgate.runtime.service import Aggregate, Follow, Service
from tests.support.history import History

CODEC = Codec()


class Count(msgspec.Struct, frozen=True):
    """How many events an aggregate has."""

    events: int = 0


def _evolve(state: Count | None, _meta: Meta, _event: Event) -> Count:
    return Count((state or Count()).events + 1)


def _speak(_: Count | None, message: Message) -> list[Event | Said]:
    assert isinstance(message.event, RunRequested)
    said = JobDenied(job_id=message.key, step="", policy_snapshot="", rule="", reason="")
    return [Said(said, pool=message.event.topic)]


def _record(_: Count | None, message: Message) -> list[Event | Said]:
    assert message.meta is not None
    return [JobReleased(job_id=message.meta.event_id, lease=0, worker="", outcome=type(message.event).__name__)]


SPEAKER = Service(
    name="policy_kernel",
    aggregates=(
        Aggregate(
            stream=DECISIONS,
            decider=lambda *_: Decider(state=Count, decide=_speak, evolve=_evolve),
            follows=(Follow(stream=INTAKE, events=(RunRequested,)),),
        ),
    ),
)
RECORDER = Service(
    name="scheduler",
    aggregates=(
        Aggregate(
            stream=JOBS,
            decider=lambda *_: Decider(state=Count, decide=_record, evolve=_evolve),
            follows=(
                Follow(stream=DECISIONS, events=(JobDenied,)),
                Follow(stream=REPORTS, events=(JobSucceeded,)),
                Follow(stream=WORKERS, events=(WorkerBeat,), guard=True),
            ),
        ),
    ),
)


class Addressed(NamedTuple):
    """A submission and the stream it goes to."""

    stream: str
    submission: Outgoing


def messages(number: int) -> list[Addressed]:
    """One to each stream that leads to the recorder; all different from those of any other number."""
    run, pool = f"run_{number % 17}", f"pool_{number % 11}"
    request = RunRequested(workflow="speak", topic=pool)
    report = JobSucceeded(job_id=f"{run}:job@1", lease=number, worker="w", output="1")
    beat = WorkerBeat(worker="w", name="w", max_parallel=1, beat=number)
    return [
        _addressed("intake", run, number, event=request, pool=""),
        _addressed("reports", run, number, event=report, pool=pool),
        _addressed("workers", pool, number, event=beat, pool=pool),
    ]


def _addressed(stream: str, key: str, number: int, *, event: Event, pool: str) -> Addressed:
    meta = Meta(
        chain=NO_CHAIN,
        event_id=f"{stream}/{number}",
        stream=stream,
        key=key,
        run_id=key if stream != "workers" else "",
        pool=pool,
        at=0,
        principal="test",
    )
    return Addressed(stream, Outgoing(key.encode(), CODEC.encode(meta, event)))


def seen(history: History) -> Counter[str]:
    """What the recorder says it took, by event id."""
    return Counter(fact.event.job_id for fact in history.facts if isinstance(fact.event, JobReleased))


def to_be_seen(history: History) -> set[str]:
    """What there was to take."""
    spoken = {fact.meta.event_id for fact in history.of(JobDenied)}
    return spoken | {fact.meta.event_id for fact in history.asked(JobSucceeded, WorkerBeat)}
