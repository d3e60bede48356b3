"""Votes from the command line: signed by the issuer of the suite, on what was shown, and told what is made of them."""

from pathlib import Path
from typing import TYPE_CHECKING

from foldgate.cli.approvals import NewVote
from foldgate.cli.mistakes import FAILED
from foldgate.cli.question_showing import lacks
from foldgate.cli.questions import question
from foldgate.cli.reaching import opened
from foldgate.cli.telling import told
from foldgate.cli.terminal import harmless, plain, say, say_json
from foldgate.contracts.events import Event, VoteRecorded
from foldgate.runtime.keys import Keys
from foldgate.runtime.settings import Settings
from foldgate.sdk.client import Client
from foldgate.sdk.questions import OPEN, Question
from foldgate.sdk.voting import a_vote, cast

if TYPE_CHECKING:
    from foldgate.authority.keys import Signer


async def look(approval_id: str, *, data: Path | None) -> Question:
    """The question that somebody is about to answer."""
    async with opened(data) as suite:
        return await question(suite, approval_id)


async def vote(asked: Question, wanted: NewVote, *, data: Path | None, as_json: bool) -> int:
    """Vote, and tell what is made of it."""
    request = a_vote(
        asked.approval_id,
        approve=wanted.approve,
        data=wanted.given,
        reason=wanted.reason,
        binding=wanted.binding,
        roles=wanted.roles,
    )
    async with opened(data) as suite:
        signer = signer_of(suite.settings)
        client = Client(suite.log, codec=suite.codec, tenant=asked.tenant, principal=wanted.voter, signer=signer)
        event = await cast(client, suite.log, request, codec=suite.codec)
        after = await question(suite, asked.approval_id)
    return _tell(after, event, as_json=as_json)


def signer_of(settings: Settings) -> "Signer | None":
    """Who vouches for votes: the issuer of the folder of keys; nobody where there is none and none is needed."""
    return Keys.of(settings).voucher(unsigned=settings.unsigned_votes)


def _tell(one: Question, event: Event, *, as_json: bool) -> int:
    counts = isinstance(event, VoteRecorded)
    if as_json:
        said = plain(event) if counts else {"code": getattr(event, "code", ""), "reason": getattr(event, "reason", "")}
        known = {"approval_id": one.approval_id, "counts": counts, "status": one.status, "missing": one.missing}
        say_json({**known, **said})
    elif counts:
        open_yet = f", and lacks {lacks(one)}" if one.status == OPEN else ""
        say(f"{harmless(one.approval_id)} has the vote: {one.status}{open_yet}.", style="green")
    else:
        say(f"{harmless(one.approval_id)} was not changed: {told(event)}", style="red")
    return 0 if counts else FAILED
