"""The world outside a run, made up: it answers what the run asks for, well or badly, twice or never, early or late.

It drives the pure decider through the partition processor, in virtual time, and shows each decision to the oracle. What
is answered follows from the seed and the name of what was asked, so that one step's luck does not hang on another's;
when it comes follows from a second seed.
"""

import heapq
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import msgspec

from foldgate.contracts import ids
from foldgate.contracts.codec import Codec
from foldgate.contracts.events import Event, Meta, RunRequested
from foldgate.contracts.places import Partition, Position
from foldgate.decider.decider import Decider, Tick
from foldgate.decider.processor import Processor
from foldgate.decider.stamp import Incoming
from foldgate.language.definition import Definition
from tests.support.given import meta
from tests.support.oracle import Decision, Oracle
from tests.support.oracle.story import must

CODEC = Codec()
OWN = Partition("runs", 0)
BEGINNING_MS = 1_700_000_000_000
SUBMITTED = frozenset({"intake", "reports"})
LONG_MS = 3 * 86_400_000
"""In virtual time: whatever is not over by then never will be."""
PARENT = "run_parent"
"""Where the run is a child, the run above it."""
FAIR_CODES = frozenset({"run_closed"})


@dataclass(frozen=True, kw_only=True)
class Temper:
    """How the world is disposed: shares of what is asked. All zero: everything goes well, at once."""

    failing: float = 0.25
    denying: float = 0.06
    losing: float = 0.1
    silent: float = 0.04
    repeating: float = 0.1
    cancelling: float = 0.12
    pausing: float = 0.15
    meddling: float = 0.3
    rejecting: float = 0.03
    leaving: float = 0.4
    echo_at_once: bool = False
    echo_later: bool = False
    slowest_ms: int = 8_000
    losses: tuple[str, ...] = (
        "worker_lost",
        "worker_lost",
        "not_taken",
        "pool_closed",
        "writ_expired",
        "writ_stale",
        "attempt_timeout",
        "queue_timeout",
    )


CALM = Temper(
    failing=0, denying=0, losing=0, silent=0, repeating=0, cancelling=0, pausing=0, meddling=0, rejecting=0, leaving=0
)
"""Everything goes well."""


class Delivery(NamedTuple):
    """A message under way."""

    at: int
    number: int
    source: str
    meta: Meta
    event: Event


@dataclass(kw_only=True)
class Told:
    """All that came of a run: what was decided, and what the oracle knows."""

    decisions: list[Decision] = field(default_factory=list)
    aside: list[str] = field(default_factory=list)

    @property
    def history(self) -> list[tuple[Meta, Event]]:
        """The events of the run."""
        return [one for decision in self.decisions for one in decision.said]


