-- One row a question, for the lists, and one an event of it: what is asked now, and on which terms, is folded of those.

CREATE TABLE approvals (
    approval_id text PRIMARY KEY,
    run_id text NOT NULL,
    step text NOT NULL,
    tenant text NOT NULL,
    kind text NOT NULL, -- approval, input, or policy
    status text NOT NULL, -- open, granted, refused, expired or closed
    roles text[] NOT NULL, -- one of which is needed to vote; none where anybody may
    opened_at timestamptz NOT NULL,
    settled_at timestamptz -- null while it is open
);

CREATE TABLE approval_events (
    approval_id text NOT NULL,
    sequence bigint NOT NULL, -- in its run
    at bigint NOT NULL,
    type text NOT NULL,
    principal text NOT NULL,
    request_id text NOT NULL,
    body text NOT NULL, -- JSON: its own fields
    PRIMARY KEY (approval_id, sequence)
);

CREATE INDEX approvals_newest ON approvals (tenant, opened_at DESC, approval_id DESC);
CREATE INDEX approvals_by_status ON approvals (tenant, status, opened_at DESC, approval_id DESC);
CREATE INDEX approvals_of_run ON approvals (run_id, step);
