"""The scheduler as a service: owns `jobs`, and relays to the workers of each pool what is addressed to them."""

from foldgate.authority.active import Policies
from foldgate.contracts.events import (
    Event,
    JobCancelled,
    JobDispatched,
    JobFailed,
    JobSucceeded,
    Meta,
    WorkerBeat,
    WritIssued,
    WritRevoked,
)
from foldgate.contracts.topics import DECISIONS, JOBS, REPORTS, WORKERS
from foldgate.runtime.run import run
from foldgate.runtime.service import Aggregate, Follow, Relay, Service
from foldgate.scheduler.jobs.decide import jobs


def _dispatch_stream(meta: Meta) -> str:
    return f"dispatch.{meta.pool}"


def _worker(event: Event) -> bytes:
    assert isinstance(event, JobDispatched | JobCancelled)
    return event.worker.encode()


SERVICE = Service(
    name="scheduler",
    aggregates=(
        Aggregate(
            stream=JOBS,
            tables=(Policies,),
            decider=lambda settings, keys, policies: jobs(
                policies, lease_ms=settings.lease_ms, signer=keys.scheduler, suite_keys=keys.suite
            ),
            follows=(
                Follow(stream=DECISIONS, events=(WritIssued, WritRevoked)),
                Follow(stream=REPORTS, events=(JobSucceeded, JobFailed)),
                Follow(stream=WORKERS, events=(WorkerBeat,), guard=True),
            ),
            relay=Relay(events=(JobDispatched, JobCancelled), target=_dispatch_stream, key=_worker),
        ),
    ),
)

if __name__ == "__main__":
    run(SERVICE)
