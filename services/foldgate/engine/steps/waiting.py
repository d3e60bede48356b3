"""What the steps that wait have in common: they end at once when they are called back."""

from foldgate.engine.runs.places import Place
from foldgate.engine.runs.turn import Ending, Turn


def progress(turn: Turn, place: Place) -> None:
    """It is no group."""


def wake(turn: Turn, place: Place) -> None:
    """Nothing of it comes by itself."""


def call_back(turn: Turn, place: Place, ending: Ending) -> None:
    """Nobody outside holds anything of it."""
    turn.end(place, ending)
