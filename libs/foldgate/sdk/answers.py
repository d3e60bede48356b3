"""What the owner of a stream says under a key, read through the reader rule; other keys are passed over undecoded.

The rule can be entered where somebody knows which owner's which batch comes next: at the beginning of the partition, or
at an entrance that the caller knows of, such as a checkpoint. What is answered now lies behind every entrance, and is
looked for there first; what was answered long ago, to an earlier request with the same key, may lie before it.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import NamedTuple

from foldgate.authority.request import request_hash
from foldgate.contracts.codec import Codec
from foldgate.contracts.endings import RUN_ENDS
from foldgate.contracts.events import Event, Meta, RunRefused, RunStarted
from foldgate.contracts.places import START, Partition, Position
from foldgate.contracts.topics import partition_of, stream_of
from foldgate.eventlog.acceptance import Acceptance
from foldgate.eventlog.log import Log, Submitted
from foldgate.sdk.requests import Prepared, Request

ENDS = tuple(RUN_ENDS)
NEWS_WITHIN_S = 1.0
"""How long an answer is looked for behind the entrance alone."""
Entrance = Callable[[Partition], Awaitable[Position]]
"""Where the reader rule can be entered late in a partition."""


class NoVerdict(Exception):
    """The owner has not answered in the time that was given. The request is on the log, and will be answered there."""


class Answer(NamedTuple):
    """An event of an owner, and where it lies."""

    place: Submitted
    meta: Meta
    event: Event


class Heard(NamedTuple):
    """What was said next, and whether that is all of what was there when it was asked."""

    answers: list[Answer]
    up_to_now: bool


class Verdict(NamedTuple):
    """What answers a request. `mine` is false where it was said before: the run that is there, or its end."""

    event: Event
    mine: bool
    place: Submitted


async def beginning(_: Partition) -> Position:
    """The entrance of who knows of none."""
    return START


async def said(
    log: Log, codec: Codec, *, stream: str, key: str, entrance: Entrance = beginning
) -> AsyncGenerator[Heard, None]:
    """All that the owner of a stream has said under a key behind an entrance, and what it says from now on. It does not
    end."""
    partition = Partition(stream, partition_of(key.encode(), stream_of(stream).partitions))
    rule, wanted, end = Acceptance(await entrance(partition)), key.encode(), await log.end(partition)
    follower = log.follow({partition: rule.position.offset})
    try:
        while True:
            answers, records = [], await follower.next()
            for record in records:
                if rule.accepts(record) and record.key == wanted:
                    meta, event = codec.decode(record.value)
                    answers.append(Answer(Submitted(partition, record.offset), meta, event))
            yield Heard(answers, not records or records[-1].offset + 1 >= end)
            await asyncio.sleep(0)
    finally:
        await follower.close()


async def verdict_on(
    log: Log, codec: Codec, request: Request, *, within_s: float, entrance: Entrance = beginning
) -> Verdict:
    """The verdict on a request that is on the log."""
    try:
        async with asyncio.timeout(within_s):
            try:
                async with asyncio.timeout(None if entrance is beginning else NEWS_WITHIN_S):
                    return await _first(log, codec, request, entrance=entrance)
            except TimeoutError:
                return await _first(log, codec, request, entrance=beginning)
    except TimeoutError:
        raise NoVerdict(
            f"Expected the owner of '{request.answered_on}' to answer within {within_s:g} s, but it has not: the"
            f" request {request.request_id} is on the log and will be answered there. See `foldgate doctor`."
        ) from None


async def _first(log: Log, codec: Codec, request: Request, *, entrance: Entrance) -> Verdict:
    over: Verdict | None = None
    listening = said(log, codec, stream=request.answered_on, key=request.key, entrance=entrance)
    async with aclosing(listening) as heard:
        async for answers, up_to_now in heard:
            for answer in answers:
                if answer.meta.request_id == request.request_id:
                    return Verdict(answer.event, mine=True, place=answer.place)
                if isinstance(request, Prepared) and (verdict := _earlier(request, answer)) is not None:
                    return verdict
                over = _ended(request, answer)
            if over is not None and up_to_now:
                return over
    raise AssertionError("what is said does not end")


def _ended(request: Request, answer: Answer) -> Verdict | None:
    """The end of a run of which something was asked: nothing more is said to that. Should its id, forgotten long ago,
    have been given again, it is what was said last that counts."""
    if isinstance(request, Prepared) or not isinstance(answer.event, ENDS):
        return None
    return Verdict(answer.event, mine=False, place=answer.place)


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
