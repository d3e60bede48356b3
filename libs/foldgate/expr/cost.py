"""What an evaluation may cost at most, judged before it begins: once begun, nothing stops it.

CEL's library bounds how deep an expression is and how often its comprehensions turn, but not how much they turn over:
each turn may copy, compare or search all of a large input, and `map` after `map` makes what it made before larger. So
the size of everything that is read is weighed, times how often it is read. A unit is about a byte handled, some ten
nanoseconds. The judgement is a bound: what is refused may have been cheaper, what is let through is not dearer.
"""

from collections.abc import Mapping
from math import prod
from typing import Any, NamedTuple

from foldgate.expr.faults import Path
from foldgate.expr.outline import Comprehension, Group, Literal, Match, Node, Read, Variable, leaves
from foldgate.expr.results import MAX_BYTES, size, too_large
from foldgate.expr.scope import ABSENT, value_at

MAX_WORK = 30_000_000
MAX_TURNS = 10_000
"""The library's own bound on the turns of all comprehensions together."""
MAX_LOOKS = 100_000
_OVERHEAD = 8


class Frame(NamedTuple):
    """A comprehension around: its variable, how often it turns, the size of its range and of its largest element, and
    all elements that there will be, where they are known."""

    variable: str
    turns: int
    total: int
    largest: int
    values: list[Any] | None


class Extent(NamedTuple):
    """How large a value is at most, how many elements it has, how large the largest is; which they are, if known."""

    size: int
    elements: int
    largest: int
    values: list[Any] | None = None


_SMALL = Extent(_OVERHEAD, 1, _OVERHEAD)


class Allowance:
    """What one evaluation of a template may still cost."""

    __slots__ = ("_bytes", "_work")

    def __init__(self) -> None:
        self._work = MAX_WORK
        self._bytes = MAX_BYTES

    def work(self, much: int) -> None:
        self._work -= much
        if self._work < 0:
            raise too_large("more work than is allowed: its lists are too long, or it reads large values over and over")

    @property
    def left(self) -> tuple[int, int]:
        """Work, and bytes."""
        return self._work, self._bytes

    def bytes(self, much: int) -> None:
        self._bytes -= much
        if self._bytes < 0:
            raise too_large(f"a value of more than {MAX_BYTES} bytes")


class Estimate:
    """The bound for one expression and one scope, summed up in `work`."""

    def __init__(self, scope: Mapping[str, Any]) -> None:
        self._scope = scope
        self._known: dict[Path, Extent] = {}
        self._looks = MAX_LOOKS
        self.work = 0

    def extent(self, node: Node, frames: tuple[Frame, ...] = ()) -> Extent:
        """How large one value of this is at most. What all of them need, within these comprehensions, is added up."""
        match node:
            case Read(path):
                return self._read(path, frames)
            case Variable():
                return self._variable(node, frames)
            case Literal(written):
                return self._sized(written + _OVERHEAD, frames)
            case Group(parts, is_list):
                self.work += _OVERHEAD * _turns(frames)
                return _together([self.extent(part, frames) for part in parts], is_list=is_list)
            case Match(text, weight):
                self.work += self.extent(text, frames).size * (weight or 1) * _turns(frames)
                return _SMALL
            case _:
                return self._comprehension(node, frames)

    def _sized(self, much: int, frames: tuple[Frame, ...]) -> Extent:
        self.work += much * _turns(frames)
        return _unknown(much)

    def _read(self, path: Path, frames: tuple[Frame, ...]) -> Extent:
        if path not in self._known:
            value = value_at(path, self._scope)
            self._known[path] = _SMALL if value is ABSENT or path == ("now",) else _measured([value])
        extent = self._known[path]
        self.work += extent.size * _turns(frames)
        return extent

    def _variable(self, node: Variable, frames: tuple[Frame, ...]) -> Extent:
        """All elements together are no larger than the range, however large the largest is."""
        at = max(at for at, frame in enumerate(frames) if frame.variable == node.name)
        frame, turns = frames[at], _turns(frames)
        extent = self._element(node, frame)
        others = prod(frame.turns for number, frame in enumerate(frames) if number != at)
        self.work += min(frame.total * others, extent.size * turns) + _OVERHEAD * turns
        return extent

    def _element(self, node: Variable, frame: Frame) -> Extent:
        """An element, or a member of it, as large as they really are; to look at them all is dear as well."""
        if frame.values is None or self._looks < len(frame.values):
            return _unknown(frame.largest)
        self._looks -= len(frame.values)
        return _measured([found for value in frame.values if (found := value_at(node.path, value)) is not ABSENT])

    def _comprehension(self, node: Comprehension, frames: tuple[Frame, ...]) -> Extent:
        among = self.extent(node.range, frames)
        frame = Frame(node.variable, min(among.elements, MAX_TURNS), among.size, among.largest, among.values)
        body = self.extent(node.body, (*frames, frame))
        if node.macro not in {"map", "filter"}:
            return _SMALL
        self.work += 2 * frame.turns**2 * _turns(frames)  # the library copies the list for each element it adds
        if node.macro == "filter":
            return among
        much = self._sized(_mapped(node, frame, body.size), frames).size
        return Extent(much, frame.turns, body.size)


def _mapped(node: Comprehension, frame: Frame, largest: int) -> int:
    """How large all results are together. A plain body is as large as what it reads: the element, so many times."""
    parts = leaves(node.body)
    if any(isinstance(part, Comprehension | Match) for part in parts):
        return frame.turns * largest
    uses = sum(part == Variable(frame.variable) for part in parts)
    return uses * frame.total + frame.turns * (largest - uses * frame.largest)


def _turns(frames: tuple[Frame, ...]) -> int:
    return min(MAX_TURNS, prod(frame.turns for frame in frames))


def _unknown(much: int) -> Extent:
    """An element and its comma are two bytes at least."""
    return Extent(much, much // 2 + 1, much)


def _measured(values: list[Any]) -> Extent:
    """What is known of one of these values, whichever it is."""
    many = [value for value in values if isinstance(value, list | dict)]
    elements = [element for value in many for element in value]
    return Extent(
        max(map(size, values), default=0) + _OVERHEAD,
        max(map(len, many), default=1),
        max(map(size, elements), default=0) + _OVERHEAD,
        elements,
    )


def _together(parts: list[Extent], *, is_list: bool) -> Extent:
    much = sum(part.size for part in parts) + _OVERHEAD
    if is_list:
        return Extent(much, len(parts), max((part.size for part in parts), default=0))
    return _unknown(much)
