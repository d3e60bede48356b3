"""How often somebody may ask: so many a second, and so many at once, each counted apart."""

import math

from foldgate.gateway.http.problems import Problem
from foldgate.runtime.clock import Clock

MOST_NAMES = 20_000


class Pace:
    """Of one kind of request. Whoever asks too often is refused, and nobody else notices."""

    def __init__(self, clock: Clock, *, per_second: float, at_once: int, what: str) -> None:
        self._clock, self._per_second, self._at_once, self._what = clock, per_second, at_once, what
        self._left: dict[str, tuple[float, int]] = {}

    def count(self, name: str) -> None:
        """Count one request of this name; a problem if it is one too many."""
        now = self._clock.monotonic_ms()
        left, at = self._left.pop(name, (float(self._at_once), now))
        left = min(float(self._at_once), left + (now - at) / 1000 * self._per_second)
        self._left[name] = (left - 1 if left >= 1 else left, now)
        if len(self._left) > MOST_NAMES:
            del self._left[next(iter(self._left))]
        if left < 1:
            after_s = max(1, math.ceil((1 - left) / self._per_second))
            what = f"Expected at most {self._per_second:g} {self._what} a second, but there are more"
            again = "a second" if after_s == 1 else f"{after_s} seconds"
            raise Problem("too_fast", f"{what}: wait {again}.", again_after_s=after_s)
