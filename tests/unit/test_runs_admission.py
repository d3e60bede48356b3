"""Runs that wait for policy to let them begin, and those that it does not let."""

import pytest

from foldgate.contracts.events import JobDenied, JobLost, JobRequested, RunStarted, WritRevoked
from foldgate.engine.runs.beginning import GATED
from foldgate.engine.runs.waiting import watches
from foldgate.language.compile import single_job
from tests.support.runs import Life, workflow

POLICY = "policy, which lets it begin or not"
STEPS = {
    "notify": "{type: notify, message: hello}",
    "storage": "{type: storage, set: {a: 1}}",
    "subworkflow": "{type: subworkflow, workflow: child}",
    "approval": "{type: approval}",
    "input": "{type: input}",
}
CHILD = workflow("a: {type: job}", name="child")


def held(steps: str, head: str = "", **changes: object) -> Life:
    """A run of which policy has said nothing yet."""
    life = Life(workflow(steps, head), CHILD, admitted=False)
    life.start(**changes)
    return life


def waits(life: Life) -> bool:
    [started] = life.of(RunStarted)
    return started.awaits_admission


@pytest.mark.parametrize("kind", STEPS)
def test_what_needs_no_writ_waits_until_policy_lets_the_run_begin(kind: str) -> None:
    assert kind in GATED
    life = held(f"a: {STEPS[kind]}\nb: {{type: job}}")
    assert life.lines == ["RunStarted", "JobRequested b@1"]
    assert life.waiting[0] == POLICY
    assert life.run.step("a") is None
    life.admit()
    assert life.run.step("a") is not None
    assert POLICY not in life.waiting
    assert life.admit() == [], "once"


def test_every_type_that_waits_is_tested() -> None:
    assert STEPS.keys() == GATED


@pytest.mark.parametrize(
    ("steps", "head"),
    [
        ("a: {type: transform, output: 1}", ""),
        ("a: {type: job, when: '${input.n == 1}'}", ""),
        ("a: {type: job, for_each: [1]}", ""),
        ("a: {type: delay, delay: 1s}\nb: {type: job, depends_on: [a]}", ""),
        ("a: {type: job}", "concurrency: {key: k}"),
    ],
)
def test_so_does_a_run_that_does_not_ask_for_a_job_at_once(steps: str, head: str) -> None:
    assert waits(held(steps, head, given={"n": 2}))


def test_a_run_whose_jobs_come_first_waits_for_nothing() -> None:
    life = held("a: {type: job}\nb: {type: transform, output: 1, depends_on: [a]}")
    assert not waits(life)
    assert life.admit() == [], "and has no event of it"
    assert life.succeed("a")[-1] == "RunSucceeded 1"
    assert not waits(of_one_job())


def of_one_job() -> Life:
    assert single_job("job", "job.echo").roots
    life = Life(admitted=False)
    life.start(topic="job.echo", workflow="job")
    return life


def test_a_run_of_values_alone_ends_when_policy_lets_it() -> None:
    life = held("a: {type: transform, output: 7}")
    assert life.lines == ["RunStarted", "StepSucceeded a 7"]
    assert life.decider.describe(life.run)["status"] == "waiting"
    assert life.admit() == ["RunSucceeded 7"]


def test_a_job_that_has_succeeded_shows_that_the_run_may_begin() -> None:
    life = held("a: {type: job}\nb: {type: notify, message: hello}")
    said = life.succeed("a")
    assert said[:3] == ["StepSucceeded a null", "NotificationRaised b", "StepSucceeded b null"]
    assert life.ended


def test_a_paused_run_begins_nothing_when_policy_lets_it() -> None:
    life = held("a: {type: notify, message: hello}\nb: {type: job}")
    life.pause()
    assert life.admit() == []
    assert "StepSucceeded a null" in life.resume()


def test_gated_parts_of_groups_begin_with_the_admission() -> None:
    life = held("""
        p: {type: parallel, steps: [a, b]}
        a: {type: notify, message: hello}
        b: {type: job}
        l: {type: loop, body: [c], while: 'loop.index < 2'}
        c: {type: storage, set: {x: 1}}
        e: {type: approval, for_each: [1, 2]}
        """)
    assert [line for line in life.lines if "Requested" in line] == ["JobRequested b@1"]
    life.admit()
    assert life.statuses == {
        "p": "running",
        "a": "succeeded",
        "b": "requested",
        "l": "succeeded",
        "c[0]": "succeeded",
        "c[1]": "succeeded",
        "e": "running",
        "e[0]": "waiting",
        "e[1]": "waiting",
    }


def test_a_handler_that_is_gated_begins_with_the_admission() -> None:
    life = held("a: {type: transform, output: '${input.nothing}', on_error: h}\nh: {type: notify, message: hello}")
    assert life.lines == ["RunStarted", "StepFailed a expression_failed"]
    assert life.admit()[-1].startswith("RunSucceeded")


# Rejected.


def test_a_run_that_is_rejected_calls_back_its_jobs_and_is_denied() -> None:
    life = held("a: {type: job}\nb: {type: notify, message: hello}\nc: {type: job, depends_on: [a]}")
    assert life.reject() == ["RunHalted denied rule", "JobCancelRequested a cancelled"]
    denied = JobDenied(job_id=life.job("a").job_id, step="a", policy_snapshot="s", rule="rule", reason="no")
    assert life.hear(denied) == [
        "StepCancelled a",
        "StepSkipped b run_halted",
        "StepSkipped c run_halted",
        "RunDenied rule",
    ]


