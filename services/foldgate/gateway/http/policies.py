"""Policy, shown: which bundles there are and which hold, every snapshot that ever did, and who changed what.

Policy belongs to the suite: its rules may name anybody. So it is shown to those who are let in for all tenants.
"""

import asyncio
import difflib
from collections.abc import Sequence
from typing import Any

import msgspec
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from foldgate.authority.bundles import compiled
from foldgate.authority.policy_history import PolicyHistory
from foldgate.contracts.events import PolicyDrafted, PolicyVersion
from foldgate.gateway.http.operations import Operation, Parameter, Said
from foldgate.gateway.http.paging import PAGES, Given, Int, Long, cursor_at, cut, page
from foldgate.gateway.http.policy_book import PolicyBook, check_everywhere
from foldgate.gateway.http.problems import Problem
from foldgate.gateway.http.querying import Conditions, rows_of
from foldgate.gateway.http.reflecting import AFTER

BUNDLE = Parameter("bundle", "path", "The id of a bundle; `/` in it is written `~`.")
_SNAPSHOTS, _AUDIT = "snapshots", "audit"
_CHANGES = """
SELECT number, at, type, bundle, principal, reason, code, policy_snapshot, request_id FROM policy_changes
WHERE true {also} ORDER BY number DESC LIMIT $1
"""


class VersionItem(BaseModel):
    """One bundle of a snapshot."""

    model_config = ConfigDict(title="PolicyVersion")

    bundle: str = Field(title="Bundle")
    version: int = Field(title="Version", description="The revision of the draft that became it.")
    digest: str = Field(title="Digest", description="SHA-256 of its canonical form.")


class DraftItem(BaseModel):
    """One draft of a bundle. Times are in milliseconds since 1970."""

    model_config = ConfigDict(title="PolicyDraft")

    revision: int = Field(title="Revision")
    digest: str = Field(title="Digest")
    at: int = Field(title="At")
    by: str = Field(title="By")
    author: str = Field(title="Author", description="Whose signature the document bears; empty if none.")
    reason: str = Field(title="Reason")


class BundleItem(BaseModel):
    """One bundle of a list."""

    model_config = ConfigDict(title="PolicyBundleItem")

    bundle: str = Field(title="Bundle")
    active: VersionItem | None = Field(title="Active", description="The version that holds.")
    revision: int = Field(title="Revision", description="Of its last draft.")
    waits: bool = Field(title="Waits", description="Whether the last draft waits to be published.")
    shadow: int | None = Field(title="Shadow", description="The revision that is evaluated beside what is active.")


class BundlesAnswer(BaseModel):
    """All bundles."""

    model_config = ConfigDict(title="PolicyBundles")

    policy_snapshot: str | None = Field(title="Snapshot", description="The active one; null while nothing holds.")
    default_decision: str = Field(title="Default decision", description="What is decided while no bundle holds.")
    items: list[BundleItem] = Field(title="Items", description="By their ids.")


class RuleItem(BaseModel):
    """One rule of a bundle."""

    model_config = ConfigDict(title="PolicyRule")

    id: str = Field(title="Rule")
    decision: str = Field(title="Decision")
    phases: list[str] = Field(title="Phases", description="submit: whether a run begins; dispatch: whether a job does.")
    asks: list[str] = Field(title="Asks", description="What it looks at.")
    reason: str = Field(title="Reason")


class BundleAnswer(BundleItem):
    """One bundle, whole."""

    model_config = ConfigDict(title="PolicyBundle")

    default_decision: str = Field(title="Default decision", description="Where no rule of it matches.")
    rules: list[RuleItem] = Field(title="Rules", description="Those that hold; of the last draft, if none do.")
    drafts: list[DraftItem] = Field(title="Drafts", description="The oldest first.")
    source: str = Field(title="Source", description="The last draft, as it was put.")


class SnapshotItem(BaseModel):
    """One time that a snapshot became active. Times are in milliseconds since 1970."""

    model_config = ConfigDict(title="PolicySnapshot")

    policy_snapshot: str = Field(title="Snapshot")
    active: bool = Field(title="Active")
    kind: str = Field(title="Kind", description="publish, rollback or delete.")
    at: int = Field(title="At")
    by: str = Field(title="By")
    reason: str = Field(title="Reason")
    replaces: str = Field(title="Replaces", description="The snapshot before; empty for the first.")
    bundles: list[VersionItem] = Field(title="Bundles")


