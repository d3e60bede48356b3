"""What no model can see: how the parts of a document fit together."""

from foldgate.language.check_expressions import check_expressions
from foldgate.language.check_graph import check_graph
from foldgate.language.check_schemas import check_schemas
from foldgate.language.check_steps import check_steps
from foldgate.language.findings import Findings
from foldgate.language.graph import Graph
from foldgate.language.models import WorkflowDocument


def check(document: WorkflowDocument, found: Findings, *, whole: bool) -> None:
    """Look for everything that is wrong. A document that is not whole lacks what the models have refused; then nothing
    is said that the missing parts might make right."""
    graph = Graph(document.steps)
    check_steps(document, found)
    check_schemas(document, found)
    ordered = check_graph(graph, found)
    check_expressions(document, graph, found, whole=whole and ordered)
