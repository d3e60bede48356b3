"""Ended keys as they are stored: by the hour, in parts of which only an hour's last still grows.

So a save costs what has ended since the last, an hour in which very many ended fits any store, and a whole hour can be
forgotten.
"""

from foldgate.decider.closed import SIZE, ClosedKeys, digest_of, hour_of

PART_BYTES = 4096 * SIZE


class Endings:
    """What is to be stored of a partition's ended keys. Only endings that are on the log are noted here."""

    def __init__(self, closed: ClosedKeys) -> None:
        self._last: dict[int, tuple[int, bytearray]] = {}
        self._unsaved: dict[str, bytearray | None] = {}
        for hour in closed.hours():
            digests = closed.dump(hour)
            for at in range(0, len(digests), PART_BYTES):
                self._begin(hour).extend(digests[at : at + PART_BYTES])

    def note(self, key: str, at: int) -> None:
        """A key has ended."""
        hour = hour_of(at)
        number, part = self._last.get(hour, (0, None))
        if part is None or len(part) >= PART_BYTES:
            part = self._begin(hour)
        else:
            self._unsaved[_name(hour, number)] = part
        part += digest_of(key)

    def forget(self, hour: int) -> None:
        """Nothing of that hour needs to be stored any longer."""
        number, _ = self._last.pop(hour, (-1, None))
        self._unsaved |= dict.fromkeys(_name(hour, n) for n in range(number + 1))

    def take(self) -> dict[str, bytes | None]:
        """What has changed since this was last asked; None for what is to be removed."""
        taken, self._unsaved = self._unsaved, {}
        return {name: None if part is None else bytes(part) for name, part in taken.items()}

    def _begin(self, hour: int) -> bytearray:
        number, part = self._last.get(hour, (-1, None))[0] + 1, bytearray()
        self._last[hour] = number, part
        self._unsaved[_name(hour, number)] = part
        return part


def _name(hour: int, number: int) -> str:
    return f"c/{hour}/{number}"


def hour_in(name: str) -> int:
    """The hour whose keys are under this name."""
    return int(name.split("/")[1])
