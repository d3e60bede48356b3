"""The read model of timelines: every event of every stream, each with its place in its run.

Of what is on the log two things are left out, because others say the same: the beats of workers (`jobs` says who came,
stayed and went), and the copies on `dispatch`. What strangers can write is shown without known secrets, and nobody is
shown what proves that a worker holds a lease.

Events come in any order among partitions, so a cause may come after its effect. Then the effect, and what stands behind
it in its run, is placed anew (`placing.py`), in the transaction that brings the cause.
"""

from collections import defaultdict
from collections.abc import Sequence
from importlib.resources import files
from typing import Any, NamedTuple, get_args

import msgspec

from foldgate.authority.redaction import redacted_event
from foldgate.authority.secrets import masked
from foldgate.contracts.events import EVENT_TYPES, Event, MessageQuarantined, Meta, WorkerBeat
from foldgate.contracts.topics import STREAMS, stream_of
from foldgate.database.connections import Connection
from foldgate.gateway.projections.placing import Line, Mark, Place, Settled, Where, line_of, places
from foldgate.readmodel.projection import Projection, Stretch, storable

SHOWN_BYTES = 2048
"""So much is shown of a record that was set aside."""
_HIDDEN = ("token", "mac")
_AS_IT_IS = (str, int, bool, float, type(None))

_INSERT = """
INSERT INTO timeline (stream, partition, "offset", run_id, moment, turn, circular, event_id, type, clock, at, tenant,
    principal, step, job_id, pool, key, request_id, causation, correlation, body)
SELECT * FROM unnest($1::text[], $2::int[], $3::bigint[], $4::text[], $5::bigint[], $6::int[], $7::bool[], $8::text[],
    $9::text[], $10::bigint[], $11::bigint[], $12::text[], $13::text[], $14::text[], $15::text[], $16::text[],
    $17::text[], $18::text[], $19::text[], $20::text[], $21::text[])
"""
_MOVE = """
UPDATE timeline t SET moment = n.moment, turn = n.turn, circular = n.circular
FROM unnest($1::text[], $2::int[], $3::bigint[], $4::bigint[], $5::int[], $6::bool[])
    AS n (stream, partition, "offset", moment, turn, circular)
WHERE t.stream = n.stream AND t.partition = n.partition AND t."offset" = n."offset"
"""
# What answers an event that only comes now; and all of a run in which causes go in a circle.
_MOVED = """
SELECT DISTINCT ON (run_id) run_id, moment, turn FROM (
    SELECT t.run_id, t.moment, t.turn FROM unnest($1::text[], $2::text[]) AS n (run_id, event_id)
    JOIN timeline t ON t.causation = n.event_id AND t.run_id = n.run_id AND t.run_id <> '' AND t.causation <> ''
    UNION ALL
    SELECT run_id, -1, 0 FROM timeline WHERE circular AND run_id = ANY($3)
) moved ORDER BY run_id, moment, turn
"""
_BEHIND = """
SELECT t.run_id, t.stream, t.partition, t."offset", t.event_id, t.causation, t.at, t.moment, t.turn, t.circular
FROM unnest($1::text[], $2::bigint[], $3::int[]) AS n (run_id, moment, turn)
JOIN timeline t ON t.run_id = n.run_id AND t.run_id <> '' AND (t.moment, t.turn) >= (n.moment, n.turn)
"""
_SETTLED = """
SELECT DISTINCT ON (t.run_id, t.event_id, t.stream)
    t.run_id, t.stream, t.partition, t."offset", t.event_id, t.moment, t.turn, t.circular
FROM unnest($1::text[], $2::text[]) AS n (run_id, event_id)
JOIN timeline t ON t.event_id = n.event_id AND t.run_id = n.run_id AND t.run_id <> ''
ORDER BY t.run_id, t.event_id, t.stream, t.partition, t."offset"
"""
_BEFORE = """
SELECT n.run_id, n.stream, n.partition, t.moment, t.turn, t.circular
FROM unnest($1::text[], $2::text[], $3::int[], $4::bigint[]) AS n (run_id, stream, partition, "offset")
CROSS JOIN LATERAL (
    SELECT moment, turn, circular FROM timeline
    WHERE run_id = n.run_id AND run_id <> '' AND stream = n.stream AND partition = n.partition
        AND "offset" < n."offset"
    ORDER BY "offset" DESC LIMIT 1
) t
"""


class Entry(NamedTuple):
    """What the table keeps of an event, besides its place in its run."""

    where: Where
    run_id: str
    event_id: str
    type: str
    clock: int
    at: int
    tenant: str
    principal: str
    step: str
    job_id: str
    pool: str
    key: str
    request_id: str
    causation: str
    correlation: str
    body: str

    @property
    def mark(self) -> Mark:
        return Mark(self.run_id, self.where, self.event_id, self.causation, self.at)


def entry(where: Where, meta: Meta, event: Event) -> Entry:
    """The row of an event."""
    about = getattr(event, "job", None) or event
    whose = (meta.tenant, meta.principal)
    what = (getattr(about, "step", ""), getattr(about, "job_id", ""), meta.pool, meta.key)
    why = (meta.request_id, meta.causation, meta.correlation)
    names = (storable(meta.run_id), storable(meta.event_id), type(event).__name__)
    shown = body(where.stream, event)
    return Entry(where, *names, meta.clock, meta.at, *map(storable, (*whose, *what, *why, shown)))


