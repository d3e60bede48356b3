"""Drawings of a workflow's graph: a tree for terminals, and Mermaid for pages.

In the tree each step stands once, under the last of those it comes after; what else it comes after is told beside it.
"""

from collections.abc import Iterator, Mapping

from rich.text import Text
from rich.tree import Tree

from foldgate.cli.documents import shown_version
from foldgate.cli.graph import about
from foldgate.cli.terminal import harmless
from foldgate.language.definition import Definition, StepDef
from foldgate.language.edges import Edge, Why, edges, kind_of

_LABELS: Mapping[Why, str] = {
    "depends_on": "",
    "case": "if chosen: ",
    "part": "in it: ",
    "on_error": "if it fails: ",
    "compensate": "undone by: ",
}
_ARROWS: Mapping[Why, str] = {
    "depends_on": "-->",
    "case": "-- case -->",
    "on_error": "-. on_error .->",
    "compensate": "-. compensate .->",
}


def tree(definition: Definition) -> Tree:
    """The graph for people."""
    top = Tree(Text.assemble((definition.workflow, "bold magenta"), f" {shown_version(definition)}"))
    branches: dict[str, Tree] = {}
    places = {step_id: place for place, step_id in enumerate(definition.order)}
    into: dict[str, list[Edge]] = {}
    for edge in edges(definition):
        into.setdefault(edge.target, []).append(edge)
    for step_id in _by_need(definition, into):
        leading = into.get(step_id, [])
        under = _under(leading, places)
        others = [edge.source for edge in leading if edge is not under and edge.why in ("depends_on", "case")]
        line = _line(definition.steps[step_id], _LABELS[under.why] if under else "", others)
        branches[step_id] = (branches[under.source] if under else top).add(line)
    return top


def _by_need(definition: Definition, into: Mapping[str, list[Edge]]) -> Iterator[str]:
    """Every step, after all that lead to it, parts after their groups; otherwise in the order in which they can run."""
    done: set[str] = set()
    for first in definition.order:
        waiting = [first]
        while waiting:
            step_id = waiting[-1]
            needed = [edge.source for edge in into.get(step_id, []) if edge.source not in done]
            if needed:
                waiting.extend(needed)
            else:
                waiting.pop()
                if step_id not in done:
                    done.add(step_id)
                    yield step_id


def _under(leading: list[Edge], places: Mapping[str, int]) -> Edge | None:
    """Where it stands: in its group, beside what it handles, or after the last of those that it comes after."""
    inner = [edge for edge in leading if edge.why not in ("depends_on", "case")]
    return inner[0] if inner else max(leading, key=lambda edge: places[edge.source], default=None)


def _line(step: StepDef, label: str, others: list[str]) -> Text:
    line = Text.assemble((label, "dim"), (step.id, "bold"), f"  {kind_of(step)}")
    line.append(f"  {harmless(about(step), most=100)}" if about(step) else "", style="cyan")
    line.append(f"  (and after {', '.join(others)})" if others else "", style="dim")
    return line


def mermaid(definition: Definition) -> str:
    """The graph as a Mermaid flowchart."""
    names = {step_id: f"s{number}" for number, step_id in enumerate(definition.order)}
    lines = ["flowchart TD"]
    for step_id in definition.order:
        if not definition.steps[step_id].parent:
            lines.extend(_node(definition, names, step_id=step_id, indent="    "))
    lines.extend(
        f"    {names[edge.source]} {_ARROWS[edge.why]} {names[edge.target]}"
        for edge in edges(definition)
        if edge.why != "part"
    )
    return "\n".join(lines)


def _node(definition: Definition, names: Mapping[str, str], *, step_id: str, indent: str) -> Iterator[str]:
    parts = [other for other in definition.order if definition.steps[other].parent == step_id]
    text = f'["{step_id}<br/>{kind_of(definition.steps[step_id])}"]'
    if not parts:
        yield f"{indent}{names[step_id]}{text}"
        return
    yield f"{indent}subgraph {names[step_id]}{text}"
    for part in parts:
        yield from _node(definition, names, step_id=part, indent=f"{indent}    ")
    yield f"{indent}end"
