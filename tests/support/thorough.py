"""How much a test samples: little every day, much where FOLDGATE_THOROUGH=1 asks for it (docs/testing.md)."""

import os
from typing import TypeVar

T = TypeVar("T")
THOROUGH = os.environ.get("FOLDGATE_THOROUGH") == "1"


def daily(few: T, *, thorough: T) -> T:
    """The first, or the second where it may take its time."""
    return thorough if THOROUGH else few
