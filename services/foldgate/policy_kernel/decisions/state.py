"""What was decided for one run: whether it may begin, and its jobs until it has ended.

    a run   (none) --RunAdmitted--> admitted        (none) --RunRejected--> rejected
    a job   (none), asked, throttled --WritIssued--> authorised --WritRevoked--> revoked
            (none), asked, throttled --JobDenied---> denied
            (none), asked, throttled --JobRefused--> refused     (no pool takes it)
            (none), asked, throttled --WritRevoked-> revoked     (called back before it had a writ)
            (none), asked, throttled --ApprovalRequired--> asked --GrantRecorded--> asked, with a grant
            (none), asked, throttled --JobThrottled--> throttled

Nothing leads on from denied, refused and revoked, so there is no writ of a job after any of them. A grant belongs to
what a step would do, and not to an attempt: it holds until the run has ended.
"""

from bisect import bisect_left
from collections.abc import Iterator

import msgspec

from foldgate.authority.facts import RunFacts
from foldgate.contracts.events import (
    ApprovalRequired,
    Decision,
    Event,
    Job,
    JobDenied,
    JobThrottled,
    Vote,
    WritIssued,
)
from foldgate.decider.decider import Wait


class Asked(msgspec.Struct, frozen=True):
    """A job that people are asked about: which question, on what terms, since when, and by which rule."""

    job: Job
    approval_id: str
    terms: str
    rule: str
    since: int


class Throttled(msgspec.Struct, frozen=True):
    """A job that waits to be decided on again; `times` is how often it has waited."""

    job: Job
    until: int
    times: int
    rule: str
    since: int


class Grant(msgspec.Struct, frozen=True):
    """What people allowed: exactly this, on these terms, by these votes."""

    job_hash: bytes
    terms: str
    votes: tuple[Vote, ...]


class Case(msgspec.Struct, frozen=True):
    """One run. `decided` has the jobs that were decided on, each with the pool of its writ while there is a writ;
    `line` has the throttled ones, who is decided on next first. `grants` are by their questions. `closed` once the run
    has ended."""

    run: RunFacts | None = None
    rejected: Decision | None = None
    decided: dict[str, str] = {}
    asked: dict[str, Asked] = {}
    throttled: dict[str, Throttled] = {}
    line: tuple[tuple[int, str], ...] = ()
    grants: dict[str, Grant] = {}
    closed: bool = False

    def knows(self, job_id: str) -> bool:
        """Whether anything was said of that job."""
        return job_id in self.decided or job_id in self.asked or job_id in self.throttled

    def question(self, approval_id: str) -> Asked | None:
        """The job that waits for this answer."""
        return next((one for one in self.asked.values() if one.approval_id == approval_id), None)

    def over(self, at: int) -> Iterator[Throttled]:
        """What has waited long enough, the longest first."""
        for until, job_id in self.line:
            if until > at:
                return
            yield self.throttled[job_id]


def ended(case: Case) -> bool:
    """Whether nothing more will be decided."""
    return case.closed


def due(case: Case) -> int | None:
    """When something is decided on again."""
    return case.line[0][0] if case.line else None


def waits(case: Case) -> Iterator[Wait]:
    """What keeps jobs from being decided on."""
    for asked in case.asked.values():
        yield Wait(asked.job.step, f"people, whom {asked.rule} asks: {asked.approval_id}", asked.since)
    for one in case.throttled.values():
        yield Wait(one.job.step, f"its turn, as {one.rule} throttles it", one.since, one.until)


def watches(case: Case) -> Iterator[tuple[str, int]]:
    """The same, in a word."""
    for asked in case.asked.values():
        yield "people", asked.since
    for one in case.throttled.values():
        yield "throttle", one.since


def counts(event: Event) -> str:
    """What becomes of jobs here, again and again for one that is throttled."""
    return _COUNTED.get(type(event), "")


_COUNTED: dict[type[Event], str] = {
    JobThrottled: "throttled",
    JobDenied: "denied",
    ApprovalRequired: "approval_required",
    WritIssued: "authorised",
}


def with_turn(line: tuple[tuple[int, str], ...], turn: tuple[int, str]) -> tuple[tuple[int, str], ...]:
    """The line with one more in it."""
    at = bisect_left(line, turn)
    return (*line[:at], turn, *line[at:])
