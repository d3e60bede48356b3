-- How far a partition reached at some time: what lies before the newest mark that is old enough may be deleted.

CREATE TABLE mark (
    partition int NOT NULL REFERENCES partition_head (id),
    at timestamptz NOT NULL,
    "offset" bigint NOT NULL,
    PRIMARY KEY (partition, at)
);
