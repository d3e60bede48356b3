"""Shows dead letters to people: which are open and for how long, and one of them whole, before they settle it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from foldgate.cli.letters_known import Attempt, Whole, letter, letters, whole
from foldgate.cli.reaching import opened
from foldgate.cli.terminal import console, harmless, note, plain, say, say_json, table
from foldgate.cli.words import lasted, moment
from foldgate.contracts.events import Decision, Job
from foldgate.runtime.clock import SystemClock
from foldgate.sdk.letters import DISCARDED, OPEN, RETRIED, Letter

STYLE = {OPEN: "yellow", RETRIED: "green", DISCARDED: "dim"}
_MOST = 2000
_SAID_ELSEWHERE = frozenset(
    {"job_id", "step", "attempt", "kind", "topic", "input", "workflow", "principal", "tenant", "digest", "retries"}
)


async def print_list(*, everything: bool, run: str, data: Path | None, as_json: bool) -> None:
    """Print the open ones, the oldest first, or all."""
    async with opened(data) as suite:
        found = await letters(suite, run)
    listed = [one for one in found.values() if everything or one.status == OPEN]
    if as_json:
        say_json([as_object(one) for one in listed])
        return
    if not listed:
        note("There is none." if everything else "None is open; `foldgate dlq list --all` shows those that were.")
        return
    _print_table(listed)
    note("See one: `foldgate dlq show LETTER`; try it again: `foldgate dlq retry LETTER`; give it up: `… discard`.")


async def print_named(names: list[str], *, data: Path | None) -> None:
    """Print those that somebody is about to settle."""
    async with opened(data) as suite:
        _print_table([await letter(suite, name) for name in names])


async def print_letter(name: str, *, data: Path | None, as_json: bool) -> None:
    """Print one letter whole."""
    async with opened(data) as suite:
        found = await whole(suite, await letter(suite, name))
    if as_json:
        say_json(whole_object(found))
    else:
        tell(found)


def _print_table(listed: list[Letter]) -> None:
    shown = table("letter", "status", "ended", "#attempts", "topic", "workflow", "#since")
    for one in listed:
        shown.add_row(*(harmless(cell, most=100) for cell in row(one)), style=STYLE[one.status])
    console().print(shown)


def row(one: Letter) -> tuple[str, ...]:
    """A letter as a line of the table."""
    ended = f"{one.ended}: {one.code}" if one.code != one.ended else one.ended
    since = lasted(max(0, SystemClock().now_ms() - (one.settled_at or one.opened_at)))
    return one.name, one.status, ended, str(one.attempts), one.topic, one.workflow, since


def as_object(one: Letter) -> dict[str, Any]:
    """A letter as programs get it."""
    return {"letter": one.name, **plain(one)}


def whole_object(found: Whole) -> dict[str, Any]:
    """All of it, as programs get it. What is JSON within JSON is given as JSON."""
    job, decision = found.abandoned.job if found.abandoned else None, found.decision
    return {
        **as_object(found.letter),
        "retry_run": found.letter.retry_run,
        "message": found.abandoned.message if found.abandoned else "",
        "rule": found.abandoned.rule if found.abandoned else "",
        "last_state": found.last_state,
        "tries": [attempt._asdict() for attempt in found.attempts],
        "decision": None if decision is None else _decision(decision),
        "job": None if job is None else {**plain(job), "input": _decoded(job.input), "resume": _decoded(job.resume)},
    }


def _decision(decision: Decision) -> dict[str, Any]:
    terms = {"constraints": _decoded(decision.constraints), "remediations": _decoded(decision.remediations)}
    return {**plain(decision), **terms}


def _decoded(text: str) -> Any:
    return msgspec.json.decode(text) if text else None


def tell(found: Whole) -> None:
    """The letter, a line for each thing that is known of it, and what to do."""
    one = found.letter
    say(f"{harmless(one.name)} {one.status}", style=STYLE[one.status])
    for name, text in _lines(found):
        say(f"  {name:<10} {harmless(text, most=_MOST)}")
    for line in what_to_do(one):
        say(f"  {harmless(line)}", style="cyan")


def _lines(found: Whole) -> Iterator[tuple[str, str]]:
    one, abandoned = found.letter, found.abandoned
    why = f": {abandoned.message}" if abandoned and abandoned.message else ""
    yield "step", f"{one.ended} after {_many(one.attempts)}: {one.code}{why}"
    yield "job", f"{one.topic} in workflow {one.workflow}, on behalf of {one.principal} of {one.tenant}"
    yield "opened", moment(one.opened_at)
    if one.settled_at is not None:
        as_what = f", as {one.new_run}" if one.new_run else ""
        yield (
            one.status,
            f"by {one.settled_by} at {moment(one.settled_at)}{as_what}{f': {one.reason}' * bool(one.reason)}",
        )
    yield "last state", found.last_state
    if found.decision is not None:
        yield "decision", _in_words(found.decision)
    for attempt in found.attempts:
        yield f"attempt {attempt.number}", _told(attempt)
    if abandoned is not None:
        yield from _about(abandoned.job)


def _many(attempts: int) -> str:
    return "1 attempt" if attempts == 1 else f"{attempts} attempts"


def _in_words(decision: Decision) -> str:
    terms = f", with {decision.constraints}" if decision.constraints else ""
    reason = f": {decision.reason}" if decision.reason else ""
    return f"{decision.decision} by {decision.rule or 'default_decision'}{reason}{terms} ({decision.policy_snapshot})"


def _told(attempt: Attempt) -> str:
    message = f": {attempt.message}" if attempt.message else ""
    return f"at {moment(attempt.asked_at)}, {attempt.worker or 'no worker'}: {attempt.code or 'unknown'}{message}"


def _about(job: Job) -> Iterator[tuple[str, str]]:
    yield "input", job.input
    others = {name: value for name, value in plain(job).items() if name not in _SAID_ELSEWHERE and value}
    yield "also", msgspec.json.encode(others).decode()


def what_to_do(one: Letter) -> Iterator[str]:
    """The commands that come next."""
    if one.status == RETRIED:
        yield f"See what came of it: `foldgate run show {one.new_run}`."
    if one.status != OPEN:
        return
    whole_of_it = f" All of {one.from_step} runs again." if one.from_step != one.step else ""
    yield f"Try it again: `foldgate dlq retry {one.name}`.{whole_of_it}"
    yield f"Give it up: `foldgate dlq discard {one.name} --reason …`."
    yield f"See all that happened: `foldgate timeline {one.run_id}`."
