"""A step of a run as it stands, and the moves it can make: none leads on from where a step is over.

(unbegun) --JobRequested--> requested --AttemptFailed--> retrying --JobRequested--> requested
          --StepStarted, ApprovalRequested, ChildRequested--> waiting (for time, people, a signal, a child run)
          --StepStarted--> running (a group: parallel, loop, for_each)
requested --CheckpointNoted--> requested
requested --JobCancelRequested--> cancelling   waiting --ChildCancelRequested--> cancelling
running --StepCancelRequested--> cancelling
any live one, and an unbegun one whose whole work is one decision, --Step...--> over
(unbegun) --StepSkipped--> skipped
"""

from typing import Literal

import msgspec

Status = Literal[
    "requested",
    "retrying",
    "waiting",
    "running",
    "cancelling",
    "succeeded",
    "failed",
    "denied",
    "timed_out",
    "cancelled",
    "skipped",
]
REPEATED = "rerun"
"""What stands for the type of a step that a rerun took over."""
LIVE = frozenset({"requested", "retrying", "waiting", "running", "cancelling"})
_ANY = LIVE | {""}
LOST = frozenset({"worker_lost", "not_taken", "not_begun"})
"""Why an attempt is over that nobody reports: there are only so many of a step."""
RETURNED = frozenset({"writ_expired", "writ_stale", "pool_closed"})
"""Why a job comes back from its queue: it has waited since it was first there."""
NOT_SPENT = LOST | RETURNED
"""Why an attempt ended without having been made: the retry is not spent."""

MOVES: dict[str, frozenset[str]] = {
    "JobRequested": frozenset({"", "requested", "retrying"}),
    "StepStarted": frozenset({""}),
    "ApprovalRequested": frozenset({""}),
    "ChildRequested": frozenset({""}),
    "AttemptFailed": frozenset({"requested"}),
    "CheckpointNoted": frozenset({"requested"}),
    "JobCancelRequested": frozenset({"requested"}),
    "ChildCancelRequested": frozenset({"waiting"}),
    "StepCancelRequested": frozenset({"running"}),
    "StepSucceeded": _ANY,
    "StepFailed": _ANY,
    "StepDenied": LIVE,
    "StepTimedOut": LIVE,
    "StepCancelled": LIVE,
    "StepSkipped": frozenset({""}),
}
"""From which status an event may take a step; the empty one is that of a step that was not begun."""


class Parts(msgspec.Struct, frozen=True, gc=False):
    """How it stands with what a group is made of. `index` is the last iteration that was begun."""

    begun: int = 0
    live: int = 0
    succeeded: int = 0
    failed: int = 0
    index: int = -1


class Step(msgspec.Struct, frozen=True, gc=False):
    """One step that was begun or skipped.

    since     when it came to its status
    queued    of a job: since when it waits for a worker, over the attempts whose writ expired meanwhile
    attempt   of a job: the one under way; `spent` counts the failed ones, `lost` those that ended with their worker
    reported  the attempts before it that ended by the report of a failure
    until     when it is over, goes on, or is waited for no longer, by itself; `deadline`: when it times out
    ending    how it ends once what was called back is over; `code` and `reason` say why it ended or will
    awaits    the signal, the question or the child run it waits for
    order     its place among the ends of the run
    policies  how far the kernel must have read before it decides on the next attempt; `pools`: the change of pools
    resume    the last checkpoint that an attempt has left, as JSON; the next one goes on from it
    marked    of the attempt under way: the number of the report that left it
    paced     up to when checkpoints were noted, had they come one after the other as often as they may
    """

    status: Status
    kind: str
    since: int
    parent: str = ""
    attempt: int = 0
    spent: int = 0
    lost: int = 0
    queued: int = 0
    reported: tuple[int, ...] = ()
    input: str = ""
    output: str = ""
    deadline: int | None = None
    until: int | None = None
    ending: str = ""
    code: str = ""
    reason: str = ""
    awaits: str = ""
    order: int = 0
    policies: int = 0
    pools: int = 0
    parts: Parts | None = None
    items: tuple[str, ...] = ()
    resume: str = ""
    marked: int = 0
    paced: int = 0

    @property
    def live(self) -> bool:
        """Whether it was begun and is not over."""
        return self.status in LIVE

    @property
    def wakes(self) -> int | None:
        """When it next does something by itself."""
        if self.status == "cancelling":
            return self.until
        if self.until is None or self.deadline is None:
            return self.deadline if self.until is None else self.until
        return min(self.until, self.deadline)
