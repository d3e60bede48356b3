"""One role of the database for each service and for the workers of each pool, as the SQL that makes them.

Each appends only to the streams that it owns, keeps only their checkpoints, reads only what it follows, and submits
only where it may (`contracts/access.py`): a service that was taken over writes nothing in the name of another. The
log's tables are shared by all streams, so rights on tables are not enough. What an owner appends is bounded by
row-level security, on the numbers of its partitions, which never change; what many submit goes through a function that
puts it at the end (`migrations/0003_roles.sql`). Workers get a role a pool: of dispatches each reads its own pool's.

The owner of the schema is bound by none of this, and pays nothing for it: one role for everything goes on as it was.
The SQL may be run again, after another version of Foldgate or for another pool: what it does not name stays as it is.
"""

from collections.abc import Iterator, Sequence

from foldgate.contracts.access import DEFAULT_POOL, GATEWAY, SERVICES, WORKER, access_of
from foldgate.contracts.topics import DISPATCH, STREAMS, WORKERS, Stream, is_pool_name

_LONGEST = 63
_GUARDED = ("stream", "partition_head", "record", "checkpoint", "checkpoint_entry", "member")


class PoolMisnamed(Exception):
    """No role can be made for a pool of that name."""


def role_of(suite: str, who: str, *, pool: str = DEFAULT_POOL) -> str:
    """The role of a service, or of the workers of a pool."""
    return f"{suite}_{who}" if who != WORKER or pool == DEFAULT_POOL else f"{suite}_{WORKER}_{pool}"


def roles_sql(suite: str, *, pools: Sequence[str] = (DEFAULT_POOL,)) -> str:
    """The SQL, for whoever owns the schema and may make roles."""
    roles = [_Role(suite, who) for who in SERVICES] + [_Role(suite, WORKER, pool) for pool in dict.fromkeys(pools)]
    parts = [*_streams(suite, pools), *_guards(suite), *(line for role in roles for line in role.sql())]
    return "BEGIN;\n" + "\n".join(parts) + "\nCOMMIT;\n"


def _streams(suite: str, pools: Sequence[str]) -> Iterator[str]:
    """Rights are on streams that are there."""
    single = [stream for stream in STREAMS if not stream.name.endswith(".*")]
    for stream in [*single, *(DISPATCH.member(pool) for pool in dict.fromkeys(pools))]:
        kept = "NULL" if stream.retention_days is None else stream.retention_days
        yield (
            f'INSERT INTO "{suite}".stream (name, partitions, retention_days)'
            f" VALUES ('{stream.name}', {stream.partitions}, {kept}) ON CONFLICT DO NOTHING;"
        )
        yield (
            f'INSERT INTO "{suite}".partition_head (stream, number)'
            f" SELECT '{stream.name}', n FROM generate_series(0, {stream.partitions - 1}) AS n ON CONFLICT DO NOTHING;"
        )


def _guards(suite: str) -> Iterator[str]:
    for table in _GUARDED:
        yield f'ALTER TABLE "{suite}".{table} ENABLE ROW LEVEL SECURITY;'


