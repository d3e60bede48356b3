"""Who waits for whom in a workflow, and who is a part or the handler of whom.

Each step is three moments: it *starts*, it is *over*, and it is *settled* once its handler is over, too. Waiting is
between moments, so a part can wait for the start of its group while the group waits for the end of its parts.
"""

import heapq
from collections.abc import Iterable, Iterator, Mapping
from typing import Literal, NamedTuple

from foldgate.language.models import AnyStep, LoopStep, ParallelStep, SwitchStep


class Moment(NamedTuple):
    """When something happens to a step."""

    step: str
    kind: Literal["starts", "over", "settled"]


class Graph:
    """The relations between steps; what names a step that is not there is left out."""

    def __init__(self, steps: Mapping[str, AnyStep]) -> None:
        self.steps = steps
        self.parts = {name: self._others(name, _parts(step)) for name, step in steps.items()}
        self.parent = _inverse(self.parts)
        self.handlers = {name: self._others(name, [step.on_error or ""]) for name, step in steps.items()}
        self.undoers = {name: self._others(name, [step.compensate or ""]) for name, step in steps.items()}
        self.handles = _inverse(self.handlers)
        self.undoes = {name: step for name, step in _inverse(self.undoers).items() if name not in self.handles}
        self.targets = {name: self._known(_targets(step)) for name, step in steps.items()}
        self.switches = _all_inverse(self.targets)
        self.dependencies = {
            name: tuple(dict.fromkeys((*self._written(name), *self.switches.get(name, ())))) for name in steps
        }
        self.dependents = _all_inverse(self.dependencies)

    def _written(self, name: str) -> tuple[str, ...]:
        """Its depends_on; parts and handlers may have none."""
        return () if name in self.parent or self.owner(name) else self._known(self.steps[name].depends_on)

    def _known(self, names: Iterable[str]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for name in names if name in self.steps))

    def _others(self, name: str, names: Iterable[str]) -> tuple[str, ...]:
        return tuple(each for each in self._known(names) if each != name)

    def owner(self, name: str) -> str:
        """The step whose handler this is; empty where it is none."""
        return self.handles.get(name) or self.undoes.get(name, "")

    def is_loop(self, name: str) -> bool:
        return isinstance(self.steps[name], LoopStep)

    def repeats(self, name: str) -> bool:
        """Whether what is inside may run more than once."""
        return self.is_loop(name) or self.steps[name].for_each is not None

    def around(self, name: str) -> Iterator[str]:
        """The groups around a step, or around the step whose handler it is, innermost first. Needs a sound graph."""
        while above := self.parent.get(name) or self.owner(name):
            if name in self.parent:
                yield above
            name = above

    def depth(self, name: str) -> int:
        """How many loops and for_eaches are around a step. What undoes a for_each undoes each item by itself."""
        around = sum(self.is_loop(group) + (self.steps[group].for_each is not None) for group in self.around(name))
        return around + sum(self.steps[undone].for_each is not None for undone in self._undone(name))

    def _undone(self, name: str) -> Iterator[str]:
        """The steps that are undone by a step, or by what it is a part or the handler of."""
        while above := self.parent.get(name) or self.owner(name):
            if name not in self.parent and name in self.undoes:
                yield above
            name = above

    def earlier(self, name: str) -> tuple[str, ...]:
        """The steps before this one in the body of its loop."""
        group = self.parent.get(name)
        if group is None or not self.is_loop(group):
            return ()
        return self.parts[group][: self.parts[group].index(name)]

    def needs(self, moment: Moment) -> Iterator[Moment]:
        """What must have happened before."""
        name = moment.step
        if moment.kind == "starts":
            yield from (Moment(each, "settled") for each in (*self.dependencies[name], *self.earlier(name)[-1:]))
            if name in self.parent:
                yield Moment(self.parent[name], "starts")
            if name in self.handles:
                yield Moment(self.handles[name], "over")
            if name in self.undoes:
                yield Moment(self.undoes[name], "settled")
        elif moment.kind == "over":
            yield Moment(name, "starts")
            yield from (Moment(part, "settled") for part in self.parts[name])
        else:
            yield Moment(name, "over")
            yield from (Moment(handler, "settled") for handler in self.handlers[name])

    def moments(self) -> list[Moment]:
        kinds: tuple[Literal["starts", "over", "settled"], ...] = ("starts", "over", "settled")
        return [Moment(name, kind) for name in self.steps for kind in kinds]

    def sorted(self, moments: Iterable[Moment]) -> list[Moment]:
        """Those of the moments that can come, each after all it needs of them; by name where that leaves a choice."""
        missing: dict[Moment, set[Moment]] = {moment: set() for moment in moments}
        after: dict[Moment, list[Moment]] = {moment: [] for moment in missing}
        for moment, needed in missing.items():
            needed |= {need for need in self.needs(moment) if need in missing}
            for need in needed:
                after[need].append(moment)
        ready = [moment for moment, needed in missing.items() if not needed]
        heapq.heapify(ready)
        done: list[Moment] = []
        while ready:
            done.append(moment := heapq.heappop(ready))
            for later in after[moment]:
                missing[later].discard(moment)
                if not missing[later]:
                    heapq.heappush(ready, later)
        return done

    def order(self) -> tuple[str, ...]:
        """Every step that can start, each after all it waits for."""
        return tuple(moment.step for moment in self.sorted(self.moments()) if moment.kind == "starts")


def _parts(step: AnyStep) -> list[str]:
    if isinstance(step, ParallelStep):
        return step.steps
    return step.body if isinstance(step, LoopStep) else []


def _targets(step: AnyStep) -> list[str]:
    if not isinstance(step, SwitchStep):
        return []
    return [name for case in step.cases for name in case.next] + (step.default or [])


def _inverse(of: Mapping[str, Iterable[str]]) -> dict[str, str]:
    """Who names it; the first who does."""
    return {name: first for name, (first, *_) in _all_inverse(of).items()}


def _all_inverse(of: Mapping[str, Iterable[str]]) -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for naming, names in of.items():
        for name in names:
            found.setdefault(name, []).append(naming)
    return {name: tuple(naming) for name, naming in found.items()}
