"""The scheduler as a service: owns `jobs` and `pools`, and relays to workers, pool by pool, what is for them."""

from operator import attrgetter

from foldgate.authority.active import Policies
from foldgate.contracts.events import (
    Event,
    JobCancelled,
    JobDispatched,
    JobFailed,
    JobSucceeded,
    Meta,
    PoolChanged,
    PoolOverloaded,
    PoolRelieved,
    WorkerBeat,
    WritIssued,
    WritRevoked,
)
from foldgate.contracts.topics import ADMIN, DECISIONS, JOBS, POOLS, REPORTS, WORKERS
from foldgate.runtime.run import run
from foldgate.runtime.service import Aggregate, Follow, Relay, Service
from foldgate.scheduler.jobs.decide import jobs
from foldgate.scheduler.pools.decide import ASKED, pools
from foldgate.scheduler.pools.state import KEY


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
                policies,
                lease_ms=settings.lease_ms,
                wait_noted_after_ms=settings.wait_noted_after_ms,
                signer=keys.scheduler,
                suite_keys=keys.suite,
            ),
            follows=(
                Follow(stream=DECISIONS, events=(WritIssued, WritRevoked)),
                Follow(stream=REPORTS, events=(JobSucceeded, JobFailed)),
                Follow(stream=WORKERS, events=(WorkerBeat,), guard=True),
                Follow(stream=POOLS, events=(PoolChanged,), key=attrgetter("pool")),
            ),
            relay=Relay(events=(JobDispatched, JobCancelled), target=_dispatch_stream, key=_worker),
        ),
        Aggregate(
            stream=POOLS,
            tables=(Policies,),
            decider=lambda _settings, keys, policies: pools(policies, keys.trust),
            follows=(
                Follow(stream=ADMIN, events=ASKED),
                Follow(stream=JOBS, events=(PoolOverloaded, PoolRelieved), key=lambda _: KEY),
            ),
        ),
    ),
)

if __name__ == "__main__":
    run(SERVICE)
