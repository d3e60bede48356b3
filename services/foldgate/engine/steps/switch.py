"""A switch: the first case that holds says where the run goes on; its other targets are skipped."""

from typing import Any

from foldgate.engine.runs.places import Place
from foldgate.engine.runs.turn import Turn, Unfit, encoded, shortened
from foldgate.engine.steps.instant import call_back, progress, wake
from foldgate.language.definition import Case, SwitchSpec

__all__ = ["begin", "call_back", "progress", "wake"]


def begin(turn: Turn, place: Place, _: str) -> None:
    """Find the case. Its output says which it was, and where it leads: `{case, next}`."""
    spec = place.step.spec
    assert isinstance(spec, SwitchSpec)
    subject = turn.evaluate(spec.subject, place) if spec.subject is not None else None
    for number, case in enumerate(spec.cases):
        if _holds(turn, place, case, subject=subject):
            turn.succeed(place, encoded({"case": number, "next": case.next}))
            return
    if spec.default is None:
        found = shortened(encoded(subject), 100) if spec.subject is not None else "none of them holds"
        raise Unfit("no_matching_case", f"Expected one of {len(spec.cases)} cases or a default, but: {found}.")
    turn.succeed(place, encoded({"case": "default", "next": spec.default}))


def _holds(turn: Turn, place: Place, case: Case, *, subject: Any) -> bool:
    if case.when is not None:
        return turn.holds(case.when, place)
    assert case.match is not None
    return encoded(turn.evaluate(case.match, place)) == encoded(subject)
