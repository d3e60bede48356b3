"""What was asked of another and is not read: counted from what is appended, and what the other's batches say."""

import pytest

from foldgate.contracts.events import JobRequested
from foldgate.contracts.places import Partition, Position
from foldgate.contracts.topics import DECISIONS
from foldgate.eventlog.log import BatchHead
from foldgate.runtime.service import Asks
from foldgate.runtime.watching import Asked

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
