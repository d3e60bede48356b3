"""Whether a run may begin, and whether an attempt may happen.

Both are decided under the snapshot that is active at that moment. A run is decided on before its jobs, as it comes
before them on its stream; of one that was rejected every job is denied.

A job that is called back loses its writ, and gets none afterwards. Asking and calling back lie on one stream and the
answers on another, each in order: so whoever follows the answers never sees a writ after it was revoked.

What people allow is a grant for exactly what they were shown. It makes no decision: the kernel decides again, and
where it still asks, the votes given count under the terms asked now. So a policy that changes while a question is open
strands nobody, and nothing slips through on terms that hold no longer.

Why kernel and scheduler cannot go round in circles, whoever has read further: a writ names the place of its snapshot,
and places only grow. The scheduler first reads as far as a writ that it is given names, so what it judges by is never
older; if it is newer, and the snapshot another, the job goes back with that place. The kernel first reads as far as a
request names, so its next writ is of that place or a later one. Hence a job goes back once more only if a snapshot was
published between that writ and its dispatch: as many times as policy changed meanwhile, and no more.

With the writ the kernel says in which pool. What policy denies is denied whatever pools there are; of the rest, what no
pool takes is refused before people are asked about it. Pools are handled as snapshots are: a writ has the number of the
last change that the kernel knew. A pool that is closed gives back what has an earlier number than its closing, with
that number, and the kernel first reads as far; so a job comes back once for each closing, and no more.
"""

from collections.abc import Iterable, Iterator

import msgspec

from foldgate.authority.active import Policies
from foldgate.authority.facts import RunFacts, facts_of_job, facts_of_run
from foldgate.authority.keys import Signer
from foldgate.authority.pools import Choice, Pools
from foldgate.authority.terms import Terms, satisfied
from foldgate.authority.writ import constraints_hash, job_hash, resume_hash, sign_writ
from foldgate.contracts import ids
from foldgate.contracts.endings import RUN_ENDS
from foldgate.contracts.events import (
    ApprovalExpired,
    ApprovalGranted,
    ApprovalRefused,
    ApprovalRequired,
    CaseClosed,
    Decision,
    Event,
    GrantRecorded,
    Job,
    JobCancelRequested,
    JobDenied,
    JobRefused,
    JobRequested,
    JobThrottled,
    Meta,
    RunAdmitted,
    RunRejected,
    RunStarted,
    Vote,
    Writ,
    WritIssued,
    WritRevoked,
)
from foldgate.decider.decider import Decider, Message, Said, Tick
from foldgate.policy_kernel.decisions.evolve import evolve
from foldgate.policy_kernel.decisions.judging import Judge, Judged
from foldgate.policy_kernel.decisions.state import Case, Grant, Throttled, counts, due, ended, waits, watches

Outcome = Iterator[Event | Said]
Answer = ApprovalGranted | ApprovalRefused | ApprovalExpired
FAULT = "internal_error"
"""What denies an attempt after a fault of ours."""
MAX_AGAIN_BYTES = 512 * 1024
"""Of the jobs decided on again in one decision, so that it fits an append; the others are due at once again."""


def decisions(
    policies: Policies, pools: Pools, *, default_decision: str, writ_ttl_ms: int, signer: Signer
) -> Decider[Case]:
    """The decider of cases, by the policies and the pools that have been read so far."""
    kernel = _Kernel(Judge(policies, default_decision), pools, writ_ttl_ms=writ_ttl_ms, signer=signer)
    return Decider(
        state=Case,
        decide=kernel.decide,
        evolve=evolve,
        due=due,
        ended=ended,
        fail=kernel.fail,
        edition=3,
        waits=waits,
        counts=counts,
        watches=watches,
    )


