-- When an artifact was used last, and whether it is to go: one that nothing on the log names goes once it was idle for long
-- (`foldgate/sdk/artifact_sweeping.py`). It is condemned first, and removed some time later; whoever puts or fetches it in
-- between keeps it. Each of these is one statement about one artifact, so a crash only leaves more to do.

ALTER TABLE artifact RENAME COLUMN put_at TO used_at;
ALTER TABLE artifact ADD COLUMN condemned_at timestamptz;
ALTER TABLE artifact ALTER COLUMN data SET STORAGE EXTERNAL; -- a part of it is then read without the rest
CREATE INDEX artifact_used ON artifact (used_at);

-- Noted once an hour at most: what is fetched all the time is not written all the time.
CREATE FUNCTION use_artifact(whose text, which bytea) RETURNS void
LANGUAGE sql AS $$
    UPDATE artifact SET used_at = now(), condemned_at = NULL
    WHERE tenant = whose AND digest = which AND (condemned_at IS NOT NULL OR used_at < now() - interval '1 hour');
$$;

CREATE OR REPLACE FUNCTION put_artifact(whose text, what bytea) RETURNS bytea
LANGUAGE sql SECURITY DEFINER AS $$
    INSERT INTO artifact AS a (tenant, digest, data) VALUES (whose, sha256(what), what)
    ON CONFLICT (tenant, digest) DO UPDATE SET used_at = now(), condemned_at = NULL;
    SELECT sha256(what);
$$;

CREATE OR REPLACE FUNCTION get_artifact(whose text, which bytea) RETURNS bytea
LANGUAGE sql SECURITY DEFINER VOLATILE AS $$
    SELECT use_artifact(whose, which);
    SELECT data FROM artifact WHERE tenant = whose AND digest = which;
$$;

-- How large it is; NULL if it is not there.
CREATE FUNCTION artifact_size(whose text, which bytea) RETURNS int
LANGUAGE sql SECURITY DEFINER AS $$
    SELECT use_artifact(whose, which);
    SELECT octet_length(data) FROM artifact WHERE tenant = whose AND digest = which;
$$;

CREATE FUNCTION artifact_part(whose text, which bytea, begin_at int, most int) RETURNS bytea
LANGUAGE sql SECURITY DEFINER STABLE AS $$
    SELECT substring(data FROM begin_at + 1 FOR most) FROM artifact WHERE tenant = whose AND digest = which;
$$;

CREATE FUNCTION idle_artifacts(idle interval, most int) RETURNS TABLE (whose text, which bytea)
LANGUAGE sql SECURITY DEFINER STABLE AS $$
    SELECT tenant, digest FROM artifact WHERE used_at < now() - idle ORDER BY used_at LIMIT most;
$$;

-- What becomes of an idle one that nothing names: 'condemned', 'removed', or 'kept', because it was used meanwhile or was
-- condemned too short a time ago.
CREATE FUNCTION settle_artifact(whose text, which bytea, idle interval, grace interval) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    DELETE FROM artifact WHERE tenant = whose AND digest = which
        AND used_at < now() - idle AND condemned_at <= now() - grace;
    IF FOUND THEN
        RETURN 'removed';
    END IF;
    UPDATE artifact SET condemned_at = now() WHERE tenant = whose AND digest = which
        AND used_at < now() - idle AND condemned_at IS NULL;
    RETURN CASE WHEN FOUND THEN 'condemned' ELSE 'kept' END;
END
$$;

-- Whoever calls them may have put anything into its search path.
DO $$
DECLARE
    one text;
BEGIN
    FOREACH one IN ARRAY ARRAY['put_artifact', 'get_artifact', 'use_artifact', 'artifact_size', 'artifact_part',
        'idle_artifacts', 'settle_artifact'] LOOP
        EXECUTE format('ALTER FUNCTION %I SET search_path TO %I, pg_temp', one, current_schema());
        EXECUTE format('REVOKE ALL ON FUNCTION %I FROM PUBLIC', one);
    END LOOP;
END
$$;
