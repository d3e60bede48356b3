"""What administrators ask of pools: another document, and that one takes no more jobs, or takes them again.

Pools belong to the suite: who asks must be let in for all tenants, and name none. The request is signed by the suite's
issuer and answered by the scheduler; its word is read from the stream of pools itself, which is short.
"""

import asyncio
from typing import Any

import msgspec
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from foldgate.authority.pools_reading import PoolsInvalid
from foldgate.contracts.events import PoolChanged, PoolsPublished, PoolsRefused
from foldgate.contracts.topics import is_pool_name
from foldgate.gateway.http import asking, bodies
from foldgate.gateway.http.asking import Text
from foldgate.gateway.http.documents import revision_in, unfit
from foldgate.gateway.http.operations import Operation, Parameter, Said
from foldgate.gateway.http.paging import Given
from foldgate.gateway.http.places import text_of
from foldgate.gateway.http.policy_book import check_everywhere
from foldgate.gateway.http.problems import Problem
from foldgate.runtime.context import Context
from foldgate.sdk.answers import NoVerdict
from foldgate.sdk.pools import a_drain, a_layout, an_opening
from foldgate.sdk.requests import Request as Asked

MOST_REASON = 200


class DocumentBody(BaseModel):
    """All pools and routes, as YAML or JSON."""

    model_config = ConfigDict(extra="allow", title="PoolsDocument")

    pools: list[Any] = Field(title="Pools")
    routes: list[Any] = Field(default_factory=list, title="Routes")


class DrainBody(BaseModel):
    """Whether it drains, and why."""

    model_config = ConfigDict(extra="forbid", strict=True, title="Drain")

    draining: bool = Field(default=True, title="Draining", description="false: it takes jobs again.")
    reason: Text = Field(default="", title="Reason", description="In your words.")


class PoolsVerdict(BaseModel):
    """What has come of it."""

    model_config = ConfigDict(title="PoolsVerdict")

    request_id: str = Field(title="Request")
    status: str = Field(title="Status", description="published or changed; accepted while no verdict is known.")
    revision: int | None = Field(title="Revision", description="Of the document that holds now, where one was put.")
    pool: str | None = Field(title="Pool")
    open: bool | None = Field(title="Open", description="Whether the pool takes jobs.")
    reason: str | None = Field(title="Reason", description="Why it takes none: draining, overloaded.")
    words: str | None = Field(title="Words", description="Of whoever drained or opened it.")
    position: str = Field(title="Position", description="Where the request lies, or the verdict.")


_ANSWERS = {
    200: Said(PoolsVerdict, "The scheduler has done it."),
    202: Said(PoolsVerdict, "The request is on the log; no verdict is known yet."),
}
_REASON = Parameter("reason", "query", "In your words.")
_REVISION = Parameter(
    "revision", "query", "The one that was changed; 0 for the first.", "^[0-9]{1,9}$", is_required=True
)


class PoolChanges:
    """Asks for changes of pools."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def operations(self, prefix: str) -> tuple[Operation, ...]:
        """What is served."""
        put = Operation(
            method="PUT",
            path=f"{prefix}/pools",
            endpoint=self.put,
            summary="Say which pools there are, and which topics go to them",
            area="workers",
            role="admin",
            body=DocumentBody,
            parameters=(_REVISION, _REASON),
            answers=_ANSWERS,
            problems=("invalid_parameter", "invalid_pools", "revision_conflict", "unchanged", "log_unavailable"),
        )
        drain = Operation(
            method="POST",
            path=f"{prefix}/pools/{{pool}}/drain",
            endpoint=self.drain,
            summary="Let a pool take no more jobs, or take them again",
            area="workers",
            role="admin",
            body=DrainBody,
            parameters=(Parameter("pool", "path", "The name of a pool."),),
            answers=_ANSWERS,
            problems=("unknown_pool", "unchanged", "log_unavailable"),
        )
        return put, drain

    async def put(self, request: Request) -> Response:
        """Put the document in the body."""
        check_everywhere(request, "pools belong")
        given = Given(request, ("revision", "reason"))
        revision, reason = revision_in(given), given.one("reason") or ""
        if len(reason) > MOST_REASON:
            raise Problem("invalid_parameter", f"Expected a `reason` of at most {MOST_REASON}.", field="reason")
        source = await bodies.received(request)
        return await self._asked(request, await asyncio.to_thread(_layout, source, revision, reason))

    async def drain(self, request: Request) -> Response:
        """Close a pool, or open it."""
        check_everywhere(request, "pools belong")
        body, pool = await bodies.read_if_any(request, DrainBody), request.path_params["pool"]
        if not is_pool_name(pool):
            raise Problem("unknown_pool", f"Expected the name of a pool, but got '{pool[:100]}'.", field="pool")
        asks = a_drain if body.draining else an_opening
        return await self._asked(request, asks(pool, reason=body.reason))

    async def _asked(self, request: Request, asked: Asked) -> Response:
        client = asking.client_of(request, self._context)
        lies = await asking.submitted(client, asked)
        try:
            verdict = await client.verdict(asked, within_s=asking.VERDICT_WITHIN_S)
        except NoVerdict:
            return _answer(202, asked, status="accepted", position=text_of(lies.place))
        match verdict.event:
            case PoolsPublished(revision=revision):
                more = {"revision": revision}
                return _answer(200, asked, status="published", position=text_of(verdict.place), **more)
            case PoolChanged(pool=pool, is_open=is_open, reason=why, words=words):
                state = {"pool": pool, "open": is_open, "reason": why or None, "words": words or None}
                return _answer(200, asked, status="changed", position=text_of(verdict.place), **state)
            case PoolsRefused(code=code, reason=reason, problems=problems):
                raise Problem(code, reason, more={"problems": list(problems)} if problems else None)
            case event:
                raise AssertionError(f"{type(event).__name__} answers a change of pools: {asked.request_id}")


def _layout(source: bytes, revision: int, reason: str) -> Asked:
    """The request; made beside the event loop, because a large document takes its time."""
    try:
        return a_layout(source.decode("utf-8", "replace"), revision=revision, reason=reason)
    except PoolsInvalid as error:
        raise unfit("invalid_pools", error.problems) from None


def _answer(status_code: int, asked: Asked, *, status: str, position: str, **said: Any) -> Response:
    nothing = {"revision": None, "pool": None, "open": None, "reason": None, "words": None}
    document = {"request_id": asked.request_id, "status": status, **nothing, **said, "position": position}
    return Response(msgspec.json.encode(document), status_code, media_type="application/json")
