"""How a worker and its suite reach each other: the one small contract between the worker and its transports.

Who owns what
-------------
A transport owns: the way there and back (a log, or HTTP), how things are framed and addressed, the ids and envelopes of
what it sends, and the proof under each report (`with_mac` with the token of the dispatch, or the lease token of the
door). It hears of dispatches from `open` on, and of none before. It keeps nothing of jobs, decides nothing about them,
and does not try again: it says `Unreachable`, and is asked again.

The worker owns: which dispatches it believes (`believing.py`), what is begun, when it ends, what is said of it and in
which order, the numbers and the times of beats, which secrets are taken out of what is said, and trying again.

A transport is used by one event loop, and by these tasks of it at the same time: one in `next`, one in `beat`, one in
`report`. Where a transport `vouches`, somebody on its far side whom the worker trusts has verified writ and lease (the
HTTP door, over TLS and under an API key): then a worker without root keys takes what it brings. With root keys it
verifies all the same.

There are `over_log.OverLog`, `over_http.OverHttp`, and the one of `foldgate.sdk.testing`, which goes nowhere.
"""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import msgspec

from foldgate.authority.token import Report as Said
from foldgate.contracts.events import JobCancelled, JobDispatched, Meta, WorkerBeat
from foldgate.sdk.artifacts import Artifacts


class Unreachable(Exception):
    """The other side did not answer, or is not able to just now: whether it was heard is not known. Ask again."""


class SaidTooMuch(Exception):
    """A report is larger than can be carried, or is otherwise what cannot be, which the code tells. Those that were
    sent together are to be said again, each by itself."""

    def __init__(self, message: str, *, code: str = "output_too_large") -> None:
        super().__init__(message)
        self.code = code


class Unwelcome(Exception):
    """The other side does not want this worker, and will not: wrong key, unknown pool, a name that is not its own. The
    text says what to do."""


class Hello(msgspec.Struct, frozen=True, kw_only=True):
    """Who comes. `endpoint` is its name and an id of this very instance."""

    name: str
    endpoint: str
    pool: str
    max_parallel: int
    topics: tuple[str, ...] = ()
    capabilities: tuple[str, ...] = ()
    labels: dict[str, str] = {}


class Welcome(msgspec.Struct, frozen=True, kw_only=True):
    """As whom it is known from now on, and how long a beat of it holds; 0 if that is not said before the first
    dispatch."""

    endpoint: str
    lease_ms: int = 0


class Arrival(NamedTuple):
    """What came. `meta.at` of a dispatch is the time under the scheduler's signature."""

    meta: Meta
    event: JobDispatched | JobCancelled


class Report(NamedTuple):
    """What is said of a dispatch that came; JobSucceeded or JobFailed is the last word. `event.worker`, `event.lease`
    are those of the dispatch; its `mac` is still empty. A dispatch with an empty token is one that nobody gave us: what
    is said of it proves nothing, and is on the record all the same. `name` tells it from the others under this lease:
    said again, it is the same report."""

    meta: Meta
    dispatch: JobDispatched
    event: Said
    name: str


class Transport(Protocol):
    """See above. Every method may raise Unreachable, and Unwelcome where there is no use in asking again. `artifacts`
    is the store that its way leads to, if it leads to one: a worker that has none of its own uses it."""

    @property
    def artifacts(self) -> Artifacts | None: ...

    @property
    def vouches(self) -> bool:
        """Whether what it brings was verified by somebody whom the worker trusts."""

    async def open(self, hello: Hello) -> Welcome:
        """Arrive, and hear of what is dispatched from now on."""

    async def next(self, room: int) -> Sequence[Arrival]:
        """Wait a second or so for what comes, and return it in order; nothing if nothing came. `room` is how many more
        jobs can be begun; calls back come also where there is none."""

    async def beat(self, beat: WorkerBeat) -> None:
        """Send a sign of life. When this returns it is durable: the lease of this beat counts from before the call."""

    async def report(self, reports: Sequence[Report]) -> None:
        """Say these, in this order; all of them are durable when this returns. After an error any of them may have been
        said. What the other side does not count (too late, not held by us) is no error: it is the judge, not we. Raises
        SaidTooMuch."""

    async def close(self) -> None:
        """Leave. What was not taken with `next` is lost."""
