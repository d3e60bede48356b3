"""Retries: when another attempt is made, how long it waits, and what spends one."""

import hashlib
from collections.abc import Callable

import pytest

from foldgate.contracts.events import AttemptFailed, JobFailed, JobRequested
from foldgate.engine.steps.job import backoff_ms
from foldgate.language.definition import Retry
from foldgate.language.durations import LONGEST_MS
from tests.support.runs import BEGINNING, Life, begun, workflow


def retried(terms: str, head: str = "") -> Life:
    return begun(workflow(f"a: {{type: job, {terms}}}", head))


@pytest.mark.parametrize(
    "terms",
    [
        "retry: {max_attempts: 3, backoff: 2s}",
        "retries: {max_attempts: 3, backoff_ms: 2000}",
        "retry: {max_retries: 2, initial_backoff_sec: 2}",
        "retry: {max_retries: 2, initial_backoff_sec: 2, max_backoff_sec: 2, multiplier: 1}",
    ],
)
def test_however_it_is_spelled(terms: str) -> None:
    life = retried(terms)
    for attempt in (2, 3):
        assert life.fail("a", retryable=True) == ["AttemptFailed a broken"]
        assert life.after(1999) == []
        assert life.after(1) == [f"JobRequested a@{attempt} failed"]
    assert life.fail("a", retryable=True) == ["StepFailed a broken", "RunFailed a broken"]


def test_without_terms_there_is_one_attempt_and_defaults_are_for_all_steps() -> None:
    assert retried("timeout: 1h").fail("a", retryable=True)[0] == "StepFailed a broken"
    life = retried("timeout: 1h", head="defaults: {retry: {max_attempts: 2}}")
    assert life.fail("a", retryable=True) == ["AttemptFailed a broken", "JobRequested a@2 failed"]


def test_what_is_not_retryable_is_not_tried_again() -> None:
    assert retried("retry: {max_attempts: 3}").fail("a", retryable=False)[0] == "StepFailed a broken"


@pytest.mark.parametrize(
    ("terms", "code", "retryable", "again"),
    [
        ("retry_on: [busy]", "busy", True, True),
        ("retry_on: [busy]", "busy", False, True),
        ("retry_on: [busy]", "broken", True, False),
        ("non_retryable: [fatal]", "fatal", True, False),
        ("non_retryable: [fatal]", "busy", True, True),
        ("non_retryable: [fatal]", "busy", False, False),
        ("retry_on: [busy], non_retryable: [fatal]", "fatal", True, False),
    ],
)
def test_codes_say_what_is_tried_again(terms: str, code: str, *, retryable: bool, again: bool) -> None:
    said = retried(f"retry: {{max_attempts: 2, {terms}}}").fail("a", code, retryable=retryable)
    assert (said[-1] == "JobRequested a@2 failed") is again


@pytest.mark.parametrize(
    ("terms", "waits"),
    [
        (Retry(backoff_ms=100), [100, 100, 100]),
        (Retry(backoff_ms=100, multiplier=2), [100, 200, 400]),
        (Retry(backoff_ms=100, multiplier=3, max_backoff_ms=500), [100, 300, 500]),
        (Retry(backoff_ms=0, multiplier=2), [0, 0, 0]),
    ],
)
def test_the_wait_grows_up_to_the_most(terms: Retry, waits: list[int]) -> None:
    assert [backoff_ms(terms, failures, job_id="j") for failures in (1, 2, 3)] == waits


def test_the_wait_is_bounded_however_often_it_failed() -> None:
    terms = Retry(backoff_ms=1000, multiplier=100.0, max_backoff_ms=3_600_000)
    assert backoff_ms(terms, 100, job_id="j") == 3_600_000
    longest = Retry(backoff_ms=LONGEST_MS, multiplier=100.0)
    assert backoff_ms(longest, 100, job_id="j") == 2**53, "as often and as long as a document may say"


def test_jitter_adds_a_share_that_derives_from_the_job() -> None:
    terms = Retry(backoff_ms=1000, jitter=0.5)
    waits = {backoff_ms(terms, 1, job_id=f"run:a@{number}") for number in range(200)}
    assert all(1000 <= wait < 1500 for wait in waits)
    assert len(waits) > 100
    share = int.from_bytes(hashlib.sha256(b"run:a@7").digest()[:4], "big") / 2**32
    assert backoff_ms(terms, 1, job_id="run:a@7") == int(1000 * (1 + 0.5 * share))
    life = retried("retry: {max_attempts: 2, backoff: 1s, jitter: 0.5}")
    life.fail("a", retryable=True)
    [failed] = life.of(AttemptFailed)
    assert failed.retry_at == BEGINNING + backoff_ms(terms, 1, job_id=failed.job_id)


# Losses.


