"""Which worker, and when: whose turn it is as soon as there is room, and of the workers that fit the least loaded.

Whose turn it is, `state.py` says: the highest level, then the tenant whose last turn is longest ago, then who waits
longest; never above a limit, and retries as their budget allows. What comes and finds nobody waiting whose turn it
could be, and room, is given at once.

A worker's lease ends by the scheduler's clock, `lease_ms` after it received the last beat that it noted; what the
worker held then is lost, and the engine judges what becomes of it. Its worker is not told: by its own clock its leases
ended before, and whoever was stopped for so long looks at that before it reads a word from here. A job that no beat has
named two leases after it was given was not taken: its worker, which is alive, is told to leave it, and it is lost.

An owner that is behind reads beats of long ago one after the other. It notes them, and gives nothing by them until it
has read the last: who is given a job by a beat that was sent a lease ago must refuse it, and what was named by a beat
that nobody noted would be taken for not taken. Of a worker that has sent very many it notes only what they name, and
gives it nothing until it has heard it in time.

A job that is called back leaves the queue, or its worker is told to stop and to report. One whose attempt takes too
long is called back too; where no report comes within a lease of that, it is lost. Until one of the two it is held, so
that nobody begins another attempt beside it. What was called back comes no more: the kernel issues no writ after it
revoked one, and both lie in order on one partition.

A writ is looked at when its job is to be given to a worker: if policy has changed since, it is stale, and the job goes
back with the place of the snapshot that holds now. A writ names the place of its own snapshot, and before it is taken
the table of policies is read as far as that; so the table is never behind a writ that is judged by it, and a job goes
back only if a snapshot was published after the one of its writ. The kernel reads as far as the job then names before it
decides again. So there is one way back for each change of policy, whichever of the two reads faster.

It is the same with pools: changes of them are numbered, and a writ names the last that the kernel knew. From a pool
that was closed jobs go back whose writ is of before that; one whose writ is not was sent although the pool is closed,
because nothing else fits, and waits here. From one that is merely overloaded only that goes back which comes: what
waits leaves as it is served, and there is room again after so much work was done, and not before.
"""

from collections.abc import Iterator
from itertools import islice

import msgspec

from foldgate.authority.active import Policies
from foldgate.authority.keys import Signer
from foldgate.authority.lease import sign_cancel, sign_lease
from foldgate.authority.pools_terms import drained_for
from foldgate.authority.token import is_proved, token
from foldgate.contracts.events import (
    Event,
    JobCancelled,
    JobDispatched,
    JobFailed,
    JobLost,
    JobQueued,
    JobReleased,
    JobSucceeded,
    Meta,
    PoolChanged,
    PoolTermsTaken,
    WorkerBeat,
    WorkerLost,
    WritIssued,
    WritRevoked,
)
from foldgate.contracts.ids import run_of
from foldgate.decider.decider import Decider, Message, Said, Tick
from foldgate.scheduler.jobs.beats import Beats, of_pool
from foldgate.scheduler.jobs.evolve import evolve, given, left
from foldgate.scheduler.jobs.fitting import gates_for
from foldgate.scheduler.jobs.keeping import KEEPING
from foldgate.scheduler.jobs.moving import Moving
from foldgate.scheduler.jobs.packing import Authorised
from foldgate.scheduler.jobs.pieces import each
from foldgate.scheduler.jobs.reasons import describe, explain, waits
from foldgate.scheduler.jobs.state import Hold, Pool
from foldgate.scheduler.jobs.turns import best_worker, due, empties, goes_back, has_room, is_shut, may_retry, next_turn
from foldgate.scheduler.jobs.watching import counts, gauges, watches

Outcome = Iterator[Event | Said]
PRINCIPAL = "scheduler"
MAX_GIVEN_BYTES = 512 * 1024
"""Of the jobs given in one decision, so that it fits an append; what waits beyond it is given on the next tick."""
MAX_OVER = 500
"""Workers and jobs whose time is over, and writs that hold no longer, in one decision: the others are due at once."""


