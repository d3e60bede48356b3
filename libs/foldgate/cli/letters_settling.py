"""Settles dead letters, on behalf of whoever asks, and tells what the engine said to it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from foldgate.cli.asking import ended, tell_end
from foldgate.cli.letters_known import letter, letters
from foldgate.cli.letters_showing import what_to_do
from foldgate.cli.reaching import Reached, opened
from foldgate.cli.telling import told
from foldgate.cli.terminal import harmless, note, plain, say, say_json
from foldgate.contracts.events import DeadLetterDiscarded, DeadLetterRetried, Event
from foldgate.sdk.letters import OPEN, Letter


class Retrying(NamedTuple):
    """How somebody would have letters tried again."""

    latest: bool
    reason: str
    wait: bool
    timeout_s: float | None


async def retry_all(names: Sequence[str], wanted: Retrying, *, by: str, data: Path | None, as_json: bool) -> bool:
    """Try these again; whether all of it was done, and where that is waited for, succeeded."""
    async with opened(data) as suite:
        asked = [await letter(suite, name) for name in names]
        return all([await _retry(suite, one, wanted, by=by, as_json=as_json) for one in asked])


async def _retry(suite: Reached, one: Letter, wanted: Retrying, *, by: str, as_json: bool) -> bool:
    client = suite.client(one.tenant, principal=by)
    said = await client.retry_letter(one.run_id, one.step, latest=wanted.latest, reason=wanted.reason)
    if not isinstance(said, DeadLetterRetried) or not wanted.wait:
        _tell(one, said, as_json=as_json)
        await _note_others(suite, one, said)
        return isinstance(said, DeadLetterRetried)
    end = await ended(client, said.new_run, "", timeout_s=wanted.timeout_s)
    return not tell_end(said.new_run, end, as_json=as_json)


async def _note_others(suite: Reached, one: Letter, said: Event) -> None:
    """What the same new run tries again as well."""
    if not isinstance(said, DeadLetterRetried):
        return
    if one.from_step != one.step:
        note(f"{harmless(one.step)} belongs to {harmless(one.from_step)}: all of that runs again.")
    others = [each for each in (await letters(suite, one.run_id)).values() if each.status == OPEN]
    if alike := [each.name for each in others if each.from_step == one.from_step]:
        note(f"The new run tries these again, too, and `foldgate dlq retry` of them means it: {', '.join(alike[:5])}.")


async def discard_all(names: Sequence[str], *, reason: str, by: str, data: Path | None, as_json: bool) -> bool:
    """Give these up; whether all of it was done."""
    async with opened(data) as suite:
        asked = [await letter(suite, name) for name in names]
        done = True
        for one in asked:
            client = suite.client(one.tenant, principal=by)
            said = await client.discard_letter(one.run_id, one.step, reason=reason)
            _tell(one, said, as_json=as_json)
            done = done and isinstance(said, DeadLetterDiscarded)
    return done


def _tell(one: Letter, said: Event, *, as_json: bool) -> None:
    """What came of it."""
    if as_json:
        say_json(as_object(one, said))
        return
    match said:
        case DeadLetterRetried(new_run=new_run):
            say(f"{harmless(one.name)} is tried again as {new_run}: see `foldgate run show {new_run}`.", style="green")
        case DeadLetterDiscarded():
            say(f"{harmless(one.name)} is discarded: nobody tries it again.", style="green")
        case _:
            say(f"{harmless(one.name)} was not changed: {told(said, most=1000)}", style="red")
            for line in what_to_do(one):
                say(f"  {harmless(line)}", style="cyan")


def as_object(one: Letter, said: Event) -> dict[str, Any]:
    """A verdict as programs get it."""
    status = {"DeadLetterRetried": "retried", "DeadLetterDiscarded": "discarded"}.get(type(said).__name__, "refused")
    return {"letter": one.name, "status": status, **plain(said)}
