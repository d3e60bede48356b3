"""Jobs: what is asked for, and what each report, loss or denial means. Retries are in `test_runs_retries.py`."""

from typing import get_args

import pytest

from foldgate.contracts.events import (
    JobCancelRequested,
    JobDenied,
    JobFailed,
    JobRefused,
    JobReportIgnored,
    JobRequested,
    JobSucceeded,
    StepFailed,
)
from foldgate.engine.runs.turn import MAX_CARRIED_BYTES
from foldgate.language.definition import JobKind
from tests.support.runs import GRACE, Life, begun, workflow

ONE = workflow("a: {type: job}")
WHOLE = workflow("""
a:
  type: http
  topic: job.call
  input: {n: '${input.n}'}
  priority: 9
  timeout: 1h
  attempt_timeout: 10m
  queue_timeout: 5m
  route: {pool: gpu, worker: w7, labels: {zone: eu}}
  meta:
    capability: net
    risk_tags: [prod]
    requires: [tls]
    pack_id: pack
    actor_id: agent-7
    actor_type: agent
    labels: {team: ops}
""")


def test_a_job_says_all_that_policy_and_routing_may_ask() -> None:
    life = begun(WHOLE, given={"n": 5}, labels={"case": "c1", "team": "none"})
    [asked] = life.of(JobRequested)
    job = asked.job
    assert (job.kind, job.topic, job.input, job.priority) == ("http", "job.call", '{"n":5}', 9)
    assert (job.job_id, job.step, job.attempt) == (f"{life.run_id}:a@1", "a", 1)
    assert (job.pool, job.worker, job.placement) == ("gpu", "w7", {"zone": "eu"})
    assert (job.capability, job.risk_tags, job.requires) == ("net", ("prod",), ("tls",))
    assert (job.pack_id, job.actor_id, job.actor_type) == ("pack", "agent-7", "agent")
    assert job.labels == {"case": "c1", "team": "ops"}, "a step's labels come last"
    assert (job.queue_timeout_ms, job.attempt_timeout_ms) == (300_000, 600_000)
    assert (job.tenant, job.principal, job.workflow) == ("acme", "ada", "w")
    assert job.digest == life.run.digest != ""
    assert asked.deadline == life.now + 3_600_000


@pytest.mark.parametrize("kind", get_args(JobKind))
def test_a_job_has_its_type_as_its_kind_and_a_topic_after_its_step(kind: str) -> None:
    [asked] = begun(workflow(f"a: {{type: {kind}}}"), given={"n": 1}, labels={"l": "1"}).of(JobRequested)
    assert (asked.job.kind, asked.job.topic) == (kind, "job.w.a")
    assert asked.job.input == '{"n":1}', "the input of the run, where nothing is written"
    assert (asked.job.labels, asked.job.queue_timeout_ms, asked.job.attempt_timeout_ms) == ({"l": "1"}, 86_400_000, 0)
    assert asked.deadline is None


def test_what_an_input_says_now_is_said_for_all_attempts() -> None:
    life = begun(workflow("a: {type: job, input: '${int(now)}', retry: {max_attempts: 2}}"))
    life.now += 60_000
    life.fail("a", retryable=True)
    first, second = life.of(JobRequested)
    assert first.job.input == second.job.input


def test_an_input_that_does_not_fit_its_schema_is_never_asked_for() -> None:
    life = begun(workflow("a: {type: job, input_schema: {type: object, required: [n]}}"))
    assert life.lines[1:] == ["StepFailed a input_invalid", "RunFailed a input_invalid"]


