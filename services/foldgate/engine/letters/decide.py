"""What becomes of a job that nobody will try again by itself: somebody looks at it, and tries it again or gives it up.

Why a crash between any two lines loses no letter, and makes no second run. A letter is opened by what the run said in
the decision that ended the step (`JobAbandoned`), which is read here exactly once: the append that answers it carries
the position past it. Trying again is two requests. The first asks for a run, under an idempotency key that is the
letter's own, so the first of them starts it, and every other meets it, whoever asks, and however often. The second says
here that it was asked for. A crash before the first leaves the letter open and nothing begun; between the two it leaves
a run and an open letter, and who tries again meets that run and says so here; after the second it is on the log and
will be answered. The letter knows the name of that one run beforehand, so no request can settle it by naming another.
The answer and the position past the request are one append; a request that is read again finds in the state what it
did, or that it was refused. Of two that are asked at once the first on the log counts, and the other is refused.

Retries of steps that a rerun begins together are one run: the letters of all items of a for_each name the same.

A request counts only if somebody vouches for it who may, as with runs (`engine/runs/strangers.py`); one for a run that
has no letters is set aside, since an aggregate for each name that somebody sends would never end.
"""

from collections.abc import Iterator

from foldgate.authority.keys import SignatureInvalid
from foldgate.authority.redaction import redacted_event
from foldgate.authority.requests import UNVOUCHED, OfLetter, Vouching
from foldgate.authority.secrets import Level
from foldgate.contracts.events import (
    DeadLetterDiscarded,
    DeadLetterOpened,
    DeadLetterRefused,
    DeadLetterRetried,
    DeadLetterRetryRequested,
    Event,
    JobAbandoned,
    Meta,
)
from foldgate.decider.decider import Decider, Message, Said, SetAside
from foldgate.engine.letters.evolve import evolve
from foldgate.engine.letters.state import OPEN, Letter, Letters, describe, identity, settles, watches

Outcome = Iterator[Event | Said]
MAX_NAME = 255
MAX_REASON = 2000
REFUSALS_REMEMBERED = {True: 1000, False: 100}
"""Requests that were refused, of those that somebody vouched for and of the others: what is more than that is set
aside, so that nobody who asks much makes the state grow, or one forgotten that would count now."""


def letters(vouching: Vouching, *, redaction: Level = "low") -> Decider[Letters]:
    """The decider of dead letters. `vouching` says who asks."""

    def decide(state: Letters | None, message: Message) -> Outcome:
        match message.event, message.meta:
            case JobAbandoned() as job, Meta() as meta:
                yield from _opened(state, job, meta)
            case request, Meta() as meta if isinstance(request, OfLetter):
                said = _asked(state, request, meta, vouching=vouching, at=message.at)
                yield from (redacted_event(one, redaction) for one in said)
            case _:
                return

    return Decider(
        state=Letters,
        decide=decide,
        evolve=evolve,
        fail=_fail,
        watches=watches,
        settles=settles,
        counts=_counted,
        describe=describe,
    )


def _opened(state: Letters | None, abandoned: JobAbandoned, meta: Meta) -> Outcome:
    known = None if state is None else state.get(abandoned.step)
    if known is not None and (known.status == OPEN or meta.at <= known.opened):
        return  # it says again what is known
    job = abandoned.job
    opened = DeadLetterOpened(
        step=abandoned.step,
        job_id=job.job_id,
        topic=job.topic,
        code=abandoned.code,
        workflow=job.workflow,
        from_step=abandoned.from_step,
        status=abandoned.status,
        attempts=abandoned.attempts,
    )
    yield Said(opened, principal=job.principal)


def _asked(state: Letters | None, request: OfLetter, meta: Meta, *, vouching: Vouching, at: int) -> Iterator[Event]:
    _expect_short_names(meta)
    if state is None:
        raise SetAside("unknown_letter", f"Expected a run with dead letters, but '{meta.run_id[:100]}' has none.")
    if (stranger := _unvouched(state, request, meta, vouching=vouching, at=at)) is not None:
        yield from _refused(state, request, meta, code=stranger.code, reason=str(stranger))
        return
    letter = state.get(request.step)
    if identity(meta) and letter is not None and letter.settled == identity(meta):
        return
    refusal = _refusal(letter, request)
    if refusal is not None:
        yield from _refused(state, request, meta, code=refusal[0], reason=refusal[1])
    elif isinstance(request, DeadLetterRetryRequested):
        yield DeadLetterRetried(step=request.step, new_run=request.new_run, reason=request.reason[:MAX_REASON])
    else:
        yield DeadLetterDiscarded(step=request.step, reason=request.reason[:MAX_REASON])


def _unvouched(
    state: Letters, request: OfLetter, meta: Meta, *, vouching: Vouching, at: int
) -> SignatureInvalid | None:
    """Why the request is nobody's who may ask this."""
    try:
        vouching.check(meta, request, at=at)
    except SignatureInvalid as error:
        return error
    if meta.tenant != state.tenant:
        return SignatureInvalid(
            "wrong_tenant", f"Expected somebody of the run's tenant, but it is of '{meta.tenant[:200]}'."
        )
    return None


def _refusal(letter: Letter | None, request: OfLetter) -> tuple[str, str] | None:
    """Why a letter cannot be settled so, as a code and a sentence."""
    if letter is None:
        return "unknown_letter", f"Expected a step with a dead letter, but '{request.step[:200]}' of that run has none."
    if letter.status == "retried":
        return "already_retried", f"Expected an open letter, but it was retried already, as {letter.retry}."
    if letter.status == "discarded":
        return "already_discarded", "Expected an open letter, but it was discarded already."
    if isinstance(request, DeadLetterRetryRequested) and request.new_run != letter.retry:
        return "wrong_run", f"Expected the run {letter.retry}, which its retry is, but got '{request.new_run[:100]}'."
    return None


def _refused(state: Letters, request: OfLetter, meta: Meta, *, code: str, reason: str) -> Iterator[Event]:
    """Refuse it, once."""
    vouched = code not in UNVOUCHED
    before = state.answered if vouched else state.dismissed
    if identity(meta) in before:
        return
    if len(before) >= REFUSALS_REMEMBERED[vouched]:
        raise SetAside(code, reason)
    name, step = type(request).__name__, request.step[:MAX_NAME]
    yield DeadLetterRefused(request=name, step=step, code=code, reason=reason[:MAX_REASON])


def _expect_short_names(meta: Meta) -> None:
    for what, name in (("principal", meta.principal), ("request id", meta.request_id)):
        if len(name) > MAX_NAME:
            raise SetAside("name_too_long", f"Expected a {what} of at most {MAX_NAME} characters, but got {len(name)}.")


def _counted(event: Event) -> str:
    """A letter that is opened or settled, in a word."""
    match event:
        case DeadLetterOpened():
            return event.status
        case DeadLetterRetried():
            return "retried"
        case DeadLetterDiscarded():
            return "discarded"
        case _:
            return ""


def _fail(state: Letters | None, message: Message, reason: str) -> Outcome:
    """After a fault of ours whoever asked hears of it. A letter that could not be opened is in quarantine, loudly."""
    request = message.event
    if state is not None and isinstance(request, OfLetter):
        name, step = type(request).__name__, request.step[:MAX_NAME]
        yield DeadLetterRefused(request=name, step=step, code="internal_error", reason=reason[:MAX_REASON])
