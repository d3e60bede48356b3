"""Where in a run a step stands: `step[i][j]`, what it is a part of, and who handles it. From the definition alone."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from foldgate.language.definition import Definition, LoopSpec, ParallelSpec, StepDef

_INSTANCE = re.compile(r"([^\[\]]+)((?:\[[0-9]+\])*)")


class Place(NamedTuple):
    """One instance of a step, the outermost index first."""

    step: str
    at: tuple[int, ...] = ()

    def __str__(self) -> str:
        return self.step + "".join(f"[{index}]" for index in self.at)


def place_of(text: str) -> Place:
    """The place that an event names."""
    found = _INSTANCE.fullmatch(text)
    assert found, f"Expected a step such as 'a[0][1]', but an event names '{text}'."
    return Place(found[1], tuple(map(int, re.findall(r"[0-9]+", found[2]))))


class Shape:
    """How the steps of a definition stand to one another."""

    def __init__(self, definition: Definition) -> None:
        self.definition = definition

    def step(self, place: Place) -> StepDef:
        """What the document says of it."""
        return self.definition.steps[place.step]

    def exists(self, place: Place) -> bool:
        """Whether a run of this definition can have such a place."""
        step = self.definition.steps.get(place.step)
        return step is not None and len(place.at) in {step.depth, self.inner(step)}

    def inner(self, step: StepDef) -> int:
        """How many indexes the thing itself has: its own for_each counted."""
        return step.depth + (step.for_each is not None)

    def is_whole(self, place: Place) -> bool:
        """Whether it is the for_each itself, and not one of its items."""
        step = self.step(place)
        return step.for_each is not None and len(place.at) == step.depth

    def is_item(self, place: Place) -> bool:
        """Whether it is an item of a for_each."""
        step = self.step(place)
        return step.for_each is not None and len(place.at) > step.depth

    def kind(self, place: Place) -> str:
        """The step's type, or for_each."""
        return "for_each" if self.is_whole(place) else self.step(place).type

    def is_group(self, place: Place) -> bool:
        """Whether it is made of others."""
        return self.kind(place) in {"for_each", "parallel", "loop"}

    def group(self, place: Place) -> Place | None:
        """What it is a part of."""
        if self.is_item(place):
            return Place(place.step, place.at[:-1])
        parent = self.definition.steps.get(self.step(place).parent)
        return None if parent is None else Place(parent.id, place.at[: self.inner(parent)])

    def handled(self, place: Place) -> Place | None:
        """Whose on_error it is."""
        return self._under(place, self.step(place).handles)

    def undone(self, place: Place) -> Place | None:
        """Whose compensate it is."""
        return self._under(place, self.step(place).undoes)

    def on_error(self, place: Place) -> Place | None:
        """Who handles its failure."""
        return self._beside(place, self.step(place).on_error)

    def compensate(self, place: Place) -> Place | None:
        """Who undoes it."""
        return self._beside(place, self.step(place).compensate)

    def up(self, place: Place) -> Place | None:
        """The group it lives in; a handler lives where the step does that it handles."""
        group, handled = self.group(place), self.handled(place)
        if group is not None or handled is None:
            return group
        return self.up(handled)

    def around(self, place: Place) -> Iterator[Place]:
        """The place and all that it is about: the groups around it, and the same of what it undoes."""
        here: Place | None = place
        while here is not None:
            yield from (here, *self.above(here))
            here = self.undone(self._root(here))

    def above(self, place: Place) -> Iterator[Place]:
        """Every group it lives in, the nearest first."""
        here = self.up(place)
        while here is not None:
            yield here
            here = self.up(here)

    def outermost(self, place: Place) -> str:
        """The step at the top that it is in, or handles, or undoes."""
        return self._root([*self.around(place)][-1]).step

    def is_undoing(self, place: Place) -> bool:
        """Whether it is a part of compensation."""
        return bool(self.step(self._root(place)).undoes)

    def _root(self, place: Place) -> Place:
        top = [place, *self.above(place)][-1]
        handled = self.handled(top)
        return top if handled is None else self._root(handled)

    def counts(self, place: Place) -> bool:
        """Whether it counts in the status of the run: it stands at the top, by itself."""
        step = self.step(place)
        return not (step.parent or step.handles or step.undoes or self.is_item(place))

    def seen_from(self, place: Place, name: str) -> Place:
        """The instance that `steps.<name>` means at a place."""
        step = self.definition.steps[name]
        one = step.for_each is not None and self.step(place).undoes == name
        return Place(name, place.at[: step.depth + one])

    def members(self, group: Place, *, items: int = 0, iteration: int = 0) -> list[Place]:
        """Its parts in order: of a loop, those of one iteration."""
        spec = self.step(group).spec
        if self.is_whole(group):
            return [Place(group.step, (*group.at, index)) for index in range(items)]
        if isinstance(spec, LoopSpec):
            return [Place(name, (*group.at, iteration)) for name in spec.body]
        assert isinstance(spec, ParallelSpec)
        return [Place(name, group.at) for name in spec.steps]

    def tops(self) -> list[Place]:
        """Every step that counts."""
        return [place for place in map(Place, self.definition.order) if self.counts(place)]

    def _under(self, place: Place, name: str) -> Place | None:
        return Place(name, place.at[: self.step(place).depth]) if name else None

    def _beside(self, place: Place, name: str) -> Place | None:
        """A handler of items, or of the whole: it has as many indexes as what it handles."""
        if not name or self.definition.steps[name].depth != len(place.at):
            return None
        return Place(name, place.at)
