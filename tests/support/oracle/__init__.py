"""A second opinion on runs: reads the events of a run and the messages it was told, and says what may not be.

It is written from the meaning of the language, and by no code of the engine.

    oracle = Oracle(definition, max_lost=3, cancel_grace_ms=30_000)
    oracle.heard(meta, message, at=at)  # before each decision
    oracle.said(meta, event)            # for each event of it
    oracle.settled()                    # after it: whatever could begin has begun

It keeps its own account of every instance of every step (`story`), reads it by the rules of the language (`reading`),
and asks of each event whether it may be: `beginning`, `ending`, `run`.
"""

from collections.abc import Iterable
from typing import NamedTuple

from foldgate.contracts.events import Event, Meta
from foldgate.decider.decider import Tick
from foldgate.language.definition import Definition
from tests.support.oracle.judging import Oracle
from tests.support.oracle.story import Wrong

__all__ = ["Decision", "Oracle", "Wrong", "judge"]


class Decision(NamedTuple):
    """What a run was told and when, with its Meta where it has one, and what it said to that."""

    at: int
    meta: Meta | None
    message: Event | Tick
    said: list[tuple[Meta, Event]]


def judge(
    definition: Definition, decisions: Iterable[Decision], *, max_lost: int = 3, cancel_grace_ms: int = 30_000
) -> Oracle:
    """Raise Wrong unless every event of a run is as the language says; answers with what the oracle knows of it."""
    oracle = Oracle(definition, max_lost=max_lost, cancel_grace_ms=cancel_grace_ms)
    for decision in decisions:
        oracle.heard(decision.meta, decision.message, at=decision.at)
        for meta, event in decision.said:
            oracle.said(meta, event)
        oracle.settled(ticked=isinstance(decision.message, Tick))
    return oracle