def jobs(
    policies: Policies, *, lease_ms: int, wait_noted_after_ms: int, signer: Signer, suite_keys: tuple[bytes, ...]
) -> Decider[Pool]:
    """The decider of pools; a worker is lost `lease_ms` after the last beat that was noted. Leases are signed, and each
    has a secret, derived from the first of the suite's keys, which proves its reports. Policy is what has been read so
    far. What waits for longer than `wait_noted_after_ms` is noted."""
    beats = Beats(lease_ms=lease_ms, noted_after_ms=wait_noted_after_ms)
    scheduling = _Scheduling(policies, beats, signer=signer, suite_keys=suite_keys)

    def when(pool: Pool) -> int | None:
        return due(pool, noted_after_ms=wait_noted_after_ms)

    def later(pool: Pool, at: int) -> int | None:
        """A tick that found nothing to do came for a limit that opened, or a token, for which nobody waits now."""
        passed = Moving.of(pool)
        passed.pass_time(at)
        return when(passed)

    return Decider(
        state=Moving,
        keeping=KEEPING,
        decide=scheduling.decide,
        evolve=scheduling.evolve,
        due=when,
        later=later,
        fail=_fail,
        edition=10,
        waits=waits,
        explain=explain,
        describe=describe,
        counts=counts,
        watches=watches,
        gauges=gauges,
    )


