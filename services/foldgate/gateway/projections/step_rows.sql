
-- One row a step of a run, as it is now; of repeated steps one an instance, such as `scan[2]`.
CREATE TABLE steps (
    run_id text COLLATE "C" NOT NULL,
    step text COLLATE "C" NOT NULL,
    place bigint NOT NULL, -- among what is said of the run: where it was first named
    kind text, -- null where it was over at once, or was taken over from another run
    parent text, -- the group, loop or for_each that it is a part of
    status text NOT NULL,
    attempts int NOT NULL, -- of its job
    job_id text, -- its last attempt
    child_run text, -- the run that it asked for
    approval_id text,
    started_at timestamptz NOT NULL,
    ended_at timestamptz,
    code text,
    message text,
    output_event text, -- the event that has its output
    output_bytes bigint,
    PRIMARY KEY (run_id, step)
);
CREATE INDEX steps_in_order ON steps (run_id, place, step);
