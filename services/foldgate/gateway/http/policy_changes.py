"""What administrators ask of policy: drafts, that they hold or are tried beside what holds, and what held before.

Policy belongs to the suite: who asks must be let in for all tenants, and name none. The request is signed by the
suite's issuer and answered by the policy kernel's verdict.
"""

import asyncio
from typing import Any

import msgspec
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from foldgate.authority.bundles import BundleInvalid
from foldgate.contracts.events import PolicyDrafted, PolicyPublished, PolicyPutRequested, PolicyRefused, PolicyShadowed
from foldgate.eventlog.log import Submitted
from foldgate.gateway.http import asking, bodies
from foldgate.gateway.http.asking import Text
from foldgate.gateway.http.documents import revision_in, unfit
from foldgate.gateway.http.operations import Operation, Parameter, Said
from foldgate.gateway.http.paging import Given
from foldgate.gateway.http.places import text_of
from foldgate.gateway.http.policies import BUNDLE, bundle_in, name_in
from foldgate.gateway.http.policy_book import PolicyBook, check_everywhere
from foldgate.gateway.http.problems import Problem
from foldgate.gateway.http.verdicts import Verdict, Verdicts, nothing_else
from foldgate.runtime.context import Context
from foldgate.sdk.policies import a_bundle, a_deletion, a_publishing, a_rollback, a_shadow
from foldgate.sdk.requests import Request as Asked

MOST_REASON = 200
MOST_BUNDLES = 1000
_ACCEPTED = "accepted"


class BundleBody(BaseModel):
    """A bundle of rules, as YAML or JSON."""

    model_config = ConfigDict(extra="allow", title="BundleDocument")

    bundle: str = Field(title="Bundle", description="Its id.")
    rules: list[Any] = Field(default_factory=list, title="Rules")


class PublishBody(BaseModel):
    """Which drafts, and why."""

    model_config = ConfigDict(extra="forbid", strict=True, title="Publish")

    bundles: list[Text] = Field(
        default_factory=list, max_length=MOST_BUNDLES, title="Bundles", description="All that wait, if none is named."
    )
    reason: Text = Field(default="", title="Reason", description="In your words.")


class RollbackBody(BaseModel):
    """What to take back to, and why."""

    model_config = ConfigDict(extra="forbid", strict=True, title="Rollback")

    policy_snapshot: Text = Field(
        default="",
        title="Snapshot",
        description="Or its first 8 digits; the one before the active one, if none is named.",
    )
    reason: Text = Field(default="", title="Reason", description="In your words.")


class ShadowBody(BaseModel):
    """Which draft, or none any longer."""

    model_config = ConfigDict(extra="forbid", strict=True, title="Shadow")

    end: bool = Field(default=False, title="End", description="true: nothing of it is evaluated any longer.")
    reason: Text = Field(default="", title="Reason", description="In your words.")


class PolicyVerdict(BaseModel):
    """What has come of it."""

    model_config = ConfigDict(title="PolicyVerdict")

    request_id: str = Field(title="Request")
    status: str = Field(
        title="Status", description="drafted, published, shadowed, or accepted while no verdict is known."
    )
    bundle: str | None = Field(title="Bundle")
    revision: int | None = Field(title="Revision", description="Of the draft.")
    digest: str | None = Field(title="Digest", description="Of the draft.")
    policy_snapshot: str | None = Field(title="Snapshot", description="That is active now.")
    position: str = Field(title="Position", description="Where the verdict lies, or the request.")


_ANSWERS = {
    200: Said(PolicyVerdict, "The policy kernel has done it."),
    202: Said(PolicyVerdict, "The request is on the log; no verdict is known yet."),
}
_REASON = Parameter("reason", "query", "In your words.")
_REVISION = Parameter(
    "revision", "query", "The one that was changed; 0 for a new bundle.", "^[0-9]{1,9}$", is_required=True
)
_PROBLEMS = ("unchanged", "log_unavailable", "not_yet", "database_unavailable")


