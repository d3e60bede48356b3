"""Answers to questions: a vote, and what becomes of it.

    vote = a_vote(question, approve=True, reason="seen", binding=binding, roles=("sre",))
    said = await cast(client, log, vote)      # VoteRecorded, VoteRefused, or MessageQuarantined

Vote on what is open on `approvals`: its `approval_id` is the question, and its `binding` what was seen: should that
have changed meanwhile, the vote is refused as `approval_stale`. Without a binding it is on whatever is asked when it
arrives. The client needs a signer: its issuer vouches for the name and the roles. A vote for a run that has no
question, or has ended, is set aside where nobody who reads answers would see it; so its place in quarantine is watched
as well.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

from foldgate.contracts.codec import Codec, Undecodable
from foldgate.contracts.events import MessageQuarantined, VoteCast, VoteRecorded, VoteRefused
from foldgate.contracts.places import Partition
from foldgate.contracts.topics import APPROVALS, INTAKE, QUARANTINE
from foldgate.eventlog.log import Follower, Log, Record, Submitted
from foldgate.sdk.client import VERDICT_WITHIN_S, Client
from foldgate.sdk.requests import Request, json_text, new_id

Answer = VoteRecorded | VoteRefused | MessageQuarantined
_QUARANTINE = Partition(QUARANTINE.name, 0)


def a_vote(
    approval_id: str,
    *,
    approve: bool,
    data: Any = None,
    reason: str = "",
    binding: str = "",
    roles: Sequence[str] = (),
    request_id: str = "",
) -> Request:
    """A vote on a question; the same request id means the same vote, however often it is cast."""
    run_id = approval_id.partition(":")[0]
    return Request(
        stream=INTAKE.name,
        key=run_id,
        answered_on=APPROVALS.name,
        request_id=request_id or new_id(),
        run_id=run_id,
        event=VoteCast(
            approval_id=approval_id,
            approve=approve,
            data=json_text(data),
            reason=reason,
            binding=binding,
            roles=tuple(roles),
        ),
    )


async def cast(
    client: Client, log: Log, vote: Request, *, codec: Codec | None = None, within_s: float = VERDICT_WITHIN_S
) -> Answer:
    """Put a vote on the log, and wait for what is made of it; NoVerdict if that takes longer than `within_s`."""
    follower = log.follow({_QUARANTINE: await log.end(_QUARANTINE)})
    try:
        asked = await client.ask(vote)
        return await _first_of(client, vote, _set_aside(follower, codec or Codec(), asked.place), within_s=within_s)
    finally:
        await follower.close()


async def _first_of(client: Client, vote: Request, aside: Any, *, within_s: float) -> Answer:
    answering = asyncio.ensure_future(client.verdict(vote, within_s=within_s))
    watching: asyncio.Task[MessageQuarantined] = asyncio.ensure_future(aside)
    try:
        await asyncio.wait((answering, watching), return_when=asyncio.FIRST_COMPLETED)
        if watching.done():
            return await watching
        event = (await answering).event
        assert isinstance(event, VoteRecorded | VoteRefused)
        return event
    finally:
        for task in (answering, watching):
            task.cancel()
        await asyncio.gather(answering, watching, return_exceptions=True)


async def _set_aside(follower: Follower, codec: Codec, place: Submitted) -> MessageQuarantined:
    """Wait until what lies at that place is set aside; for ever if it is not."""
    while True:
        for record in await follower.next():
            if (event := _quarantined(codec, record)) is not None and _place(event) == place:
                return event


def _quarantined(codec: Codec, record: Record) -> MessageQuarantined | None:
    try:
        event = codec.decode(record.value).event
    except Undecodable:  # anybody may write there
        return None
    return event if isinstance(event, MessageQuarantined) else None


def _place(event: MessageQuarantined) -> Submitted:
    return Submitted(Partition(event.source_stream, event.source_partition), event.source_offset)