class _Scheduling:
    """The decisions of a pool, under the terms of the settings."""

    def __init__(self, policies: Policies, beats: Beats, *, signer: Signer, suite_keys: tuple[bytes, ...]) -> None:
        self._policies, self._beats = policies, beats
        self._lease_ms, self._signer, self._suite_keys = beats.lease_ms, signer, suite_keys
        self._evolved: tuple[Event, Moving] | None = None

    def evolve(self, pool: Pool | None, meta: Meta, event: Event) -> Pool:
        """The pool after this event. The last is remembered: whoever said that event need not work out what it does."""
        after = evolve(pool, meta, event)
        self._evolved = event, after
        return after

    def _after(self, pool: Moving, said: Said) -> Moving:
        """The pool once that has happened. An owner evolves each event as soon as it is said, and by what came of it
        the decision goes on; who first listens to the end, as tests do, has the same from here."""
        event = said.event
        if self._evolved is not None and self._evolved[0] is event:
            return self._evolved[1]
        pool = Moving.of(pool)
        if isinstance(event, JobDispatched):
            given(pool, event, run_id=said.run_id or "", tenant=said.tenant or "", correlation=said.correlation or "")
        else:
            assert isinstance(event, JobReleased | JobLost)
            left(pool, event)
        return pool

    def decide(self, state: Pool | None, message: Message) -> Outcome:
        pool = _as_of(state, message)
        match message.event:
            case WritIssued(job=job) as issued if job.job_id not in pool.held and job.job_id not in pool.waiting:
                yield from self._place(pool, _authorised(issued, message))
            case WritRevoked(job_id=job_id):
                yield from self._called_back(pool, job_id)
            case WorkerBeat() as beat:
                noted = list(self._beats.taken(pool, beat, behind=message.behind))
                yield from noted
                yield from self._fill(pool) if noted and not message.behind else ()
            case JobSucceeded() | JobFailed() as report:
                yield from self._release(pool, report)
            case PoolChanged(pool=name, number=number) as changed if number > pool.number:
                why = f"{changed.reason}: {words}" if (words := drained_for(changed)) else changed.reason
                taken = PoolTermsTaken(terms=changed.terms, is_open=changed.is_open, number=number, reason=why)
                yield msgspec.structs.replace(of_pool(taken), pool=name)
            case Tick():
                over = list(islice(self._over(pool), MAX_OVER))
                yield from over or self._tidy(pool)
            case _:
                return

    def _place(self, pool: Moving, one: Authorised) -> Outcome:
        if one.ends <= pool.at:
            yield _given_back(one, pool.at)
        elif one.writ.pools_number < pool.closed:
            yield _pool_closed(one, pool)
        elif (fits := self._could_go(pool, one)) is None:
            queued = JobQueued(job=one.job, writ=one.writ, constraints=one.constraints)
            yield _about(queued, one)
        elif self._is_outdated(one):
            yield self._outdated(one)
        else:
            yield self._given(pool, one, best_worker(pool, one.job.worker, fits))

    def _could_go(self, pool: Moving, one: Authorised) -> tuple[int, ...] | None:
        """The profiles that fit, if there is room and no limit is reached, and nobody waits whose turn it is."""
        fits, gates = pool.fits(one.job), gates_for(one.job, one.constraints, pool.terms)
        if not has_room(pool, fits) or is_shut(pool, (*gates.shared, *gates.own)):
            return None
        if (one.job.retries and not may_retry(pool)) or next_turn(pool) is not None:
            return None
        return fits

    def _release(self, pool: Moving, report: JobSucceeded | JobFailed) -> Outcome:
        hold = pool.held.get(report.job_id)
        if hold is None or (hold.worker, hold.lease) != (report.worker, report.lease):
            return
        if not is_proved(hold.token, report):
            return
        outcome = type(report).__name__
        released = JobReleased(job_id=report.job_id, lease=hold.lease, worker=hold.worker, outcome=outcome)
        yield (said := _about(released, hold))
        yield from self._fill(self._after(pool, said), most=1)

    def _fill(self, pool: Moving, *, most: int = MAX_OVER) -> Outcome:
        """Give whoever has room what comes next, as much as fits a decision. What comes next under a writ that holds no
        longer goes back, and takes no room."""
        size = count = 0
        for _ in range(MAX_OVER):
            if count == most or (turn := next_turn(pool)) is None:
                return
            one = pool.found(turn.job_id)
            if (back := self._back(pool, one)) is not None:
                yield back
                pool = self._after(pool, back)
                continue
            own = len(msgspec.msgpack.encode(one.job)) if most > 1 else 0
            if size and size + own > MAX_GIVEN_BYTES:
                return
            size, count = size + own, count + 1
            yield (said := self._given(pool, one, best_worker(pool, one.job.worker, turn.fits)))
            pool = self._after(pool, said) if count < most else pool

    def _back(self, pool: Moving, one: Authorised) -> Said | None:
        """What becomes of it instead, where its writ holds no longer."""
        if one.ends <= pool.at:
            return _given_back(one, pool.at)
        if empties(pool) and one.writ.pools_number < pool.closed:
            return _pool_closed(one, pool)
        return self._outdated(one) if self._is_outdated(one) else None

    def _is_outdated(self, one: Authorised) -> bool:
        return not self._policies.is_active(one.writ.policy_snapshot, one.writ.policies_offset)

    def _outdated(self, one: Authorised) -> Said:
        """To be decided on again, by a kernel that has read as far as this."""
        return _lost(one.job.job_id, one, "writ_stale", policies_offset=self._policies.offset)

    def _given(self, pool: Moving, one: Authorised, worker: str) -> Said:
        lease = pool.lease + 1
        dispatched = JobDispatched(
            job=one.job,
            writ=one.writ,
            worker=worker,
            lease=lease,
            lease_ms=self._lease_ms,
            constraints=one.constraints,
            beat=pool.workers[worker].beat,
            token=token(self._suite_keys[0], job_id=one.job.job_id, lease=lease, worker=worker),
        )
        return _about(sign_lease(self._signer, dispatched, at=pool.at), one)

    def _over(self, pool: Moving) -> Iterator[Said]:
        """What has ended by now: workers with what they hold, and then jobs."""
        for name in pool.lapsed:
            for job_id in sorted(pool.workers[name].holds.values()):
                yield _lost(job_id, pool.held[job_id], "worker_lost")
            yield of_pool(WorkerLost(worker=name, reason="lease_ended"))
        for end, job_id in each(pool.ends):
            if end > pool.at:
                break
            if (hold := pool.held.get(job_id)) is None:
                yield _given_back(pool.found(job_id), pool.at)
            elif hold.worker not in pool.lapsed:
                yield from self._out_of_time(job_id, hold, pool.at)
        yield from self._sent_before_it_closed(pool)

    def _sent_before_it_closed(self, pool: Moving) -> Iterator[Said]:
        for lane in pool.lanes.values() if goes_back(pool) else ():
            if lane.pools_number < pool.closed:
                for _, job_id in each(lane.queue):
                    if (one := pool.found(job_id)).ends > pool.at:
                        yield _pool_closed(one, pool)

    def _tidy(self, pool: Moving) -> Outcome:
        """Where nothing has ended: give what can be given, and tell people what they should know."""
        yield from self._beats.load(pool)
        yield from self._beats.notes(pool)
        yield from self._fill(pool)

    def _out_of_time(self, job_id: str, hold: Hold, at: int) -> Iterator[Said]:
        """At first its worker is told; the next time it has had a lease to report in. What was not taken is lost at
        once: no report will come."""
        if hold.take_by is not None and hold.take_by <= at:
            if not hold.called_back:
                yield self._told(job_id, hold, "not_taken")
            yield _lost(job_id, hold, "not_taken")
        elif hold.called_back:
            yield _lost(job_id, hold, "attempt_timeout")
        else:
            yield self._told(job_id, hold, "attempt_timeout")

    def _called_back(self, pool: Moving, job_id: str) -> Outcome:
        """By its run. What is not here has left already, with its report or with a loss."""
        if job_id in pool.waiting:
            yield _lost(job_id, pool.found(job_id), "cancelled")
        elif (hold := pool.held.get(job_id)) is not None and not hold.called_back:
            yield self._told(job_id, hold, "cancelled")

    def _told(self, job_id: str, hold: Hold, reason: str) -> Said:
        told = JobCancelled(job_id=job_id, step=hold.step, lease=hold.lease, worker=hold.worker, reason=reason)
        return _about(sign_cancel(self._signer, told), hold)


