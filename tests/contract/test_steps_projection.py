"""The steps of runs in the read model: the same in batches of any size, and those of the run that an id means now."""

import random
from typing import Any

from foldgate.contracts.events import (
    ApprovalRequested,
    AttemptFailed,
    ChildRequested,
    Job,
    JobCancelRequested,
    JobRequested,
    Rerun,
    RunStarted,
    RunSucceeded,
    StepCancelled,
    StepDenied,
    StepFailed,
    StepSkipped,
    StepStarted,
    StepSucceeded,
    StepTimedOut,
)
from foldgate.gateway.projections.runs import PROJECTION
from foldgate.gateway.projections.step_rows import STATUSES, told
from tests.support.projected import Laid, applied, asked_of, in_stretches, meta_on, models_in

ALL = """
SELECT step, status, attempts, kind, parent, job_id, child_run, approval_id, code, message, output_bytes, output_event,
    extract(epoch FROM started_at)::int AS began, extract(epoch FROM ended_at)::int AS ended
FROM steps WHERE run_id = $1 ORDER BY place, step
"""


def job(step: str, attempt: int) -> Job:
    return Job(
        job_id=f"run_1:{step}@{attempt}", step=step, attempt=attempt, kind="llm", topic="job.x", input="{}",
        tenant="acme", principal="p", workflow="w",
    )  # fmt: skip


def a_start(**outputs: str) -> RunStarted:
    rerun = Rerun(run_id="run_0", from_step="a", outputs=outputs) if outputs else None
    return RunStarted(workflow="w", input="{}", request_hash=b"", rerun=rerun)


def some_steps() -> Laid:
    laid = Laid()
    clock = iter(range(1000, 100_000, 1000))

    def say(*events: Any, key: str = "run_1") -> None:
        for event in events:
            laid.add(event, "runs", key=key, at=next(clock))

    say(a_start(), JobRequested(job=job("old", 1)), StepStarted(step="g", kind="wait"))
    say(RunSucceeded(output="1"), a_start(x='"ä"'))
    say(JobRequested(job=job("a", 1)), AttemptFailed(step="a", job_id="run_1:a@1", code="c", message="m", retry_at=9))
    say(JobRequested(job=job("a", 2)), StepSucceeded(step="a", job_id="run_1:a@2", output="12\0"))
    say(JobRequested(job=job("b", 1)), AttemptFailed(step="b", job_id="run_1:b@1", code="c", message="m\0", retry_at=9))
    say(StepStarted(step="g", kind="parallel"), JobRequested(job=job("g1", 1), parent="g"))
    say(JobCancelRequested(job_id="run_1:g1@1", step="g1", ending="cancelled", reason="r", until=9))
    say(StepCancelled(step="c", job_id="run_1:c@1", reason="r", parent="g"), StepSkipped(step="d", reason="when"))
    say(
        ApprovalRequested(step="e", approval_id="ap", kind="approval", input="{}"),
        StepDenied(step="e", rule="r", reason="w"),
    )
    say(ChildRequested(step="f", child_run="run_9", workflow="o", version="1", digest="d", input="{}"))
    say(StepTimedOut(step="h", code="step_timeout", reason="late"), StepFailed(step="i", code="c", message="m"))
    say(a_start(), JobRequested(job=job("a", 1)), key="run_2")
    return laid


async def test_steps_are_the_same_in_batches_of_any_size(postgres_url: str) -> None:
    found = []
    for seed, most in enumerate((1, 3, 100)):
        async with models_in(postgres_url, f"t{seed}") as models:
            await applied(models, PROJECTION, in_stretches(some_steps().events, random.Random(seed), most=most))
            found.append([await asked_of(models, ALL, run) for run in ("run_1", "run_2")])
    assert found[0] == found[1] == found[2]
    rows, others = found[0]
    assert [row["step"] for row in rows] == ["x", "a", "b", "g", "g1", "c", "d", "e", "f", "h", "i"], "none of before"
    by_step = {row["step"]: row for row in rows}
    assert {step: row["status"] for step, row in by_step.items()} == {
        "x": "taken_over", "a": "succeeded", "b": "retrying", "g": "running", "g1": "cancelling", "c": "cancelled",
        "d": "skipped", "e": "denied", "f": "running", "h": "timed_out", "i": "failed",
    }  # fmt: skip
    assert {row["status"] for row in rows} == set(STATUSES)
    a, b, x = by_step["a"], by_step["b"], by_step["x"]
    assert (a["attempts"], a["job_id"], a["kind"], a["code"], a["output_bytes"]) == (2, "run_1:a@2", "llm", None, 3)
    assert (a["began"], a["ended"]) == (6, 9)
    assert a["output_event"] != x["output_event"]
    assert (b["code"], b["message"], b["ended"]) == ("c", "m\ufffd", None)
    assert (x["output_bytes"], by_step["g1"]["parent"], by_step["f"]["child_run"]) == (4, "g", "run_9")
    assert (by_step["e"]["approval_id"], by_step["e"]["code"], by_step["e"]["kind"]) == ("ap", "r", "approval")
    assert [row["step"] for row in others] == ["a"]


def test_what_is_said_of_no_step_tells_of_none() -> None:
    assert told(meta_on("runs"), RunSucceeded(output="1")) is None
