"""The dead letters of one run: the jobs of it that nobody will try again by itself, and what became of each.

(none) --DeadLetterOpened--> open --DeadLetterRetried----> retried
                             open --DeadLetterDiscarded--> discarded

DeadLetterRefused leaves every letter as it is. What is settled stays, as a few bytes, and so does the aggregate:
however late somebody asks again, it is known what was done. Should the id of a run that was forgotten long ago be given
again, what the new run abandons is open anew, also where the old one had a letter of that step.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Any, Literal
from zlib import crc32

import msgspec

from foldgate.contracts import ids
from foldgate.contracts.events import Event, Meta

Status = Literal["open", "retried", "discarded"]
OPEN: Status = "open"
_SHARDS = 128


class Letter(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """One of them.

    since    when it came to its status
    opened   when it was opened
    retry    the run that is its retry, whoever asks for that and however often
    settled  the request that settled it
    """

    status: Status
    since: int
    opened: int
    retry: str
    settled: bytes = b""


class Letters(msgspec.Struct, frozen=True, kw_only=True):
    """Those of one run, by step; in pieces, so that one of ten thousand costs what one of ten does.

    answered   the requests that were refused, which changed nothing: sent again, they change nothing either
    dismissed  what strangers asked: it stands in no other request's way
    """

    tenant: str
    shards: dict[int, dict[str, Letter]] = {}
    answered: frozenset[bytes] = frozenset()
    dismissed: frozenset[bytes] = frozenset()

    def get(self, step: str) -> Letter | None:
        """The letter of that step, if it has one."""
        return self.shards.get(_shard_of(step), {}).get(step)

    def with_(self, step: str, letter: Letter) -> "Letters":
        """These, with that one in place of what it was."""
        shard = _shard_of(step)
        return msgspec.structs.replace(
            self, shards={**self.shards, shard: {**self.shards.get(shard, {}), step: letter}}
        )

    def values(self) -> Iterator[Letter]:
        """All of them, in no order that means anything."""
        for shard in self.shards.values():
            yield from shard.values()


def _shard_of(step: str) -> int:
    return crc32(step.encode()) % _SHARDS


def identity(meta: Meta) -> bytes:
    """Which request it is: its id, of whoever asks, however long both are; empty where it has none."""
    return ids.digest(meta.principal, meta.request_id)[:16] if meta.request_id else b""


def watches(letters: Letters) -> Iterator[tuple[str, int]]:
    """Each open letter waits for somebody."""
    for letter in letters.values():
        if letter.status == OPEN:
            yield "letter", letter.opened


def settles(letters: Letters | None, event: Event) -> int | None:
    """Since when the letter was open that this event settles."""
    name, step = type(event).__name__, getattr(event, "step", "")
    if letters is None or name not in ("DeadLetterRetried", "DeadLetterDiscarded"):
        return None
    letter = letters.get(step)
    return None if letter is None else letter.opened


def describe(letters: Letters) -> dict[str, Any]:
    """How many there are of each status, for people and their programs."""
    return dict(Counter(letter.status for letter in letters.values()))
