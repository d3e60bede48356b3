"""Questions to people. None can be asked yet: no decision asks for an approval, so nothing is ever said here."""

import msgspec

from foldgate.contracts.events import Event, Meta
from foldgate.decider.decider import Decider, IllegalTransition


class Questions(msgspec.Struct, frozen=True):
    """The questions of one run."""


def approvals() -> Decider[Questions]:
    """The decider of questions."""
    return Decider(state=Questions, decide=lambda _state, _message: (), evolve=_evolve)


def _evolve(_state: Questions | None, meta: Meta, event: Event) -> Questions:
    raise IllegalTransition(f"{type(event).__name__} is no event of a question: {meta.event_id}")
