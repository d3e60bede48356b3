"""Checkpoints: what an attempt leaves is what the next one goes on from, and nobody else's word is."""

from typing import Any

import msgspec
import pytest

from foldgate.authority.secrets import Level
from foldgate.contracts import ids
from foldgate.contracts.events import CheckpointNoted, Event, JobAbandoned, JobFailed, JobProgressed, RunRequested
from foldgate.decider.decider import IllegalTransition
from foldgate.engine.runs.decide import runs
from foldgate.engine.runs.evolve import CHECKPOINT_EVERY_MS, evolve
from foldgate.engine.runs.turn import MAX_CARRIED_BYTES
from tests.support.given import Given, meta
from tests.support.keys import ANYBODY, from_anybody
from tests.support.planted import EVERYTHING
from tests.support.runs import Life, begun, published, workflow, written

RETRIED = workflow("a: {type: job, retry: {max_attempts: 3}}\nb: {type: job}")


def leave(life: Life, checkpoint: Any, *, number: int = 1, step: str = "a", job_id: str = "") -> list[str]:
    """The worker of a step leaves a checkpoint; a text is left as it is written."""
    text = checkpoint if isinstance(checkpoint, str) else written(checkpoint)
    job = job_id or life.job(step).job_id
    return life.hear(JobProgressed(job_id=job, lease=1, worker="w", number=number, checkpoint=text))


@pytest.mark.parametrize("end", ["worker_lost", "not_taken", "writ_expired", "failed", "worker_leaving"])
def test_the_next_attempt_goes_on_from_it_however_the_one_before_ended(end: str) -> None:
    life = begun(RETRIED)
    assert leave(life, '{"row": 7, "at":"x"}') == ["CheckpointNoted a"]
    [noted] = life.of(CheckpointNoted)
    assert (noted.job_id, noted.number) == (life.job("a").job_id, 1)
    assert life.job("a").resume == ""
    if end in ("failed", "worker_leaving"):
        life.fail("a", end, retryable=True)
    else:
        life.lose("a", end)
    assert (life.job("a").attempt, life.job("a").resume) == (2, '{"at":"x","row":7}')


def test_it_stays_until_another_is_left_and_is_of_its_step_alone() -> None:
    life = begun(RETRIED)
    leave(life, 1)
    leave(life, 2, number=2)
    life.lose("a", "writ_expired")
    life.lose("a", "writ_expired")
    life.lose("b")
    assert (life.job("a").resume, life.job("b").resume) == ("2", "")
    assert leave(life, 3) == ["CheckpointNoted a"], "its numbers begin anew"
    life.fail("a", retryable=True)
    assert life.job("a").resume == "3"


def test_who_gives_up_for_good_leaves_it_in_the_dead_letter() -> None:
    life = begun(workflow("a: {type: job, retry: {max_attempts: 2}}"))
    life.fail("a", retryable=True)
    leave(life, [1])
    life.fail("a")
    [letter] = life.of(JobAbandoned)
    assert (letter.job.resume, letter.job.retries) == ("[1]", 1)


@pytest.mark.parametrize("number", [0, -1, 3, 5])
def test_what_was_said_before_adds_nothing(number: int) -> None:
    life = begun(RETRIED)
    leave(life, 1, number=5)
    assert leave(life, 2, number=number) == []
    life.lose("a")
    assert life.job("a").resume == "1"


def test_of_another_attempt_it_changes_nothing_and_is_no_news() -> None:
    life = begun(workflow("a: {type: job, retry: {max_attempts: 3, backoff: 5s}}"))
    first = life.job("a").job_id
    life.lose("a")
    strangers = [first, ids.job_id(life.run_id, "a", 3), ids.job_id(life.run_id, "c", 1), "no job", "run_other:a@2"]
    for job_id in strangers:
        assert leave(life, 1, job_id=job_id) == []
    life.fail("a", retryable=True)
    assert leave(life, 1) == [], "it has failed, and the next is not asked for"
    assert life.after(5000) == ["JobRequested a@3 failed"]
    assert life.job("a").resume == ""
    life.cancel()
    assert leave(life, 1) == [], "it was called back: there will be no other"


def test_after_the_end_of_its_step_nobody_needs_it() -> None:
    life = begun(RETRIED)
    leave(life, 1)
    life.succeed("a")
    assert leave(life, 2, number=2) == []
    step = life.run.step("a")
    assert step is not None
    assert step.resume == ""


@pytest.mark.parametrize("checkpoint", ["", "{", "[" * 100_000, '"' + "x" * (MAX_CARRIED_BYTES - 1) + '"'])
def test_what_is_none_or_too_large_changes_nothing(checkpoint: str) -> None:
    life = begun(RETRIED)
    assert leave(life, checkpoint) == []
    life.lose("a")
    assert life.job("a").resume == ""