def test_so_is_one_whose_jobs_come_first() -> None:
    life = held("a: {type: job}")
    assert life.reject()[0] == "RunHalted denied rule"
    life.deny("a")
    assert life.lines[-1] == "RunDenied rule"


@pytest.mark.parametrize("head", ["", "fail_fast: true"])
def test_a_run_that_is_rejected_has_not_failed_whatever_became_of_it(head: str) -> None:
    life = held("a: {type: transform, output: '${input.nothing}'}", head)
    assert not life.ended
    assert life.reject()[-1] == "RunDenied rule"
    other = held("a: {type: transform, output: '${input.nothing}'}", head)
    assert other.admit()[-1].startswith("RunFailed"), "and one that is admitted has"


def test_a_run_that_was_cancelled_before_stays_cancelled_and_undoes_nothing() -> None:
    steps = "a: {type: transform, output: 1, compensate: u}\nu: {type: job}\nb: {type: job}\nc: {type: approval}"
    life = held(steps)
    life.cancel()
    assert life.reject() == []
    assert life.hear(WritRevoked(job_id=life.job("b").job_id, step="b"))[-1] == "RunCancelled"
    assert "CompensationStarted u" not in life.lines


def test_what_was_done_before_a_rejection_needs_no_undoing() -> None:
    life = held("a: {type: transform, output: 1, compensate: u}\nu: {type: job}\nb: {type: job}")
    life.reject()
    assert life.deny("b")[-1] == "RunDenied rule"


def test_a_run_that_the_kernel_broke_on_has_failed() -> None:
    life = held("a: {type: transform, output: 1}")
    assert life.reject("internal_error") == ["RunHalted failed internal_error", "RunFailed internal_error"]
    assert life.ended


def test_a_run_that_waits_for_its_place_may_be_rejected() -> None:
    life = held("a: {type: job}", "concurrency: {key: k}")
    assert life.reject()[-1] == "RunDenied rule"


# Jobs that nobody has.


def test_a_job_that_nobody_has_ends_at_once_when_it_is_called_back() -> None:
    life = held("a: {type: job}")
    job = life.job("a").job_id
    assert life.hear(WritRevoked(job_id=job, step="a")) == [], "it was not called back"
    life.cancel()
    assert life.hear(WritRevoked(job_id=job, step="a", pool="default")) == [], "that is the scheduler's to say"
    assert life.hear(WritRevoked(job_id=job, step="a")) == ["StepCancelled a", "RunCancelled"]


# Stale writs.


def stale(life: Life, offset: int) -> list[str]:
    job = life.job("a").job_id
    return life.hear(JobLost(job_id=job, step="a", lease=0, worker="", reason="writ_stale", policies_offset=offset))


def test_a_stale_writ_spends_nothing_and_is_asked_for_again_with_the_place_wanted() -> None:
    life = held("a: {type: job, queue_timeout: 1m}")
    for offset in range(7, 20):
        life.now += 1000
        assert stale(life, offset) == [f"JobRequested a@{offset - 5} writ_stale"]
        assert life.of(JobRequested)[-1].policies_offset == offset
    assert life.job("a").queue_timeout_ms == 60_000 - 13_000, "it has waited all the time"
    life.lose("a", "writ_expired")
    assert life.of(JobRequested)[-1].policies_offset == 0


def test_a_paused_run_keeps_the_place_wanted() -> None:
    life = held("a: {type: job}")
    life.pause()
    assert stale(life, 9) == ["AttemptFailed a writ_stale"]
    life.resume()
    life.due()
    assert life.of(JobRequested)[-1].policies_offset == 9
    assert life.of(JobRequested)[-1].after == "writ_stale"


# Pools that take no more.


def closed(life: Life, number: int) -> list[str]:
    job = life.job("a").job_id
    return life.hear(JobLost(job_id=job, step="a", lease=0, worker="", reason="pool_closed", pools_number=number))


def test_a_job_of_a_closed_pool_spends_nothing_and_is_asked_for_again_with_the_change_wanted() -> None:
    life = held("a: {type: job, queue_timeout: 1m}")
    for number in range(1, 30):
        life.now += 1000
        assert closed(life, number) == [f"JobRequested a@{number + 1} pool_closed"]
        assert life.of(JobRequested)[-1].pools_number == number
    assert life.job("a").queue_timeout_ms == 60_000 - 29_000, "it has waited all the time"
    life.lose("a", "writ_expired")
    assert life.of(JobRequested)[-1].pools_number == 0


def test_a_paused_run_keeps_the_change_wanted() -> None:
    life = held("a: {type: job}")
    life.pause()
    assert closed(life, 9) == ["AttemptFailed a pool_closed"]
    life.resume()
    life.due()
    assert life.of(JobRequested)[-1].pools_number == 9
    assert life.of(JobRequested)[-1].after == "pool_closed"


def test_what_a_run_waits_for_is_counted() -> None:
    life = held("a: {type: approval}\nb: {type: job}")
    assert [name for name, _ in watches(life.run)] == ["admission", "report"]
    life.admit()
    assert [name for name, _ in watches(life.run)] == ["report"]
