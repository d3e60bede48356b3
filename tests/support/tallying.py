"""An aggregate for tests: it does what the message says, and what it did can be read off its events.

note             one event that names the message
keep N           one event with N bytes, which its state keeps
chunks N         N events, three a tick
nothing          no event
end              its last event
open and end     for a key that is new: its first event and last
fail             `decide` raises
misfit           `decide` says what `evolve` cannot take
refuse           `decide` sets the message aside
"""

import msgspec

from foldgate.contracts.codec import NO_CHAIN, Codec
from foldgate.contracts.events import Event, JobReportIgnored, Meta, RunFailed, RunRefused, RunRequested, StepSucceeded
from foldgate.contracts.ids import open_event_id
from foldgate.contracts.places import Partition, Position
from foldgate.contracts.topics import INTAKE, RUNS
from foldgate.decider.decider import Decider, IllegalTransition, Message, SetAside, Tick
from foldgate.decider.stamp import Incoming
from foldgate.eventlog.log import Outgoing
from foldgate.runtime.service import Aggregate, Follow, Service

CODEC = Codec()
CHUNK = 3
LARGE = "x" * 150_000
"""Of one chunk's events, so that two chunks hardly fit a batch."""


class Tally(msgspec.Struct, frozen=True):
    """What was said, what was kept, what is still to be said."""

    said: int = 0
    kept: str = ""
    left: int = 0
    at: int = 0
    over: bool = False


def _decide(state: Tally | None, message: Message) -> list[Event]:
    if isinstance(message.event, Tick):
        assert state is not None
        return [_noted(LARGE, left=state.left - n - 1) for n in range(min(CHUNK, state.left))]
    assert isinstance(message.event, RunRequested)
    assert message.meta is not None
    word, _, number = message.event.input.partition(" ")
    if word == "fail":
        raise ZeroDivisionError("as told")
    if word == "refuse":
        raise SetAside("told_to", "Expected something else.")
    said = _said(word, number, message.meta.event_id)
    return [] if (word == "end" and state is None) or (word == "open" and state is not None) else said


def _said(word: str, number: str, name: str) -> list[Event]:
    said: dict[str, Event] = {
        "note": _noted(name, left=0),
        "chunks": _noted(name, left=int(number) if number.isdecimal() else 0),
        "keep": StepSucceeded(step="keep", job_id=name, output="x" * int(number) if number.isdecimal() else ""),
        "end": RunFailed(code="told_to", message=name),
        "open": RunRefused(code="told_to", reason=name),
        "misfit": RunRequested(workflow="never an event of a run"),
    }
    return [said[word]] if word in said else []


def _noted(what: str, *, left: int) -> JobReportIgnored:
    return JobReportIgnored(job_id=what, lease=left, reported="", reason="")


def _evolve(state: Tally | None, meta: Meta, event: Event) -> Tally:
    before = state or Tally()
    now = msgspec.structs.replace(before, said=before.said + 1, at=meta.at)
    match event:
        case JobReportIgnored(lease=left):
            return msgspec.structs.replace(now, left=left)
        case StepSucceeded(output=output):
            return msgspec.structs.replace(now, kept=(before.kept + output)[-3_000_000:])
        case RunFailed() | RunRefused():
            return msgspec.structs.replace(now, over=True)
        case _:
            raise IllegalTransition(f"{type(event).__name__} is no event of a tally.")


DECIDER = Decider(
    state=Tally,
    decide=_decide,
    evolve=_evolve,
    due=lambda state: state.at if state.left else None,
    ended=lambda state: state.over,
    fail=lambda _state, _message, reason: [RunFailed(code="internal_error", message=reason)],
    openings=(RunRequested,),
)
AGGREGATE = Aggregate(
    stream=RUNS, decider=lambda *_: DECIDER, follows=(Follow(stream=INTAKE, events=(RunRequested,), guard=True),)
)
TALLYING = Service(name="engine", aggregates=(AGGREGATE,))


def request(key: str, words: str, *, name: str) -> Outgoing:
    """A message to the tally of that key; `name` tells it from others."""
    meta = Meta(
        chain=NO_CHAIN,
        event_id=open_event_id("test", name),
        stream="intake",
        key=key,
        run_id=key,
        at=0,
        request_id=name,
        tenant="test",
        principal="test",
    )
    return Outgoing(key.encode(), CODEC.encode(meta, RunRequested(workflow="tally", input=words)))


def incoming(source: Partition, offset: int, submission: Outgoing) -> Incoming:
    """That message as a reader hands it out."""
    meta, event = CODEC.decode(submission.value)
    return Incoming(source, Position(offset + 1), meta, event, submission.value)