class _Kernel:
    """The decisions on a run, under the terms of the settings."""

    def __init__(self, judge: Judge, pools: Pools, *, writ_ttl_ms: int, signer: Signer) -> None:
        self._judge, self._pools, self._writ_ttl_ms, self._signer = judge, pools, writ_ttl_ms, signer

    def decide(self, state: Case | None, message: Message) -> Outcome:
        case, at = state or Case(), message.at
        match message.event:
            case RunStarted() as started if case.run is None and case.rejected is None and message.meta is not None:
                yield from self._run(started, message.meta)
            case JobRequested(job=job) if not case.knows(job.job_id):
                yield from self._first(case, job, at)
            case JobCancelRequested() as called:
                yield from _revoked(case, called)
            case ApprovalGranted() | ApprovalRefused() | ApprovalExpired() as answer:
                yield from self._answered(case, answer, at)
            case Tick():
                yield from self._again(case, at)
            case last if state is not None and type(last) in RUN_ENDS:
                yield CaseClosed(status=RUN_ENDS[type(last)])

    def fail(self, state: Case | None, message: Message, reason: str) -> Outcome:
        """After a fault of ours an attempt is not allowed, and the run is told; nor is a run."""
        case, said = state or Case(), self._judge.refusal(FAULT, reason)
        match message.event:
            case RunStarted() if case.run is None and case.rejected is None:
                yield RunRejected(decision=said)
            case JobRequested(job=job) if not case.knows(job.job_id):
                yield _denied(job, said)
            case ApprovalGranted() | ApprovalRefused() | ApprovalExpired() as answer:
                yield from (_denied(one.job, said) for one in [case.question(answer.approval_id)] if one is not None)
            case Tick():
                yield from (_denied(one.job, said) for one in case.over(message.at))
            case _:
                return

    def _run(self, started: RunStarted, meta: Meta) -> Outcome:
        facts = facts_of_run(started, meta)
        judged = self._judge.judge(facts, "submit")
        if judged.outcome.decision == "allow":
            yield RunAdmitted(
                decision=judged.decision, workflow=started.workflow, labels=started.labels, input=started.input
            )
        else:
            yield RunRejected(decision=judged.decision)
        yield from self._judge.shadowed(facts, "submit")

    def _first(self, case: Case, job: Job, at: int) -> Outcome:
        """Whoever comes here was never decided on."""
        if case.rejected is not None:
            yield _denied(job, case.rejected)
        else:
            yield from self._attempt(case, job, at, grant=_grant_for(case, job))
            yield from self._judge.shadowed(facts_of_job(job, _run_of(case, job)), "dispatch")

    def _attempt(
        self, case: Case, job: Job, at: int, *, grant: Grant | None = None, waited: Throttled | None = None
    ) -> Outcome:
        """What policy says of it now, and which pool takes it."""
        grant = grant or _grant_for(case, job)
        judged = self._judge.judge(facts_of_job(job, _run_of(case, job)), "dispatch")
        choice = self._pools.choose(job)
        match judged.outcome.decision:
            case "deny":
                yield _denied(job, judged.decision)
            case _ if not choice.pool:
                yield self._refused(job, choice)
            case "require_approval" if grant is None or not _is_enough(grant, judged, job):
                yield _question(job, judged)
            case "throttle":
                yield _postponed(job, judged, at=at, waited=waited)
            case _:
                approval_id = _approval_id(job) if grant else ""
                yield self._allowed(job, judged.decision, choice, at=at, approval_id=approval_id)

    def _again(self, case: Case, at: int) -> Outcome:
        """Its time has come for what was throttled."""
        for one in _fitting(case.over(at)):
            yield from self._attempt(case, one.job, at, waited=one)

    def _answered(self, case: Case, answer: Answer, at: int) -> Outcome:
        """People say no, or nothing, and that is that; they say yes, and it is decided again."""
        asked = case.question(answer.approval_id)
        if asked is None:
            return
        match answer:
            case ApprovalGranted():
                grant = Grant(job_hash(asked.job), asked.terms, answer.votes or _votes(answer.by, at))
                yield GrantRecorded(
                    approval_id=asked.approval_id, step=asked.job.step, job_hash=grant.job_hash, votes=grant.votes
                )
                yield from self._attempt(case, asked.job, at, grant=grant)
            case ApprovalRefused():
                why = f": {answer.reason}" if answer.reason else "."
                reason = f"Refused by {', '.join(answer.by) or 'somebody'}{why}"
                yield _denied(asked.job, self._judge.refusal(asked.rule, reason))
            case _:
                yield _denied(asked.job, self._judge.refusal(asked.rule, "Nobody answered in time."))

    def _refused(self, job: Job, choice: Choice) -> JobRefused:
        number = self._pools.number
        return JobRefused(job_id=job.job_id, step=job.step, code="no_pool", reason=choice.reason, pools_number=number)

    def _allowed(self, job: Job, decision: Decision, choice: Choice, *, at: int, approval_id: str) -> Said:
        pool = choice.pool
        if choice.reason:
            decision = msgspec.structs.replace(decision, trace=(*decision.trace, f"pool {pool}: {choice.reason}"))
        writ = Writ(
            writ_id=ids.writ_id(job.job_id, decision.policy_snapshot),
            job_id=job.job_id,
            job_hash=job_hash(job),
            pool=pool,
            policy_snapshot=decision.policy_snapshot,
            rule=decision.rule,
            issued_at=at,
            expires_at=at + self._writ_ttl_ms,
            tenant=job.tenant,
            policies_offset=decision.policies_offset,
            approval_id=approval_id,
            constraints_hash=constraints_hash(decision.constraints),
            pools_number=self._pools.number,
            resume_hash=resume_hash(job),
        )
        return Said(WritIssued(job=job, writ=sign_writ(self._signer, writ), decision=decision), pool=pool)