@pytest.mark.parametrize(
    ("output", "code"),
    [
        ("oh", "invalid_output"),
        ("{", "invalid_output"),
        ('"' + "x" * MAX_CARRIED_BYTES + '"', "output_too_large"),
        ('"' + "é" * (MAX_CARRIED_BYTES // 2) + '"', "output_too_large"),
        ('"x"', "output_invalid"),
    ],
)
def test_an_output_that_cannot_be_fails_the_step(output: str, code: str) -> None:
    life = begun(workflow("a: {type: job, output_schema: {type: integer}}"))
    life.hear(JobSucceeded(job_id=life.job("a").job_id, lease=1, worker="w", output=output))
    assert life.lines[-2:] == [f"StepFailed a {code}", f"RunFailed a {code}"]
    [failed] = life.of(StepFailed)
    assert failed.job_id == life.job("a").job_id
    assert len(failed.message) <= 2000


def test_a_failure_has_a_code_and_a_message_of_bounded_length() -> None:
    life = begun(ONE)
    life.hear(JobFailed(job_id=life.job("a").job_id, lease=1, worker="w", code="c" * 300, message="m" * 3000))
    [failed] = life.of(StepFailed)
    assert (failed.code, len(failed.message)) == ("c" * 100, 2000)
    life = begun(ONE)
    assert life.fail("a", "")[0] == "StepFailed a failed", "where a worker names none"


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("queue_timeout", "StepTimedOut a queue_timeout"),
        ("attempt_timeout", "StepFailed a attempt_timeout"),
        ("internal_error", "StepFailed a internal_error"),
        ("worker_lost", "JobRequested a@2 worker_lost"),
        ("writ_expired", "JobRequested a@2 writ_expired"),
    ],
)
def test_each_way_to_lose_a_job(reason: str, said: str) -> None:
    assert begun(ONE).lose("a", reason)[0] == said


def test_a_writ_that_expires_leaves_what_is_left_of_its_time_in_the_queue() -> None:
    life = begun(workflow("a: {type: job, queue_timeout: 1h, retry: {max_retries: 1}}"))
    assert life.job("a").queue_timeout_ms == 3_600_000
    for minutes in (5, 30):
        life.now += minutes * 60_000
        life.lose("a", "writ_expired")
    assert life.job("a").queue_timeout_ms == 25 * 60_000
    life.now += 3_600_000
    life.lose("a", "writ_expired")
    assert life.job("a").queue_timeout_ms == 1, "a time that is over still says so"
    life.fail("a", retryable=True)
    assert life.job("a").queue_timeout_ms == 3_600_000, "an attempt that was made begins anew"


def test_a_denial_is_no_failure_unless_it_is_a_fault_of_ours() -> None:
    assert begun(ONE).deny("a") == ["StepDenied a rule", "RunDenied a rule"]
    assert begun(ONE).deny("a", "internal_error") == ["StepFailed a internal_error", "RunFailed a internal_error"]


def test_a_job_that_no_pool_takes_fails_at_once_and_is_not_tried_again() -> None:
    life = begun(workflow("a: {type: job, retry: {max_attempts: 5}}"))
    refused = JobRefused(job_id=life.job("a").job_id, step="a", code="no_pool", reason="Expected a pool.")
    assert life.hear(refused) == ["StepFailed a no_pool", "RunFailed a no_pool"]
    [failed] = life.of(StepFailed)
    assert (failed.message, failed.job_id) == ("Expected a pool.", refused.job_id)
    assert life.hear(refused) == [], "and once"


def test_a_job_that_no_pool_takes_is_cancelled_where_it_was_called_back() -> None:
    life = called_back()
    refused = JobRefused(job_id=life.job("a").job_id, step="a", code="no_pool", reason="Expected a pool.")
    assert life.hear(refused) == ["StepCancelled a", "RunCancelled"]


# Called back.


def called_back(document: str = ONE) -> Life:
    life = begun(document)
    life.cancel()
    return life


def test_a_job_that_is_called_back_is_waited_for_as_long_as_that_may_take() -> None:
    life = called_back()
    [back] = life.of(JobCancelRequested)
    assert (back.job_id, back.ending, back.until) == (life.job("a").job_id, "cancelled", life.now + GRACE)
    assert life.waiting == [f"a: end of {life.job('a').job_id}, which was called back"]
    assert life.after(GRACE - 1) == []
    assert life.after(1) == ["StepCancelled a", "RunCancelled"]