class SnapshotsAnswer(BaseModel):
    """A part of the list of snapshots."""

    model_config = ConfigDict(title="PolicySnapshots")

    items: list[SnapshotItem] = Field(title="Items", description="The newest first.")
    next_cursor: str | None = Field(title="Next cursor", description="Leads on; null at the end.")


class ChangeItem(BaseModel):
    """One thing that the policy kernel said. Times are in milliseconds since 1970."""

    model_config = ConfigDict(title="PolicyChange")

    number: int = Field(title="Number", description="Among all that was said of policy.")
    at: int = Field(title="At")
    type: str = Field(title="Type", description="The event: PolicyDrafted, PolicyPublished, PolicyRefused, …")
    bundle: str = Field(title="Bundle", description="Empty where it is about several, or none.")
    principal: str = Field(title="Principal", description="Whoever asked.")
    reason: str = Field(title="Reason")
    code: str = Field(title="Code", description="Of a refusal.")
    policy_snapshot: str = Field(title="Snapshot", description="That became active.")
    request_id: str = Field(title="Request")


class ChangesAnswer(BaseModel):
    """A part of what became of policy."""

    model_config = ConfigDict(title="PolicyChanges")

    items: list[ChangeItem] = Field(title="Items", description="The newest first.")
    next_cursor: str | None = Field(title="Next cursor", description="Leads on; null at the end.")


class Policies:
    """Shows policy."""

    def __init__(self, book: PolicyBook) -> None:
        self._book = book

    def operations(self, prefix: str) -> tuple[Operation, ...]:
        """What is served."""
        wrong = ("invalid_parameter", "not_yet", "database_unavailable")
        at = f"{prefix}/policy"
        one = Parameter("snapshot", "path", "The name of a snapshot, or its first 8 digits.")
        return (
            Operation(
                method="GET", path=f"{at}/bundles", endpoint=self.bundles, summary="List policy bundles", area="policy",
                role="viewer", parameters=(AFTER,), answers={200: Said(BundlesAnswer, "All of them.")}, problems=wrong,
            ),
            Operation(
                method="GET", path=f"{at}/bundles/{{bundle}}", endpoint=self.bundle, summary="Show a policy bundle",
                area="policy", role="viewer", parameters=(BUNDLE, AFTER),
                answers={200: Said(BundleAnswer, "The bundle.")}, problems=("unknown_bundle", *wrong),
            ),
            Operation(
                method="GET", path=f"{at}/snapshots", endpoint=self.snapshots, summary="List what ever was active",
                area="policy", role="viewer", parameters=(*PAGES, AFTER),
                answers={200: Said(SnapshotsAnswer, "Each time that a snapshot became active.")}, problems=wrong,
            ),
            Operation(
                method="GET", path=f"{at}/snapshots/{{snapshot}}", endpoint=self.snapshot, summary="Show a snapshot",
                area="policy", role="viewer", parameters=(one, AFTER),
                answers={200: Said(SnapshotItem, "As it became active last.")}, problems=("unknown_snapshot", *wrong),
            ),
            Operation(
                method="GET", path=f"{at}/audit", endpoint=self.audit, summary="List who changed policy, and why",
                area="policy", role="viewer",
                parameters=(Parameter("bundle", "query", "Only what is about this bundle alone."), *PAGES, AFTER),
                answers={200: Said(ChangesAnswer, "Whatever was done, and what was refused.")}, problems=wrong,
            ),
        )  # fmt: skip

    async def bundles(self, request: Request) -> Response:
        """Every bundle that was ever put."""
        check_everywhere(request)
        known = await self._book.history(Given(request, ("after",)).one("after"))
        document = {
            "policy_snapshot": known.table.active_name if known.activated else None,
            "default_decision": self._book.default_decision,
            "items": [_item(known, bundle) for bundle in sorted(known.drafts)],
        }
        return _json(document)

    async def bundle(self, request: Request) -> Response:
        """One bundle."""
        check_everywhere(request)
        known = await self._book.history(Given(request, ("after",)).one("after"))
        return _json(await asyncio.to_thread(_whole, known, bundle_in(request, known)))

    async def snapshots(self, request: Request) -> Response:
        """Every time that one became active."""
        check_everywhere(request)
        given = Given(request, ("limit", "cursor", "after"))
        key = given.cursor(_SNAPSHOTS, tuple[Int])
        known = await self._book.history(given.one("after"))
        end = len(known.activated) if key is None else min(key[0], len(known.activated))
        begin = max(0, end - given.limit)
        items = [_snapshot(known, at) for at in reversed(range(begin, end))]
        return page(items, cursor_at(_SNAPSHOTS, [begin]) if begin else None)

    async def snapshot(self, request: Request) -> Response:
        """One of them."""
        check_everywhere(request)
        known = await self._book.history(Given(request, ("after",)).one("after"))
        named = request.path_params["snapshot"]
        found = known.named(named)
        if found is None:
            what = f"Expected a snapshot that was active, but there is no '{named[:100]}'."
            raise Problem("unknown_snapshot", what, field="snapshot")
        return _json(_snapshot(known, known.activated.index(found)))

    async def audit(self, request: Request) -> Response:
        """What was done to policy."""
        check_everywhere(request)
        given = Given(request, ("bundle", "limit", "cursor", "after"))
        query = Conditions(given.limit + 1)
        if (bundle := given.one("bundle")) is not None:
            query.add("bundle = {0}", bundle)
        if (key := given.cursor(_AUDIT, tuple[Long])) is not None:
            query.add("number < {0}", *key)
        await self._book.reflects(given.one("after"))
        rows = await rows_of(self._book.models, _CHANGES.format(also=query.also), *query.arguments)
        shown, more = cut(rows, given.limit, of=_AUDIT, by=("number",))
        return page([dict(row) for row in shown], more)