def test_the_largest_fits_with_the_largest_input_also_where_much_happens_at_once() -> None:
    text = '"' + "x" * (MAX_CARRIED_BYTES - 2) + '"'
    life = begun(
        workflow("each: {type: job, for_each: [1, 2, 3], input: '${input}', retry: {max_attempts: 2}}"),
        given="y" * (MAX_CARRIED_BYTES - 100),
    )
    while life.run.deferred:
        life.due()
    for item in ("each[0]", "each[1]", "each[2]"):
        assert leave(life, text, step=item) == [f"CheckpointNoted {item}"]
    life.pause()
    for item in ("each[0]", "each[1]", "each[2]"):
        life.lose(item)
    life.resume()
    while "retrying" in life.statuses.values():
        life.due()
    assert [life.job(item).resume for item in ("each[0]", "each[1]", "each[2]")] == [text] * 3


def test_they_use_up_neither_the_events_of_a_run_nor_the_log() -> None:
    life = Life(workflow("a: {type: job}"), max_events=100)
    life.start()
    was = life.run.events
    noted = [leave(life, number, number=number) for number in range(1, 300)]
    assert sum(map(len, noted)) == 101
    assert noted[101:] == [[]] * 198
    assert life.run.events == was
    life.now += CHECKPOINT_EVERY_MS
    assert leave(life, "4", number=1000) == ["CheckpointNoted a"]
    assert leave(life, "5", number=1001) == []
    for number in range(2000, 2500):
        life.now += CHECKPOINT_EVERY_MS
        assert leave(life, number, number=number) == ["CheckpointNoted a"]
    assert not life.ended


def test_a_wait_that_was_noted_is_not_noted_again_for_them() -> None:
    life = begun(RETRIED)
    assert life.after(60_000) == ["WaitNoted a"]
    leave(life, 1)
    assert life.run.noted
    assert life.decider.due(life.run) is None


@pytest.mark.parametrize("act", ["pause", "deferred"])
def test_it_is_taken_in_a_pause_and_lets_what_was_deferred_go_on(act: str) -> None:
    if act == "pause":
        life = begun(RETRIED)
        life.pause()
        assert leave(life, 1) == ["CheckpointNoted a"]
        life.resume()
    else:
        life = begun(
            workflow("each: {type: job, for_each: [1, 2, 3, 4, 5, 6], input: '${input}'}"), given="y" * 250_000
        )
        assert life.run.deferred
        said = leave(life, 1, step="each[0]")
        assert said[0] == "CheckpointNoted each[0]"
        assert any(line.startswith("JobRequested each[") for line in said)


def test_progress_without_one_says_nothing() -> None:
    life = begun(RETRIED)
    said = JobProgressed(job_id=life.job("a").job_id, lease=1, worker="w", number=1, percent=50, message="half")
    assert life.hear(said) == []


def test_a_forged_one_changes_nothing_and_a_run_that_is_not_there_says_nothing() -> None:
    decider = runs(
        published(RETRIED),
        max_lost=1,
        cancel_grace_ms=1,
        wait_noted_after_ms=60_000,
        max_events=100,
        genuine=lambda report: report.worker == "w",
        vouching=ANYBODY,
    )
    run_id = ids.run_id("acme", "w", "k")
    run = Given(decider, key=run_id)
    said = JobProgressed(job_id=ids.job_id(run_id, "a", 1), lease=1, worker="w", number=1, checkpoint="1")
    assert run.when(said) == []
    run.when(RunRequested(workflow="w", input="{}", idempotency_key="k"))
    assert run.when(msgspec.structs.replace(said, worker="other")) == []
    assert [type(event) for event in run.when(said)] == [CheckpointNoted]


@pytest.mark.parametrize("level", ["none", "low"])
def test_secrets_in_it_are_redacted_as_in_outputs(level: Level) -> None:
    decider = runs(
        published(workflow("a: {type: job, retry: {max_attempts: 2}}")),
        max_lost=1,
        cancel_grace_ms=1,
        wait_noted_after_ms=60_000,
        max_events=100,
        redaction=level,
        genuine=from_anybody,
        vouching=ANYBODY,
    )
    run_id = ids.run_id("acme", "w", "k")
    run = Given(decider, key=run_id)
    run.when(RunRequested(workflow="w", input="{}", idempotency_key="k"))
    about: dict[str, Any] = {"job_id": ids.job_id(run_id, "a", 1), "lease": 1, "worker": "w"}
    said: list[Event] = run.when(JobProgressed(**about, number=1, checkpoint=written(list(EVERYTHING))))
    said += run.when(JobFailed(**about, code="broken", message="", retryable=True))
    text = msgspec.json.encode(said).decode()
    leaks = [one for one in EVERYTHING if msgspec.json.encode(written(one)[1:-1]).decode()[1:-1] in text]
    assert bool(leaks) is (level == "none")
    assert ("[redacted:" in text) is (level == "low")


def test_none_is_noted_of_a_job_that_is_not_under_way() -> None:
    life = begun(RETRIED)
    life.succeed("a")
    noted = CheckpointNoted(step="a", job_id=life.job("a").job_id, number=1, checkpoint="1")
    with pytest.raises(IllegalTransition, match="CheckpointNoted does not fit step 'a'"):
        evolve(life.run, meta(life.run_id), noted)
