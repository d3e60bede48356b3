"""The engine as a service: owns `runs`, `workflows`, `slots` and `letters`.

Runs meet on the log as well: a child is asked for, and ends, by events of other runs, and a slot is asked for by events
of the runs that want it. Those say in themselves whose they are.
"""

from functools import partial
from operator import attrgetter

from foldgate.authority.requests import Vouching
from foldgate.authority.revoked import Revoked
from foldgate.authority.token import is_genuine
from foldgate.contracts.events import (
    ApprovalExpired,
    ApprovalGranted,
    ApprovalRefused,
    ChildCancelRequested,
    ChildEnded,
    ChildRequested,
    DeadLetterDiscardRequested,
    DeadLetterRetryRequested,
    JobAbandoned,
    JobDenied,
    JobFailed,
    JobLost,
    JobProgressed,
    JobRefused,
    JobRequested,
    JobSucceeded,
    RunAdmitted,
    RunCancelRequested,
    RunPauseRequested,
    RunRejected,
    RunRequested,
    RunResumeRequested,
    SignalSent,
    SlotGranted,
    SlotRefused,
    SlotReleased,
    SlotRequested,
    SlotRevoked,
    WorkflowRetireRequested,
    WorkflowSubmitted,
    WritRevoked,
)
from foldgate.contracts.topics import (
    ADMIN,
    APPROVALS,
    DECISIONS,
    INTAKE,
    JOBS,
    LETTERS,
    REPORTS,
    RUNS,
    SLOTS,
    WORKFLOWS,
)
from foldgate.engine.letters.decide import letters
from foldgate.engine.runs.decide import runs
from foldgate.engine.slots.decide import slots
from foldgate.engine.workflows.decide import workflows
from foldgate.engine.workflows.published import Published
from foldgate.runtime.keys import Keys
from foldgate.runtime.run import run
from foldgate.runtime.service import Aggregate, Asks, Follow, Service
from foldgate.runtime.settings import Settings

ASKED = (RunRequested, RunCancelRequested, RunPauseRequested, RunResumeRequested, SignalSent)


def _vouching(settings: Settings, keys: Keys, revoked: Revoked) -> Vouching:
    return Vouching(keys.trust, revoked=revoked.keys, unsigned=settings.unsigned_requests == "allow")


SERVICE = Service(
    name="engine",
    aggregates=(
        Aggregate(
            stream=RUNS,
            tables=(Published, Revoked),
            decider=lambda settings, keys, published, revoked: runs(
                published.definitions,
                max_lost=settings.max_lost,
                cancel_grace_ms=settings.cancel_grace_ms,
                wait_noted_after_ms=settings.wait_noted_after_ms,
                max_events=settings.max_events,
                redaction=settings.redaction,
                genuine=partial(is_genuine, keys.suite),
                vouching=_vouching(settings, keys, revoked),
            ),
            follows=(
                Follow(stream=INTAKE, events=ASKED, guard=True),
                Follow(stream=DECISIONS, events=(RunAdmitted, RunRejected, JobDenied, JobRefused, WritRevoked)),
                Follow(stream=REPORTS, events=(JobSucceeded, JobFailed, JobProgressed), guard=True),
                Follow(stream=JOBS, events=(JobLost,)),
                Follow(stream=APPROVALS, events=(ApprovalGranted, ApprovalRefused, ApprovalExpired)),
                Follow(stream=SLOTS, events=(SlotGranted, SlotRefused, SlotRevoked)),
                Follow(stream=RUNS, events=(ChildRequested, ChildCancelRequested), key=attrgetter("child_run")),
                Follow(stream=RUNS, events=(ChildEnded,), key=attrgetter("parent_run")),
            ),
            asks=Asks(events=(JobRequested,), of=DECISIONS, wait="decision"),
        ),
        Aggregate(
            stream=WORKFLOWS,
            tables=(Revoked,),
            decider=lambda settings, keys, revoked: workflows(_vouching(settings, keys, revoked)),
            follows=(Follow(stream=ADMIN, events=(WorkflowSubmitted, WorkflowRetireRequested), guard=True),),
        ),
        Aggregate(
            stream=SLOTS,
            decider=lambda _settings, _keys: slots(),
            follows=(Follow(stream=RUNS, events=(SlotRequested, SlotReleased), key=attrgetter("slot")),),
        ),
        Aggregate(
            stream=LETTERS,
            tables=(Revoked,),
            decider=lambda settings, keys, revoked: letters(
                _vouching(settings, keys, revoked), redaction=settings.redaction
            ),
            follows=(
                Follow(stream=RUNS, events=(JobAbandoned,)),
                Follow(stream=INTAKE, events=(DeadLetterRetryRequested, DeadLetterDiscardRequested)),
            ),
        ),
    ),
)

if __name__ == "__main__":
    run(SERVICE)
