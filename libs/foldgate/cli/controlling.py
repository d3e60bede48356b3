"""Asks things of runs that go on, and tells what the engine said."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from foldgate.cli.folding import folded
from foldgate.cli.mistakes import FAILED, CannotGoOn
from foldgate.cli.reaching import opened
from foldgate.cli.telling import ENDS, told
from foldgate.cli.terminal import plain, say, say_json
from foldgate.contracts.events import Event, RequestRefused
from foldgate.sdk.requests import Request, a_cancel, a_pause, a_resume, a_signal

_DONE = {"cancel": "is called back", "pause": "begins nothing new", "resume": "goes on", "signal": "has the signal"}
_BY_REASON: dict[str, Callable[..., Request]] = {"cancel": a_cancel, "pause": a_pause, "resume": a_resume}


class RunOver(CannotGoOn):
    """The run has ended: nothing can be asked of it."""


async def control(what: str, run_id: str, *, reason: str, data: Path | None, as_json: bool) -> int:
    """Cancel, pause or resume a run."""
    return await _ask(what, _BY_REASON[what](run_id, reason=reason), data=data, as_json=as_json)


async def signal(run_id: str, name: str, payload: Any, *, key: str, data: Path | None, as_json: bool) -> int:
    """Send a signal to a run."""
    return await _ask("signal", a_signal(run_id, name, payload, request_id=key), data=data, as_json=as_json)


async def _ask(what: str, request: Request, *, data: Path | None, as_json: bool) -> int:
    async with opened(data) as suite:
        run = await folded(suite, request.run_id)
        if (end := run.end) is not None and end.event is not None:
            raise _over(request.run_id, end.event)
        client = suite.client(run.tenant)
        verdict = await client.decided(request)
    if not verdict.mine:
        raise _over(request.run_id, verdict.event)
    return _tell(what, request, verdict.event, as_json=as_json)


def _over(run_id: str, end: Event) -> RunOver:
    how = f"{ENDS[type(end).__name__]}: {told(end)}"
    return RunOver(f"Expected a run that goes on, but {run_id} has ended, {how}")


def _tell(what: str, request: Request, event: Event, *, as_json: bool) -> int:
    refused = isinstance(event, RequestRefused)
    if as_json:
        said = {"event": type(event).__name__, **plain(event)}
        about = {"run_id": request.run_id, "request_id": request.request_id}
        say_json({**said, **about, "status": "refused" if refused else "done"})
    elif refused:
        say(f"{request.run_id} was not changed: {told(event)}", style="red")
    else:
        say(f"{request.run_id} {_DONE[what]}.", style="green")
    return FAILED if refused else 0
