"""What has come since: the events of a run or of a tenant, by where they lie on the log.

Inside a partition nothing ever comes before what was there. So "everything at or above these offsets" leaves nothing
out and repeats nothing: across reconnects, gateways and rebuilds of the read model, and however an event's place in its
run has changed meanwhile. Whoever follows keeps nothing but a vector of offsets.

What is read of each partition is a beginning of what there is, also where not all of it fits: so a page is taken by the
latest moment that each partition has reached, and shown in that order. Whose workflow an event's run is of is known by
the read model of runs, which may be behind: a partition is not read beyond a run that is not known there yet.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from foldgate.contracts.places import Partition
from foldgate.gateway.http.querying import Row, rows_of
from foldgate.gateway.http.timelines import COLUMNS
from foldgate.gateway.projections.timeline import PROJECTION
from foldgate.readmodel.postgres import ReadModels

Whose = Literal["run_id", "tenant"]
Vector = Mapping[Partition, int]
_COLUMNS = ", ".join(f"t.{name.strip()}" for name in COLUMNS.split(","))
_ABOVE = """
SELECT * FROM (
    SELECT found.*, max(moment) OVER (PARTITION BY stream, partition ORDER BY "offset") AS reached
    FROM unnest($2::text[], $3::int[], $4::bigint[], $5::bigint[]) AS v (of_stream, of_partition, start, stop)
    CROSS JOIN LATERAL (
        SELECT {columns}, {known} AS is_known FROM timeline t {runs}
        WHERE t.{whose} = $1 AND t.{whose} <> '' AND t.stream = v.of_stream AND t.partition = v.of_partition
            AND t."offset" >= v.start AND t."offset" < v.stop {also}
        ORDER BY t."offset" LIMIT $6
    ) found
) one
ORDER BY reached, stream, partition, "offset" LIMIT $6
"""
_EVER = 2**63 - 1


@dataclass(frozen=True, kw_only=True)
class View:
    """Which events: of one run or tenant, on these streams, and where more is said, only those."""

    whose: Whose
    name: str
    streams: tuple[str, ...] = PROJECTION.streams
    types: tuple[str, ...] = ()
    run_id: str = ""
    workflow: str = ""

    @property
    def partitions(self) -> list[Partition]:
        """Where they lie."""
        return [partition for partition in PROJECTION.partitions if partition.stream in self.streams]


class Arrived(NamedTuple):
    """Events, each partition's in order, and the vector from which to ask again. If there is `more`, then at once; if
    something was `held` back, then once the read model of runs has caught up."""

    rows: list[Row]
    vector: dict[Partition, int]
    more: bool = False
    held: bool = False


async def arrived(
    models: ReadModels,
    view: View,
    *,
    vector: Vector,
    limit: int,
    visible: Vector | None = None,
    holds_back: bool = True,
) -> Arrived:
    """At most so many events that lie at or above these offsets. Partitions that the vector lacks are looked at from
    their beginning. Where it is known how much is `visible`, all below that counts as looked at once nothing more of
    it is found. Nothing is held back if the read model of runs is known to have caught up."""
    starts = {partition: vector.get(partition, 0) for partition in view.partitions}
    stops = {p: _EVER if visible is None else max(at, visible.get(p, 0)) for p, at in starts.items()}
    sql, more = _query(view, holds_back=holds_back)
    streams, numbers = ([partition[part] for partition in starts] for part in range(2))
    bounds = (list(starts.values()), list(stops.values()))
    rows = await rows_of(models, sql, view.name, streams, numbers, *bounds, limit, *more)
    is_full = len(rows) == limit
    rows, held = _known(rows)
    for row in rows:
        starts[place_of(row)] = row["offset"] + 1
    if visible is not None and not is_full:
        starts |= {partition: stop for partition, stop in stops.items() if partition not in held}
    return Arrived(_in_order(rows), starts, more=is_full, held=bool(held))


def place_of(row: Row) -> Partition:
    """The partition in which an event lies."""
    return Partition(row["stream"], row["partition"])


def _query(view: View, *, holds_back: bool) -> tuple[str, list[object]]:
    """The question, and its arguments after those that each has."""
    also = ""
    more: list[object] = []
    if view.types:
        more.append(list(view.types))
        also += f" AND t.type = ANY(${6 + len(more)}::text[])"
    if view.run_id:
        more.append(view.run_id)
        also += f" AND t.run_id = ${6 + len(more)}"
    known, runs = "true", ""
    if view.workflow:
        more.append(view.workflow)
        known, runs = "r.run_id IS NOT NULL", "LEFT JOIN runs r ON r.run_id = t.run_id"
        unknown = "r.run_id IS NULL" if holds_back else "false"
        also += f" AND t.run_id <> '' AND ({unknown} OR r.workflow = ${6 + len(more)})"
    return _ABOVE.format(columns=_COLUMNS, whose=view.whose, also=also, known=known, runs=runs), more


def _known(rows: Sequence[Row]) -> tuple[list[Row], set[Partition]]:
    """What comes before the first event in its partition of which too little is known yet, and in which partitions
    there is one."""
    held: set[Partition] = set()
    kept = []
    for row in rows:
        if not row["is_known"]:
            held.add(place_of(row))
        elif place_of(row) not in held:
            kept.append(row)
    return kept, held


def _in_order(rows: Sequence[Row]) -> list[Row]:
    """Causes before effects as far as that leaves each partition in its order."""
    return [row for _, row in sorted(_keyed(rows), key=lambda pair: pair[0])]


def _keyed(rows: Sequence[Row]) -> Iterator[tuple[tuple[int, int, str, int, int], Row]]:
    reached: dict[Partition, tuple[int, int]] = defaultdict(lambda: (-1, 0))
    for row in rows:  # each partition's by offset, as they were asked for
        here = place_of(row)
        reached[here] = max(reached[here], (row["moment"], row["turn"]))
        yield (*reached[here], *here, row["offset"]), row
