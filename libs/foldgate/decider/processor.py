"""The partition processor: takes messages, decides, evolves, stamps, and says what to append. It does no I/O.

Production and simulator run this same code. It runs ahead of the log: what it has decided but not yet cut is pending,
and its states include it. Should an append fail, the whole processor is thrown away and the next owner folds the log;
no state here outlives what the log says, so a crash between any two lines loses only what was never appended, whose
messages are read again. `Cut.changed` holds frozen states as of that cut: a checkpoint made from cuts that were
acknowledged never contains a state that was not.

Repeats add nothing (INV-06), twice over: a message at or below its source's position was answered already (positions
come back from the log with the appends that answered them), and what comes again at a new place, as open streams may,
is recognised by `decide` from the aggregate's own state, or by the key of an aggregate that has ended.
"""

import heapq
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Generic, NamedTuple

from foldgate.contracts.events import Event, Meta
from foldgate.contracts.places import START, Partition, Position
from foldgate.decider.closed import ClosedKeys
from foldgate.decider.decider import Decider, Message, S, Said, SetAside, Tick, Watched, nothing, unmeasured
from foldgate.decider.invariant import broken
from foldgate.decider.stamp import NO_CHAIN, Held, Incoming, Quarantined, advanced, quarantined, stamped

Seal = Callable[[Meta, Event, bytes], tuple[bytes, bytes]]
"""Encodes an event with its link to the chain hash before it: returns its own chain hash, and its bytes."""


_MOST_MOVED = 1000
"""Of so many aggregates the timers are set at once: more would hold up the loop of an owner that reads its log."""

_LEAST_WEIGHT = 500
"""What a record set aside weighs at least: it waits in memory, but is no part of the append."""


class Fault(NamedTuple):
    """Something wrong with us, and the aggregate it cost."""

    key: str
    reason: str


class DecisionTooLarge(Exception):
    """One decision does not fit an append: a large one must be a state that goes on in chunks."""


class _Turn(NamedTuple, Generic[S]):
    """A message and the aggregate it meets; a tick has nothing incoming."""

    held: Held[S] | None
    message: Message
    incoming: Incoming | None

    @property
    def state(self) -> S | None:
        return self.held.state if self.held else None


class _Decision(NamedTuple, Generic[S]):
    """One message's whole outcome; `held` is the aggregate after it, if it said anything."""

    records: list[tuple[bytes, bytes]]
    key: str = ""
    held: Held[S] | None = None
    settled: tuple[tuple[str, int], ...] = ()
    counted: tuple[str, ...] = ()
    place: tuple[Partition, Position] | None = None
    aside: Quarantined | None = None

    @property
    def size(self) -> int:
        return sum(len(key) + len(value) for key, value in self.records)


class Cut(Generic[S]):
    """What to do next, in this order: submit `quarantined`, then append `records` with `positions`. `changed` has the
    aggregates that it moved, None for those that it ended, and `ended` when that was. `settled` has the events that
    settle something, and after how many milliseconds, `counted` what is counted."""

    def __init__(self) -> None:
        self.records: list[tuple[bytes, bytes]] = []
        self.positions: dict[Partition, Position] = {}
        self.changed: dict[str, Held[S] | None] = {}
        self.ended: dict[str, int] = {}
        self.quarantined: list[Quarantined] = []
        self.settled: list[tuple[str, int]] = []
        self.counted: list[str] = []
        self.decisions = self.weight = 0

    def add(self, decision: _Decision[S], *, weight: int, over: bool) -> None:
        """One more decision, whole."""
        self.decisions, self.weight = self.decisions + 1, self.weight + weight
        self.records += decision.records
        self.settled += decision.settled
        self.counted += decision.counted
        if decision.place is not None:
            self.positions[decision.place[0]] = decision.place[1]
        if decision.held is not None:
            self.changed[decision.key] = None if over else decision.held
            self.ended |= {decision.key: decision.held.at} if over else {}
        if decision.aside is not None:
            self.quarantined.append(decision.aside)


