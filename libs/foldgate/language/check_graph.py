"""What is wrong between steps: references that lead nowhere, cycles, parts and handlers that are not theirs."""

from itertools import pairwise

from foldgate.language.findings import Findings, Path
from foldgate.language.graph import Graph, Moment
from foldgate.language.models import LoopStep, ParallelStep, SwitchStep

_MOST_CYCLES = 20
"""That are named: looking for each goes through all steps."""


def check_graph(graph: Graph, found: Findings) -> bool:
    """Look at all relations between steps; whether everything can be put in an order."""
    relations = _Relations(graph, found)
    for name, step in graph.steps.items():
        relations.dependencies(name)
        relations.handlers(name)
        if isinstance(step, ParallelStep):
            relations.parts(name, "steps", step.steps)
        elif isinstance(step, LoopStep):
            relations.parts(name, "body", step.body)
        elif isinstance(step, SwitchStep):
            relations.targets(name, step)
    return _cycles(graph, found)


class _Relations:
    """What each step says of others."""

    def __init__(self, graph: Graph, found: Findings) -> None:
        self._graph = graph
        self._found = found
        self._named: dict[str, Path] = {}
        """Where each handler is named first."""

    def dependencies(self, name: str) -> None:
        graph, found, at = self._graph, self._found, ("steps", name, "depends_on")
        for other in graph.steps[name].depends_on:
            if other not in found.declared:
                found.unknown(found.item(at, other), other)
            elif graph.owner(other):
                said = f"Expected no handler, but '{other}' runs only if '{graph.owner(other)}' needs it."
                found.add(found.item(at, other), "depends_on_handler", said)
            elif other in graph.parent and not _is_open(graph, graph.parent[other]):
                said = f"Expected a step at the top, but '{other}' is inside '{graph.parent[other]}': depend on that."
                found.add(found.item(at, other), "inside_group", said)
        if graph.steps[name].depends_on:
            self._has_dependencies(name, at)

    def _has_dependencies(self, name: str, at: Path) -> None:
        graph = self._graph
        if name in graph.parent:
            said = f"Expected no depends_on, since '{graph.parent[name]}' says when its parts begin."
            self._found.add(at, "part_depends", said)
        elif graph.owner(name):
            said = f"Expected no depends_on, since '{name}' begins when '{graph.owner(name)}' needs it."
            self._found.add(at, "handler_depends", said)

    def handlers(self, name: str) -> None:
        step = self._graph.steps[name]
        if step.on_error is not None:
            self._handler(name, "on_error", step.on_error)
        if step.compensate is not None:
            self._handler(name, "compensate", step.compensate)

    def _handler(self, name: str, key: str, handler: str) -> None:
        at: Path = ("steps", name, key)
        found, first = self._found, self._named.setdefault(handler, at)
        if handler not in found.declared:
            found.unknown(at, handler)
        elif handler == name:
            found.add(at, "handler_of_itself", "Expected another step, but a step cannot handle itself.")
        elif isinstance(self._graph.steps.get(handler), SwitchStep):
            found.add(at, "handler_switch", f"Expected no switch, but '{handler}' is one: nothing can depend on it.")
        elif first != at:
            said = f"Expected a handler of its own, but '{handler}' is {first[2]} of '{first[1]}' already."
            found.add(at, "handler_shared", said)

    def parts(self, name: str, key: str, parts: list[str]) -> None:
        for index, part in enumerate(parts):
            self._part(name, part, ("steps", name, key, index))

    def _part(self, name: str, part: str, at: Path) -> None:
        graph, found = self._graph, self._found
        if part not in found.declared:
            found.unknown(at, part)
        elif part == name:
            found.add(at, "group_in_itself", "Expected other steps, but a group cannot be its own part.")
        elif graph.owner(part):
            said = f"Expected no handler, but '{part}' is the handler of '{graph.owner(part)}'."
            found.add(at, "handler_in_group", said)
        elif graph.parent.get(part, name) != name:
            said = f"Expected a step of no other group, but '{part}' is a part of '{graph.parent[part]}' already."
            found.add(at, "two_groups", said)

    def targets(self, name: str, step: SwitchStep) -> None:
        ways: list[tuple[Path, list[str]]] = [
            (("steps", name, "cases", index, "next"), case.next) for index, case in enumerate(step.cases)
        ]
        for at, targets in [*ways, (("steps", name, "default"), step.default or [])]:
            for target in targets:
                self._target(name, target, self._found.item(at, target))

    def _target(self, switch: str, target: str, at: Path) -> None:
        graph, found, body = self._graph, self._found, self._graph.parent.get(switch)
        if target not in found.declared:
            found.unknown(at, target)
        elif graph.owner(target):
            said = f"Expected no handler, but '{target}' is the handler of '{graph.owner(target)}'."
            found.add(at, "target_is_handler", said)
        elif body is None or _is_open(graph, body):
            if target in graph.parent:
                said = f"Expected a step at the top, but '{target}' is inside '{graph.parent[target]}'."
                found.add(at, "target_in_group", said)
        elif switch not in graph.earlier(target):
            said = f"Expected a later step of the body of '{body}', since a switch inside leads nowhere else."
            found.add(at, "target_outside", said)


