-- Who may come in by an API key. Of a key only its SHA-256 is here: 256 random bits need no salt and no slow hash.
-- Times are milliseconds since 1970, as everywhere.

CREATE TABLE api_key (
    id text PRIMARY KEY, -- its public part
    name text NOT NULL, -- whoever asks with it
    digest bytea NOT NULL,
    roles text[] NOT NULL,
    tenants text[] NOT NULL, -- '*' for all
    created_at bigint NOT NULL,
    expires_at bigint,
    revoked_at bigint,
    last_used_at bigint,
    replaced_by text REFERENCES api_key DEFERRABLE INITIALLY DEFERRED -- a key that was rotated ends by itself
) WITH (fillfactor = 80);

CREATE UNIQUE INDEX one_lasting_key_of_a_name ON api_key (name) WHERE revoked_at IS NULL AND replaced_by IS NULL;

-- Rises with every change of who may come in, so that whoever keeps a copy sees at a glance that it is old.
CREATE TABLE edition (number bigint NOT NULL);
INSERT INTO edition VALUES (1);
