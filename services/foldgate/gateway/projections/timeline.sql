-- One row an event, of every stream.

CREATE TABLE timeline (
    stream text COLLATE "C" NOT NULL,
    partition int NOT NULL,
    "offset" bigint NOT NULL,
    run_id text COLLATE "C" NOT NULL, -- empty where it is about no run
    moment bigint NOT NULL, -- with `turn`, where it stands in its run: causes before effects
    turn int NOT NULL,
    circular boolean NOT NULL, -- whether somebody says of it that it came of itself
    event_id text COLLATE "C" NOT NULL,
    type text NOT NULL,
    clock bigint NOT NULL,
    at bigint NOT NULL, -- as its writer says
    tenant text COLLATE "C" NOT NULL,
    principal text NOT NULL,
    step text NOT NULL,
    job_id text NOT NULL,
    pool text NOT NULL,
    key text NOT NULL,
    request_id text NOT NULL,
    causation text COLLATE "C" NOT NULL,
    correlation text NOT NULL,
    body text NOT NULL, -- JSON: its own fields
    PRIMARY KEY (stream, partition, "offset")
);

-- A run's events in order; what of a run, or of a tenant, lies above a position.
CREATE INDEX timeline_of_run ON timeline (run_id, moment, turn, stream, partition, "offset") WHERE run_id <> '';
CREATE INDEX timeline_of_run_by_place ON timeline (run_id, stream, partition, "offset") WHERE run_id <> '';
CREATE INDEX timeline_of_tenant_by_place ON timeline (tenant, stream, partition, "offset");

-- What answers what.
CREATE INDEX timeline_by_event ON timeline USING hash (event_id) WHERE run_id <> '';
CREATE INDEX timeline_by_cause ON timeline USING hash (causation) WHERE run_id <> '' AND causation <> '';
CREATE INDEX timeline_circular ON timeline (run_id) WHERE circular;
