"""What was asked of another and is not read: counted from what is appended, and what the other's batches say."""

from typing import Any, NamedTuple

import pytest
from prometheus_client import REGISTRY

from foldgate.contracts.codec import Codec
from foldgate.contracts.events import JobRequested
from foldgate.contracts.places import Partition, Position
from foldgate.contracts.topics import DECISIONS
from foldgate.decider.processor import Processor
from foldgate.decider.stamp import Incoming
from foldgate.eventlog.log import BatchHead
from foldgate.eventlog.memory import MemoryLog
from foldgate.runtime import metrics
from foldgate.runtime.service import Asks
from foldgate.runtime.watching import MOST_MEASURED, Asked, Watching
from foldgate.scheduler.jobs.state import Pool
from tests.support import pools
from tests.support.given import meta
from tests.support.suite import context

ASKS = Asks(events=(JobRequested,), of=DECISIONS, wait="decision")
OWN = Partition("runs", 3)


def read_to(offset: int, *, stream: str = "runs", number: int = 3) -> BatchHead:
    return BatchHead(epoch=1, sequence=1, count=1, positions=((stream, number, Position(offset)),))


def asked() -> Asked:
    """Two jobs at offsets 10 and 12, and one at 20."""
    found = Asked(ASKS, OWN)
    found.note(["JobRequested", "RunStarted", "JobRequested"], first=10, at=1000)
    found.note(["StepSucceeded"], first=15, at=1500)
    found.note(["JobRequested"], first=20, at=2000)
    return found


@pytest.mark.parametrize(
    ("stream", "head", "left"),
    [
        ("decisions", read_to(10), [1000, 1000, 2000]),
        ("decisions", read_to(12), [1000, 1000, 2000]),
        ("decisions", read_to(13), [2000]),
        ("decisions", read_to(21), []),
        ("decisions", read_to(21, number=4), [1000, 1000, 2000]),
        ("decisions", read_to(21, stream="approvals"), [1000, 1000, 2000]),
        ("jobs", read_to(21), [1000, 1000, 2000]),
    ],
)
def test_what_was_read_waits_no_longer(stream: str, head: BatchHead, left: list[int]) -> None:
    found = asked()
    found.heard(stream, head)
    assert found.waiting() == [("decision", at) for at in left]


def test_what_was_read_before_its_append_was_acknowledged_never_waits() -> None:
    found = Asked(ASKS, OWN)
    found.heard("decisions", read_to(11))
    found.note(["JobRequested"], first=10, at=1000)
    assert found.waiting() == []
    found.note(["JobRequested"], first=11, at=1100)
    assert found.waiting() == [("decision", 1100)]


class Owned(NamedTuple):
    """What is looked at of an owned partition."""

    partition: Partition
    processor: Processor[Pool]
    asked: None = None


async def test_no_more_pools_are_measured_by_name_than_who_watches_can_keep() -> None:
    jobs = Partition("jobs", 0)
    processor = Processor(pools.DECIDER, jobs, seal=Codec().seal, service="scheduler", batch_bytes=10**6)
    for number in range(MOST_MEASURED + 5):
        key = f"pool-{number}"
        about = meta(key, stream="decisions")
        incoming = Incoming(Partition("decisions", 0), Position(number + 1), about, pools.issued(number), b"")
        processor.take(incoming, key=key, now=2000)
    watching = Watching(context("unmeasured", MemoryLog()))
    owned: Any = Owned(jobs, processor)
    await watching.measure([owned])
    assert len(measured("pool_waiting")) == MOST_MEASURED
    assert set(measured("pool_waiting").values()) == {1}
    assert watches("foldgate_waiting") == MOST_MEASURED + 5
    await watching.measure([])
    assert measured("pool_waiting") == {}
    assert watches("foldgate_waiting") == 0


def measured(name: str) -> dict[str, float]:
    samples = [sample for family in metrics.GAUGES[name].collect() for sample in family.samples]
    return {one.labels["pool"]: one.value for one in samples if one.labels["service"] == "unmeasured"}


def watches(name: str) -> float | None:
    return REGISTRY.get_sample_value(name, {"service": "unmeasured", "stream": "jobs", "wait": "worker"})
