-- One row a run.

CREATE TABLE runs (
    run_id text PRIMARY KEY,
    tenant text NOT NULL,
    principal text NOT NULL,
    workflow text NOT NULL,
    version text NOT NULL,
    digest text NOT NULL, -- empty for a run of one step
    kind text NOT NULL,
    topic text NOT NULL,
    status text NOT NULL,
    labels jsonb NOT NULL,
    input text NOT NULL, -- canonical JSON, as it was given
    request_hash bytea NOT NULL, -- of what was asked for; empty where nothing was started
    output text,
    error_code text,
    error text,
    error_step text, -- the step that decided it
    compensation text NOT NULL DEFAULT 'none',
    started_at timestamptz NOT NULL,
    ended_at timestamptz,
    words tsvector NOT NULL GENERATED ALWAYS AS ( -- what it is found by; of an input its beginning
        to_tsvector('simple', run_id || ' ' || workflow || ' ' || topic || ' ' || left(coalesce(error_code, ''), 200)
            || ' ' || left(coalesce(error, ''), 4000) || ' ' || left(input, 8000))
    ) STORED
);

-- The lists people ask for: the newest of a tenant, of one workflow, in one status.
CREATE INDEX runs_newest ON runs (tenant, started_at DESC, run_id DESC);
CREATE INDEX runs_by_workflow ON runs (tenant, workflow, started_at DESC, run_id DESC);
CREATE INDEX runs_by_status ON runs (tenant, status, started_at DESC, run_id DESC);

-- Searching.
CREATE INDEX runs_by_label ON runs USING gin (labels jsonb_path_ops);
CREATE INDEX runs_by_word ON runs USING gin (words);
