"""What is asked of a run by nobody who may: it changes nothing, and is answered all the same.

Of a run that is there it is refused on its timeline, but whoever asks much does not use up the events of the run: what
is more than that is set aside. What would begin a run is set aside as well. A refusal would be the first event of that
run, and its last: then nobody else could ask for the run of that key any longer, and any stranger could be before them.
"""

from typing import NamedTuple

from foldgate.authority.keys import SignatureInvalid
from foldgate.authority.requests import OfRun, Vouching
from foldgate.contracts.events import Meta, RequestRefused, RunRefused, RunRequested
from foldgate.decider.decider import Message, SetAside
from foldgate.engine.runs import starting
from foldgate.engine.runs.evolve import REMEMBERED
from foldgate.engine.runs.state import Run, identity
from foldgate.engine.runs.turn import Turn, shortened


class Stranger(NamedTuple):
    """Who asks, for what, and why it does not count."""

    meta: Meta
    asked: OfRun
    why: SignatureInvalid


def found(message: Message, run: Run | None, vouching: Vouching) -> Stranger | None:
    """Whoever asks without anybody who may vouch for it; None where somebody does, and where nothing is asked."""
    asked, meta = message.event, message.meta
    if not isinstance(asked, OfRun) or meta is None:
        return None
    if isinstance(asked, RunRequested):
        starting.check_names(asked, meta)
    try:
        vouching.check(meta, asked, at=message.at)
        if run is not None and run.tenant != meta.tenant:
            reason = f"Expected somebody of the run's tenant, but it is of '{meta.tenant[:200]}'."
            raise SignatureInvalid("wrong_tenant", reason)
    except SignatureInvalid as error:
        return Stranger(meta, asked, error)
    return None


def turn_away(message: Message, vouching: Vouching) -> None:
    """Set aside what a stranger asks where there is no run."""
    if (stranger := found(message, None, vouching)) is not None:
        raise SetAside(stranger.why.code, str(stranger.why))


def dismiss(turn: Turn, stranger: Stranger) -> None:
    """Refuse it, once."""
    meta, asked, why = stranger
    if identity(meta) in turn.run.dismissed:
        return
    if len(turn.run.dismissed) >= REMEMBERED:
        raise SetAside(why.code, str(why))
    reason = shortened(str(why))
    if isinstance(asked, RunRequested):
        turn.say(RunRefused(code=why.code, reason=reason))
    else:
        turn.say(RequestRefused(request=type(asked).__name__, code=why.code, reason=reason))