def test_a_lost_attempt_takes_the_next_number_and_spends_no_retry() -> None:
    life = retried("retry: {max_attempts: 2}")
    assert life.lose("a") == ["JobRequested a@2 worker_lost"]
    assert life.fail("a", retryable=True)[-1] == "JobRequested a@3 failed"
    assert life.fail("a", retryable=True) == ["StepFailed a broken", "RunFailed a broken"]


def test_only_so_many_attempts_are_lost() -> None:
    life = retried("retry: {max_attempts: 5}")
    life.lose("a")
    life.fail("a", retryable=True)
    assert life.lose("a") == ["StepFailed a attempts_lost", "RunFailed a attempts_lost"]


def test_a_job_that_was_handed_back_unbegun_is_lost() -> None:
    life = retried("retry: {max_attempts: 1}")
    assert life.fail("a", "writ_expired") == ["JobRequested a@2 not_begun"]
    assert life.fail("a", "writ_mismatch") == ["StepFailed a attempts_lost", "RunFailed a attempts_lost"]


def test_a_job_that_comes_too_late_again_and_again_waits_until_its_worker_is_heard() -> None:
    life = Life(workflow("a: {type: job, retry: {max_attempts: 1}}"), max_lost=3)
    life.start(None)
    assert life.fail("a", "writ_lease_over") == ["JobRequested a@2 not_begun"]
    for attempt, waits_ms in ((3, 3000), (4, 6000)):
        assert life.fail("a", "writ_lease_over") == ["AttemptFailed a not_begun"]
        before = life.now
        assert life.due() == [f"JobRequested a@{attempt} not_begun"]
        assert life.now == before + waits_ms
    assert life.fail("a", "writ_lease_over") == ["StepFailed a attempts_lost", "RunFailed a attempts_lost"]


@pytest.mark.parametrize("code", ["worker_leaving", "no_handler"])
def test_a_job_that_its_worker_gives_up_is_lost(code: str) -> None:
    life = retried("retry: {max_attempts: 1}")
    assert life.fail("a", code, retryable=True) == ["JobRequested a@2 not_begun"]
    assert life.fail("a", retryable=True) == ["StepFailed a broken", "RunFailed a broken"]


@pytest.mark.parametrize(
    ("after_ms", "waits_ms"), [(0, 2000), (1000, 2000), (5000, 5000), (-1, 2000), (2**60, 86_400_000)]
)
def test_a_worker_may_have_the_next_attempt_wait_for_longer(after_ms: int, waits_ms: int) -> None:
    life = retried("retry: {max_attempts: 2, backoff: 2s}")
    failed = JobFailed(
        job_id=life.job("a").job_id, lease=1, worker="w", code="busy", message="Later.", retry_after_ms=after_ms
    )
    assert life.hear(failed) == ["AttemptFailed a busy"]
    assert life.after(waits_ms - 1) in ([], ["WaitNoted a"])
    assert life.after(1) == ["JobRequested a@2 failed"]


@pytest.mark.parametrize(
    ("reason", "after"),
    [("not_taken", "not_taken"), ("worker_lost", "worker_lost"), ("of_another_time", "worker_lost")],
)
@pytest.mark.parametrize("paused", [False, True])
def test_whatever_a_loss_is_called_it_spends_no_retry_and_there_are_only_so_many(
    reason: str, after: str, *, paused: bool
) -> None:
    life = retried("retry: {max_attempts: 2}")
    if paused:
        life.pause()
        assert life.lose("a", reason) == [f"AttemptFailed a {after}"]
        life.resume()
        assert life.due() == [f"JobRequested a@2 {after}"]
    else:
        assert life.lose("a", reason) == [f"JobRequested a@2 {after}"]
    assert life.fail("a", retryable=True)[-1] == "JobRequested a@3 failed", "none was spent"
    assert life.lose("a", reason)[0] == "StepFailed a attempts_lost"


def test_a_job_says_how_many_attempts_before_it_have_failed() -> None:
    life = retried("retry: {max_attempts: 9, backoff: 1s}")
    told = [life.job("a").retries]
    for end in ("writ_expired", "fail", "worker_leaving", "attempt_timeout", "pool_closed", "fail"):
        if end == "fail":
            life.fail("a", retryable=True)
        elif end == "worker_leaving":
            life.fail("a", end)
        else:
            life.lose("a", end)
        if life.statuses["a"] == "retrying":
            life.due()
        told.append(life.job("a").retries)
    assert told == [0, 0, 1, 1, 2, 2, 3]


def test_a_writ_that_expired_is_no_loss() -> None:
    life = retried("timeout: 1h")
    for attempt in range(2, 10):
        assert life.lose("a", "writ_expired") == [f"JobRequested a@{attempt} writ_expired"]


@pytest.mark.parametrize("code", ["worker_lost", "not_taken", "not_begun"])
def test_no_worker_says_that_it_was_lost(code: str) -> None:
    life = retried("retry: {max_attempts: 2}")
    assert life.fail("a", code, retryable=True)[-1] == "JobRequested a@2 failed"
    assert life.fail("a", code, retryable=True)[0].startswith("StepFailed a failed_")