class _Role:
    """One role, and what makes it what it is."""

    def __init__(self, suite: str, who: str, pool: str = DEFAULT_POOL) -> None:
        self._suite, self._home, self._who, self._pool = suite, f'"{suite}"', who, pool
        self._name = role_of(suite, who, pool=pool)
        if not is_pool_name(pool) or len(self._name) > _LONGEST:
            raise PoolMisnamed(
                f"Expected the name of a pool, which makes a role of at most {_LONGEST} letters, but got '{pool}'."
            )
        self._access = access_of(who)

    def sql(self) -> Iterator[str]:
        yield f"\n-- {self._name}"
        yield self._made()
        yield from self._bare()
        yield from self._granted("USAGE", f"SCHEMA {self._home}")
        yield from self._granted("SELECT", self._tables("migration", "stream", "partition_head"))
        yield from self._granted("SELECT", self._tables("record"))
        if self._who != WORKER:
            yield from self._granted("EXECUTE", f"FUNCTION {self._home}.sweep")
        yield from self._owning() if self._access.appends else ()
        yield from self._submitting() if self._access.submits else ()
        yield from self._relaying()
        yield from self._keeping() if self._who in (GATEWAY, WORKER) else ()
        yield from self._showing() if self._who == GATEWAY else ()
        yield self._policies()

    def _made(self) -> str:
        return (
            f"DO $$ BEGIN IF to_regrole('\"{self._name}\"') IS NULL THEN"
            f' CREATE ROLE "{self._name}" LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE; END IF; END $$;'
        )

    def _bare(self) -> Iterator[str]:
        """Without what an earlier version gave it."""
        yield f'REVOKE ALL ON ALL TABLES IN SCHEMA {self._home} FROM "{self._name}";'
        yield f'REVOKE ALL ON ALL FUNCTIONS IN SCHEMA {self._home} FROM "{self._name}";'
        yield f"DELETE FROM {self._home}.submitter WHERE role = '{self._name}';"

    def _granted(self, rights: str, on: str) -> Iterator[str]:
        yield f'GRANT {rights} ON {on} TO "{self._name}";'

    def _tables(self, *names: str) -> str:
        return ", ".join(f"{self._home}.{name}" for name in names)

    def _owning(self) -> Iterator[str]:
        yield from self._granted("INSERT", self._tables("record"))
        yield from self._granted("UPDATE (next_offset, epoch, sequence)", self._tables("partition_head"))
        yield from self._granted("SELECT, INSERT, UPDATE", self._tables("checkpoint"))
        yield from self._granted("SELECT, INSERT, UPDATE, DELETE", self._tables("checkpoint_entry", "member"))

    def _submitting(self) -> Iterator[str]:
        yield from self._granted("EXECUTE", f"FUNCTION {self._home}.submit")
        for stream in sorted(self._access.submits):
            own = self._who == WORKER and stream == WORKERS.name
            key = f"convert_to('{self._pool}', 'UTF8')" if own else "NULL"
            yield f"INSERT INTO {self._home}.submitter VALUES ('{self._name}', '{stream}', {key});"

    def _relaying(self) -> Iterator[str]:
        """Members of a family come to be when they are first needed."""
        if self._families():
            yield from self._granted("INSERT (name, partitions, retention_days)", self._tables("stream"))
            yield from self._granted("INSERT (stream, number)", self._tables("partition_head"))

    def _keeping(self) -> Iterator[str]:
        """What is too large for events is put and fetched by those who bring it."""
        names = ("put_artifact", "get_artifact", "artifact_size", "artifact_part")
        yield from self._granted("EXECUTE", f"FUNCTION {self._tables(*names)}")

    def _showing(self) -> Iterator[str]:
        """Read models are schemas of their own, which are made, and thrown away, by who keeps them; so are API keys."""
        yield from self._granted("SELECT", self._tables("checkpoint", "checkpoint_entry"))
        yield f"""DO $$ DECLARE one record; BEGIN
    EXECUTE format('GRANT CREATE ON DATABASE %I TO "{self._name}"', current_database());
    FOR one IN SELECT oid, nspname FROM pg_namespace WHERE nspname ~ '^{self._suite}_(read|gate)(_|$)' LOOP
        EXECUTE format('ALTER SCHEMA %I OWNER TO "{self._name}"', one.nspname);
    END LOOP;
    FOR one IN SELECT c.oid::regclass AS name, relkind FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = relnamespace
        WHERE nspname ~ '^{self._suite}_(read|gate)(_|$)' AND relkind IN ('r', 'v') LOOP
        EXECUTE format('ALTER TABLE %s OWNER TO "{self._name}"', one.name);
    END LOOP;
END $$;"""

    def _policies(self) -> str:
        """Row-level security: made of the numbers that the partitions have here."""
        return "\n".join(
            [
                "DO $$ DECLARE one record; own int[]; seen int[]; BEGIN",
                "    FOR one IN SELECT tablename, policyname FROM pg_policies",
                f"        WHERE schemaname = '{self._suite}' AND roles = ARRAY['{self._name}'::name] LOOP",
                f"        EXECUTE format('DROP POLICY %I ON {self._home}.%I', one.policyname, one.tablename);",
                "    END LOOP;",
                f"    own := {self._numbers(self._access.appends)};",
                f"    seen := {self._numbers(self._reads())};",
                *(f"    {line}" for line in self._each_policy()),
                "END $$;",
            ]
        )

    def _each_policy(self) -> Iterator[str]:
        for table in ("stream", "partition_head"):
            yield self._policy(table, "SELECT", using="true")
        yield self._policy("record", "SELECT", using="true" if self._who == GATEWAY else _among("partition", "seen"))
        if self._access.appends:
            yield self._policy("partition_head", "UPDATE", using=_among("id", "own"))
            yield self._policy("record", "INSERT", check=_among("partition", "own"))
            for table in ("checkpoint", "checkpoint_entry"):
                yield self._policy(table, "ALL", using=f"stream = ANY ({_texts(self._access.appends)})")
            yield self._policy("member", "ALL", using=f"\"group\" = '{self._who}'")
        elif self._who == GATEWAY:
            for table in ("checkpoint", "checkpoint_entry"):
                yield self._policy(table, "SELECT", using="true")
        for family in self._families():
            begin, kept = family.name.removesuffix("*"), family.retention_days
            terms = f"partitions = {family.partitions} AND retention_days = {kept}"
            yield self._policy("stream", "INSERT", check=f"starts_with(name, '{begin}') AND {terms}")
            number = f"number < {family.partitions}"
            yield self._policy("partition_head", "INSERT", check=f"starts_with(stream, '{begin}') AND {number}")

    def _policy(self, table: str, what: str, *, using: str = "", check: str = "") -> str:
        """One policy; `own` and `seen` in its terms become the numbers that they hold."""
        terms = f"USING ({using})" if using else f"WITH CHECK ({check})"
        made = (
            f'CREATE POLICY "{self._name} {what.lower()}" ON {self._home}.{table} FOR {what} TO "{self._name}" {terms}'
        )
        return f"EXECUTE replace(replace({_quoted(made)}, '<own>', own::text), '<seen>', seen::text);"

    def _numbers(self, streams: frozenset[str]) -> str:
        chosen = f"SELECT id FROM {self._home}.partition_head WHERE stream = ANY ({_texts(streams)}) ORDER BY id"
        return f"ARRAY({chosen})"

    def _reads(self) -> frozenset[str]:
        member = {DISPATCH.member(self._pool).name} if self._who == WORKER else set()
        return frozenset({name for name in self._access.reads if not name.endswith(".*")} | member)

    def _families(self) -> list[Stream]:
        submits = self._access.submits
        return [stream for stream in STREAMS if stream.name.endswith(".*") and stream.name in submits]


def _among(column: str, numbers: str) -> str:
    return f"{column} = ANY ('<{numbers}>'::int[])"


def _texts(names: frozenset[str]) -> str:
    return "'{" + ",".join(sorted(names)) + "}'::text[]"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
