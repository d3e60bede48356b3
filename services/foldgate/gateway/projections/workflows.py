"""The read model of workflows: each with its versions, as they were published."""

from collections.abc import Sequence
from importlib.resources import files

from foldgate.contracts.events import Event, Meta, WorkflowPublished, WorkflowRetired
from foldgate.contracts.topics import WORKFLOWS
from foldgate.readmodel.projection import Projection, Statement

# Publishing a retired workflow again, in whatever version, makes it active.
_LATEST = """
INSERT INTO workflows (tenant, workflow, version, state) VALUES ($1, $2, $3, 'active')
ON CONFLICT (tenant, workflow) DO UPDATE SET version = excluded.version, state = excluded.state
"""
_VERSION = """
INSERT INTO workflow_versions (tenant, workflow, version, digest, definition, source, published_by, published_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, to_timestamp($8::bigint / 1000.0))
ON CONFLICT (tenant, workflow, version) DO NOTHING
"""
_RETIRED = "UPDATE workflows SET state = 'retired' WHERE tenant = $1 AND workflow = $2"


def rows(meta: Meta, event: Event) -> Sequence[Statement]:
    """What an event changes."""
    match event:
        case WorkflowPublished(workflow=workflow, version=version):
            what = (event.digest, event.definition, event.source, meta.principal, meta.at)
            return [
                Statement(meta.key, _LATEST, (meta.tenant, workflow, version)),
                Statement(meta.key, _VERSION, (meta.tenant, workflow, version, *what)),
            ]
        case WorkflowRetired(workflow=workflow):
            return [Statement(meta.key, _RETIRED, (meta.tenant, workflow))]
        case _:
            return []


PROJECTION = Projection(
    name="workflows",
    version=1,
    streams=(WORKFLOWS.name,),
    events=(WorkflowPublished, WorkflowRetired),
    tables=files("foldgate.gateway.projections").joinpath("workflows.sql").read_text(),
    rows=rows,
)
