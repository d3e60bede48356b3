"""Where in its run an event stands: a total order in which causes come before effects, whatever clocks say.

An event's moment is the time it says, but never below the moments of the events it comes from: the one it answers, and
the one before it in its partition. Of those with the same moment its turn is the next. So the order follows time where
nothing else is known, and cause where something is; it is the same whichever of the events are known first, because a
place hangs on nothing but what came before. (Lamport clocks alone do not give that: who writes on open streams has
none, and a chain of causes that leads through a worker's report starts low again.)

What somebody says on an open stream of its cause is foreign, and may lead in circles. Then the events of the circle,
and what came of them, do without what touches open streams; the rest of what their owners say cannot be circular.
"""

from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from foldgate.contracts.topics import STREAMS

LAST_MOMENT = 253_402_300_799_999
"""The end of the year 9999: what a stranger says of time may be anything."""
_OWNED = frozenset(stream.name for stream in STREAMS if stream.kind == "owned")


class Where(NamedTuple):
    """Where a record lies."""

    stream: str
    partition: int
    offset: int


class Place(NamedTuple):
    """Where an event stands in its run. `circular`: it is in a circle of causes, or came of one."""

    moment: int
    turn: int
    circular: bool = False


class Mark(NamedTuple):
    """What of an event decides its place."""

    run_id: str
    where: Where
    event_id: str
    causation: str
    at: int


class Settled(NamedTuple):
    """An event whose place is known."""

    run_id: str
    where: Where
    event_id: str
    place: Place


Line = tuple[str, str, int]
"""A run's part of one partition."""


def bounded(at: int) -> int:
    """A time that is one."""
    return min(max(at, 0), LAST_MOMENT)


def places(marks: Sequence[Mark], settled: Sequence[Settled], before: Mapping[Line, Place]) -> dict[Where, Place]:
    """The places of these events. `settled` are others that some of them answer; `before` are the places of those that
    stand before the first of these in their partition."""
    graph = _Graph(marks, settled, before)
    for follows in (_any, _owned_alone, _none):
        graph.place(follows)
    return graph.found


def line_of(mark: Mark) -> Line:
    """Which part of which partition it lies in."""
    return mark.run_id, mark.where.stream, mark.where.partition


def _any(_: Where, __: Where) -> bool:
    return True


def _owned_alone(cause: Where, effect: Where) -> bool:
    return cause.stream in _OWNED and effect.stream in _OWNED


def _none(_: Where, __: Where) -> bool:
    return False


class _Graph:
    """Events, and what each comes from."""

    def __init__(self, marks: Sequence[Mark], settled: Sequence[Settled], before: Mapping[Line, Place]) -> None:
        self._marks = {mark.where: mark for mark in marks}
        self._outside = {one.where: one.place for one in settled}
        self._causes = dict(_causes(marks, settled))
        self._before, self._predecessors = before, dict(_successions(marks))
        self.found: dict[Where, Place] = {}

    def place(self, follows: Callable[[Where, Where], bool]) -> None:
        """Place what comes from nothing that is still without a place, and then what comes from that."""
        open_ = {where: self._open(where, follows) for where in self._marks if where not in self.found}
        effects: dict[Where, list[Where]] = defaultdict(list)
        for where, origins in open_.items():
            for origin in origins:
                effects[origin].append(where)
        missing = {where: len(origins) for where, origins in open_.items()}
        free = deque(where for where, count in missing.items() if not count)
        while free:
            where = free.popleft()
            self.found[where] = self._place(where, follows)
            for effect in effects[where]:
                missing[effect] -= 1
                if not missing[effect]:
                    free.append(effect)

    def _open(self, where: Where, follows: Callable[[Where, Where], bool]) -> list[Where]:
        """What it comes from that has no place yet."""
        return [one for one in self._origins(where, follows) if one in self._marks and one not in self.found]

    def _origins(self, where: Where, follows: Callable[[Where, Where], bool]) -> Iterator[Where]:
        if (before := self._predecessors.get(where)) is not None:
            yield before
        cause = self._causes.get(where)
        if cause is not None and follows(cause, where):
            yield cause

    def _place(self, where: Where, follows: Callable[[Where, Where], bool]) -> Place:
        mark = self._marks[where]
        origins = [self.found.get(one) or self._outside[one] for one in self._origins(where, follows)]
        if where not in self._predecessors and line_of(mark) in self._before:
            origins.append(self._before[line_of(mark)])
        moment = max([bounded(mark.at), *(place.moment for place in origins)])
        turn = max((place.turn + 1 for place in origins if place.moment == moment), default=0)
        return Place(moment, turn, circular=follows is not _any)


def _causes(marks: Sequence[Mark], settled: Sequence[Settled]) -> Iterator[tuple[Where, Where]]:
    """Each event with the one it answers. An id that several have means its owner's event, then the first of them:
    what is submitted may come twice, and strangers may write any id."""
    known: dict[tuple[str, str], Where] = {}
    there = [((one.run_id, one.event_id), one.where) for one in marks]
    there += [((one.run_id, one.event_id), one.where) for one in settled]
    for name, where in there:
        known[name] = min(known.get(name, where), where, key=_rank)
    for mark in marks:
        if mark.causation and (cause := known.get((mark.run_id, mark.causation))) is not None:
            yield mark.where, cause


def _rank(where: Where) -> tuple[bool, Where]:
    return where.stream not in _OWNED, where


def _successions(marks: Sequence[Mark]) -> Iterator[tuple[Where, Where]]:
    """Each event with the one before it in its run's part of its partition."""
    for before, after in pairwise(sorted(marks, key=lambda mark: (mark.run_id, mark.where))):
        if line_of(before) == line_of(after):
            yield after.where, before.where