def _as_of(state: Pool | None, message: Message) -> Moving:
    """The pool as it is by then. Beats and ticks do at once what they say; who only looks needs no copy of what is."""
    if isinstance(state, Moving) and message.at <= state.at and not isinstance(message.event, WorkerBeat | Tick):
        return state
    pool = Moving(name=message.key) if state is None else Moving.of(state)
    pool.pass_time(message.at)
    return pool


def _authorised(issued: WritIssued, message: Message) -> Authorised:
    return Authorised(
        job=issued.job,
        writ=issued.writ,
        correlation=message.meta.correlation if message.meta is not None else "",
        constraints=issued.decision.constraints if issued.decision is not None else "",
    )


def _given_back(one: Authorised, at: int) -> Said:
    patience = one.patience_ends
    reason = "queue_timeout" if patience is not None and patience <= at else "writ_expired"
    return _lost(one.job.job_id, one, reason)


def _pool_closed(one: Authorised, pool: Pool) -> Said:
    """To be sent elsewhere, by a kernel that knows of that change."""
    return _lost(one.job.job_id, one, "pool_closed", pools_number=pool.closed)


def _fail(_: Pool | None, message: Message, _reason: str) -> Outcome:
    """After a fault of ours the job is given back, and the run that asked for it ends; the reason is in quarantine."""
    if isinstance(message.event, WritIssued):
        yield _lost(message.event.job.job_id, _authorised(message.event, message), "internal_error")


def _lost(
    job_id: str, what: Hold | Authorised, reason: str, *, policies_offset: int = 0, pools_number: int = 0
) -> Said:
    held = what if isinstance(what, Hold) else None
    lease, worker = (held.lease, held.worker) if held else (0, "")
    lost = JobLost(
        job_id=job_id,
        step=what.step if isinstance(what, Hold) else what.job.step,
        lease=lease,
        worker=worker,
        reason=reason,
        policies_offset=policies_offset,
        pools_number=pools_number,
    )
    return _about(lost, what)


def _about(event: Event, what: Hold | Authorised) -> Said:
    """What concerns a job concerns its run."""
    if isinstance(what, Hold):
        run_id, tenant = what.run_id, what.tenant
    else:
        run_id, tenant = run_of(what.job.job_id), what.job.tenant
    return Said(event, run_id=run_id, tenant=tenant, principal=PRINCIPAL, correlation=what.correlation)
