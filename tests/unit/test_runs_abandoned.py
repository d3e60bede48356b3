"""What a run says of a job that nobody will try again by itself. That it is said at all, `Life` sees to."""

import pytest

from foldgate.contracts.events import JobAbandoned, JobRefused, JobRequested
from tests.support.runs import GRACE, Life, begun, workflow

ONE = workflow("a: {type: job}")


def letters(life: Life) -> list[tuple[str, str, str]]:
    return [(one.step, one.status, one.code) for one in life.of(JobAbandoned)]


def only(life: Life) -> JobAbandoned:
    [letter] = life.of(JobAbandoned)
    return letter


def test_all_that_the_last_attempt_would_do_is_in_it() -> None:
    step = "{type: job, input: {n: '${input.n}'}, retry: {max_attempts: 2, backoff: 0s}, meta: {risk_tags: [prod]}}"
    document = workflow(f"a: {step}")
    life = begun(document, given={"n": 7})
    life.fail("a", retryable=True)
    life.fail("a", "worse", retryable=True)
    letter, asked = only(life), life.of(JobRequested)[-1].job
    assert letter.job == asked
    assert (letter.job.attempt, letter.job.retries, letter.job.input) == (2, 1, '{"n":7}')
    assert (letter.status, letter.code, letter.message, letter.attempts) == ("failed", "worse", "It broke.", 2)
    assert (letter.rule, letter.from_step) == ("", "a")


def test_it_comes_just_before_the_end_of_the_step() -> None:
    life = begun(ONE)
    life.fail("a")
    assert [type(one).__name__ for one in life.history[-3:]] == ["JobAbandoned", "StepFailed", "RunFailed"]


def test_a_denial_names_its_rule() -> None:
    life = begun(ONE)
    life.deny("a", "ops#no")
    assert letters(life) == [("a", "denied", "denied")]
    assert (only(life).rule, only(life).message) == ("ops#no", "It may not be.")


def test_no_pool_takes_it() -> None:
    life = begun(ONE)
    refused = JobRefused(
        job_id=life.job("a").job_id, step="a", code="no_pool", reason="Expected a pool, but none fits."
    )
    life.hear(refused)
    assert letters(life) == [("a", "failed", "no_pool")]


def test_nobody_took_it_in_time_or_it_was_lost_too_often() -> None:
    life = begun(ONE)
    life.lose("a", "queue_timeout")
    assert letters(life) == [("a", "timed_out", "queue_timeout")]
    life = begun(ONE)
    life.lose("a")
    life.lose("a")
    assert letters(life) == [("a", "failed", "attempts_lost")]
    assert only(life).attempts == 2


def test_a_step_that_takes_too_long_whether_somebody_has_it_or_not() -> None:
    life = begun(workflow("a: {type: job, timeout: 1m}"))
    life.after(60_000)
    assert not letters(life), "it is called back first"
    life.after(GRACE)
    assert letters(life) == [("a", "timed_out", "timeout")]
    life = begun(workflow("a: {type: job, timeout: 1m, retry: {max_attempts: 2, backoff: 2m}}"))
    life.fail("a", retryable=True)
    life.after(60_000)
    assert letters(life) == [("a", "timed_out", "timeout")]


def test_what_was_done_but_gave_what_does_not_do() -> None:
    life = begun(workflow("a: {type: job, output_schema: {type: string}}"))
    life.succeed("a", 7)
    assert letters(life) == [("a", "failed", "output_invalid")]


@pytest.mark.parametrize("reported", [True, False])
def test_what_is_cancelled_is_none(reported: bool) -> None:
    life = begun(ONE)
    life.cancel()
    said = life.fail("a") if reported else life.after(GRACE)
    assert said[-1].startswith("RunCancelled")
    assert not letters(life)


def test_a_step_that_never_asked_for_a_job_is_none() -> None:
    life = begun(workflow("a: {type: job, input: '${input.gone}'}"))
    assert life.statuses == {"a": "failed"}
    life = begun(workflow("a: {type: transform, output: '${input.gone}'}"))
    assert life.statuses == {"a": "failed"}
    assert not letters(life)


def test_a_failure_that_is_handled_is_one_all_the_same_and_so_is_its_handlers() -> None:
    life = begun(workflow("a: {type: job, on_error: h}\nh: {type: job}"))
    life.fail("a")
    life.fail("h", "too")
    assert letters(life) == [("a", "failed", "broken"), ("h", "failed", "too")]
    assert [one.from_step for one in life.of(JobAbandoned)] == ["a", "a"]


def test_items_and_parts_begin_again_with_the_whole_of_them() -> None:
    items = "a: {type: job, for_each: [1, 2], on_item_failure: collect}"
    life = begun(workflow(f"{items}\np: {{type: parallel, steps: [b]}}\nb: {{type: job}}"))
    for step in ("a[0]", "a[1]", "b"):
        life.fail(step)
    assert [(one.step, one.from_step) for one in life.of(JobAbandoned)] == [("a[0]", "a"), ("a[1]", "a"), ("b", "p")]


def test_no_secret_is_in_it() -> None:
    life = begun(ONE, given={"key": "AKIAIOSFODNN7EXAMPLE"})
    life.fail("a")
    assert "AKIAIOSFODNN7EXAMPLE" not in str(only(life))
