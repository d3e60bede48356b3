"""The keys of aggregates that have ended: remembered for a while, so that a repeat stays a repeat."""

import hashlib
from collections.abc import Iterator

_HOUR_MS = 3_600_000
SIZE = 16
"""Bytes of one digest."""


class ClosedKeys:
    """Digests of ended keys, by the hour they ended in, so that a whole hour is forgotten at once."""

    def __init__(self) -> None:
        self._hours: dict[int, set[bytes]] = {}

    def add(self, key: str, at: int) -> None:
        """Remember that this aggregate ended at that time."""
        self._hours.setdefault(hour_of(at), set()).add(digest_of(key))

    def __contains__(self, key: str) -> bool:
        digest = digest_of(key)
        return any(digest in hour for hour in self._hours.values())

    def __len__(self) -> int:
        return sum(map(len, self._hours.values()))

    def forget_before(self, at: int) -> list[int]:
        """Forget every hour that ended before this time, and say which."""
        gone = [hour for hour in self._hours if (hour + 1) * _HOUR_MS <= at]
        for hour in gone:
            del self._hours[hour]
        return gone

    def hours(self) -> Iterator[int]:
        """Every hour that is remembered."""
        return iter(self._hours)

    def dump(self, hour: int) -> bytes:
        """The digests of one hour."""
        return b"".join(sorted(self._hours.get(hour, ())))

    def load(self, hour: int, data: bytes) -> None:
        """Remember these digests, too, as of that hour."""
        digests = (data[at : at + SIZE] for at in range(0, len(data), SIZE))
        self._hours.setdefault(hour, set()).update(digests)


def hour_of(at: int) -> int:
    """The hour of a time."""
    return at // _HOUR_MS


def digest_of(key: str) -> bytes:
    """What is remembered of a key."""
    return hashlib.blake2b(key.encode(), digest_size=SIZE).digest()
