"""What is wrong with the JSON Schemas of a document."""

from collections.abc import Iterator
from typing import Any

from foldgate.language.findings import Findings, Path
from foldgate.language.models import InputStep, WorkflowDocument
from foldgate.language.schema import Schema, SchemaInvalid


def check_schemas(document: WorkflowDocument, found: Findings) -> None:
    """Compile every schema."""
    for path, source in _schemas(document):
        try:
            Schema.of(source, place=".".join(map(str, path)))
        except SchemaInvalid as mistake:
            found.add(path, mistake.code, mistake.message)


def _schemas(document: WorkflowDocument) -> Iterator[tuple[Path, Any]]:
    given: list[tuple[Path, Any]] = [(("input_schema",), document.input_schema)]
    for name, step in document.steps.items():
        given.append((("steps", name, "input_schema"), step.input_schema))
        given.append((("steps", name, "output_schema"), step.output_schema))
        if isinstance(step, InputStep):
            given.append((("steps", name, "schema"), step.schema_))
    return ((path, source) for path, source in given if source is not None)
