"""The dead letters of a suite, read from `letters`; and of one all that the log has: its attempts, what policy said."""

import difflib
from collections.abc import Iterable
from typing import NamedTuple

from foldgate.cli.job_wait import job_of
from foldgate.cli.mistakes import AskedWrongly
from foldgate.cli.reaching import Reached
from foldgate.cli.reading import Seen, StreamReader
from foldgate.cli.run_history import events_of
from foldgate.cli.terminal import harmless
from foldgate.contracts.events import (
    ApprovalRequired,
    AttemptFailed,
    Decision,
    JobAbandoned,
    JobDenied,
    JobDispatched,
    JobRequested,
    JobThrottled,
    WritIssued,
)
from foldgate.contracts.ids import MalformedId, parse_job_id
from foldgate.contracts.topics import LETTERS, partition_of
from foldgate.sdk.letters import OPEN, Letter, take

_REACHED = {
    "JobRequested": "asked for: policy had not decided",
    "JobThrottled": "throttled by policy",
    "ApprovalRequired": "waiting for people to approve it",
    "JobDenied": "denied by policy",
    "JobRefused": "without a pool that takes it",
    "WritIssued": "authorised, and on its way to the pool",
    "JobQueued": "waiting for a worker",
    "JobDispatched": "with a worker",
}
"""How far an attempt had come, by the last of these that was said of it."""
_MOST_NAMED = 5


class NoSuchLetter(AskedWrongly):
    """There is no dead letter of that name, or several may be meant."""


class Attempt(NamedTuple):
    """One try: who had it, if anybody, and how it ended."""

    number: int
    asked_at: int
    worker: str
    code: str
    message: str


class Whole(NamedTuple):
    """A letter with all that is known of it. `abandoned` is None where the run's stream has it no longer."""

    letter: Letter
    abandoned: JobAbandoned | None
    attempts: list[Attempt]
    last_state: str
    decision: Decision | None


async def letters(suite: Reached, run: str = "") -> dict[str, Letter]:
    """Every letter there ever was, or all of one run, by name and in the order they were opened."""
    found: dict[str, Letter] = {}
    if LETTERS.name not in suite.seen.streams:
        return found
    numbers = [partition_of(run.encode(), LETTERS.partitions)] if run else range(LETTERS.partitions)
    key = run.encode() if run else None
    reader = await StreamReader.at(suite.log, suite.codec, stream=LETTERS, starts=dict.fromkeys(numbers, 0), key=key)
    async for seen in reader.there():
        if seen.accepted and seen.meta is not None and seen.event is not None:
            take(found, seen.meta, seen.event)
    return found


async def letter(suite: Reached, name: str) -> Letter:
    """The letter that is meant."""
    run = name.partition(":")[0]
    return meant(await letters(suite, run), name)


def meant(found: dict[str, Letter], name: str) -> Letter:
    """Of those of one run the one of that name, or of that job; or the only open one."""
    if (one := found.get(name) or found.get(_without_attempt(name))) is not None:
        return one
    there = [one for one in found.values() if one.status == OPEN]
    if ":" not in name and len(there) == 1:
        return there[0]
    raise NoSuchLetter(_no_such(found, there, name))


def _without_attempt(name: str) -> str:
    try:
        job = parse_job_id(name)
    except MalformedId:
        return ""
    return f"{job.run_id}:{job.step}"


def _no_such(found: dict[str, Letter], there: list[Letter], name: str) -> str:
    shown = harmless(name, most=100)
    if not found:
        return f"Expected a dead letter such as `foldgate dlq list` shows, but there is no '{shown}'."
    if ":" not in name:
        names = ", ".join(one.name for one in there[:_MOST_NAMED]) or "none is open"
        return (
            f"Expected one open dead letter of {shown}, but it has {len(there)}: {names}."
            f" See `foldgate dlq list --all --run {shown}`."
        )
    near = difflib.get_close_matches(name, found, n=1, cutoff=0.6)
    hint = f"did you mean '{near[0]}'?" if near else f"see `foldgate dlq list --all --run {shown.partition(':')[0]}`."
    return f"Expected a dead letter, but there is no '{shown}': {hint}"


async def whole(suite: Reached, one: Letter) -> Whole:
    """All of it."""
    return gathered(one, await events_of(suite, one.run_id))


def gathered(one: Letter, events: Iterable[Seen]) -> Whole:
    """What the events of its run say of it; of those on open streams, where anybody writes, nothing is believed."""
    about = [seen for seen in events if _concerns(seen, one)]
    abandoned = [seen.event for seen in about if isinstance(seen.event, JobAbandoned)]
    last = [seen for seen in about if job_of(seen.event) == one.job_id]
    decided = WritIssued | JobDenied | ApprovalRequired | JobThrottled
    decisions = [seen.event.decision for seen in last if isinstance(seen.event, decided)]
    return Whole(
        one,
        abandoned[-1] if abandoned else None,
        _attempts(about),
        _last_state(last),
        decisions[-1] if decisions else None,
    )


def _concerns(seen: Seen, one: Letter) -> bool:
    job_id = job_of(seen.event)
    owned = seen.record.partition.stream in ("runs", "decisions", "jobs")
    return owned and job_id.rpartition("@")[0] == one.name


def _last_state(last: list[Seen]) -> str:
    order = list(_REACHED)
    said = [type(seen.event).__name__ for seen in last]
    furthest = max((order.index(name) for name in said if name in _REACHED), default=0)
    workers = [seen.event.worker for seen in last if isinstance(seen.event, JobDispatched)]
    return f"with worker {workers[-1]}" if workers else _REACHED[order[furthest]]


def _attempts(about: list[Seen]) -> list[Attempt]:
    """How each ended: by its failure; else by why the next was asked for; the last by what the letter says."""
    found: dict[int, Attempt] = {}
    for seen in about:
        number = int(job_of(seen.event).rpartition("@")[2])
        match seen.event:
            case JobRequested(after=after):
                found[number] = Attempt(number, seen.at, "", "", "")
                before = found.get(number - 1)
                if before is not None and not before.code:
                    found[number - 1] = before._replace(code=after)
            case JobDispatched(worker=worker) if number in found:
                found[number] = found[number]._replace(worker=worker)
            case AttemptFailed(code=code, message=message) if number in found:
                found[number] = found[number]._replace(code=code, message=message)
            case JobAbandoned(code=code, message=message) if number in found:
                found[number] = found[number]._replace(code=code, message=message)
            case _:
                pass
    return list(found.values())