def _is_open(graph: Graph, group: str) -> bool:
    """Whether steps outside may depend on its parts: a parallel at the top that runs once."""
    return not (graph.repeats(group) or group in graph.parent or graph.owner(group))


def _cycles(graph: Graph, found: Findings) -> bool:
    """Name each cycle and whatever waits for one; whether there was none."""
    moments = graph.moments()
    done = set(graph.sorted(moments))
    stuck = {moment for moment in moments if moment not in done}
    waiting, cyclic = {moment.step for moment in stuck if moment.kind == "starts"}, set[str]()
    for _ in range(_MOST_CYCLES if stuck else 0):
        way = _cycle(graph, stuck)
        names = {moment.step for moment in way}
        if not names <= cyclic:
            _tell(graph, way, found)
        cyclic |= names
        stuck -= set(way)
        stuck -= set(graph.sorted(stuck))
        if not stuck:
            break
    for name in waiting - cyclic:
        said = f"Expected a step that can start, but '{name}' waits for a cycle."
        found.add(("steps", name), "unreachable", said)
    return not waiting


def _cycle(graph: Graph, stuck: set[Moment]) -> list[Moment]:
    """Moments of which each needs the next, and the last the first."""
    way = [min(stuck)]
    seen = {way[0]: 0}
    while True:
        following = min(need for need in graph.needs(way[-1]) if need in stuck)
        if following in seen:
            return way[seen[following] :]
        seen[following] = len(way)
        way.append(following)


def _tell(graph: Graph, way: list[Moment], found: Findings) -> None:
    names = [moment.step for moment in way]
    round_trip = [name for index, name in enumerate(names) if name != names[index - 1]] or names[:1]
    rank = {name: index for index, name in enumerate(graph.steps)}
    start = min(range(len(round_trip)), key=lambda index: rank[round_trip[index]])
    path = [*round_trip[start:], *round_trip[:start], round_trip[start]]
    shown = " → ".join([*path[:20], "…", path[-1]] if len(path) > 21 else path)
    code, key = _kind(graph, path)
    found.add(("steps", path[0], key), code, f"Expected no cycle, but each of these waits for the next: {shown}.")


def _kind(graph: Graph, path: list[str]) -> tuple[str, str]:
    """What the cycle is made of, and the key that shows it."""
    ends = list(pairwise(path))
    if all(other in graph.parts[step] for step, other in ends) or all(
        step in graph.parts[other] for step, other in ends
    ):
        return "group_in_itself", "body" if graph.is_loop(path[0]) else "steps"
    handlers = {name: {*graph.handlers[name], *graph.undoers[name]} for name in path}
    if all(other in handlers[step] for step, other in ends) or all(step in handlers[other] for step, other in ends):
        return "handler_of_itself", "on_error" if graph.handlers[path[0]] else "compensate"
    return "cycle", "depends_on"
