-- What read models there are. Each projection is built into a schema of its own, once from zero, and then again
-- whenever its tables or its rows are to be other than they were; views in this schema show the build that is live.

CREATE TABLE build (
    projection text NOT NULL,
    number int NOT NULL,
    edition text NOT NULL, -- what it was built by
    state text NOT NULL CHECK (state IN ('building', 'live', 'retired')),
    PRIMARY KEY (projection, number)
) WITH (fillfactor = 20);

CREATE UNIQUE INDEX one_live_build ON build (projection) WHERE state = 'live';
CREATE UNIQUE INDEX one_building_build ON build (projection) WHERE state = 'building';

-- How far each build has read, changed in the transaction that changes its rows.
CREATE TABLE position (
    projection text NOT NULL,
    number int NOT NULL,
    stream text NOT NULL,
    partition int NOT NULL,
    "offset" bigint NOT NULL,
    epoch bigint NOT NULL,
    sequence bigint NOT NULL,
    "left" bigint NOT NULL,
    PRIMARY KEY (projection, number, stream, partition),
    FOREIGN KEY (projection, number) REFERENCES build ON DELETE CASCADE
) WITH (fillfactor = 20);
