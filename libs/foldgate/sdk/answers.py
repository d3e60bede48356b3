"""What the owner of a stream says under a key: read from the beginning of its partition, through the reader rule.

That is where a client can enter the rule without knowing anything; records under other keys are passed over undecoded.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import NamedTuple

from foldgate.authority.request import request_hash
from foldgate.contracts.codec import Codec
from foldgate.contracts.events import (
    Event,
    Meta,
    RunCancelled,
    RunDenied,
    RunFailed,
    RunRefused,
    RunStarted,
    RunSucceeded,
    RunTimedOut,
)
from foldgate.contracts.places import START, Partition
from foldgate.contracts.topics import partition_of, stream_of
from foldgate.eventlog.acceptance import Acceptance
from foldgate.eventlog.log import Log, Submitted
from foldgate.sdk.requests import Prepared, Request

End = RunSucceeded | RunFailed | RunDenied | RunTimedOut | RunCancelled
ENDS = (RunSucceeded, RunFailed, RunDenied, RunTimedOut, RunCancelled)
"""The events that a run ends with."""


class NoVerdict(Exception):
    """The owner has not answered in the time that was given. The request is on the log, and will be answered there."""


class Answer(NamedTuple):
    """An event of an owner, and where it lies."""

    place: Submitted
    meta: Meta
    event: Event


class Verdict(NamedTuple):
    """What answers a request. `mine` is false where it was said before: the run that is there, or its end."""

    event: Event
    mine: bool
    place: Submitted


async def said(log: Log, codec: Codec, *, stream: str, key: str) -> AsyncGenerator[Answer, None]:
    """All that the owner of a stream has said under a key, and what it says from now on. It does not end."""
    partition = Partition(stream, partition_of(key.encode(), stream_of(stream).partitions))
    rule, wanted, follower = Acceptance(START), key.encode(), log.follow({partition: 0})
    try:
        while True:
            for record in await follower.next():
                if rule.accepts(record) and record.key == wanted:
                    meta, event = codec.decode(record.value)
                    yield Answer(Submitted(partition, record.offset), meta, event)
            await asyncio.sleep(0)
    finally:
        await follower.close()


async def verdict_on(log: Log, codec: Codec, request: Request, *, within_s: float) -> Verdict:
    """The verdict on a request that is on the log."""
    try:
        async with (
            asyncio.timeout(within_s),
            aclosing(said(log, codec, stream=request.answered_on, key=request.key)) as answers,
        ):
            async for answer in answers:
                if (verdict := _verdict(request, answer)) is not None:
                    return verdict
    except TimeoutError:
        raise NoVerdict(
            f"Expected the owner of '{request.answered_on}' to answer within {within_s:g} s, but it has not: the"
            f" request {request.request_id} is on the log and will be answered there. See `foldgate doctor`."
        ) from None
    raise AssertionError("what is said does not end")


def _verdict(request: Request, answer: Answer) -> Verdict | None:
    """What this answer is to that request; None if it is none."""
    if answer.meta.request_id == request.request_id:
        return Verdict(answer.event, mine=True, place=answer.place)
    if isinstance(request, Prepared):
        return _earlier(request, answer)
    if isinstance(answer.event, ENDS):  # nothing more is said to an ended run, so nothing else will come
        return Verdict(answer.event, mine=False, place=answer.place)
    return None


def _earlier(request: Prepared, answer: Answer) -> Verdict | None:
    """An earlier request with the same key: its run if it asked for the same, a refusal of ours if it did not."""
    match answer.event:
        case RunStarted(request_hash=asked) if asked != request_hash(request.event):
            reason = f"Expected the body that started {request.run_id} with this key, but it differs: use another key."
            return Verdict(RunRefused(code="idempotency_conflict", reason=reason), mine=True, place=answer.place)
        case RunStarted():
            return Verdict(answer.event, mine=False, place=answer.place)
        case RunRefused() if answer.meta.sequence == 1:
            return Verdict(answer.event, mine=False, place=answer.place)
        case _:
            return None
