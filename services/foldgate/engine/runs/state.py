"""The state of a run, and the moves it can make: none leads on from the statuses a run ends with (INV-12).

(none) --RunStarted--> running --SlotRequested--> pending --SlotTaken--> running
running, pending, halted --RunCleared--> the same        (policy lets it begin: what waited for that goes on)
(none) --RunRefused--> refused      (a request that started nothing; the request of another body changes nothing)
running, pending --RunHalted--> halted          (nothing more is begun, what is under way is called back)
halted --RunHalted--> halted                    (policy does not let it begin: it will be denied)
running, halted --CompensationStarted--> compensating
running --RunSucceeded--> succeeded
running, pending, halted, compensating --RunFailed, RunDenied, RunTimedOut, RunCancelled--> that status
any live --RunFailed--> failed      (an internal error ends the run wherever it is)

What a step may do is in `step.py`. The state is replaced with each event and never changed; what grows with the run is
kept in tables that are copied in pieces (`tables.py`), so that an event of a run of ten thousand steps costs what one
of a run of ten does.
"""

from typing import Literal

import msgspec

from foldgate.contracts import ids
from foldgate.contracts.events import Ancestor, Meta
from foldgate.engine.runs.step import Step
from foldgate.engine.runs.tables import Steps, Timers, first_timer

_OPEN = frozenset({"", "failed"})
"""The statuses of a halt that policy overrules."""
FAULT = "internal_error"
"""The code of a halt after a fault of ours, which nothing overrules."""
Phase = Literal[
    "running",
    "pending",
    "halted",
    "compensating",
    "succeeded",
    "failed",
    "denied",
    "timed_out",
    "cancelled",
    "refused",
]
LIVE: frozenset[str] = frozenset({"running", "pending", "halted", "compensating"})
BEFORE_ITS_END = frozenset({"running", "pending"})
"""Where a run can still be halted or paused."""

MOVES: dict[str, frozenset[str]] = {
    "SlotRequested": frozenset({"running"}),
    "SlotTaken": frozenset({"pending"}),
    "RunCleared": frozenset({"running", "pending", "halted"}),
    "RunHalted": frozenset({"running", "pending", "halted"}),
    "CompensationStarted": frozenset({"running", "halted"}),
    "RunSucceeded": frozenset({"running"}),
    "RunDenied": frozenset({"running", "halted", "compensating"}),
    "RunTimedOut": frozenset({"running", "halted", "compensating"}),
    "RunCancelled": frozenset({"running", "halted", "compensating"}),
}
"""From which phase an event may take a run; what is not named here may happen in any live one."""


class Halt(msgspec.Struct, frozen=True, gc=False):
    """Why a run begins nothing more. Without a status it ends as its steps say."""

    status: str
    code: str
    reason: str


class Signal(msgspec.Struct, frozen=True, gc=False):
    """A signal that no step has taken yet."""

    signal_id: str
    name: str
    payload: str


class Undoing(msgspec.Struct, frozen=True, gc=False):
    """The handlers of a compensation, in their order. Once its time is over there is no deadline any longer."""

    steps: tuple[str, ...]
    deadline: int | None


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """One run.

    at         of its last event, and `events` is how many it has, those left out that only note checkpoints
    live       how many steps are begun and not over; `over` counts those that ended
    deferred   more is ready than one decision took
    cleared    whether it need not wait any longer for policy to let it begin
    slot       the concurrency key it waits for or holds
    answered   the requests that changed nothing, or more than once could: who reads one may send it again at any time
    dismissed  what strangers asked: it stands in no other request's way
    noted      whether what it waits for now was noted
    ignored    the last reports that came late
    """

    phase: Phase
    run_id: str
    tenant: str
    principal: str
    began: int
    at: int
    events: int = 1
    workflow: str = ""
    version: str = ""
    digest: str = ""
    kind: str = ""
    topic: str = ""
    input: str = "{}"
    labels: dict[str, str] = {}
    request_hash: bytes = b""
    deadline: int | None = None
    ancestors: tuple[Ancestor, ...] = ()
    parent_step: str = ""
    rerun_of: str = ""
    ctx: dict[str, str] = {}
    steps: Steps = Steps()
    timers: Timers = ()
    live: int = 0
    over: int = 0
    deferred: bool = False
    paused_at: int | None = None
    warned: bool = False
    cleared: bool = True
    noted: bool = False
    halt: Halt | None = None
    undoing: Undoing | None = None
    slot: str = ""
    signals: tuple[Signal, ...] = ()
    signal_ids: frozenset[str] = frozenset()
    answered: frozenset[str] = frozenset()
    dismissed: frozenset[bytes] = frozenset()
    ignored: tuple[tuple[str, int, str], ...] = ()

    @property
    def paused(self) -> bool:
        """Whether somebody has paused it."""
        return self.paused_at is not None

    def step(self, step_id: str) -> Step | None:
        """The step, if it was begun or skipped."""
        return self.steps.get(step_id)


def identity(meta: Meta) -> bytes:
    """Which request of a stranger it is: its id, of whoever asks, however long both are."""
    return ids.digest(meta.principal, meta.request_id)[:16]


def ended(run: Run) -> bool:
    """Whether the run is over."""
    return run.phase not in LIVE


def is_undecided(run: Run) -> bool:
    """Whether how it ends still hangs on policy, which may not let it begin: a run that is denied never fails."""
    halt = run.halt
    if halt is None or run.phase != "halted":
        return run.phase in BEFORE_ITS_END
    return halt.status in _OPEN and halt.code != FAULT


def awaits_policy(run: Run) -> bool:
    """Whether it waits for policy to let it begin, or not."""
    return not run.cleared and is_undecided(run)


def is_rejected(run: Run) -> bool:
    """Whether policy does not let it begin."""
    return run.halt is not None and run.halt.status == "denied"


def wakes(run: Run) -> int | None:
    """When the run next does something by itself: at once where something was deferred. A paused one lets time pass."""
    if run.paused:
        return None
    if run.deferred:
        return run.at
    limit, first = _limit(run), first_timer(run.timers)
    if limit is None or first is None:
        return first if limit is None else limit
    return min(limit, first)


def _limit(run: Run) -> int | None:
    """When the time is over for all of it; of a compensation only while there is something to call back."""
    if run.undoing is None:
        return None if run.phase == "halted" else run.deadline
    goes_on = any(step.live and step.status != "cancelling" for step in run.steps.values())
    return run.undoing.deadline if goes_on else None
