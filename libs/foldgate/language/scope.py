"""Which steps an expression may read: those that are over, whatever happens, when it is evaluated."""

from collections.abc import Iterable

from foldgate.language.graph import Graph
from foldgate.language.models import ParallelStep


class Scope:
    """The steps that each step sees. Sets of steps are bits of a number, since a thousand may see a thousand."""

    def __init__(self, graph: Graph, order: tuple[str, ...]) -> None:
        self._graph = graph
        self._bit = {name: 1 << index for index, name in enumerate(order)}
        self._inside = dict.fromkeys(order, 0)
        self._seen = dict.fromkeys(order, 0)
        for name in reversed(order):
            if isinstance(graph.steps[name], ParallelStep) and not graph.repeats(name):
                self._inside[name] = self._with_parts(graph.parts[name])
        for name in order:
            self._seen[name] = self._before(name)

    def sees(self, name: str, other: str, *, body: bool = False) -> bool:
        """Whether the expressions of a step may read another; those of a loop with what its body has done."""
        inside = self._with_parts(self._graph.parts[name]) if body else 0
        return bool((self._seen[name] | inside) & self._bit[other])

    def at_the_end(self, other: str) -> bool:
        """Whether the output of the run may read it."""
        graph = self._graph
        return other not in graph.undoes and not any(map(graph.repeats, graph.around(other)))

    def _before(self, name: str) -> int:
        graph = self._graph
        over = [*graph.dependencies[name], *graph.earlier(name)[-1:], *filter(None, [graph.owner(name)])]
        seen = self._with_parts(over)
        for other in (*over, *filter(None, [graph.parent.get(name)])):
            seen |= self._seen[other]
        return seen

    def _with_parts(self, names: Iterable[str]) -> int:
        bits = 0
        for name in names:
            bits |= self._bit[name] | self._inside[name]
        return bits
