"""Asks for runs, waits for the verdict and if wanted for the end, and tells both."""

import asyncio
from pathlib import Path
from typing import Any

from foldgate.cli.mistakes import FAILED, AskedWrongly, CannotGoOn
from foldgate.cli.telling import ENDS, STYLES, told
from foldgate.cli.terminal import plain, say, say_json
from foldgate.contracts.events import Event, RunRefused
from foldgate.sdk.answers import Verdict
from foldgate.sdk.client import Client
from foldgate.sdk.requests import Prepared


class StillRunning(CannotGoOn):
    """The run has not ended in the time that was given."""


def parsed(text: str, option: str) -> Any:
    """The JSON that an option gives, or the file that it names."""
    import msgspec

    try:
        return msgspec.json.decode(Path(text[1:]).read_bytes() if text.startswith("@") else text)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise AskedWrongly(f"Expected {option} to be JSON, such as '{{\"a\": 1}}', but: {error}.") from None
    except OSError as error:
        raise AskedWrongly(f"Expected {option} to name a file that can be read, but: {error}.") from None


def labels_of(pairs: list[str]) -> dict[str, str]:
    """Labels from `name=value`."""
    found = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not (name and equals):
            raise AskedWrongly(f"Expected --label NAME=VALUE, but got '{pair}'.")
        found[name] = value
    return found


async def start(client: Client, prepared: Prepared, *, wait: bool, timeout_s: float | None, as_json: bool) -> int:
    """Ask for this run and tell what becomes of it."""
    verdict = await client.decided(prepared)
    if isinstance(verdict.event, RunRefused):
        return tell_end(prepared.run_id, verdict.event, as_json=as_json)
    if not wait:
        _tell_begun(prepared, verdict, as_json=as_json)
        return 0
    end = await ended(client, prepared.run_id, prepared.request_id, timeout_s=timeout_s)
    return tell_end(prepared.run_id, end, as_json=as_json)


async def ended(client: Client, run_id: str, request_id: str, *, timeout_s: float | None) -> Event:
    """The end of a run; StillRunning if that takes longer."""
    try:
        async with asyncio.timeout(timeout_s):
            return await client.ended(run_id, request_id=request_id)
    except TimeoutError:
        raise StillRunning(
            f"Expected {run_id} to end within {timeout_s:g} s, but it goes on: see `foldgate why {run_id}`, or"
            f" `foldgate timeline {run_id}`."
        ) from None


def tell_asked(run_id: str, request_id: str, *, as_json: bool) -> None:
    """Which run was asked for."""
    if as_json:
        say_json({"run_id": run_id, "request_id": request_id})
    else:
        say(run_id)


def _tell_begun(prepared: Prepared, verdict: Verdict, *, as_json: bool) -> None:
    if as_json:
        ids = {"run_id": prepared.run_id, "request_id": prepared.request_id}
        say_json({**ids, "status": "started" if verdict.mine else "was there already"})
    else:
        say(prepared.run_id)


def tell_end(run_id: str, event: Event, *, as_json: bool) -> int:
    """How a run ended; the exit code that goes with it."""
    status = ENDS[type(event).__name__]
    if as_json:
        say_json({"run_id": run_id, "status": status, **plain(event)})
    else:
        say(f"{run_id} {status}: {told(event)}", style=STYLES[status])
    return 0 if status == "succeeded" else FAILED
