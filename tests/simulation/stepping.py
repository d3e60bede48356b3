"""Coroutines that go on when they are told to: whoever drives them says which takes its next step.

There is no loop that chooses. A coroutine stops where an operation begins or ends (`Hop`), or where it waits for a
future, and may be closed there: that is a crash between any two steps of what it does.
"""

import asyncio
from collections.abc import Coroutine, Generator
from typing import Any


class Hop:
    """One place to stop."""

    def __await__(self) -> Generator[None, None, None]:
        yield


class Running:
    """A coroutine on its way."""

    def __init__(self, work: Coroutine[Any, Any, Any]) -> None:
        self._work = work
        self._awaited: asyncio.Future[Any] | None = None
        self.over = False

    @property
    def can_go_on(self) -> bool:
        """Whether what it waits for is there."""
        return not self.over and (self._awaited is None or self._awaited.done())

    def step(self) -> None:
        """On to the next place to stop, or to the end; raises what it raises."""
        try:
            self._awaited = self._work.send(None)
        except StopIteration:
            self.over = True
        except BaseException:
            self.over = True
            raise

    def __await__(self) -> Generator[None, None, None]:
        """Another goes on when it is over."""
        while not self.over:
            if self.can_go_on:
                self.step()
            if not self.over:
                yield

    def close(self) -> None:
        """Nothing more of it happens."""
        self.over = True
        self._work.close()
