"""What is wrong with expressions: each is compiled, its type and all it reads are checked."""

from collections.abc import Iterator
from typing import Any

from foldgate.expr.template import ExpressionInvalid, Template
from foldgate.language.findings import Findings, Path
from foldgate.language.forms import is_template
from foldgate.language.graph import Graph
from foldgate.language.models import WorkflowDocument
from foldgate.language.scope import Scope
from foldgate.language.written import SAID, Written, written

MAX_EXPRESSIONS = 5000
"""In one document: each takes a fraction of a millisecond to compile."""


def check_expressions(document: WorkflowDocument, graph: Graph, found: Findings, *, whole: bool) -> None:
    """Look at every expression; at what is around it only where the document is whole and can be put in an order."""
    look = _Look(Scope(graph, graph.order()) if whole else None, found)
    left = MAX_EXPRESSIONS
    for value in written(document, graph, whole=whole):
        texts = list(_texts(value.source, value.path))
        left -= sum(text.count("${") for _, text in texts)
        if left < 0:
            said = f"Expected at most {MAX_EXPRESSIONS} expressions in a workflow, but here are more."
            return found.add(value.path, "too_many_expressions", said)
        if all([look.at(value, path, text) for path, text in texts]):  # noqa: C419  (each is to be looked at)
            look.whole(value)
    return None


def _texts(source: Any, path: Path) -> Iterator[tuple[Path, str]]:
    """Every text with expressions in a value, and where it stands."""
    if isinstance(source, dict):
        for key, value in source.items():
            yield from _texts(value, (*path, key))
    elif isinstance(source, list):
        for index, value in enumerate(source):
            yield from _texts(value, (*path, index))
    elif is_template(source):
        yield path, source


_WHERE = {
    "item": "is there only inside a for_each",
    "index": "is there only inside a for_each",
    "loop": "is there only inside a loop",
    "ctx": "is not there yet when the run starts",
    "steps": "are not there yet when the run starts",
}


class _Look:
    """At one expression after the other. Without a scope nobody knows what is upstream."""

    def __init__(self, scope: Scope | None, found: Findings) -> None:
        self._scope = scope
        self._found = found

    def at(self, value: Written, path: Path, text: str) -> bool:
        """Whether the text can be compiled."""
        try:
            template = Template.of(text, place=".".join(map(str, path)))
        except ExpressionInvalid as mistake:
            said = mistake.message.rstrip(".")
            where = f"line {mistake.line}, column {mistake.column} of the expression"
            self._found.add(path, mistake.code, f"{said} ({where}).")
            return False
        if path == value.path:
            self._type(value, template)
        for name in sorted(template.roots - value.names):
            said = f"Expected what can be read here, but '{name}' {_WHERE[name]}."
            self._found.add(path, "not_in_scope", said)
        for step in sorted(template.steps):
            self._step(value, path, step)
        return True

    def whole(self, value: Written) -> None:
        """A value is bounded as a whole, too."""
        try:
            Template.of(value.source, place=".".join(map(str, value.path)))
        except ExpressionInvalid as mistake:
            self._found.add((*value.path, *mistake.path), mistake.code, mistake.message)

    def _type(self, value: Written, template: Template) -> None:
        """What a value that is nothing but an expression gives."""
        if value.whole and template.result is None:
            said = "Expected one expression and no text around it."
            self._found.add(value.path, "not_an_expression", said)
        elif value.gives and template.result and template.result.partition("<")[0] not in value.gives:
            said = f"Expected an expression that gives {SAID[value.gives]}, but it gives {template.result}."
            self._found.add(value.path, "wrong_expression_type", said)

    def _step(self, value: Written, path: Path, step: str) -> None:
        """A step that the expression reads."""
        scope, found = self._scope, self._found
        if step not in found.declared:
            found.unknown(path, step)
        elif scope is not None and value.step and not scope.sees(value.step, step, body=value.body):
            said = f"Expected a step that is over by then, but '{step}' is not upstream of '{value.step}'."
            found.add(path, "not_upstream", said)
        elif scope is not None and not value.step and not scope.at_the_end(step):
            said = f"Expected a step that is there once at the end, but '{step}' may run several times, or afterwards."
            found.add(path, "inside_group", said)
