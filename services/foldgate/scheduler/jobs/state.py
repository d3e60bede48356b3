"""A pool: its workers, what they hold, and what waits for one.

A job is waiting or held, or unknown here; a worker is known until it leaves or its lease ends.

    WritIssued --> held (JobDispatched), or waiting (JobQueued) --> held (JobDispatched)
    held    --> gone (JobReleased: its report came; JobLost: its worker is gone)
    waiting --> gone (JobLost: its writ has expired)
"""

import msgspec

from foldgate.contracts.events import Job, Writ
from foldgate.contracts.ids import parse_job_id


class Known(msgspec.Struct, frozen=True):
    """A worker. `expires_at` is by the scheduler's clock; no room means that it is leaving."""

    max_parallel: int
    expires_at: int
    holds: frozenset[str] = frozenset()

    @property
    def room(self) -> int:
        return self.max_parallel - len(self.holds)


class Hold(msgspec.Struct, frozen=True):
    """A job that a worker has."""

    worker: str
    lease: int
    step: str
    run_id: str
    tenant: str
    correlation: str


class Waiting(msgspec.Struct, frozen=True):
    """An authorised job without a worker yet."""

    job: Job
    writ: Writ
    correlation: str

    @property
    def step(self) -> str:
        return self.job.step

    @property
    def run_id(self) -> str:
        return parse_job_id(self.job.job_id).run_id

    @property
    def tenant(self) -> str:
        return self.job.tenant


class Pool(msgspec.Struct, frozen=True):
    """One pool; `lease` is the number of the last lease given."""

    workers: dict[str, Known] = {}
    held: dict[str, Hold] = {}
    waiting: dict[str, Waiting] = {}
    lease: int = 0


def due(pool: Pool) -> int | None:
    """When a worker's lease or a waiting writ ends next; at once where somebody has room for what waits."""
    if pool.waiting and any(known.room > 0 for known in pool.workers.values()):
        return 0
    ends = [known.expires_at for known in pool.workers.values()]
    ends += [waiting.writ.expires_at for waiting in pool.waiting.values()]
    return min(ends, default=None)
