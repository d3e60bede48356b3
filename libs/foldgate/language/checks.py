"""What no model can see: how the parts of a document fit together."""

from foldgate.language.models import WorkflowDocument
from foldgate.language.nodes import Node
from foldgate.language.problems import Problem


def mistakes(document: WorkflowDocument, root: Node, *, whole: bool) -> list[Problem]:
    """Everything that is wrong with the document."""
    del document, root, whole
    return []