def _denied(job: Job, decision: Decision) -> JobDenied:
    return JobDenied(
        job_id=job.job_id,
        step=job.step,
        policy_snapshot=decision.policy_snapshot,
        rule=decision.rule,
        reason=decision.reason,
        decision=decision,
    )


def _question(job: Job, judged: Judged) -> ApprovalRequired:
    """People are asked on these terms, about this job and nothing else: a vote on other terms is stale."""
    about = job_hash(job)
    return ApprovalRequired(
        approval_id=_approval_id(job),
        step=job.step,
        job=job,
        job_hash=about,
        terms=judged.terms,
        requester=job.principal,
        binding=ids.digest("policy", about.hex(), job.digest, job.input, judged.terms).hex(),
        decision=judged.decision,
    )


def _postponed(job: Job, judged: Judged, *, at: int, waited: Throttled | None) -> Event:
    """It waits, but not for ever. The job is told the first time, the case keeps it."""
    times = waited.times + 1 if waited is not None else 1
    most = judged.outcome.throttle_times
    if times > most:
        reason = f"Expected its turn after it waited {most} times, but it is throttled for too long."
        return _denied(job, msgspec.structs.replace(judged.decision, decision="deny", reason=reason))
    return JobThrottled(
        job_id=job.job_id,
        step=job.step,
        until=at + judged.outcome.throttle_ms,
        times=times,
        decision=judged.decision,
        job=job if waited is None else None,
    )


def _fitting(over: Iterable[Throttled]) -> Iterator[Throttled]:
    """The first, and as many after it as fit together with it."""
    size = 0
    for one in over:
        own = len(msgspec.msgpack.encode(one.job))
        if size and size + own > MAX_AGAIN_BYTES:
            return
        size += own
        yield one


def _revoked(case: Case, called: JobCancelRequested) -> Outcome:
    """What was denied or revoked before has no writ to take back."""
    pool = case.decided.get(called.job_id)
    if pool != "":
        revoked = WritRevoked(job_id=called.job_id, step=called.step, pool=pool or "", reason=called.reason)
        yield Said(revoked, pool=pool or "")


def _run_of(case: Case, job: Job) -> RunFacts:
    """What is known of the run; of one that began before runs were decided on, what its job says."""
    if case.run is not None:
        return case.run
    name = ids.parse_job_id(job.job_id).run_id
    return RunFacts(id=name, workflow=job.workflow, labels=job.labels, tenant=job.tenant, principal=job.principal)


def _approval_id(job: Job) -> str:
    """One question for all attempts at the same thing."""
    return f"{ids.parse_job_id(job.job_id).run_id}:{job.step}#{job_hash(job).hex()[:16]}"


def _grant_for(case: Case, job: Job) -> Grant | None:
    found = case.grants.get(_approval_id(job)) if case.grants else None
    return found if found is not None and found.job_hash == job_hash(job) else None


def _is_enough(grant: Grant, judged: Judged, job: Job) -> bool:
    """Whether what people allowed is what is asked for now: on the same terms, or by votes that satisfy these too."""
    if grant.terms == judged.terms:
        return True
    return satisfied(Terms.of(judged.terms), grant.votes, requester=job.principal)


def _votes(by: tuple[str, ...], at: int) -> tuple[Vote, ...]:
    """Where only names are told: people of whom no roles are known."""
    return tuple(Vote(voter=voter, at=at, approve=True) for voter in by)
