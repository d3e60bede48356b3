"""What the partition processor tells of its aggregates, and when it asks one again that had nothing to say."""

from typing import Any

import msgspec

from foldgate.contracts.codec import Codec
from foldgate.contracts.events import Event, Meta, RunFailed, RunRequested, StepSucceeded
from foldgate.contracts.places import Partition, Position
from foldgate.decider.decider import Decider, Message, Tick, nothing, unmeasured
from foldgate.decider.processor import Processor
from foldgate.decider.stamp import Incoming
from tests.support.avro import sample

META = sample("RunRequested")[0]
ENDED = RunFailed(code="c", message="m")


class Heard(msgspec.Struct, frozen=True):
    """The last word, and how many there were."""

    word: str = ""
    words: int = 0


def decide(_: Heard | None, message: Message) -> list[Event]:
    """Says the word again; 'end' ends; to a tick it has nothing to say."""
    if isinstance(message.event, Tick):
        return []
    assert isinstance(message.event, RunRequested)
    word = message.event.input
    return [ENDED if word == "end" else StepSucceeded(step="s", job_id="j", output=word)]


def evolve(state: Heard | None, _: Meta, event: Event) -> Heard:
    assert isinstance(event, StepSucceeded | RunFailed)
    word = event.output if isinstance(event, StepSucceeded) else "end"
    return Heard(word, (state or Heard()).words + 1)


def processor(**more: Any) -> Processor[Heard]:
    decider = Decider(state=Heard, decide=decide, evolve=evolve, ended=lambda state: state.word == "end", **more)
    return Processor(decider, Partition("runs", 0), seal=Codec().seal, service="engine", batch_bytes=10_000)


def take(subject: Processor[Heard], offset: int, word: str, *, key: str = "run_1") -> None:
    request = RunRequested(workflow="w", input=word)
    subject.take(Incoming(Partition("intake", 0), Position(offset + 1), META, request, b""), key=key, now=1000)


def test_one_that_is_due_again_later_is_asked_again_then() -> None:
    """What it waited for was of no use to anybody when the time came."""
    subject = processor(due=lambda _: 1500, later=lambda _, at: at + 500 if at < 3000 else None)
    take(subject, 0, "on")
    subject.tick(2000)
    assert (subject.next_due(), subject.faults) == (2500, [])
    subject.tick(3000)
    assert subject.next_due() is None
    assert "INV-07" in subject.faults[0].reason


def test_what_is_watched_measured_and_counted_is_told_of_those_that_live() -> None:
    subject = processor(
        watches=lambda state: [(state.word, 7)],
        gauges=lambda state, at: {"words": state.words, "at": at},
        counts=lambda event: "ended" if event == ENDED else "",
    )
    take(subject, 0, "one", key="run_1")
    take(subject, 1, "two", key="run_2")
    take(subject, 2, "end", key="run_2")
    assert [list(each) for each in subject.waiting()] == [[("one", 7)]]
    assert list(subject.gauges(9)) == [("run_1", {"words": 1, "at": 9})]
    cut = subject.cut()
    assert cut is not None
    assert cut.counted == ["ended"]


def test_of_those_that_are_not_watched_nothing_is_told() -> None:
    subject = processor()
    take(subject, 0, "one")
    assert (list(subject.waiting()), list(subject.gauges(9))) == ([], [])
    assert (nothing(Heard()), unmeasured(Heard(), 9)) == ((), {})