@pytest.mark.parametrize("end", ["fail", "deny", "lose"])
def test_what_ends_it_otherwise_is_its_cancellation(end: str) -> None:
    assert getattr(called_back(), end)("a") == ["StepCancelled a", "RunCancelled"]


def test_a_success_that_comes_first_counts() -> None:
    assert called_back().succeed("a", 1) == ["StepSucceeded a 1", "RunCancelled"]
    life = called_back(workflow("a: {type: job, output_schema: {type: integer}}"))
    assert life.succeed("a", "x") == ["StepFailed a output_invalid", "RunCancelled"]


def test_out_of_time_it_times_out_however_its_attempt_ends() -> None:
    document = workflow("a: {type: job, timeout: 1h}")
    life = begun(document)
    assert life.after(3_600_000) == ["JobCancelRequested a timed_out"]
    assert life.fail("a", "cancelled") == ["StepTimedOut a timeout", "RunTimedOut a timeout"]
    life = begun(document)
    life.after(3_600_000)
    assert life.after(GRACE) == ["StepTimedOut a timeout", "RunTimedOut a timeout"]


def test_what_waits_for_its_next_attempt_is_over_at_once() -> None:
    life = begun(workflow("a: {type: job, retry: {max_attempts: 2, backoff: 10s}, timeout: 5s}"))
    life.fail("a", retryable=True)
    assert life.waiting == ["a: attempt 2, after broken"]
    assert life.after(5000) == ["StepTimedOut a timeout", "RunTimedOut a timeout"]
    life = begun(workflow("a: {type: job, retry: {max_attempts: 2, backoff: 10s}}"))
    life.fail("a", retryable=True)
    assert life.cancel() == ["RunHalted cancelled cancelled", "StepCancelled a", "RunCancelled"]


# Reports of another attempt.


def test_a_report_of_an_attempt_that_is_over_is_told_of_once() -> None:
    life = begun(workflow("a: {type: job}\nb: {type: job}"))
    first = life.job("a").job_id
    life.lose("a")
    late = JobSucceeded(job_id=first, lease=1, worker="w", output="1")
    assert life.hear(late) == ["JobReportIgnored"]
    assert life.hear(late) == []
    assert life.hear(JobFailed(job_id=first, lease=1, worker="w", code="c", message="m")) == ["JobReportIgnored"]
    assert life.statuses["a"] == "requested"


@pytest.mark.parametrize(
    "job_id",
    [
        "nonsense",
        "run_other:a@1",
        "{run}:a@2",
        "{run}:b@1",
        "{run}:a[0]@1",
        "{run}:a[x]@1",
        "{run}:]@1",
        "{run}:a[" + "9" * 5000 + "]@1",
        "{run}:" + "a" * 900_000 + "]@1",
    ],
)
def test_a_report_of_what_was_never_asked_for_changes_nothing(job_id: str) -> None:
    life = begun(ONE)
    before = life.run.steps
    named = job_id.format(run=life.run_id)
    assert life.hear(JobSucceeded(job_id=named, lease=1, worker="w", output="1")) == ["JobReportIgnored"]
    assert life.run.steps == before
    assert len(life.run.ignored[0][0]) <= 8000, "what is remembered of it is bounded"
    denied = JobDenied(job_id=named, step="a", policy_snapshot="s", rule="r", reason="no")
    assert life.hear(denied) == []


def test_only_so_many_late_reports_are_remembered() -> None:
    life = begun(ONE)
    for lease in range(150):
        life.hear(JobSucceeded(job_id=f"{life.run_id}:b@1", lease=lease, worker="w", output="1"))
    assert len(life.of(JobReportIgnored)) == 150
    assert len(life.run.ignored) == 100