def bundle_in(request: Request, known: PolicyHistory) -> str:
    """The bundle that the path names; a problem if it was never put."""
    named = name_in(request)
    if named in known.drafts:
        return named
    near = difflib.get_close_matches(named[:200], known.drafts, n=1, cutoff=0.5)
    hint = f": did you mean '{near[0]}'?" if near else "."
    raise Problem(
        "unknown_bundle", f"Expected a bundle that was put, but there is no '{named[:100]}'{hint}", field="bundle"
    )


def drafts_of(known: PolicyHistory, bundles: Sequence[str]) -> Sequence[PolicyDrafted]:
    """The last drafts of these bundles; all that wait, if none is named."""
    for named in bundles:
        if named not in known.drafts:
            what = f"Expected a bundle that was put, but there is no '{named[:100]}'."
            raise Problem("unknown_bundle", what, field="bundles")
    return [known.drafts[named][-1].event for named in bundles] or known.waiting


def name_in(request: Request) -> str:
    """The bundle that the path names."""
    return str(request.path_params["bundle"]).replace("~", "/")


def _item(known: PolicyHistory, bundle: str) -> dict[str, Any]:
    active = known.version(bundle)
    return {
        "bundle": bundle,
        "active": None if active is None else _version(active),
        "revision": known.revision(bundle),
        "waits": any(one.bundle == bundle for one in known.waiting),
        "shadow": next((one.revision for one in known.table.shadows if one.bundle == bundle), None),
    }


def _whole(known: PolicyHistory, named: str) -> dict[str, Any]:
    """A bundle with its rules; made beside the event loop, because many of them take their time."""
    drafts, active = known.drafts[named], known.version(named)
    draft = drafts[-1].event
    bundle = compiled(draft.definition if active is None else active.definition)
    return {
        **_item(known, named),
        "default_decision": bundle.default.decision,
        "rules": [
            {
                "id": rule.id,
                "decision": rule.effect.decision,
                "phases": sorted(rule.phases),
                "asks": [ask.name for ask in (*rule.asks, *rule.further)],
                "reason": rule.effect.reason,
            }
            for rule in bundle.rules
        ],
        "drafts": [
            {
                "revision": one.event.revision,
                "digest": one.event.digest,
                "at": one.at,
                "by": one.event.by,
                "author": one.event.author,
                "reason": one.event.reason,
            }
            for one in drafts
        ],
        "source": draft.source or draft.definition,
    }


def _snapshot(known: PolicyHistory, at: int) -> dict[str, Any]:
    event, when = known.activated[at]
    return {
        "policy_snapshot": event.policy_snapshot,
        "active": at == len(known.activated) - 1,
        "kind": event.kind,
        "at": when,
        "by": event.by,
        "reason": event.reason,
        "replaces": event.replaces,
        "bundles": [_version(one) for one in event.bundles],
    }


def _version(one: PolicyVersion) -> dict[str, Any]:
    return {"bundle": one.bundle, "version": one.version, "digest": one.digest}


def _json(document: dict[str, Any]) -> Response:
    return Response(msgspec.json.encode(document), media_type="application/json")
