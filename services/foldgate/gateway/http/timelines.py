"""Timelines: what happened in a run, in the order of cause and effect, in pages both ways.

A page ends at an event's place in the run (`projections/placing.py`). What comes late goes to where it belongs, which
may be before a page that was read: who follows what happens asks by where events lie (`arriving.py`).
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from foldgate.gateway.http.auth import caller_of
from foldgate.gateway.http.operations import Operation, Parameter, Said
from foldgate.gateway.http.paging import CURSOR_FORM, LIMIT, Given, Int, Long, cursor_at, page
from foldgate.gateway.http.querying import Row, rows_of
from foldgate.gateway.http.reflecting import AFTER, reflected
from foldgate.gateway.http.runs import Runs
from foldgate.gateway.projections.placing import bounded
from foldgate.gateway.projections.timeline import PROJECTION
from foldgate.readmodel.postgres import ReadModels
from foldgate.readmodel.projector import Projector

_LIST, _ORDERS = "timeline", ("asc", "desc")
TYPES = tuple(event.__name__ for event in PROJECTION.events)
_ABOUT = ("run_id", "step", "job_id", "pool", "tenant", "principal", "request_id", "causation", "correlation")
Place = tuple[Long, Int, str, Int, Long]
"""Where an event stands in its run: moment, turn, stream, partition and offset."""
COLUMNS = """moment, turn, stream, partition, "offset", run_id, event_id, type, clock, at, tenant, principal, step,
    job_id, pool, request_id, causation, correlation, body"""
_PAGE = """
SELECT {columns} FROM timeline
WHERE run_id = $1 AND run_id <> '' {beyond}
    AND (cardinality($2::text[]) = 0 OR type = ANY($2)) AND (cardinality($3::text[]) = 0 OR stream = ANY($3))
    AND (cardinality($4::text[]) = 0 OR step = ANY($4))
ORDER BY moment {way}, turn {way}, stream {way}, partition {way}, "offset" {way} LIMIT $5
"""
_BEYOND = 'AND (moment, turn, stream, partition, "offset") {sign} ($6, $7, $8, $9, $10)'


class EventAnswer(BaseModel):
    """One event."""

    model_config = ConfigDict(title="Event")

    id: str = Field(title="Id", description="Of the event; a submission that was sent twice is there twice.")
    type: str = Field(title="Type", description="Such as JobDispatched: see the events of the suite.")
    at: AwareDatetime = Field(title="At", description="When, as its writer says.")
    stream: str = Field(title="Stream")
    partition: int = Field(title="Partition")
    offset: int = Field(title="Offset", description="With stream and partition: where it lies on the log.")
    clock: int = Field(title="Clock", description="Of its owner: rises with each event of one key; 0 on open streams.")
    run_id: str | None = Field(title="Run")
    step: str | None = Field(title="Step")
    job_id: str | None = Field(title="Job")
    pool: str | None = Field(title="Pool")
    tenant: str | None = Field(title="Tenant")
    principal: str | None = Field(title="Principal", description="Who acted.")
    request_id: str | None = Field(title="Request", description="The request that it answers.")
    causation: str | None = Field(title="Causation", description="The event that it answers.")
    correlation: str | None = Field(title="Correlation", description="Ties together what came of one request.")
    body: dict[str, Any] = Field(title="Body", description="Its own fields; bytes in hexadecimal digits.")


class TimelineAnswer(BaseModel):
    """A part of a timeline."""

    model_config = ConfigDict(title="Timeline")

    items: list[EventAnswer] = Field(title="Items")
    next_cursor: str | None = Field(title="Next cursor", description="Leads on; null where there is no more by now.")
    previous_cursor: str | None = Field(title="Previous cursor", description="With the other `order`, leads back.")


class Timelines:
    """Shows the timelines of runs."""

    def __init__(self, models: ReadModels, runs: Runs, projector: Projector) -> None:
        self._models, self._runs, self._projector = models, runs, projector

    def operations(self, prefix: str) -> tuple[Operation, ...]:
        """What is served."""
        show = Operation(
            method="GET",
            path=f"{prefix}/workflow-runs/{{run_id}}/timeline",
            endpoint=self.show,
            summary="Show what happened in a run",
            area="runs",
            role="viewer",
            parameters=(
                Parameter("run_id", "path", "The run."),
                LIMIT,
                Parameter("cursor", "query", "A cursor from an earlier page; it serves both orders.", CURSOR_FORM),
                Parameter("order", "query", "asc (causes before effects), or desc: the last first.", one_of(_ORDERS)),
                Parameter("type", "query", "Only events of this type. May come several times.", one_of(TYPES)),
                Parameter(
                    "stream",
                    "query",
                    "Only events of this stream. May come several times.",
                    one_of(PROJECTION.streams),
                ),
                Parameter("step", "query", "Only events of this step. May come several times."),
                AFTER,
            ),
            answers={200: Said(TimelineAnswer, "The events.")},
            problems=("invalid_parameter", "not_found", "not_yet", "database_unavailable"),
        )
        return (show,)

    async def show(self, request: Request) -> Response:
        """A page of the timeline of a run of the caller's tenant."""
        given = Given(request, ("limit", "cursor", "order", "after"), ("type", "stream", "step"))
        order = given.one_of("order", _ORDERS) or "asc"
        filters = (given.among("type", TYPES), given.among("stream", PROJECTION.streams), given.all("step"))
        cursor, limit, run_id = given.cursor(_LIST, Place), given.limit, request.path_params["run_id"]
        await reflected(given.one("after"), self._projector)
        await self._runs.status_of(run_id, caller_of(request).tenant)
        sql = _page_query(order, beyond=cursor is not None)
        rows = await rows_of(self._models, sql, run_id, *filters, limit + 1, *(cursor or ()))
        shown = rows[:limit]
        return page(
            [document(row) for row in shown],
            _cursor(shown[-1]) if len(rows) > limit else None,
            previous_cursor=_cursor(shown[0]) if shown else None,
        )


def document(row: Row) -> dict[str, Any]:
    """An event as clients get it: what there is none of is null."""
    at = datetime.fromtimestamp(bounded(row["at"]) / 1000, tz=UTC)
    return {
        "id": row["event_id"],
        "type": row["type"],
        "at": at,
        **{name: row[name] for name in ("stream", "partition", "offset", "clock")},
        **{name: row[name] or None for name in _ABOUT},
        "body": msgspec.Raw(row["body"].encode()),
    }


def one_of(values: Sequence[str]) -> str:
    """The pattern of a parameter that is one of these."""
    return f"^({'|'.join(values)})$"


def _page_query(order: str, *, beyond: bool) -> str:
    way, sign = ("DESC", "<") if order == "desc" else ("ASC", ">")
    return _PAGE.format(columns=COLUMNS, way=way, beyond=_BEYOND.format(sign=sign) if beyond else "")


def _cursor(row: Row) -> str:
    return cursor_at(_LIST, [row[name] for name in ("moment", "turn", "stream", "partition", "offset")])
