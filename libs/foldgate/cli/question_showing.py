"""Shows questions to people: what stands in the queue and for how long, and one of them whole, before they vote."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from foldgate.authority.terms import Quorum, Terms
from foldgate.cli.questions import question, questions
from foldgate.cli.reaching import opened
from foldgate.cli.telling import told
from foldgate.cli.terminal import console, harmless, plain, say, say_json, table
from foldgate.cli.words import lasted, moment
from foldgate.sdk.questions import OPEN, POLICY, Question

_STYLES = {OPEN: "yellow", "granted": "green", "refused": "red", "expired": "red", "closed": "dim"}
_WANTS = {"input": "data", POLICY: "leave to do a job"}
_MOST = 2000


async def print_list(*, everything: bool, data: Path | None, as_json: bool) -> None:
    """Print the open questions, the oldest first, or all."""
    async with opened(data) as suite:
        found = await questions(suite)
    listed = [one for one in found.values() if everything or one.status == OPEN]
    if as_json:
        say_json([_as_object(one) for one in listed])
        return
    shown = table("approval", "asks for", "status", "#open for", "until", "lacks", "shown")
    for one in listed:
        row = (one.approval_id, wants(one), one.status, lasted(one.open_ms), moment(one.expires_at), lacks(one))
        shown.add_row(*(harmless(cell, most=100) for cell in row), harmless(_summary(one), most=60))
    console().print(shown)


async def print_question(approval_id: str, *, data: Path | None, as_json: bool) -> None:
    """Print one question whole: what people are shown, on which terms, who has voted."""
    async with opened(data) as suite:
        one = await question(suite, approval_id)
    if as_json:
        say_json(_as_object(one))
    else:
        tell_question(one)


def tell_question(one: Question) -> None:
    """The question, a line for each thing that is known of it."""
    say(f"{harmless(one.approval_id)} {one.status}", style=_STYLES[one.status])
    for name, text in _lines(one):
        say(f"  {name:<10} {harmless(text, most=_MOST)}")


def wants(one: Question) -> str:
    """What is asked for."""
    return _WANTS.get(one.kind, "a yes")


def lacks(one: Question) -> str:
    """What is missing, in one line."""
    return ", ".join(one.missing) or "nothing"


def _lines(one: Question) -> Iterator[tuple[str, str]]:
    yield "asks for", wants(one)
    yield "from", one.requester
    yield "open", f"since {moment(one.opened_at)}, for {lasted(one.open_ms)}, until {moment(one.expires_at)}"
    if one.revised_at is not None:
        because = f": {one.revised_because}" if one.revised_because else ""
        yield "changed", f"at {moment(one.revised_at)}{because}"
    yield from _about(one)
    yield "terms", _in_words(one.asks, one.requester)
    if one.status == OPEN:
        yield "lacks", lacks(one)
    if one.schema is not None:
        yield "must fit", _json(one.schema)
    if one.binding:
        yield "binding", one.binding
    for vote in one.votes:
        yield "vote", told(vote)
    if one.data is not None:
        yield "data", _json(one.data)


def _about(one: Question) -> Iterator[tuple[str, str]]:
    """What it is about: of policy the job and the rule that asks."""
    if one.kind != POLICY:
        yield "shown", _json(one.input)
        return
    job = one.input["job"]
    others = {name: value for name, value in job.items() if name not in ("topic", "input") and value}
    yield "because", f"{one.input['rule']}: {one.input['reason']}"
    yield "policy", one.policy_snapshot
    yield "job", str(job["topic"])
    yield "input", _json(job["input"])
    yield "also", _json(others)


def _summary(one: Question) -> str:
    if one.kind != POLICY:
        return _json(one.input)
    return f"{one.input['job']['topic']} with {_json(one.input['job']['input'])}"


def _in_words(terms: Terms, requester: str) -> str:
    parts = [" and ".join(map(_counted, terms.quorums))]
    if terms.exclude_requester:
        parts.append(f"none of {requester or 'who asked'}")
    parts.append("a majority decides" if terms.majority else "one no is enough to refuse")
    if terms.patience_ms is not None:
        parts.append(f"{'timed out' if terms.times_out else 'denied'} after {lasted(terms.patience_ms)}")
    return "; ".join(parts)


def _counted(quorum: Quorum) -> str:
    votes = "1 vote" if quorum.required == 1 else f"{quorum.required} votes"
    return f"{votes} of {' or '.join(quorum.roles)}" if quorum.roles else votes


def _as_object(one: Question) -> dict[str, Any]:
    return {**plain(one), "missing": one.missing, "open_ms": one.open_ms}


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
