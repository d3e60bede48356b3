"""What has been found wrong with a document so far, each mistake at its place in the source."""

import difflib
from collections.abc import Iterable

from foldgate.language.nodes import Node, walk
from foldgate.language.problems import Problem, problem

Path = tuple[str | int, ...]
ENOUGH = 1000
"""Mistakes after which no more are looked for: whoever reads them has stopped long before, and so must the work."""
_GUESSES = 100


class Findings:
    """Mistakes in one document."""

    def __init__(self, root: Node) -> None:
        self.problems: list[Problem] = []
        self.root = root
        steps = [stop.node.value for stop in walk(root, ("steps",))]
        self.declared: frozenset[str] = frozenset(steps[0]) if steps and isinstance(steps[0], dict) else frozenset()
        """The ids of all steps in the source, also of those that are not looked at further."""
        self._guesses = 0

    def add(self, path: Path, code: str, message: str, *, on_key: bool = False) -> None:
        """A mistake in what stands at a path, or in its last key; at the nearest key above where nothing stands."""
        if len(self.problems) >= ENOUGH:
            return
        way = list(walk(self.root, path))
        place = way[-1].place if way else self.root.place
        if way and len(way) == len(path) and not on_key:
            place = way[-1].node.place
        names = ".".join(each.text[:100] for each in way if each.text).replace(".[", "[")
        self.problems.append(problem(code, message, place=place, path=names))

    def has(self, path: Path) -> bool:
        """Whether something but null stands there in the source, right or wrong."""
        way = list(walk(self.root, path))
        return len(way) == len(path) and way[-1].node.value is not None

    def unknown(self, path: Path, name: str) -> None:
        """No step has that id."""
        said = f"Expected the id of a step, but there is no '{name[:80]}'{self.guess(name, self.declared)}"
        self.add(path, "unknown_step", said)

    def item(self, path: Path, value: str) -> Path:
        """Where a value stands in a list of the source, whose order the models may have changed."""
        if len(self.problems) >= ENOUGH:
            return path
        there = [stop.node.value for stop in walk(self.root, path)][-1]
        items = [each.value for each in there] if isinstance(there, list) else []
        return (*path, items.index(value)) if value in items else path

    def guess(self, word: str, words: Iterable[str]) -> str:
        """The end of a sentence: whether another word was meant. Only so often, since looking takes its time."""
        self._guesses += 1
        found = difflib.get_close_matches(word[:100], sorted(words), 1) if self._guesses <= _GUESSES else []
        return f"; did you mean '{found[0]}'?" if found else "."
