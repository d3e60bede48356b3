"""The questions of a suite, read from `approvals`: who is asked what, and what came of it."""

from pathlib import Path
from typing import Any

import msgspec

from foldgate.cli.mistakes import FAILED, AskedWrongly
from foldgate.cli.reaching import Reached, opened
from foldgate.cli.reading import StreamReader
from foldgate.cli.telling import told
from foldgate.cli.terminal import console, harmless, plain, say, say_json, table
from foldgate.cli.words import moment
from foldgate.contracts.events import (
    ApprovalClosed,
    ApprovalExpired,
    ApprovalGranted,
    ApprovalOpened,
    ApprovalRefused,
    Event,
    Meta,
    VoteRecorded,
)
from foldgate.contracts.topics import APPROVALS, partition_of
from foldgate.sdk.client import Client
from foldgate.sdk.voting import a_vote, cast

_OPEN = "open"
_ENDS: dict[type, str] = {
    ApprovalGranted: "granted",
    ApprovalRefused: "refused",
    ApprovalExpired: "expired",
    ApprovalClosed: "closed",
}
_STYLES = {_OPEN: "yellow", "granted": "green", "refused": "red", "expired": "red", "closed": "dim"}


class Question(msgspec.Struct, kw_only=True):
    """One question, and what is known of it."""

    approval_id: str
    run_id: str
    step: str
    tenant: str
    kind: str
    status: str = _OPEN
    opened_at: int
    expires_at: int | None
    settled_at: int | None = None
    requester: str
    votes: list[VoteRecorded] = []
    input: Any
    terms: Any
    schema: Any
    data: Any = None


async def print_list(*, everything: bool, data: Path | None, as_json: bool) -> None:
    """Print the open questions, the oldest first, or all."""
    async with opened(data) as suite:
        found = await questions(suite)
    listed = [one for one in found.values() if everything or one.status == _OPEN]
    if as_json:
        say_json(listed)
        return
    shown = table("approval", "asks for", "status", "since", "until", "votes", "shown")
    for one in listed:
        row = (one.approval_id, _wants(one), one.status, moment(one.opened_at), moment(one.expires_at), _votes(one))
        shown.add_row(*(harmless(str(cell), most=100) for cell in row), harmless(_json(one.input), most=60))
    console().print(shown)


async def print_question(approval_id: str, *, data: Path | None, as_json: bool) -> None:
    """Print one question whole: what people are shown, on which terms, who has voted."""
    async with opened(data) as suite:
        one = await question(suite, approval_id)
    if as_json:
        say_json(one)
    else:
        _print(one)


async def vote(
    approval_id: str, *, approve: bool, given: Any, reason: str, voter: str, data: Path | None, as_json: bool
) -> int:
    """Vote, and tell what is made of it."""
    async with opened(data) as suite:
        asked = await question(suite, approval_id)
        client = Client(suite.log, codec=suite.codec, tenant=asked.tenant, principal=voter)
        wanted = a_vote(approval_id, approve=approve, data=given, reason=reason)
        event = await cast(client, suite.log, wanted, codec=suite.codec)
        after = await question(suite, approval_id)
    return _tell(after, event, as_json=as_json)


async def questions(suite: Reached) -> dict[str, Question]:
    """Every question there ever was, in the order they were asked."""
    return await _read(suite, dict.fromkeys(range(APPROVALS.partitions), 0))


async def question(suite: Reached, approval_id: str) -> Question:
    """The question of that name."""
    run_id = approval_id.partition(":")[0]
    found = await _read(suite, {partition_of(run_id.encode(), APPROVALS.partitions): 0})
    if approval_id not in found:
        raise AskedWrongly(
            f"Expected a question such as `foldgate approvals list` shows, but got '{harmless(approval_id, most=100)}'."
        )
    return found[approval_id]


async def _read(suite: Reached, starts: dict[int, int]) -> dict[str, Question]:
    found: dict[str, Question] = {}
    if APPROVALS.name in suite.seen.streams:
        reader = await StreamReader.at(suite.log, suite.codec, stream=APPROVALS, starts=starts)
        async for seen in reader.there():
            if seen.accepted and seen.meta is not None and seen.event is not None:
                _take(found, seen.meta, seen.event)
    return found


def _take(found: dict[str, Question], meta: Meta, event: Event) -> None:
    match event:
        case ApprovalOpened():
            found[event.approval_id] = _opened(event, meta)
        case VoteRecorded() if event.approval_id in found:
            found[event.approval_id].votes.append(event)
        case ApprovalGranted() | ApprovalRefused() | ApprovalExpired() | ApprovalClosed() if event.approval_id in found:
            one = found[event.approval_id]
            one.status, one.settled_at = _ENDS[type(event)], meta.at
            one.data = msgspec.json.decode(event.data) if isinstance(event, ApprovalGranted) else None
        case _:
            return


def _opened(event: ApprovalOpened, meta: Meta) -> Question:
    return Question(
        approval_id=event.approval_id,
        run_id=meta.run_id,
        step=event.step,
        tenant=meta.tenant,
        kind=event.kind,
        opened_at=meta.at,
        expires_at=event.expires_at,
        requester=event.requester,
        input=msgspec.json.decode(event.input or "null"),
        terms=msgspec.json.decode(event.terms or "{}"),
        schema=msgspec.json.decode(event.schema or "null"),
    )


def _required(one: Question) -> int:
    return int(one.terms.get("required", 1))


def _wants(one: Question) -> str:
    return "data" if one.kind == "input" else "a yes"


def _votes(one: Question) -> str:
    return f"{sum(vote.approve for vote in one.votes)} of {_required(one)}"


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _print(one: Question) -> None:
    say(f"{harmless(one.approval_id)} {one.status}", style=_STYLES[one.status])
    say(f"  asks for   {_wants(one)}, of {_required(one)}")
    say(f"  from       {harmless(one.requester, most=60)}")
    say(f"  since      {moment(one.opened_at)}, until {moment(one.expires_at)}")
    say(f"  shown      {harmless(_json(one.input))}")
    say(f"  terms      {harmless(_json(one.terms))}")
    if one.schema is not None:
        say(f"  must fit   {harmless(_json(one.schema))}")
    for vote in one.votes:
        say(f"  vote       {told(vote)}")
    if one.data is not None:
        say(f"  data       {harmless(_json(one.data))}")


def _tell(one: Question, event: Event, *, as_json: bool) -> int:
    counts = isinstance(event, VoteRecorded)
    if as_json:
        said = plain(event) if counts else {"code": getattr(event, "code", ""), "reason": getattr(event, "reason", "")}
        say_json({"approval_id": one.approval_id, "counts": counts, "status": one.status, **said})
    elif counts:
        say(f"{harmless(one.approval_id)} has the vote: {_votes(one)}, {one.status}.", style="green")
    else:
        say(f"{harmless(one.approval_id)} was not changed: {told(event)}", style="red")
    return 0 if counts else FAILED
