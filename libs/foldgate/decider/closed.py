"""The keys of aggregates that have ended: remembered for a while, so that a repeat stays a repeat."""

import hashlib
from collections.abc import Iterator

_HOUR_MS = 3_600_000
_SIZE = 16


class ClosedKeys:
    """Digests of ended keys, by the hour they ended in, so that a whole hour is stored or forgotten at once."""

    def __init__(self) -> None:
        self._hours: dict[int, set[bytes]] = {}
        self._changed: set[int] = set()

    def add(self, key: str, at: int) -> None:
        """Remember that this aggregate ended at that time."""
        hour = at // _HOUR_MS
        self._hours.setdefault(hour, set()).add(_digest(key))
        self._changed.add(hour)

    def __contains__(self, key: str) -> bool:
        digest = _digest(key)
        return any(digest in hour for hour in self._hours.values())

    def __len__(self) -> int:
        return sum(map(len, self._hours.values()))

    def forget_before(self, at: int) -> list[int]:
        """Forget every hour that ended before this time, and say which."""
        gone = [hour for hour in self._hours if (hour + 1) * _HOUR_MS <= at]
        for hour in gone:
            del self._hours[hour]
        self._changed.difference_update(gone)
        return gone

    def hours(self) -> Iterator[int]:
        """Every hour that is remembered."""
        return iter(self._hours)

    def take_changed(self) -> set[int]:
        """The hours that have changed since this was last asked."""
        changed, self._changed = self._changed, set()
        return changed

    def dump(self, hour: int) -> bytes:
        """One hour as bytes."""
        return b"".join(sorted(self._hours.get(hour, ())))

    def load(self, hour: int, data: bytes) -> None:
        """One hour from bytes."""
        self._hours[hour] = {data[at : at + _SIZE] for at in range(0, len(data), _SIZE)}


def _digest(key: str) -> bytes:
    return hashlib.blake2b(key.encode(), digest_size=_SIZE).digest()
