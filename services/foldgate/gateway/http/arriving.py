"""What has come since: the events of a run or of a tenant, by where they lie on the log.

Inside a partition nothing ever comes before what was there. So "everything at or above these offsets" leaves nothing
out and repeats nothing: across reconnects, gateways and rebuilds of the read model, and however an event's place in its
run has changed meanwhile. Whoever follows keeps nothing but a vector of offsets.
"""

from collections.abc import Mapping
from typing import Literal, NamedTuple

from foldgate.contracts.places import Partition
from foldgate.gateway.http.querying import Row, rows_of
from foldgate.gateway.http.timelines import COLUMNS
from foldgate.gateway.projections.timeline import PROJECTION
from foldgate.readmodel.postgres import ReadModels

Whose = Literal["run_id", "tenant"]
_ABOVE = """
SELECT {columns}
FROM unnest($2::text[], $3::int[], $4::bigint[]) AS v (of_stream, of_partition, reached)
CROSS JOIN LATERAL (
    SELECT * FROM timeline
    WHERE {whose} = $1 AND {whose} <> '' AND stream = v.of_stream AND partition = v.of_partition
        AND "offset" >= v.reached
    ORDER BY "offset" LIMIT $5
) found
ORDER BY stream, partition, "offset" LIMIT $5
"""


class Arrived(NamedTuple):
    """Events, each partition's in order, and the vector from which to ask again."""

    rows: list[Row]
    vector: dict[Partition, int]


async def arrived(
    models: ReadModels, whose: Whose, name: str, *, vector: Mapping[Partition, int], limit: int
) -> Arrived:
    """At most so many events of a run or a tenant that lie at or above these offsets. Partitions that the vector lacks
    are looked at from their beginning; fewer than `limit` are all that there are by now."""
    starts = {partition: vector.get(partition, 0) for partition in PROJECTION.partitions}
    streams, numbers = ([partition[part] for partition in starts] for part in range(2))
    sql = _ABOVE.format(columns=COLUMNS, whose=whose)
    rows = await rows_of(models, sql, name, streams, numbers, list(starts.values()), limit)
    for row in rows:
        starts[Partition(row["stream"], row["partition"])] = row["offset"] + 1
    rows.sort(key=lambda row: (row["moment"], row["turn"], row["stream"], row["partition"], row["offset"]))
    return Arrived(rows, starts)
