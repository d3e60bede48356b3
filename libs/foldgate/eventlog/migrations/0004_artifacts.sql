-- What is too large for an event, under the SHA-256 of what it is, for each tenant by itself. Who may put or fetch one goes
-- through these functions: nobody but the owner of the schema lists what there is, changes it or takes it away.

CREATE TABLE artifact (
    tenant text NOT NULL,
    digest bytea NOT NULL CHECK (octet_length(digest) = 32),
    put_at timestamptz NOT NULL DEFAULT now(),
    data bytea NOT NULL,
    PRIMARY KEY (tenant, digest)
);

CREATE FUNCTION put_artifact(whose text, what bytea) RETURNS bytea
LANGUAGE sql SECURITY DEFINER AS $$
    INSERT INTO artifact (tenant, digest, data) VALUES (whose, sha256(what), what) ON CONFLICT DO NOTHING;
    SELECT sha256(what);
$$;

CREATE FUNCTION get_artifact(whose text, which bytea) RETURNS bytea
LANGUAGE sql SECURITY DEFINER STABLE AS $$
    SELECT data FROM artifact WHERE tenant = whose AND digest = which;
$$;

-- Whoever calls them may have put anything into its search path.
DO $$
BEGIN
    EXECUTE format('ALTER FUNCTION put_artifact SET search_path TO %I, pg_temp', current_schema());
    EXECUTE format('ALTER FUNCTION get_artifact SET search_path TO %I, pg_temp', current_schema());
END
$$;
REVOKE ALL ON FUNCTION put_artifact, get_artifact FROM PUBLIC;
