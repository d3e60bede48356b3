"""Dead letters: the jobs that nobody will try again by itself, as `letters` tells them, and what can be asked of them.

    said = await client.retry_letter("run_1f…", "deploy")          # DeadLetterRetried, DeadLetterRefused or RunRefused
    said = await client.discard_letter("run_1f…", "deploy", reason="known")   # DeadLetterDiscarded or DeadLetterRefused

A retry is two requests: for the run, whose idempotency key derives from the letter, and then to the letter, that it was
asked for. Whoever is interrupted between them asks again, and meets the same run.
"""

from collections.abc import MutableMapping

import msgspec

from foldgate.contracts import ids
from foldgate.contracts.events import (
    DeadLetterDiscarded,
    DeadLetterDiscardRequested,
    DeadLetterOpened,
    DeadLetterRefused,
    DeadLetterRetried,
    DeadLetterRetryRequested,
    Event,
    Meta,
)
from foldgate.contracts.topics import INTAKE, LETTERS
from foldgate.sdk.requests import Request, new_id

OPEN, RETRIED, DISCARDED = "open", "retried", "discarded"


class Letter(msgspec.Struct, kw_only=True):
    """One of them, as it is now. `ended` is how its step has, and `from_step` where a rerun begins that tries it
    again."""

    run_id: str
    step: str
    tenant: str
    principal: str
    workflow: str
    topic: str
    job_id: str
    ended: str
    code: str
    attempts: int
    from_step: str
    opened_at: int
    status: str = OPEN
    settled_at: int | None = None
    settled_by: str = ""
    reason: str = ""
    new_run: str = ""

    @property
    def name(self) -> str:
        """What people call it by."""
        return name_of(self.run_id, self.step)

    @property
    def retry_run(self) -> str:
        """The run that tries it again, whether anybody has asked for that or not."""
        return ids.run_id(self.tenant, self.workflow, self.retry_key)

    @property
    def retry_key(self) -> str:
        """The idempotency key by which that run is asked for."""
        return ids.retry_key(self.run_id, self.from_step)


def name_of(run_id: str, step: str) -> str:
    """The name of the letter of a step of a run."""
    return f"{run_id}:{step}"


def take(found: MutableMapping[str, Letter], meta: Meta, event: Event) -> None:
    """What an event of `letters` makes of those that are known, by name."""
    match event:
        case DeadLetterOpened():
            found[name_of(meta.run_id, event.step)] = _opened(meta, event)
        case DeadLetterRetried() if (letter := found.get(name_of(meta.run_id, event.step))) is not None:
            _settle(letter, meta, RETRIED, reason=event.reason)
            letter.new_run = event.new_run
        case DeadLetterDiscarded() if (letter := found.get(name_of(meta.run_id, event.step))) is not None:
            _settle(letter, meta, DISCARDED, reason=event.reason)
        case _:
            return


def _opened(meta: Meta, event: DeadLetterOpened) -> Letter:
    return Letter(
        run_id=meta.run_id,
        step=event.step,
        tenant=meta.tenant,
        principal=meta.principal,
        workflow=event.workflow,
        topic=event.topic,
        job_id=event.job_id,
        ended=event.status,
        code=event.code,
        attempts=event.attempts,
        from_step=event.from_step,
        opened_at=meta.at,
    )


def _settle(letter: Letter, meta: Meta, status: str, *, reason: str) -> None:
    letter.status, letter.reason = status, reason
    letter.settled_at, letter.settled_by = meta.at, meta.principal


def a_retry(run_id: str, step: str, new_run: str, *, reason: str = "", request_id: str = "") -> Request:
    """Says to a letter that this run was asked for, to try it again."""
    return _asked(run_id, DeadLetterRetryRequested(step=step, new_run=new_run, reason=reason), request_id)


def a_discard(run_id: str, step: str, *, reason: str = "", request_id: str = "") -> Request:
    """A request that nobody tries a letter again."""
    return _asked(run_id, DeadLetterDiscardRequested(step=step, reason=reason), request_id)


def refusal_of(letter: Letter | None, asked: Request) -> DeadLetterRefused | None:
    """Why this would be refused, as far as is known: then it need not be asked."""
    name, step = type(asked.event).__name__, getattr(asked.event, "step", "")
    if letter is None:
        reason = f"Expected a step with a dead letter, but '{step[:200]}' of {asked.run_id[:100]} has none."
        return DeadLetterRefused(request=name, step=step, code="unknown_letter", reason=reason)
    if letter.status == OPEN:
        return None
    as_what = f", as {letter.new_run}" if letter.new_run else ""
    reason = f"Expected an open letter, but it was {letter.status} already{as_what}."
    return DeadLetterRefused(request=name, step=step, code=f"already_{letter.status}", reason=reason)


def _asked(run_id: str, event: Event, request_id: str) -> Request:
    return Request(
        stream=INTAKE.name,
        key=run_id,
        answered_on=LETTERS.name,
        request_id=request_id or new_id(),
        run_id=run_id,
        event=event,
    )