def body(stream: str, event: Event) -> str:
    """What an event says, as JSON; bytes in hexadecimal digits."""
    if isinstance(event, MessageQuarantined):
        original = masked(event.original)[:SHOWN_BYTES]
        event = msgspec.structs.replace(event, original=original, source_key=masked(event.source_key))
    if stream_of(stream).kind == "open":
        event = redacted_event(event, "low")
    return msgspec.json.encode(_spelt(msgspec.to_builtins(event, builtin_types=(bytes,)))).decode()


def _spelt(value: Any) -> Any:
    if type(value) in _AS_IT_IS:
        return value
    if isinstance(value, dict):
        return {name: _spelt(part) for name, part in value.items() if name not in _HIDDEN}
    if isinstance(value, list | tuple):
        return [_spelt(part) for part in value]
    return value.hex() if isinstance(value, bytes) else value


def event_of(kind: type[Event], shown: str) -> Event:
    """The event that a row shows, but for its bytes: those are left empty."""
    return msgspec.convert(_without_bytes(msgspec.json.decode(shown), kind), kind)


def _without_bytes(value: Any, kind: Any) -> Any:
    if not isinstance(value, dict):
        return value
    for one in (kind, *get_args(kind)):
        if isinstance(one, type) and issubclass(one, msgspec.Struct):
            types = {field.name: field.type for field in msgspec.structs.fields(one)}
            return {
                name: "" if types.get(name) is bytes else _without_bytes(part, types.get(name))
                for name, part in value.items()
            }
    return value


async def write(connection: Connection, stretches: Sequence[Stretch]) -> None:
    """Add these events, each at its place, and give another place to those whose cause is among them."""
    entries = [entry(Where(*s.partition, seen.offset), seen.meta, seen.event) for s in stretches for seen in s.seen]
    if not entries:
        return
    marks = [one.mark for one in entries if one.run_id]
    behind = await _behind(connection, marks)
    found = await _places(connection, [*marks, *behind]) if marks else {}
    await _insert(connection, entries, found)
    await _move(
        connection, {where: found[where] for mark, place in behind.items() if found[where := mark.where] != place}
    )


async def _behind(connection: Connection, marks: Sequence[Mark]) -> dict[Mark, Place]:
    """What is there already and may have to move."""
    runs, ids = [mark.run_id for mark in marks], [mark.event_id for mark in marks]
    moved = await connection.fetch(_MOVED, runs, ids, list(set(runs)))
    if not moved:
        return {}
    rows = await connection.fetch(_BEHIND, *map(list, zip(*moved, strict=True)))
    return {
        Mark(run_id, Where(*where), event_id, causation, at): Place(*place)
        for run_id, *where, event_id, causation, at, moment, turn, circular in rows
        for place in [(moment, turn, circular)]
    }


async def _places(connection: Connection, marks: Sequence[Mark]) -> dict[Where, Place]:
    asked = {(mark.run_id, mark.causation) for mark in marks if mark.causation}
    settled = await connection.fetch(_SETTLED, [run for run, _ in asked], [name for _, name in asked])
    firsts: dict[Line, int] = defaultdict(lambda: 2**63 - 1)
    for mark in marks:
        firsts[line_of(mark)] = min(firsts[line_of(mark)], mark.where.offset)
    lines = [[line[part] for line in firsts] for part in range(3)]
    before = await connection.fetch(_BEFORE, *lines, list(firsts.values()))
    within = {mark.where for mark in marks}
    return places(
        marks,
        [
            Settled(run_id, where, event_id, Place(*place))
            for run_id, stream, partition, offset, event_id, *place in settled
            if (where := Where(stream, partition, offset)) not in within
        ],
        {(run_id, stream, partition): Place(*place) for run_id, stream, partition, *place in before},
    )


async def _insert(connection: Connection, entries: Sequence[Entry], found: dict[Where, Place]) -> None:
    rows = [(*one.where, one.run_id, *found.get(one.where, Place(one.at, 0)), *one[2:]) for one in entries]
    await connection.execute(_INSERT, *map(list, zip(*rows, strict=True)))


async def _move(connection: Connection, moved: dict[Where, Place]) -> None:
    if moved:
        rows = [(*where, *place) for where, place in moved.items()]
        await connection.execute(_MOVE, *map(list, zip(*rows, strict=True)))


_LEFT_OUT = {WorkerBeat.__name__}
_STREAMS = [stream for stream in STREAMS if stream.kind != "relay" and set(stream.events) - _LEFT_OUT]

PROJECTION = Projection(
    name="timeline",
    version=1,
    streams=tuple(stream.name for stream in _STREAMS),
    events=tuple(EVENT_TYPES[name] for name in sorted({name for s in _STREAMS for name in s.events} - _LEFT_OUT)),
    tables=files("foldgate.gateway.projections").joinpath("timeline.sql").read_text(),
    write=write,
)
