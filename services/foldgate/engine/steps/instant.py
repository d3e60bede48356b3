"""What the steps that are one decision have in common: nothing of them waits, so nothing can be called back."""

from foldgate.engine.runs.places import Place
from foldgate.engine.runs.turn import Ending, Turn


def progress(turn: Turn, place: Place) -> None:
    """It is no group."""


def wake(turn: Turn, place: Place) -> None:
    """Nothing of it comes by itself."""


def call_back(turn: Turn, place: Place, ending: Ending) -> None:
    """It is never live."""