class Processor(Generic[S]):
    """One partition of one owned stream. `faults` collects what is wrong with us, for the log and the metrics."""

    def __init__(
        self, decider: Decider[S], partition: Partition, *, seal: Seal, service: str, batch_bytes: int
    ) -> None:
        self.partition = partition
        self.live: dict[str, Held[S]] = {}
        self.closed = ClosedKeys()
        self.inputs: dict[Partition, Position] = {}
        self.faults: list[Fault] = []
        self.taken = 0
        self._decider, self._seal, self._service, self._batch_bytes = decider, seal, service, batch_bytes
        self._cuts: deque[Cut[S]] = deque()
        self._skipped: dict[Partition, Position] = {}
        self._due: list[tuple[int, str]] = []
        self._due_of: dict[str, int] = {}
        self._moved: set[str] = set()

    def restore(self, meta: Meta, event: Event) -> None:
        """Fold one accepted event of this partition; one that a checkpoint already holds is passed over."""
        held = self.live.get(meta.key)
        last = held.sequence if held else 0
        if meta.sequence <= last or (held is None and meta.key in self.closed):
            return
        if meta.sequence != last + 1:
            raise broken("INV-02", f"{meta.event_id} after {last}")
        self.keep(meta.key, advanced(held, self._decider.evolve(held.state if held else None, meta, event), meta))

    def keep(self, key: str, held: Held[S]) -> None:
        """Take an aggregate as it is now: into the live ones, or, ended, among the closed. Its timer is set when next
        somebody asks what is due: once for all the messages of a batch."""
        if self._decider.ended(held.state):
            self.live.pop(key, None)
            self.closed.add(key, held.at)
        else:
            self.live[key] = held
        self._moved.add(key)
        if len(self._moved) >= _MOST_MOVED:
            self._set_timers()

    def has_taken(self, source: Partition, position: Position) -> bool:
        """Whether this partition has answered, or read past, that place of that source: INV-09 rests on asking."""
        return position.offset <= self.inputs.get(source, START).offset

    def take(self, incoming: Incoming, *, key: str, now: int, behind: bool = False) -> None:
        """Decide on one message for the aggregate `key`."""
        if self.has_taken(incoming.source, incoming.position):
            return
        self.inputs[incoming.source] = incoming.position
        self.taken += 1
        held = self.live.get(key)
        at = max(now, held.at if held else 0)
        message = Message(key=key, at=at, event=incoming.event, meta=incoming.meta, behind=behind)
        turn = _Turn(held, message, incoming)
        if held is not None or key not in self.closed:
            self._answer(turn)
        elif not incoming.submitted or isinstance(incoming.event, (*self._decider.openings, *self._decider.passing)):
            self._skipped[incoming.source] = incoming.position  # another's fact comes late: it is on its own stream
        else:
            self._refuse(turn, SetAside("run_closed", f"Expected a live '{key}', but it has ended."))

    def skip(self, source: Partition, position: Position) -> None:
        """Read past something that asks for nothing here."""
        if not self.has_taken(source, position):
            self.inputs[source] = self._skipped[source] = position

    def set_aside(self, source: Partition, position: Position, record: Quarantined) -> None:
        """Read past a record that nobody can decode or accept, and quarantine it."""
        if not self.has_taken(source, position):
            self.inputs[source] = position
            self._pend(_Decision([], place=(source, position), aside=record), size=0)

    def tick(self, now: int) -> None:
        """Let each aggregate act whose time has come, once."""
        for key in list(self._pop_due(now)):
            held, before = self.live[key], self.pending
            at = max(now, held.at)
            self._answer(_Turn(held, Message(key=key, at=at, event=Tick()), None))
            if self.pending == before:
                self._ask_later(key, held, at)

    def _ask_later(self, key: str, held: Held[S], at: int) -> None:
        later = self._decider.later(held.state, at)
        if later is None or later <= at:
            self.faults.append(Fault(key, "INV-07: it was due and did nothing; it will not be asked again."))
        else:
            self._due_of[key] = later
            heapq.heappush(self._due, (later, key))

    def next_due(self) -> int | None:
        """When `tick` is wanted next."""
        self._set_timers()
        while self._due and self._due_of.get(self._due[0][1]) != self._due[0][0]:
            heapq.heappop(self._due)
        return self._due[0][0] if self._due else None

    def _set_timers(self) -> None:
        for key in self._moved:
            held = self.live.get(key)
            due = None if held is None else self._due_time(key, held)
            if due is None:
                self._due_of.pop(key, None)
            elif self._due_of.get(key) != due:
                self._due_of[key] = due
                heapq.heappush(self._due, (due, key))
        self._moved.clear()

    def _due_time(self, key: str, held: Held[S]) -> int | None:
        try:
            return self._decider.due(held.state)
        except Exception as error:  # noqa: BLE001 - a fault of ours may cost one aggregate, never the partition
            self.faults.append(Fault(key, f"its timer cannot be told: {type(error).__name__}: {error}"))
            return None

    def waiting(self) -> Iterator[Iterable[Watched]]:
        """What waits in each aggregate that lives now, one after the other."""
        if self._decider.watches is not nothing:
            for held in list(self.live.values()):
                yield self._decider.watches(held.state)

    def gauges(self, at: int) -> Iterator[tuple[str, Mapping[str, float]]]:
        """What else is measured of each, by its key."""
        if self._decider.gauges is not unmeasured:
            for key, held in list(self.live.items()):
                yield key, self._decider.gauges(held.state, at)

    @property
    def pending(self) -> int:
        """How many decisions wait to be appended."""
        return sum(cut.decisions for cut in self._cuts)

    @property
    def pending_bytes(self) -> int:
        """What they weigh."""
        return sum(cut.weight for cut in self._cuts)

    def cut(self, *, positions_too: bool = False) -> Cut[S] | None:
        """The next append: as many whole decisions as fit, with the positions they answer. Positions that were only
        read past go along with the last decision, or alone when `positions_too`."""
        if not self._cuts and not (positions_too and self._skipped):
            return None
        cut: Cut[S] = self._cuts.popleft() if self._cuts else Cut()
        if not self._cuts:
            cut.positions.update({source: self.inputs[source] for source in self._skipped})
            self._skipped.clear()
        return cut

    def _answer(self, turn: _Turn[S]) -> None:
        try:
            self._commit(turn, self._decider.decide(turn.state, turn.message))
        except SetAside as refusal:
            self._refuse(turn, refusal)
        except Exception as error:  # noqa: BLE001 - a fault of ours may cost one aggregate, never the partition
            self._break_off(turn, f"{type(error).__name__}: {error}")

    def _commit(self, turn: _Turn[S], said: Iterable[Event | Said], aside: Quarantined | None = None) -> None:
        held, key = turn.held, turn.message.key
        records: list[tuple[bytes, bytes]] = []
        settled: list[tuple[str, int]] = []
        counted: list[str] = []
        for one in said:
            event = one.event if isinstance(one, Said) else one
            if (since := self._decider.settles(held.state if held else None, event)) is not None:
                settled.append((type(event).__name__, turn.message.at - since))
            if word := self._decider.counts(event):
                counted.append(word)
            held, value = self._next(turn, held, one if isinstance(one, Said) else Said(one))
            records.append((key.encode(), value))
        place = (turn.incoming.source, turn.incoming.position) if turn.incoming else None
        decision = _Decision(
            records, key, held if records else None, tuple(settled), tuple(counted), place=place, aside=aside
        )
        size = decision.size
        if size > self._batch_bytes:
            raise DecisionTooLarge(f"Expected a decision of at most {self._batch_bytes} bytes, but it has {size}.")
        if decision.held is not None:
            self.keep(key, decision.held)
        if records or aside:
            self._pend(decision, size=size)
        elif place is not None:
            self._skipped[place[0]] = place[1]

    def _next(self, turn: _Turn[S], held: Held[S] | None, said: Said) -> tuple[Held[S], bytes]:
        if held is not None and self._decider.ended(held.state):
            raise broken("INV-04", f"{said.event} for {turn.message.key}")
        submitted = turn.incoming.value if turn.incoming and turn.incoming.submitted else None
        stream = self.partition.stream
        meta = stamped(said, turn.message, held, stream=stream, service=self._service, submitted=submitted)
        state = self._decider.evolve(held.state if held else None, meta, said.event)
        chain, value = self._seal(meta, said.event, held.chain if held else NO_CHAIN)
        return advanced(held, state, meta, chain=chain), value

    def _break_off(self, turn: _Turn[S], reason: str) -> None:
        """Set the message aside and end its aggregate, in one decision; failing that, set the message aside alone."""
        self.faults.append(Fault(turn.message.key, reason))
        aside = self._aside(turn.incoming, turn, SetAside("internal_error", reason)) if turn.incoming else None
        try:
            self._commit(turn, self._decider.fail(turn.state, turn.message, reason), aside)
        except Exception as error:  # noqa: BLE001 - the last resort must not break in turn
            self.faults.append(Fault(turn.message.key, f"ending it failed too: {error!r}"))
            self._commit(turn, (), aside)

    def _refuse(self, turn: _Turn[S], why: SetAside) -> None:
        if turn.incoming is not None:
            self._commit(turn, (), self._aside(turn.incoming, turn, why))

    def _aside(self, incoming: Incoming, turn: _Turn[S], why: SetAside) -> Quarantined:
        return quarantined(
            incoming.source,
            incoming.position,
            why,
            by=self.partition,
            service=self._service,
            key=incoming.meta.key.encode(),
            original=incoming.value,
            at=turn.message.at,
        )

    def _pend(self, decision: _Decision[S], *, size: int) -> None:
        weight = size if decision.aside is None else size + _LEAST_WEIGHT + len(decision.aside.event.original)
        if not self._cuts or self._cuts[-1].weight + weight > self._batch_bytes:
            self._cuts.append(Cut())
        over = decision.held is not None and self._decider.ended(decision.held.state)
        self._cuts[-1].add(decision, weight=weight, over=over)

    def _pop_due(self, now: int) -> Iterator[str]:
        while (due := self.next_due()) is not None and due <= now:
            key = heapq.heappop(self._due)[1]
            del self._due_of[key]
            yield key
