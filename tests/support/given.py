"""Given events, when a message, then events: a decider under test, without a log."""

from collections.abc import Iterable
from typing import Any, Generic, TypeVar

from foldgate.contracts.codec import NO_CHAIN
from foldgate.contracts.events import Event, Meta
from foldgate.decider.decider import Decider, Message, Said, Tick

S = TypeVar("S")


def meta(key: str, **changes: Any) -> Meta:
    """The Meta of a message or an event about this key."""
    fields: dict[str, Any] = {
        "chain": NO_CHAIN,
        "event_id": "cause",
        "stream": "test",
        "key": key,
        "run_id": key,
        "pool": "default",
        "sequence": 1,
        "clock": 1,
        "at": 1000,
        "causation": "",
        "correlation": "c",
        "request_id": "r",
        "tenant": "acme",
        "principal": "ada",
    }
    return Meta(**(fields | changes))


class Given(Generic[S]):
    """An aggregate with a past. `when` answers with the events said, and takes them as having happened."""

    def __init__(self, decider: Decider[S], *past: Event, key: str) -> None:
        self.decider, self.key = decider, key
        self.state: S | None = None
        self.sequence = 0
        self._take([Said(event) for event in past], at=1000)

    def when(self, event: Event | Tick, *, at: int = 2000, **changes: Any) -> list[Event]:
        """What is said to this message."""
        return [one.event for one in self.said(event, at=at, **changes)]

    def said(self, event: Event | Tick, *, at: int = 2000, behind: bool = False, **changes: Any) -> list[Said]:
        """What is said to this message, with where it is addressed."""
        cause = None if isinstance(event, Tick) else meta(self.key, **changes)
        said = self.decider.decide(self.state, Message(key=self.key, at=at, event=event, meta=cause, behind=behind))
        events = [one if isinstance(one, Said) else Said(one) for one in said]
        self._take(events, at=at, cause=cause)
        return events

    @property
    def ended(self) -> bool:
        """Whether the aggregate has ended."""
        return self.state is not None and self.decider.ended(self.state)

    def _take(self, said: Iterable[Said], *, at: int, cause: Meta | None = None) -> None:
        for one in said:
            assert not self.ended, f"{one.event} after the end"
            self.sequence += 1
            about = {"run_id": one.run_id or self.key, "tenant": one.tenant or "acme", "at": at}
            about |= {"correlation": one.correlation} if one.correlation is not None else {}
            about |= {"sequence": self.sequence, "request_id": cause.request_id if cause else ""}
            about |= {"principal": one.principal or (cause.principal if cause else "ada")}
            self.state = self.decider.evolve(self.state, meta(self.key, **about), one.event)
