-- One row a dead letter. What `letters` says and what `runs` says come in any order: columns of their own.

CREATE TABLE letters (
    run_id text NOT NULL,
    step text NOT NULL,
    tenant text NOT NULL,
    job_id text, -- by `letters`, as is what follows; null until it says that the letter is there
    topic text,
    code text,
    opened_at timestamptz,
    settled text, -- retried, or discarded; null while it is open
    settled_by text,
    settled_at timestamptz,
    new_run text, -- the run that tries it again
    reason text,
    status text, -- by `runs`, as is what follows: how the job ended
    kind text,
    message text,
    attempts int,
    rule text,
    input text,
    PRIMARY KEY (run_id, step)
);

CREATE INDEX letters_newest ON letters (tenant, opened_at DESC, run_id DESC, step DESC);
CREATE INDEX letters_open ON letters (tenant, opened_at DESC, run_id DESC, step DESC) WHERE settled IS NULL;
