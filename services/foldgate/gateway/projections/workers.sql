-- One row a worker that came, of those that are gone those of the last day; one a pool; and the document of all pools.

CREATE TABLE workers (
    pool text COLLATE "C" NOT NULL,
    worker text COLLATE "C" NOT NULL, -- its endpoint: name/instance
    name text NOT NULL,
    max_parallel int NOT NULL,
    topics text[] NOT NULL, -- empty: it does not say
    capabilities text[] NOT NULL,
    labels jsonb NOT NULL,
    cpu_percent int, -- null: it does not say
    gpu_percent int,
    joined_at timestamptz NOT NULL,
    beat_at timestamptz NOT NULL, -- when its lease was last renewed: at least once in a third of it
    expires_at timestamptz NOT NULL,
    lost_at timestamptz,
    lost text, -- left, or lease_ended
    PRIMARY KEY (pool, worker)
);

CREATE TABLE pools (
    name text COLLATE "C" PRIMARY KEY,
    terms text, -- canonical JSON; null if the document does not have it
    is_open boolean NOT NULL,
    reason text NOT NULL, -- why it takes no jobs: draining, overloaded or removed
    number bigint NOT NULL, -- of its last change among all changes of pools
    words text NOT NULL, -- of whoever drained or opened it; empty if they said nothing
    changed_at timestamptz NOT NULL
);

CREATE TABLE pool_documents ( -- the one that holds
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    document text NOT NULL, -- canonical JSON
    revision int NOT NULL,
    number bigint NOT NULL,
    reason text NOT NULL,
    put_by text NOT NULL,
    put_at timestamptz NOT NULL
);
