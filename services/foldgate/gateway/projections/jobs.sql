-- One row an attempt. What `runs`, `decisions` and `jobs` say of it come in any order: columns of their own.

CREATE TABLE jobs (
    job_id text COLLATE "C" PRIMARY KEY,
    run_id text COLLATE "C" NOT NULL,
    step text NOT NULL,
    attempt int NOT NULL,
    tenant text, -- by `runs`, as is what follows; null until it says that the job is asked for
    principal text,
    workflow text,
    kind text,
    topic text,
    labels jsonb,
    input text, -- canonical JSON
    priority int,
    asked_pool text, -- empty: any
    after text, -- why there is another attempt; empty for the first
    requested_at timestamptz,
    cancelling_at timestamptz,
    ended text,
    ended_at timestamptz,
    code text,
    message text,
    decided text, -- by `decisions`, as is what follows: what the policy kernel said last
    chosen_pool text,
    decided_at timestamptz,
    placed text, -- by `jobs`, as is what follows: queued, dispatched, released or lost
    held_pool text,
    worker text,
    lease bigint,
    queued_at timestamptz,
    dispatched_at timestamptz,
    released_at timestamptz,
    lost text, -- why
    pool text GENERATED ALWAYS AS (coalesce(held_pool, chosen_pool, nullif(asked_pool, ''))) STORED,
    status text NOT NULL GENERATED ALWAYS AS (CASE
        WHEN ended IS NOT NULL THEN ended
        WHEN placed = 'lost' THEN 'lost'
        WHEN cancelling_at IS NOT NULL THEN 'cancelling'
        WHEN placed IN ('dispatched', 'released') THEN 'dispatched'
        WHEN placed = 'queued' THEN 'queued'
        ELSE coalesce(decided, 'requested')
    END) STORED
);

-- The lists people ask for: the newest of a tenant, of one status, topic or pool; the attempts of a run.
CREATE INDEX jobs_newest ON jobs (tenant, requested_at DESC, job_id DESC);
CREATE INDEX jobs_by_status ON jobs (tenant, status, requested_at DESC, job_id DESC);
CREATE INDEX jobs_by_topic ON jobs (tenant, topic, requested_at DESC, job_id DESC);
CREATE INDEX jobs_by_pool ON jobs (tenant, pool, requested_at DESC, job_id DESC);
CREATE INDEX jobs_of_run ON jobs (run_id, step, attempt);

-- What waits in pools, and what workers hold.
CREATE INDEX jobs_in_pools ON jobs (held_pool, worker) WHERE placed IN ('queued', 'dispatched');

-- One row a decision; those on a whole run have no job.
CREATE TABLE job_decisions (
    run_id text COLLATE "C" NOT NULL,
    sequence bigint NOT NULL, -- of the event among what is said of its run
    event_id text NOT NULL,
    type text NOT NULL,
    step text NOT NULL,
    job_id text NOT NULL,
    at timestamptz NOT NULL,
    phase text NOT NULL, -- submit, dispatch or shadow
    decision text NOT NULL, -- allow, deny, require_approval, allow_with_constraints, throttle, refuse or revoke
    code text,
    rule text,
    reason text NOT NULL,
    policy_snapshot text,
    constraints text, -- canonical JSON, as are the two that follow
    remediations text,
    trace text,
    writ_id text,
    pool text,
    approval_id text,
    until timestamptz, -- of a job that was throttled: when it is decided on again
    bundle text, -- of a decision that has no effect: by which draft
    PRIMARY KEY (run_id, sequence)
);
