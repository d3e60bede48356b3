"""Where a step of a run stands in its workflow: its definition, and which repetition it is.

A step in a repeated body is `step[i]`, in nested ones `step[i][j]`, the outermost index first. An item of a step with
for_each has one index more than the step itself, which is the group of its items.
"""

import functools
from typing import NamedTuple

from foldgate.language.definition import Definition, LoopSpec, StepDef

Path = tuple[int, ...]


class Place(NamedTuple):
    """One step of a run, or one item of it."""

    id: str
    step: StepDef
    path: Path

    @property
    def is_item(self) -> bool:
        """Whether it is one item of a step with for_each."""
        return self.step.for_each is not None and len(self.path) > self.step.depth

    @property
    def is_group_of_items(self) -> bool:
        """Whether it is a step with for_each, as a whole."""
        return self.step.for_each is not None and len(self.path) == self.step.depth

    @property
    def kind(self) -> str:
        """The step type that says how it behaves here."""
        return "for_each" if self.is_group_of_items else self.step.type


@functools.lru_cache(maxsize=8192)
def split(step_id: str) -> tuple[str, Path]:
    """The id in the workflow, and the indexes."""
    base, bracket, rest = step_id.partition("[")
    return (base, tuple(map(int, rest[:-1].split("][")))) if bracket else (base, ())


def join(base: str, path: Path) -> str:
    """The id of a step in that repetition."""
    return base + "".join([f"[{index}]" for index in path]) if path else base


def place_of(definition: Definition, step_id: str) -> Place:
    """The place of a step of this run."""
    base, path = split(step_id) if step_id[-1] == "]" else (step_id, ())
    return Place(step_id, definition.steps[base], path)


def at(definition: Definition, base: str, path: Path) -> Place:
    """The place of that step in that repetition."""
    return Place(join(base, path), definition.steps[base], path)


def parent_of(definition: Definition, place: Place) -> str:
    """The group that it is a part of: all items, a parallel, or a loop; nothing at the top. A handler belongs where
    the step does that it handles."""
    step, path = place.step, place.path
    if place.is_item:
        return join(step.id, path[:-1])
    if step.handles:
        return parent_of(definition, at(definition, step.handles, path[: definition.steps[step.handles].depth]))
    if not step.parent:
        return ""
    group = definition.steps[step.parent]
    return join(group.id, path[:-1] if isinstance(group.spec, LoopSpec) else path)


def reference(definition: Definition, place: Place | None, base: str) -> str:
    """The step that `steps.<base>` means, seen from a place: the one in the same repetition. What undoes a step with
    for_each undoes one item."""
    step, path = definition.steps[base], place.path if place is not None else ()
    undone = place is not None and place.step.undoes == base and step.for_each is not None
    return join(base, path[: step.depth + undone])
