"""The read model of jobs: the same, whichever of its streams is read first."""

import random
from typing import Any

from foldgate.contracts.events import (
    ApprovalRequired,
    AttemptFailed,
    Decision,
    Job,
    JobCancelRequested,
    JobDenied,
    JobDispatched,
    JobLost,
    JobQueued,
    JobRefused,
    JobReleased,
    JobRequested,
    JobThrottled,
    RunAdmitted,
    RunRejected,
    RunSucceeded,
    ShadowDecided,
    StepCancelled,
    StepDenied,
    StepFailed,
    StepSucceeded,
    StepTimedOut,
    Writ,
    WritIssued,
    WritRevoked,
)
from foldgate.gateway.projections.jobs import PROJECTION, folded
from tests.support.projected import Laid, applied, asked_of, in_stretches, meta_on, models_in

ALLOW = Decision(decision="allow", policy_snapshot="s1", rule="b#r", reason="fine", trace=("r: matched",))
STATUSES = {
    "a@1": "failed",
    "a@2": "lost",
    "a@3": "succeeded",
    "b@1": "denied",
    "c@1": "throttled",
    "d@1": "awaiting_approval",
    "e@1": "queued",
    "f@1": "dispatched",
    "g@1": "cancelling",
    "h@1": "failed",
    "i@1": "requested",
    "j@1": "cancelled",
    "k@1": "lost",
    "l@1": "timed_out",
    "m@1": "failed",
    "n@1": "denied",
    "o@1": "authorised",
    "p@1": "cancelled",
}


def job(step: str, attempt: int = 1) -> Job:
    return Job(
        job_id=f"run_1:{step}@{attempt}", step=step, attempt=attempt, kind="job", topic="job.x", input='{"n":1}',
        tenant="acme", principal="p", workflow="w", labels={"a\0": "b"},
    )  # fmt: skip


def writ(one: Job, pool: str = "sre") -> Writ:
    return Writ(
        writ_id=f"writ_{one.step}", job_id=one.job_id, job_hash=b"", pool=pool, policy_snapshot="s1", rule="b#r",
        issued_at=0, expires_at=0,
    )  # fmt: skip


class Telling:
    """Lays what is said of jobs on the streams of those who say it."""

    def __init__(self) -> None:
        self.laid = Laid()

    def runs(self, *events: Any) -> None:
        for event in events:
            self.laid.add(event, "runs")

    def decisions(self, *events: Any) -> None:
        for event in events:
            self.laid.add(event, "decisions", at=3000)

    def jobs(self, *events: Any) -> None:
        for event in events:
            self.laid.add(event, "jobs", key="sre", partition=1, run_id="run_1")

    def asked(self, one: Job, after: str = "") -> str:
        self.runs(JobRequested(job=one, after=after))
        return one.job_id

    def held(self, one: Job, lease: int = 1) -> str:
        self.asked(one, {2: "failed", 3: "worker_lost"}.get(one.attempt, ""))
        self.decisions(WritIssued(job=one, writ=writ(one), decision=ALLOW))
        self.jobs(JobQueued(job=one, writ=writ(one)))
        self.jobs(JobDispatched(job=one, writ=writ(one), worker="w/1", lease=lease, lease_ms=9))
        return one.job_id


def some_jobs() -> Laid:
    say = Telling()
    say.decisions(RunAdmitted(decision=ALLOW), RunRejected(decision=ALLOW))
    first = say.held(job("a"))
    say.jobs(JobReleased(job_id=first, lease=1, worker="w/1", outcome="failed"))
    say.runs(AttemptFailed(step="a", job_id=first, code="no_luck", message="m", retry_at=9))
    second = say.held(job("a", 2), 2)
    say.jobs(JobLost(job_id=second, step="a", lease=2, worker="w/1", reason="lease_ended"))
    third = say.held(job("a", 3), 3)
    say.jobs(JobReleased(job_id=third, lease=3, worker="w/1", outcome="succeeded"))
    say.runs(StepSucceeded(step="a", job_id=third, output="1"), StepSucceeded(step="z", output="1"))
    denied = Decision(
        decision="deny", policy_snapshot="s1", rule="b#no", reason="no", remediations='[{"id":"x"}]', constraints="{}"
    )
    say.decisions(
        JobDenied(job_id=say.asked(job("b")), step="b", policy_snapshot="s1", rule="b#no", reason="no", decision=denied)
    )
    say.runs(StepDenied(step="b", job_id="run_1:b@1", rule="b#no", reason="no"))
    say.decisions(JobThrottled(job_id=say.asked(job("c")), step="c", until=5000, times=1, decision=ALLOW))
    say.asked(job("d"))
    asks = ApprovalRequired(
        approval_id="ap_1", step="d", job=job("d"), job_hash=b"", terms="{}", requester="p", binding="b", decision=ALLOW
    )
    say.decisions(asks, ShadowDecided(job_id="run_1:d@1", step="d", bundle="x", revision=2, decision=denied))
    say.asked(job("e"))
    say.jobs(JobQueued(job=job("e"), writ=writ(job("e"))))
    say.held(job("f"))
    say.runs(JobCancelRequested(job_id=say.held(job("g")), step="g", ending="cancelled", reason="r", until=1))
    say.runs(StepFailed(step="h", job_id=say.asked(job("h")), code="c", message="m"))
    say.asked(job("i"))
    say.decisions(WritRevoked(job_id=say.asked(job("j")), step="j", reason="cancelled"))
    say.runs(StepCancelled(step="j", job_id="run_1:j@1", reason="r"))
    say.jobs(JobLost(job_id=say.held(job("k")), step="k", lease=1, worker="w/1", reason="left"))
    say.runs(StepTimedOut(step="l", job_id=say.asked(job("l")), code="queue_timeout", reason="r"))
    say.decisions(JobRefused(job_id=say.asked(job("m")), step="m", code="no_pool", reason="none"))
    say.decisions(JobDenied(job_id=say.asked(job("n")), step="n", policy_snapshot="s", rule="r", reason="why"))
    say.asked(job("o"))
    say.decisions(WritIssued(job=job("o"), writ=writ(job("o"))))
    say.decisions(WritRevoked(job_id=say.asked(job("p")), step="p", pool="sre"))
    return say.laid


