"""What has happened in a run so far, as its events and the messages it was told say: facts, and no opinion."""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

import msgspec

from foldgate.contracts import ids
from foldgate.contracts.events import (
    CompensationStarted,
    Event,
    JobDenied,
    JobFailed,
    JobLost,
    JobProgressed,
    JobSucceeded,
    Meta,
    RunHalted,
    RunStarted,
    WritRevoked,
)
from tests.support.oracle.places import Place

Report = JobSucceeded | JobFailed | JobDenied | JobLost | WritRevoked


class Wrong(AssertionError):
    """The engine did what the language does not mean."""


@dataclass(kw_only=True)
class Part:
    """One instance of a step. `called` is how it is to end, once it was called back; `failed_at` its place in the order
    of failures that nobody handled."""

    began: int | None = None
    status: str = ""
    reason: str = ""
    code: str = ""
    message: str = ""
    output: Any = None
    ended: int | None = None
    called: str = ""
    called_code: str = ""
    until: int | None = None
    due: int | None = None
    attempt: int = 0
    spent: int = 0
    lost: int = 0
    retry_at: int | None = None
    job_input: str | None = None
    resume: str = ""
    marked: int = 0
    abandoned: str = ""
    items: tuple[Any, ...] = ()
    signal: str = ""
    chosen: tuple[str, ...] = ()
    notified: bool = False

    @property
    def live(self) -> bool:
        """Begun, and not over."""
        return self.began is not None and not self.status


@dataclass(kw_only=True)
class Signal:
    """A signal that was sent to the run."""

    name: str
    payload: Any
    kept: bool = False
    taken: bool = False
    refused: bool = False

    @property
    def waits(self) -> bool:
        """Whether it is there for a step that wants it."""
        return self.kept and not self.taken


@dataclass(kw_only=True)
class Story:
    """One run."""

    parts: dict[Place, Part] = field(default_factory=lambda: defaultdict(Part))
    start: RunStarted | None = None
    opened: Meta | None = None
    now: int = 0
    paused: bool = False
    cleared: bool = False
    deferred: bool = False
    halts: list[RunHalted] = field(default_factory=list)
    undoing: CompensationStarted | None = None
    ctx: dict[str, Any] = field(default_factory=dict)
    signals: dict[str, Signal] = field(default_factory=dict)
    reports: dict[str, Report] = field(default_factory=dict)
    left: JobProgressed | None = None
    answers: dict[str, list[Event]] = field(default_factory=lambda: defaultdict(list))
    asked: list[Event] = field(default_factory=list)
    ended: list[Place] = field(default_factory=list)
    failed: list[Place] = field(default_factory=list)
    slot: str = ""
    slot_held: bool = False
    told_parent: str = ""
    final: Event | None = None

    def of(self, place: Place) -> Part:
        """What is known of a place; nothing yet where nothing happened."""
        return self.parts.get(place) or Part()

    def known(self, place: Place) -> bool:
        """Whether it has begun, or is over."""
        part = self.parts.get(place)
        return part is not None and (part.began is not None or bool(part.status))

    def job(self, place: Place) -> str:
        """The id of the attempt that is under way."""
        assert self.opened is not None
        return ids.job_id(self.opened.key, str(place), self.of(place).attempt)

    @property
    def silent(self) -> bool:
        """Whether policy has not let it begin yet, as far as the run knows, and it must not act without."""
        return self.start is not None and self.start.awaits_admission and not self.cleared

    @property
    def rejected(self) -> bool:
        """Whether policy does not let it begin."""
        return any(halt.status == "denied" for halt in self.halts)

    @property
    def key(self) -> str:
        """The id of the run."""
        assert self.opened is not None
        return self.opened.key


def parsed(text: str) -> Any:
    """A value from its JSON."""
    return msgspec.json.decode(text)


def same(one: Any, other: Any) -> bool:
    """Whether two JSON-like values are one; true is not 1."""
    return msgspec.json.encode(one, order="sorted") == msgspec.json.encode(other, order="sorted")


def must(condition: bool, what: str) -> None:
    """Stop here unless it is as the language says."""
    if not condition:
        raise Wrong(what)
