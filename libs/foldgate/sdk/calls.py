"""Calls from any thread, made in the thread of one event loop, in the order they came; many for one waking."""

import asyncio
import threading
from collections import deque
from collections.abc import Callable

Call = Callable[[], None]


class Calls:
    """To the event loop in whose thread it is made. Calls from that thread are made at once, unless others wait."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop, self._thread = loop, threading.get_ident()
        self._waiting: deque[Call] = deque()
        self._lock = threading.Lock()
        self._is_woken = False

    def put(self, call: Call) -> None:
        """Have this called there. Of a loop that is closed nobody hears."""
        if self._thread == threading.get_ident() and not self._waiting:
            call()
            return
        with self._lock:
            self._waiting.append(call)
            if self._is_woken or self._loop.is_closed():
                return
            self._is_woken = True
        self._loop.call_soon_threadsafe(self._empty)

    def _empty(self) -> None:
        with self._lock:
            self._is_woken = False
        while self._waiting:
            self._waiting.popleft()()
