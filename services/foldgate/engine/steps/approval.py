"""An approval: people are asked for a yes. Who may answer and how many must is the approval service's to judge."""

from foldgate.contracts import ids
from foldgate.contracts.events import ApprovalExpired, ApprovalGranted, ApprovalRefused, ApprovalRequested
from foldgate.engine.runs.places import Place
from foldgate.engine.runs.turn import Turn, encoded
from foldgate.engine.steps.parallel import deadline
from foldgate.engine.steps.waiting import call_back, progress, wake
from foldgate.language.definition import ApprovalSpec

__all__ = ["ask", "begin", "call_back", "expired", "granted", "progress", "refused", "wake"]

RULE = "approval"
"""What denies a step that people refused, where a rule of policy otherwise would be named."""


def begin(turn: Turn, place: Place, given: str) -> None:
    """Ask them."""
    assert isinstance(place.step.spec, ApprovalSpec)
    ask(turn, place, given, terms=place.step.spec.terms)


def ask(turn: Turn, place: Place, given: str, *, terms: str, schema: str = "") -> None:
    """Open a question, bound to what is shown."""
    run = turn.run
    binding = ids.digest("approval", run.digest, place.id, given, terms, schema).hex()
    asked = ApprovalRequested(
        step=place.id,
        approval_id=f"{run.run_id}:{place.id}",
        kind=place.step.type,
        input=given,
        terms=terms,
        schema=schema,
        binding=binding,
        parent=turn.parent(place),
        deadline=deadline(turn, place),
    )
    turn.say(asked, principal=run.principal)


def granted(turn: Turn, place: Place, event: ApprovalGranted) -> None:
    """They said yes, or gave the data."""
    if place.step.type == "input":
        turn.succeed(place, event.data)
    else:
        turn.succeed(place, encoded({"approved": True, "by": event.by}))


def refused(turn: Turn, place: Place, event: ApprovalRefused) -> None:
    """They said no."""
    by = ", ".join(event.by) or "somebody"
    turn.deny(place, RULE, f"Refused by {by}: {event.reason}" if event.reason else f"Refused by {by}.")


def expired(turn: Turn, place: Place, event: ApprovalExpired) -> None:
    """Nobody answered in time."""
    if event.on_expire == "timed_out":
        turn.time_out(place, "expired", "Nobody answered in time.")
    else:
        turn.deny(place, RULE, "Nobody answered in time.")
