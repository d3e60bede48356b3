"""What a handler says of its job while it is at it, from whatever thread, kept until the worker sends it.

Of what is said often only the last is sent, a few times a second; what was said last is sent before the job's report.
"""

import threading
from collections.abc import Callable
from typing import Any

from foldgate.contracts.events import ConstraintBreached, JobProgressed

MESSAGE_CHARACTERS = 2000
MOST_BREACHES = 100
"""How many breaches of one job are reported: a handler may try for ever."""


Hears = Callable[[str, Any], None]
"""Hears each word as it is said, in the thread that says it: began, progress, checkpoint or breach."""


def unheard(kind: str, what: Any) -> None:
    """Nobody listens so closely."""


class Voice:
    """One job's. `wake` is called, in the thread that speaks, when there is something to send; `hide` takes secrets out
    of texts."""

    def __init__(self, wake: Callable[[bool], None], *, hide: Callable[[str], str], hears: Hears = unheard) -> None:
        self.hears = hears
        self._wake, self._hide, self._lock = wake, hide, threading.Lock()
        self._percent, self._message, self._checkpoint = -1, "", ""
        self._is_new = self._is_woken = False
        self._breaches: list[tuple[str, str, bool]] = []
        self._progressed = self._breached = 0
        self._stopped = threading.Event()

    @property
    def is_stopped(self) -> bool:
        """Whether the handler was told to stop."""
        return self._stopped.is_set()

    def stop(self) -> None:
        """Tell it, should it look."""
        self._stopped.set()

    def progress(self, percent: float | None, message: str) -> None:
        """How far it is."""
        with self._lock:
            self._percent = -1 if percent is None else int(min(100.0, max(0.0, percent)))
            self._message, self._is_new = self._hide(message)[:MESSAGE_CHARACTERS], True
            said = (self._percent, self._message)
        self._say("progress", said, at_once=False)

    def checkpoint(self, text: str) -> None:
        """What another attempt goes on from, as JSON."""
        said = self._hide(text)
        with self._lock:
            self._checkpoint, self._is_new = said, True
        self._say("checkpoint", said, at_once=False)

    def breach(self, constraint: str, message: str, *, was_stopped: bool) -> None:
        """What was tried, or done, against the constraints."""
        with self._lock:
            if self._breached + len(self._breaches) >= MOST_BREACHES:
                return
            self._breaches.append((constraint, self._hide(message)[:MESSAGE_CHARACTERS], was_stopped))
        self._say("breach", constraint, at_once=True)

    def _say(self, kind: str, what: Any, *, at_once: bool) -> None:
        self.hears(kind, what)
        with self._lock:
            is_known, self._is_woken = self._is_woken and not at_once, True
        if not is_known:
            self._wake(at_once)

    def taken(self, *, job_id: str, lease: int, worker: str) -> list[JobProgressed | ConstraintBreached]:
        """What is to be sent now; a checkpoint is sent once."""
        said: list[JobProgressed | ConstraintBreached] = []
        with self._lock:
            self._is_woken = False
            for constraint, message, was_stopped in self._breaches:
                self._breached += 1
                said.append(
                    ConstraintBreached(
                        job_id=job_id,
                        lease=lease,
                        worker=worker,
                        number=self._breached,
                        constraint=constraint,
                        message=message,
                        was_stopped=was_stopped,
                    )
                )
            self._breaches.clear()
            if self._is_new:
                self._progressed += 1
                said.append(
                    JobProgressed(
                        job_id=job_id,
                        lease=lease,
                        worker=worker,
                        number=self._progressed,
                        percent=self._percent,
                        message=self._message,
                        checkpoint=self._checkpoint,
                    )
                )
                self._is_new, self._checkpoint = False, ""
        return said