class PolicyChanges:
    """Asks for changes of policy."""

    def __init__(self, context: Context, verdicts: Verdicts, book: PolicyBook) -> None:
        self._context, self._verdicts, self._book = context, verdicts, book

    def operations(self, prefix: str) -> tuple[Operation, ...]:
        """What is served."""
        at = f"{prefix}/policy"
        return (
            Operation(
                method="PUT", path=f"{at}/bundles/{{bundle}}", endpoint=self.put, summary="Put a draft of a bundle",
                area="policy", role="policy_admin", body=BundleBody, parameters=(BUNDLE, _REVISION, _REASON),
                answers=_ANSWERS, problems=("invalid_parameter", "invalid_bundle", "revision_conflict", *_PROBLEMS),
            ),
            Operation(
                method="DELETE", path=f"{at}/bundles/{{bundle}}", endpoint=self.delete,
                summary="Let a bundle hold no longer", area="policy", role="policy_admin",
                parameters=(BUNDLE, _REASON), answers=_ANSWERS,
                problems=("invalid_parameter", "unknown_bundle", *_PROBLEMS),
            ),
            Operation(
                method="POST", path=f"{at}/bundles/{{bundle}}/shadow", endpoint=self.shadow,
                summary="Evaluate the last draft of a bundle beside what holds", area="policy", role="policy_admin",
                body=ShadowBody, parameters=(BUNDLE,), answers=_ANSWERS, problems=("unknown_bundle", *_PROBLEMS),
            ),
            Operation(
                method="POST", path=f"{at}/publish", endpoint=self.publish, summary="Let drafts hold", area="policy",
                role="policy_admin", body=PublishBody, answers=_ANSWERS,
                problems=("unknown_bundle", "nothing_to_publish", *_PROBLEMS),
            ),
            Operation(
                method="POST", path=f"{at}/rollback", endpoint=self.rollback,
                summary="Let an earlier snapshot hold again", area="policy", role="policy_admin",
                body=RollbackBody, answers=_ANSWERS,
                problems=("unknown_snapshot", *_PROBLEMS),
            ),
        )  # fmt: skip

    async def put(self, request: Request) -> Response:
        """Put the document in the body."""
        check_everywhere(request)
        given = Given(request, ("revision", "reason"))
        revision, named = revision_in(given), name_in(request)
        source, reason = await bodies.received(request), _reason_in(given)
        asked = await asyncio.to_thread(_draft, source, revision, reason)
        assert isinstance(asked.event, PolicyPutRequested)
        if asked.event.bundle != named:
            what = f"Expected the bundle '{named[:100]}', which the path names, but the document is another"
            raise Problem("invalid_bundle", f"{what}: '{asked.event.bundle}'.", field="bundle")
        return await self._asked(request, asked)

    async def delete(self, request: Request) -> Response:
        """Let a bundle hold no longer."""
        check_everywhere(request)
        reason = _reason_in(Given(request, ("reason",)))
        named = bundle_in(request, await self._book.latest())
        return await self._asked(request, a_deletion(named, reason=reason))

    async def shadow(self, request: Request) -> Response:
        """Evaluate a draft beside what holds, or no longer."""
        check_everywhere(request)
        body = await bodies.read_if_any(request, ShadowBody)
        known = await self._book.latest()
        named = bundle_in(request, known)
        revision = 0 if body.end else known.revision(named)
        return await self._asked(request, a_shadow(named, revision=revision, reason=body.reason))

    async def publish(self, request: Request) -> Response:
        """Let drafts hold."""
        check_everywhere(request)
        body = await bodies.read_if_any(request, PublishBody)
        return await self._asked(request, a_publishing(body.bundles, reason=body.reason))

    async def rollback(self, request: Request) -> Response:
        """Let an earlier snapshot hold again."""
        check_everywhere(request)
        body = await bodies.read_if_any(request, RollbackBody)
        known = await self._book.latest()
        found = known.named(body.policy_snapshot) if body.policy_snapshot else known.before()
        if found is None:
            named = f"but there is no '{body.policy_snapshot[:100]}'" if body.policy_snapshot else "but there is none"
            raise Problem("unknown_snapshot", f"Expected a snapshot that was active, {named}.", field="policy_snapshot")
        return await self._asked(request, a_rollback(found.event.policy_snapshot, reason=body.reason))

    async def _asked(self, request: Request, asked: Asked) -> Response:
        with self._verdicts.expected(asked.key, asked.request_id, on=asked.answered_on, also=nothing_else) as waiting:
            lies = await asking.submitted(asking.client_of(request, self._context), asked)
            try:
                async with asyncio.timeout(asking.VERDICT_WITHIN_S):
                    return _judged(asked, await waiting)
            except TimeoutError:
                return _answer(_ACCEPTED, asked, lies.place)


def _reason_in(given: Given) -> str:
    reason = given.one("reason") or ""
    if len(reason) > MOST_REASON:
        raise Problem("invalid_parameter", f"Expected a `reason` of at most {MOST_REASON} characters.", field="reason")
    return reason


def _draft(source: bytes, revision: int, reason: str) -> Asked:
    """The request; made beside the event loop, because a large document takes its time."""
    try:
        return a_bundle(source.decode("utf-8", "replace"), revision=revision, reason=reason)
    except BundleInvalid as error:
        raise unfit("invalid_bundle", error.problems) from None


def _judged(asked: Asked, verdict: Verdict) -> Response:
    match verdict.event:
        case PolicyDrafted(bundle=bundle, revision=revision, digest=digest):
            return _answer("drafted", asked, verdict.place, bundle=bundle, revision=revision, digest=digest)
        case PolicyShadowed(bundle=bundle, revision=revision, digest=digest):
            more = {"bundle": bundle, "revision": revision or None, "digest": digest or None}
            return _answer("shadowed", asked, verdict.place, **more)
        case PolicyPublished(policy_snapshot=snapshot):
            return _answer("published", asked, verdict.place, policy_snapshot=snapshot)
        case PolicyRefused(code=code, reason=reason, problems=problems):
            raise Problem(code, reason, more={"problems": list(problems)} if problems else None)
        case event:
            raise AssertionError(f"{type(event).__name__} answers a change of policy: {asked.request_id}")


def _answer(status: str, asked: Asked, place: Submitted, **said: Any) -> Response:
    nothing = {"bundle": None, "revision": None, "digest": None, "policy_snapshot": None}
    document = {"request_id": asked.request_id, "status": status, **nothing, **said, "position": text_of(place)}
    status_code = 202 if status == _ACCEPTED else 200
    return Response(msgspec.json.encode(document), status_code, media_type="application/json")
