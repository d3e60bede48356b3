"""When a processor asks its aggregates what is due: once for all the messages of a batch, and whoever fails to say so
costs nobody else his timer."""

import msgspec

from foldgate.contracts.codec import NO_CHAIN, Codec
from foldgate.contracts.events import Event, Meta, RunRequested, StepSucceeded
from foldgate.contracts.places import Partition, Position
from foldgate.decider.decider import Decider, Message
from foldgate.decider.processor import Processor
from foldgate.decider.stamp import Held, Incoming

CODEC = Codec()
SOURCE, OWN = Partition("intake", 0), Partition("runs", 0)


class Wakes(msgspec.Struct, frozen=True):
    """When it is due, as its last message said."""

    at: int


def decide(_: Wakes | None, message: Message) -> list[Event]:
    assert isinstance(message.event, RunRequested)
    return [StepSucceeded(step="s", job_id="j", output=message.event.input)]


def evolve(_: Wakes | None, __: Meta, event: Event) -> Wakes:
    assert isinstance(event, StepSucceeded)
    return Wakes(int(event.output))


class Subject:
    """A processor, and what its aggregates were asked for."""

    def __init__(self, *, broken_at: int | None = None) -> None:
        self.asked, self._broken_at = list[int](), broken_at
        decider = Decider(state=Wakes, decide=decide, evolve=evolve, due=self._due)
        self.processor = Processor(decider, OWN, seal=CODEC.seal, service="engine", batch_bytes=10_000)
        self._taken = 0

    def _due(self, state: Wakes) -> int:
        self.asked.append(state.at)
        if state.at == self._broken_at:
            raise ValueError("broken")
        return state.at

    def take(self, key: str, wakes: int) -> None:
        self._taken += 1
        meta = Meta(chain=NO_CHAIN, event_id=f"test/{self._taken}", stream="intake", key=key, run_id=key, at=1)
        event = RunRequested(workflow="job", input=str(wakes))
        self.processor.take(Incoming(SOURCE, Position(self._taken), meta, event, b"bytes"), key=key, now=1)


def test_timers_are_set_once_for_the_messages_of_a_batch() -> None:
    subject = Subject()
    for wakes in (5000, 4000, 3000):
        subject.take("run_1", wakes)
    assert not subject.asked
    assert subject.processor.next_due() == 3000
    assert subject.processor.next_due() == 3000
    assert subject.asked == [3000], "as of the last, and again only once it has moved"


def test_many_timers_are_not_set_all_at_once() -> None:
    """An owner that reads its log asks for nothing until it has read it."""
    subject = Subject()
    for number in range(1500):
        held = Held(
            state=Wakes(number), sequence=1, clock=1, at=1, chain=b"", run_id="", pool="", tenant="", correlation=""
        )
        subject.processor.keep(f"run_{number}", held)
    assert len(subject.asked) == 1000
    assert subject.processor.next_due() == 0
    assert len(subject.asked) == 1500


def test_who_cannot_say_when_it_is_due_costs_nobody_else_his_timer() -> None:
    subject = Subject(broken_at=7)
    subject.take("run_1", 7)
    subject.take("run_2", 5000)
    assert subject.processor.next_due() == 5000
    assert [fault.key for fault in subject.processor.faults] == ["run_1"]
    assert "broken" in subject.processor.faults[0].reason
