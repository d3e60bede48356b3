"""Which worker, and when: the first that has most room, as soon as there is one. Of what waits, the higher priority
goes first, and of one priority what waits longest.

A worker's lease ends by the scheduler's clock, `lease_ms` after it received the last beat that it noted; what the
worker held then is lost, and the engine judges what becomes of it.

A job that is called back leaves the queue, or its worker is told to stop and to report. One whose attempt takes too
long is called back too; where no report comes within a lease of that, it is lost. Until one of the two it is held, so
that nobody begins another attempt beside it. What was called back comes no more: the kernel issues no writ after it
revoked one, and both lie in order on one partition.

A writ is looked at when its job is to be given to a worker: if policy has changed since, it is stale, and the job goes
back with the place of the snapshot that holds now. A writ names the place of its own snapshot, and before it is taken
the table of policies is read as far as that; so the table is never behind a writ that is judged by it, and a job goes
back only if a snapshot was published after the one of its writ. The kernel reads as far as the job then names before it
decides again. So there is one way back for each change of policy, whichever of the two reads faster.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice

import msgspec

from foldgate.authority.active import Policies
from foldgate.authority.keys import Signer
from foldgate.authority.lease import sign_cancel, sign_lease
from foldgate.authority.token import is_genuine, token
from foldgate.contracts.events import (
    Event,
    JobCancelled,
    JobDispatched,
    JobFailed,
    JobLost,
    JobQueued,
    JobReleased,
    JobSucceeded,
    WorkerBeat,
    WorkerJoined,
    WorkerLost,
    WorkerRenewed,
    Writ,
    WritIssued,
    WritRevoked,
)
from foldgate.decider.decider import Decider, Message, Said, Tick
from foldgate.scheduler.jobs.evolve import evolve
from foldgate.scheduler.jobs.watching import counts, watches
from foldgate.scheduler.jobs.state import Hold, Known, Pool, Waiting, describe, due

Outcome = Iterator[Event | Said]
PRINCIPAL = "scheduler"
MAX_GIVEN_BYTES = 512 * 1024
"""Of the jobs given in one decision, so that it fits an append; what waits beyond it is given on the next tick."""
MAX_OVER = 500
"""Workers and jobs whose time is over, and stale writs, in one decision: the others are due at once again."""


def jobs(policies: Policies, *, lease_ms: int, signer: Signer, suite_keys: tuple[bytes, ...]) -> Decider[Pool]:
    """The decider of pools; a worker is lost `lease_ms` after the last beat that was noted. Leases are signed, and each
    has a secret, derived from the first of the suite's keys, which proves its reports. Policy is what has been read so
    far."""
    scheduling = _Scheduling(policies, lease_ms=lease_ms, signer=signer, suite_keys=suite_keys)
    return Decider(
        state=Pool,
        decide=scheduling.decide,
        evolve=evolve,
        due=due,
        fail=_fail,
        edition=4,
        describe=describe,
        counts=counts,
        watches=watches,
    )


class _Scheduling:
    """The decisions of a pool, under the terms of the settings."""

    def __init__(self, policies: Policies, *, lease_ms: int, signer: Signer, suite_keys: tuple[bytes, ...]) -> None:
        self._policies = policies
        self._lease_ms, self._signer, self._suite_keys = lease_ms, signer, suite_keys

    def decide(self, state: Pool | None, message: Message) -> Outcome:
        pool = state or Pool()
        match message.event:
            case WritIssued(job=job) as issued if job.job_id not in pool.held and job.job_id not in pool.waiting:
                yield from self._place(pool, _waiting(issued, message), message.at)
            case WritRevoked(job_id=job_id):
                yield from self._called_back(pool, job_id)
            case WorkerBeat() as beat:
                yield from self._beat(pool, beat, message.at)
            case JobSucceeded() | JobFailed() as report:
                yield from self._release(pool, report, message.at)
            case Tick():
                over = list(islice(self._over(pool, message.at), MAX_OVER))
                yield from over or self._fill_free(pool, message.at)
            case _:
                return

    def _place(self, pool: Pool, waiting: Waiting, at: int) -> Outcome:
        free = {name: known.room for name, known in pool.workers.items() if known.room > 0}
        if waiting.ends <= at:
            yield _given_back(waiting, at)
        elif free and self._is_outdated(waiting.writ):
            yield self._outdated(waiting)
        elif free:
            worker = max(free, key=free.__getitem__)
            yield self._dispatch(waiting, worker, lease=pool.lease + 1, beat=pool.workers[worker].beat, at=at)
        else:
            queued = JobQueued(job=waiting.job, writ=waiting.writ, constraints=waiting.constraints)
            yield _about(queued, waiting)

    def _beat(self, pool: Pool, beat: WorkerBeat, at: int) -> Outcome:
        known, room = pool.workers.get(beat.worker), 0 if beat.leaving else beat.max_parallel
        ends = at + self._lease_ms
        if known is None and room:
            joined = WorkerJoined(
                worker=beat.worker, name=beat.name, max_parallel=room, expires_at=ends, beat=beat.beat
            )
            yield _of_pool(joined)
            yield from self._fill(pool, {beat.worker: room}, at, beat=beat.beat)
        elif known is not None and beat.leaving and not known.holds:
            yield _of_pool(WorkerLost(worker=beat.worker, reason="left"))
        elif known is not None and (room != known.max_parallel or self._is_stale(known, at)):
            yield _of_pool(WorkerRenewed(worker=beat.worker, max_parallel=room, expires_at=ends, beat=beat.beat))
            yield from self._fill(pool, {beat.worker: room - len(known.holds)}, at, beat=beat.beat)

    def _is_stale(self, known: Known, at: int) -> bool:
        """A third of the lease has gone: this beat is noted. Others need no event."""
        return known.expires_at - at <= self._lease_ms * 2 // 3

    def _release(self, pool: Pool, report: JobSucceeded | JobFailed, at: int) -> Outcome:
        hold = pool.held.get(report.job_id)
        if hold is None or (hold.worker, hold.lease) != (report.worker, report.lease):
            return
        if not is_genuine(self._suite_keys, report):
            return
        outcome = type(report).__name__
        yield _about(JobReleased(job_id=report.job_id, lease=hold.lease, worker=hold.worker, outcome=outcome), hold)
        known = pool.workers.get(hold.worker)
        yield from self._fill(pool, {hold.worker: known.room + 1 if known else 0}, at)

    def _fill_free(self, pool: Pool, at: int) -> Outcome:
        """Give whoever has room, and is not lost by now, what comes next."""
        free = {name: known.room for name, known in pool.workers.items() if known.expires_at > at}
        yield from self._fill(pool, free, at)

    def _fill(self, pool: Pool, room: Mapping[str, int], at: int, *, beat: int | None = None) -> Outcome:
        """Give these workers what comes next, as much as fits a decision; after this beat of the one they are. What
        comes next under a writ that holds no longer goes back, and takes no room."""
        places, lease = deque(name for name, count in room.items() for _ in range(count)), pool.lease
        live = (waiting for *_, job_id in pool.line if (waiting := pool.waiting[job_id]).ends > at)
        for waiting in islice(_fitting(live), MAX_OVER):
            if not places:
                return
            if self._is_outdated(waiting.writ):
                yield self._outdated(waiting)
                continue
            lease, worker = lease + 1, places.popleft()
            seen = pool.workers[worker].beat if beat is None else beat
            yield self._dispatch(waiting, worker, lease=lease, beat=seen, at=at)

    def _is_outdated(self, writ: Writ) -> bool:
        return not self._policies.is_active(writ.policy_snapshot, writ.policies_offset)

    def _outdated(self, waiting: Waiting) -> Said:
        """To be decided on again, by a kernel that has read as far as this."""
        return _lost(waiting.job.job_id, waiting, "writ_stale", policies_offset=self._policies.offset)

    def _dispatch(self, waiting: Waiting, worker: str, *, lease: int, beat: int, at: int) -> Said:
        dispatched = JobDispatched(
            job=waiting.job,
            writ=waiting.writ,
            worker=worker,
            lease=lease,
            lease_ms=self._lease_ms,
            constraints=waiting.constraints,
            beat=beat,
            token=token(self._suite_keys[0], job_id=waiting.job.job_id, lease=lease, worker=worker),
        )
        return _about(sign_lease(self._signer, dispatched, at=at), waiting)

    def _over(self, pool: Pool, at: int) -> Iterator[Said]:
        """What has ended by now: workers with what they hold, and then jobs."""
        lost = [name for name, known in pool.workers.items() if known.expires_at <= at]
        for name in lost:
            for job_id in sorted(pool.workers[name].holds):
                yield _lost(job_id, pool.held[job_id], "worker_lost")
            yield _of_pool(WorkerLost(worker=name, reason="lease_ended"))
        for end, job_id in pool.ends:
            if end > at:
                return
            if (hold := pool.held.get(job_id)) is None:
                yield _given_back(pool.waiting[job_id], at)
            elif hold.worker not in lost:
                yield self._out_of_time(job_id, hold)

    def _out_of_time(self, job_id: str, hold: Hold) -> Said:
        """At first its worker is told; the next time it has had a lease to report in."""
        return (
            _lost(job_id, hold, "attempt_timeout") if hold.called_back else self._told(job_id, hold, "attempt_timeout")
        )

    def _called_back(self, pool: Pool, job_id: str) -> Outcome:
        """By its run. What is not here has left already, with its report or with a loss."""
        if (waiting := pool.waiting.get(job_id)) is not None:
            yield _lost(job_id, waiting, "cancelled")
        elif (hold := pool.held.get(job_id)) is not None and not hold.called_back:
            yield self._told(job_id, hold, "cancelled")

    def _told(self, job_id: str, hold: Hold, reason: str) -> Said:
        told = JobCancelled(job_id=job_id, step=hold.step, lease=hold.lease, worker=hold.worker, reason=reason)
        return _about(sign_cancel(self._signer, told), hold)


def _waiting(issued: WritIssued, message: Message) -> Waiting:
    return Waiting(
        job=issued.job,
        writ=issued.writ,
        correlation=message.meta.correlation if message.meta is not None else "",
        constraints=issued.decision.constraints if issued.decision is not None else "",
    )


def _fitting(waiting: Iterable[Waiting]) -> Iterator[Waiting]:
    """The first, and as many after it as fit together with it."""
    size = 0
    for one in waiting:
        own = len(msgspec.msgpack.encode(one.job))
        if size and size + own > MAX_GIVEN_BYTES:
            return
        size += own
        yield one


def _given_back(waiting: Waiting, at: int) -> Said:
    patience = waiting.patience_ends
    reason = "queue_timeout" if patience is not None and patience <= at else "writ_expired"
    return _lost(waiting.job.job_id, waiting, reason)


def _fail(_: Pool | None, message: Message, _reason: str) -> Outcome:
    """After a fault of ours the job is given back, and the run that asked for it ends; the reason is in quarantine."""
    if isinstance(message.event, WritIssued):
        job_id = message.event.job.job_id
        yield _lost(job_id, _waiting(message.event, message), "internal_error")


def _lost(job_id: str, what: Hold | Waiting, reason: str, *, policies_offset: int = 0) -> Said:
    held = what if isinstance(what, Hold) else None
    lease, worker = (held.lease, held.worker) if held else (0, "")
    lost = JobLost(
        job_id=job_id,
        step=what.step,
        lease=lease,
        worker=worker,
        reason=reason,
        policies_offset=policies_offset,
    )
    return _about(lost, what)


def _of_pool(event: Event) -> Said:
    """What concerns a worker of the pool concerns no run, also where the pool's first event came of one."""
    return Said(event, run_id="", tenant="", correlation="")


def _about(event: Event, what: Hold | Waiting) -> Said:
    """What concerns a job concerns its run."""
    return Said(event, run_id=what.run_id, tenant=what.tenant, principal=PRINCIPAL, correlation=what.correlation)
