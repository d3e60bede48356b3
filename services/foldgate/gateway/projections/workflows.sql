-- One row a workflow, and one a version of it.

CREATE TABLE workflows (
    tenant text NOT NULL,
    workflow text NOT NULL,
    version text NOT NULL, -- the latest
    state text NOT NULL, -- active, or retired
    PRIMARY KEY (tenant, workflow)
);

CREATE TABLE workflow_versions (
    tenant text NOT NULL,
    workflow text NOT NULL,
    version text NOT NULL,
    digest text NOT NULL,
    definition text NOT NULL, -- canonical JSON
    source text NOT NULL, -- as it was submitted
    published_by text NOT NULL,
    published_at timestamptz NOT NULL,
    PRIMARY KEY (tenant, workflow, version)
);
