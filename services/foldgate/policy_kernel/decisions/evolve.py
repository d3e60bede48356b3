"""What an event makes of a case."""

import msgspec

from foldgate.contracts.events import CaseClosed, Event, JobDenied, Meta, WritIssued, WritRevoked
from foldgate.decider.decider import IllegalTransition
from foldgate.policy_kernel.decisions.state import Case


def evolve(case: Case | None, meta: Meta, event: Event) -> Case:
    """The case after this event."""
    case = case or Case()
    match event:
        case WritIssued(job=job, writ=writ) if job.job_id not in case.decided:
            return msgspec.structs.replace(case, decided={**case.decided, job.job_id: writ.pool})
        case JobDenied(job_id=job_id) | WritRevoked(job_id=job_id):
            return msgspec.structs.replace(case, decided={**case.decided, job_id: ""})
        case CaseClosed():
            return msgspec.structs.replace(case, closed=True)
        case _:
            raise IllegalTransition(f"{type(event).__name__} does not fit the case: {meta.event_id}")