class Outside:
    """One run, and the world around it."""

    def __init__(
        self,
        decider: Decider[Any],
        definition: Definition,
        *,
        request: RunRequested,
        seed: int,
        timing: int,
        temper: Temper,
    ) -> None:
        self.decider, self.request, self.temper = decider, request, temper
        self.run = ids.run_id("acme", request.workflow, request.idempotency_key)
        self.oracle = Oracle(definition, max_lost=MAX_LOST, cancel_grace_ms=CANCEL_GRACE_MS)
        self.processor: Processor[Any] = Processor(decider, OWN, seal=CODEC.seal, service="engine", batch_bytes=850_000)
        self.told = Told()
        self.now = BEGINNING_MS
        self._seed, self._timing = seed, timing
        self._heap: list[Delivery] = []
        self._numbers = 0
        self._offsets: dict[str, int] = {}
        self._given: list[Delivery] = []
        self._echoes = random.Random(f"echoes {seed}")

    def luck(self, name: str) -> random.Random:
        """What is decided about a name, whenever it is asked for."""
        return random.Random(f"{self._seed} {name}")

    def soon(self, name: str, most_ms: int | None = None) -> int:
        """How long an answer takes."""
        most = self.temper.slowest_ms if most_ms is None else most_ms
        return random.Random(f"{self._timing} {name}").choice([1, most // 8 + 1, most // 2 + 1, most + 1])

    def send(self, source: str, event: Event, *, after: int, name: str = "", of: str = "") -> None:
        """A message that will reach the run, perhaps twice; `of` is another run, if that says it."""
        luck = self.luck(f"send {name} {type(event).__name__}")
        request = f"{source}-{name or self._numbers}-{type(event).__name__}"
        about = meta(of or self.run, stream=source, event_id=request, request_id=request, at=self.now + after)
        self._push(source, about, event, after=after)
        if luck.random() < self.temper.repeating:
            self._push(source, about, event, after=after + luck.choice([0, 10, 30_000]))

    def _push(self, source: str, about: Meta, event: Event, *, after: int) -> None:
        self._numbers += 1
        heapq.heappush(self._heap, Delivery(self.now + after, self._numbers, source, about, event))

    def play(self, answer: Callable[["Outside", Meta, Event], None]) -> Told:
        """Let the run go its way, to its end. `answer` is the world: it sends what comes of each event."""
        while not self.over:
            must(self.now < BEGINNING_MS + LONG_MS, "the run does not end")
            self._next(answer)
        for _ in range(min(10, len(self._heap))):
            self._give(heapq.heappop(self._heap), answer)
        return self.told

    @property
    def over(self) -> bool:
        """Whether the run has ended."""
        return self.run in self.processor.closed

    def _next(self, answer: Callable[["Outside", Meta, Event], None]) -> None:
        due = self.processor.next_due()
        coming = self._heap[0].at if self._heap else None
        must(due is not None or coming is not None, f"the run waits for nothing: {self._waits()}")
        if coming is None or (due is not None and due <= coming):
            assert due is not None
            self.now = max(self.now, due)
            self.processor.tick(self.now)
            self._decided(None, Tick(), answer)
            return
        self._give(heapq.heappop(self._heap), answer)

    def _give(self, delivery: Delivery, answer: Callable[["Outside", Meta, Event], None]) -> None:
        self.now = max(self.now, delivery.at)
        self._take(delivery)
        self._decided(delivery.meta, delivery.event, answer)
        self._given.append(delivery)
        if self.temper.echo_at_once:
            self._echo(delivery)
        if self.temper.echo_later:
            self._echo(self._echoes.choice(self._given))

    def _take(self, delivery: Delivery) -> None:
        source = Partition(delivery.source, 1)
        offset = self._offsets[delivery.source] = self._offsets.get(delivery.source, 0) + 1
        value = CODEC.encode(delivery.meta, delivery.event)
        submitted = delivery.source in SUBMITTED
        incoming = Incoming(source, Position(offset), delivery.meta, delivery.event, value, submitted)
        self.processor.take(incoming, key=self.run, now=self.now)

    def _decided(
        self, about: Meta | None, message: Event | Tick, answer: Callable[["Outside", Meta, Event], None]
    ) -> None:
        said = list(self._cut())
        self.oracle.heard(about, message, at=self.now)
        self.told.decisions.append(Decision(self.now, about, message, said))
        for one, event in said:
            self.oracle.said(one, event)
            answer(self, one, event)
        self.oracle.settled(ticked=isinstance(message, Tick))
        must(self.over or not self.processor.live or bool(self._waits()), "the run is live, and waits for nothing")

    def _cut(self) -> Iterator[tuple[Meta, Event]]:
        while (cut := self.processor.cut()) is not None:
            for _, value in cut.records:
                decoded = CODEC.decode(value)
                yield decoded.meta, decoded.event
            self.told.aside += [one.event.code for one in cut.quarantined]
        must(not self.processor.faults, f"the engine broke: {self.processor.faults}")
        wrong = set(self.told.aside) - FAIR_CODES
        must(not wrong, f"a message was set aside: {wrong}")

    def _echo(self, delivery: Delivery) -> None:
        """The same message again adds nothing; but what was deferred goes on with any message."""
        if self.oracle.story.deferred:
            return
        held = self.processor.live.get(self.run)
        self._take(delivery)
        said = [event for _, event in self._cut()]
        must(not said, f"{delivery.event} came again, and the run said {said}")
        must(self.processor.live.get(self.run) == held, f"{delivery.event} came again, and changed the run")

    def _waits(self) -> list[Any]:
        held = self.processor.live.get(self.run)
        return list(self.decider.waits(held.state)) if held is not None else []


MAX_LOST = 3
CANCEL_GRACE_MS = 30_000


def request(workflow: str, given: Any) -> RunRequested:
    """Somebody asks for a run."""
    return RunRequested(workflow=workflow, input=msgspec.json.encode(given).decode(), idempotency_key="key")