async def test_an_attempt_is_one_row_whichever_stream_comes_first(postgres_url: str) -> None:
    found = []
    for seed in range(4):
        async with models_in(postgres_url, f"t{seed}") as models:
            batches = in_stretches(some_jobs().events, random.Random(seed), most=4)
            if seed < 3:  # one stream after the other, each first once
                order = ("jobs", "decisions", "runs")[seed:] + ("jobs", "decisions", "runs")[:seed]
                alone = [[one] for batch in batches for one in batch]
                batches = sorted(alone, key=lambda batch, order=order: order.index(batch[0].partition.stream))  # type: ignore[misc]
            await applied(models, PROJECTION, batches)
            jobs = await asked_of(models, "SELECT * FROM jobs ORDER BY step, attempt")
            found.append((jobs, await asked_of(models, "SELECT * FROM job_decisions ORDER BY run_id, sequence")))
    assert found[0] == found[1] == found[2] == found[3]
    jobs, decisions = found[0]
    assert {row["job_id"].removeprefix("run_1:"): row["status"] for row in jobs} == STATUSES
    by_id = {row["job_id"].removeprefix("run_1:"): row for row in jobs}
    assert (by_id["a@1"]["code"], by_id["a@1"]["message"]) == ("no_luck", "m")
    assert (by_id["a@2"]["code"], by_id["a@2"]["lost"], by_id["a@2"]["after"]) == (
        "worker_lost",
        "lease_ended",
        "failed",
    )
    assert (by_id["a@3"]["pool"], by_id["a@3"]["worker"], by_id["a@3"]["lease"]) == ("sre", "w/1", 3)
    assert by_id["a@3"]["queued_at"] is not None
    assert by_id["e@1"]["worker"] is None
    assert by_id["o@1"]["pool"] == "sre"
    by_step = {row["step"] or row["type"]: row for row in decisions}
    assert (by_step["b"]["decision"], by_step["b"]["remediations"]) == ("deny", '[{"id":"x"}]')
    assert (by_step["m"]["decision"], by_step["m"]["code"], by_step["m"]["reason"]) == ("refuse", "no_pool", "none")
    assert (by_step["n"]["decision"], by_step["n"]["reason"], by_step["n"]["trace"]) == ("deny", "why", "[]")
    assert by_step["c"]["until"] is not None
    assert (by_step["d"]["phase"], by_step["d"]["bundle"]) == ("shadow", "x@2"), "the last of that step"
    assert (by_step["RunAdmitted"]["phase"], by_step["RunAdmitted"]["trace"]) == ("submit", '["r: matched"]')


async def test_a_run_whose_id_is_given_again_has_its_new_jobs(postgres_url: str) -> None:
    say = Telling()
    for _ in range(2):
        one = say.held(job("a"))
        say.jobs(JobReleased(job_id=one, lease=1, worker="w/1", outcome="failed"))
        say.runs(StepFailed(step="a", job_id=one, code="c", message="m"))
    say.held(job("a"))
    async with models_in(postgres_url) as models:
        await applied(models, PROJECTION, in_stretches(say.laid.events, random.Random(1), most=3))
        (row,) = await asked_of(models, "SELECT * FROM jobs")
    assert (row["status"], row["code"], row["released_at"]) == ("dispatched", None, None)


def test_other_events_change_nothing() -> None:
    for stream in ("runs", "decisions", "jobs", "letters"):
        assert folded([(meta_on(stream), RunSucceeded(output="1"))]) == []
