-- The log of one suite: streams of ordered partitions, checkpoints, and who is there to own what.

CREATE TABLE stream (
    name text PRIMARY KEY,
    partitions int NOT NULL CHECK (partitions > 0)
);

-- One row a partition, changed by every append: the next offset is taken from here and not from a sequence, so that
-- offsets become visible in order and without a gap. Whoever appends holds the row until it has committed. Pages are
-- mostly empty and nothing that changes is indexed: each change stays on its page.
CREATE TABLE partition_head (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    stream text NOT NULL REFERENCES stream (name),
    number int NOT NULL,
    next_offset bigint NOT NULL DEFAULT 0,
    epoch bigint NOT NULL DEFAULT 0,
    sequence bigint NOT NULL DEFAULT 0,
    UNIQUE (stream, number)
) WITH (fillfactor = 20);

CREATE TABLE record (
    partition int NOT NULL,
    "offset" bigint NOT NULL,
    key bytea NOT NULL,
    value bytea NOT NULL,
    head bytea, -- on the first record of a batch of an owner
    PRIMARY KEY (partition, "offset")
);

CREATE TABLE checkpoint (
    stream text NOT NULL,
    number int NOT NULL,
    epoch bigint NOT NULL DEFAULT 0,
    head bytea, -- null until the first save is complete
    PRIMARY KEY (stream, number)
);

CREATE TABLE checkpoint_entry (
    stream text NOT NULL,
    number int NOT NULL,
    key text NOT NULL,
    value bytea NOT NULL,
    PRIMARY KEY (stream, number, key)
) WITH (fillfactor = 50);

CREATE TABLE member (
    "group" text NOT NULL,
    instance text NOT NULL,
    seen_at timestamptz NOT NULL,
    PRIMARY KEY ("group", instance)
) WITH (fillfactor = 20);