def test_an_attempt_that_takes_too_long_is_a_failure_like_any() -> None:
    life = retried("attempt_timeout: 1m, retry: {max_attempts: 2, non_retryable: [other]}")
    assert life.lose("a", "attempt_timeout") == ["AttemptFailed a attempt_timeout", "JobRequested a@2 failed"]
    assert life.lose("a", "attempt_timeout")[0] == "StepFailed a attempt_timeout"
    step = life.run.steps.get("a")
    assert step is not None
    assert "60000 ms" in step.reason
    assert (
        retried("retry: {max_attempts: 2, retry_on: [busy]}").lose("a", "attempt_timeout")[0].startswith("StepFailed")
    )


# Pauses, time-outs, and the state between two attempts.


def test_a_retry_whose_time_comes_in_a_pause_is_made_afterwards() -> None:
    life = retried("retry: {max_attempts: 2, backoff: 5s}")
    life.fail("a", retryable=True)
    life.pause()
    assert life.after(10_000) == []
    assert life.resume() == ["RunResumed"]
    assert life.due() == ["JobRequested a@2 failed"]


@pytest.mark.parametrize("backoff", [False, True])
def test_what_fails_or_is_lost_in_a_pause_is_asked_for_afterwards(*, backoff: bool) -> None:
    life = retried("retry: {max_attempts: 2, backoff: %s}" % ("1ms" if backoff else "0s"))
    life.pause()
    assert life.fail("a", retryable=True) == ["AttemptFailed a broken"]
    assert life.resume() == ["RunResumed"]
    assert life.due() == ["JobRequested a@2 failed"]
    life.pause()
    assert life.lose("a") == ["AttemptFailed a worker_lost"]
    life.resume()
    assert life.due() == ["JobRequested a@3 worker_lost"]
    assert life.lose("a")[0] == "StepFailed a attempts_lost", "it was counted"
    life = retried("retry: {max_attempts: 2}")
    life.pause()
    assert life.lose("a", "writ_expired") == ["AttemptFailed a writ_expired"]
    life.resume()
    assert life.due() == ["JobRequested a@2 writ_expired"]
    assert life.fail("a", retryable=True)[0] == "AttemptFailed a broken", "it spent nothing"


def test_the_time_of_a_step_goes_on_over_all_its_attempts() -> None:
    life = retried("timeout: 10s, retry: {max_attempts: 5}")
    life.now += 6000
    life.fail("a", retryable=True)
    assert {one.deadline for one in life.of(JobRequested)} == {BEGINNING + 10_000}
    assert life.due() == ["JobCancelRequested a timed_out"]
    assert life.now == BEGINNING + 10_000


def test_reports_of_the_attempt_before_settle_nothing() -> None:
    life = retried("retry: {max_attempts: 3, backoff: 5s}")
    first = life.job("a").job_id
    life.fail("a", retryable=True)
    assert life.fail("a", retryable=True) == [], "said already"
    assert life.succeed("a") == ["JobReportIgnored"], "it failed before"
    life.after(5000)
    assert life.job("a").job_id != first
    assert life.statuses["a"] == "requested"


@pytest.mark.parametrize(
    ("ends", "ignored"),
    [
        (["fail"], False),
        (["cancel", "fail"], False),
        (["time", "fail"], False),
        (["deny"], True),
        (["lose", "lose"], True),
        (["fault"], True),
        (["wrong"], True),
        (["done"], True),
    ],
)
def test_a_failure_that_comes_again_adds_nothing_and_one_that_comes_late_is_told_of(
    ends: list[str], *, ignored: bool
) -> None:
    life = begun(workflow("a: {type: job, timeout: 1h, output_schema: {type: integer}}\nb: {type: job}"))
    acts: dict[str, Callable[[], object]] = {
        "fail": lambda: life.fail("a"),
        "cancel": life.cancel,
        "time": lambda: life.after(3_600_000),
        "deny": lambda: life.deny("a"),
        "lose": lambda: life.lose("a"),
        "fault": lambda: life.lose("a", "internal_error"),
        "wrong": lambda: life.succeed("a", "x"),
        "done": lambda: life.succeed("a", 1),
    }
    for end in ends:
        acts[end]()
    assert life.fail("a") == (["JobReportIgnored"] if ignored else [])
    assert not life.ended


def test_a_success_that_comes_again_adds_nothing_also_where_it_was_no_success() -> None:
    life = begun(workflow("a: {type: job, output_schema: {type: integer}}\nb: {type: job}"))
    assert life.succeed("a", "x") == ["StepFailed a output_invalid"]
    assert life.succeed("a", "x") == []
    life = begun(workflow("a: {type: job, retry: {max_attempts: 2, backoff: 1s}}"))
    life.lose("a")
    life.pause()
    life.lose("a", "writ_expired")
    assert life.fail("a") == ["JobReportIgnored"], "nobody had it"
