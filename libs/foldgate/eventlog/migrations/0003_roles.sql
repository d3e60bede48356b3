-- What may be done by those who do not own the schema: each service under a role of its own (`foldgate database roles`).
-- Owned streams are appended to by statements, which row-level security bounds. Open streams have many writers, none of
-- which may say where its records go: they are added by a function, at the end, and taken away by one, when they are old.

ALTER TABLE stream ADD COLUMN retention_days int; -- null: kept for ever

-- Who may submit to which stream; a stream that ends in `.*` stands for all of that family.
CREATE TABLE submitter (
    role text NOT NULL,
    stream text NOT NULL,
    key bytea, -- null: under any key
    PRIMARY KEY (role, stream)
);

CREATE FUNCTION submit(wanted int, keys bytea[], "values" bytea[]) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    base bigint;
BEGIN
    IF session_user <> current_user AND NOT pg_has_role(session_user, current_user, 'MEMBER') AND NOT EXISTS (
        SELECT FROM partition_head AS h JOIN submitter AS s ON h.stream LIKE replace(s.stream, '*', '%')
        WHERE h.id = wanted AND pg_has_role(session_user, to_regrole(quote_ident(s.role)), 'MEMBER')
            AND (s.key IS NULL OR s.key = ALL (keys))
    ) THEN
        RAISE insufficient_privilege USING MESSAGE = format('%s may not submit that to partition %s', session_user, wanted);
    END IF;
    UPDATE partition_head SET next_offset = next_offset + cardinality(keys) WHERE id = wanted
    RETURNING next_offset - cardinality(keys) INTO base;
    INSERT INTO record (partition, "offset", key, value)
    SELECT wanted, base + n - 1, key, value FROM unnest(keys, "values") WITH ORDINALITY AS r (key, value, n);
    RETURN base;
END
$$;

-- One step of a sweep: marks how far the partition reaches, and deletes what lies before a mark that is old enough; true
-- while there is more to delete. How old that is, the table says, and not who asks.
CREATE FUNCTION sweep(swept int, at_once int) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    until bigint;
    first bigint;
BEGIN
    INSERT INTO mark (partition, at, "offset")
    SELECT id, clock_timestamp(), next_offset FROM partition_head JOIN stream ON name = stream
    WHERE id = swept AND retention_days IS NOT NULL
        AND next_offset > coalesce((SELECT max("offset") FROM mark WHERE partition = swept), 0);
    SELECT max("offset") INTO until
    FROM mark JOIN partition_head ON id = partition JOIN stream ON name = stream
    WHERE partition = swept AND at < clock_timestamp() - make_interval(days => retention_days);
    SELECT "offset" INTO first FROM record WHERE partition = swept ORDER BY "offset" LIMIT 1;
    IF until IS NULL OR first IS NULL OR first >= until THEN
        RETURN false;
    END IF;
    DELETE FROM record WHERE partition = swept AND "offset" < least(until, first + at_once);
    DELETE FROM mark WHERE partition = swept AND "offset" < least(until, first + at_once);
    RETURN first + at_once < until;
END
$$;

-- Whoever calls them may have put anything into its search path.
DO $$
BEGIN
    EXECUTE format('ALTER FUNCTION submit SET search_path TO %I, pg_temp', current_schema());
    EXECUTE format('ALTER FUNCTION sweep SET search_path TO %I, pg_temp', current_schema());
END
$$;
REVOKE ALL ON FUNCTION submit, sweep FROM PUBLIC;
