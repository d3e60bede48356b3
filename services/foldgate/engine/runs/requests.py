"""What people and programs ask of a live run: it is done, or refused with a reason."""

from foldgate.authority.request import canonical, request_hash
from foldgate.contracts.events import (
    Event,
    Meta,
    RequestRefused,
    RunCancelRequested,
    RunPaused,
    RunPauseRequested,
    RunRefused,
    RunRequested,
    RunResumed,
    RunResumeRequested,
    SignalReceived,
    SignalSent,
)
from foldgate.engine.runs import starting
from foldgate.engine.runs.advance import scan
from foldgate.engine.runs.ending import halt
from foldgate.engine.runs.state import BEFORE_ITS_END, Signal
from foldgate.engine.runs.turn import MAX_CARRIED_BYTES, Turn, shortened, size_of
from foldgate.engine.steps import wait

MAX_SIGNALS = 1000
MAX_SIGNAL_BYTES = 1024 * 1024
"""What waits for the steps that want it, in all."""


def requested_again(turn: Turn, request: RunRequested, _: Meta) -> None:
    """The same request adds nothing; another with the same key is refused."""
    try:
        same = turn.run.request_hash == request_hash(request)
    except ValueError:
        same = False
    if not same:
        reason = f"Expected the body that started {turn.run.run_id} with this key, but it differs: use another key."
        turn.say(RunRefused(code="idempotency_conflict", reason=reason))


def cancel(turn: Turn, asked: RunCancelRequested, _: Meta) -> None:
    """Halt it, if it is not ending already."""
    phase = turn.run.phase
    if phase in BEFORE_ITS_END:
        halt(turn, status="cancelled", code="cancelled", reason=shortened(asked.reason) or "It was cancelled.")
    else:
        what = "what has succeeded is being undone" if phase == "compensating" else "it is halted already"
        _refuse(turn, asked, "not_cancellable", f"Expected a run that goes on, but {what}.")


def pause(turn: Turn, asked: RunPauseRequested, _: Meta) -> None:
    """Begin nothing more until somebody resumes it."""
    if turn.run.phase not in BEFORE_ITS_END:
        _refuse(turn, asked, "not_pausable", "Expected a run that goes on, but it is ending.")
    elif turn.run.paused:
        _refuse(turn, asked, "already_paused", "Expected a run that goes on, but it is paused already.")
    else:
        turn.say(RunPaused(reason=shortened(asked.reason)))


def resume(turn: Turn, asked: RunResumeRequested, _: Meta) -> None:
    """Go on, and begin what could not begin meanwhile."""
    if not turn.run.paused:
        _refuse(turn, asked, "not_paused", "Expected a paused run, but it goes on: nothing to resume.")
        return
    turn.say(RunResumed(reason=shortened(asked.reason)))
    if turn.run.phase == "running":
        scan(turn)


def signal(turn: Turn, sent: SignalSent, meta: Meta) -> None:
    """Keep it, and give it to the step that waits longest for it."""
    run, request_id = turn.run, meta.request_id
    if request_id in run.signal_ids:
        return
    try:
        payload = canonical(sent.payload)
    except ValueError as error:
        _refuse(turn, sent, "invalid_payload", f"Expected a payload that is JSON, but {error}.")
        return
    kept = sum(size_of(one.payload) for one in run.signals)
    if not 0 < len(sent.name) <= starting.MAX_NAME:
        _refuse(turn, sent, "invalid_name", f"Expected a name of 1 to {starting.MAX_NAME} characters.")
    elif size_of(payload) > MAX_CARRIED_BYTES:
        _refuse(turn, sent, "payload_too_large", f"Expected a payload of at most {MAX_CARRIED_BYTES} bytes.")
    elif len(run.signals) >= MAX_SIGNALS or kept + size_of(payload) > MAX_SIGNAL_BYTES:
        reason = f"Expected at most {MAX_SIGNALS} signals, of {MAX_SIGNAL_BYTES} bytes, that no step has taken yet."
        _refuse(turn, sent, "too_many_signals", reason)
    else:
        turn.say(SignalReceived(signal_id=request_id, name=sent.name, payload=payload))
        wait.offer(turn, Signal(request_id, sent.name, payload))


def _refuse(turn: Turn, asked: Event, code: str, reason: str) -> None:  # noqa: PLR0917 - reads as a sentence
    turn.say(RequestRefused(request=type(asked).__name__, code=code, reason=reason))
