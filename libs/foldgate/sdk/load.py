"""How busy this machine is, as far as that costs nothing to know."""

import os
from pathlib import Path

_STAT = Path("/proc/stat")
UNKNOWN = -1


class Processors:
    """Their load since it was asked last; where the kernel does not say, the average of the last minute."""

    def __init__(self) -> None:
        self._last = _spent()

    def percent(self) -> int:
        """From 0 to 100; -1 if nobody knows."""
        last, self._last = self._last, _spent()
        if last is not None and self._last is not None:
            busy, total = (now - then for now, then in zip(self._last, last, strict=True))
            return round(100 * busy / total) if total > 0 else UNKNOWN
        try:
            return min(100, round(100 * os.getloadavg()[0] / (os.cpu_count() or 1)))
        except OSError:
            return UNKNOWN


def _spent() -> tuple[int, int] | None:
    """Ticks of all processors that were spent working, and all of them."""
    try:
        with _STAT.open() as file:
            name, *fields = file.readline().split()
        ticks = [int(field) for field in fields[:8]]
    except (OSError, ValueError):
        return None
    return (sum(ticks) - sum(ticks[3:5]), sum(ticks)) if name == "cpu" and len(ticks) == 8 else None
