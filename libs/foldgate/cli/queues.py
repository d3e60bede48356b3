"""What jobs wait for at the scheduler, as it says itself: their pools are folded as it folds them."""

from collections.abc import Iterable, Mapping

from foldgate.cli.folding import decider_of
from foldgate.cli.job_wait import job_of
from foldgate.cli.living import state_of
from foldgate.cli.reaching import Reached
from foldgate.cli.reading import Seen
from foldgate.contracts.events import JobQueued
from foldgate.contracts.topics import JOBS


async def queued(suite: Reached, everything: Iterable[Seen]) -> Mapping[str, str]:
    """Why each job waits that these events leave in the queue of a pool."""
    waiting: dict[str, str] = {}
    for seen in everything:
        if isinstance(seen.event, JobQueued):
            waiting[seen.event.job.job_id] = seen.event.writ.pool
        elif seen.record.partition.stream == JOBS.name:
            waiting.pop(job_of(seen.event), None)
    pools = dict[str, list[str]]()
    for job, pool in waiting.items():
        pools.setdefault(pool, []).append(job)
    if not pools:
        return {}
    found, decider = dict[str, str](), await decider_of(suite, JOBS)
    for pool, jobs in pools.items():
        state = await state_of(suite, JOBS, pool, decider=decider)
        found |= {job: decider.explain(state, job) for job in jobs} if state is not None else {}
    return {job: reason for job, reason in found.items() if reason}
