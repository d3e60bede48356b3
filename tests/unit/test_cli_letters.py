"""Dead letters on the command line: which one is meant, what the log has of it, and what is shown and told."""

from collections.abc import Iterator

import pytest

from foldgate.cli.letters_known import Attempt, NoSuchLetter, gathered, meant
from foldgate.cli.letters_settling import _tell, as_object
from foldgate.cli.letters_showing import row, tell, what_to_do, whole_object
from foldgate.cli.reading import Seen
from foldgate.cli.terminal import console
from foldgate.contracts.events import (
    AttemptFailed,
    DeadLetterDiscarded,
    DeadLetterOpened,
    DeadLetterRefused,
    DeadLetterRetried,
    Decision,
    Event,
    Job,
    JobAbandoned,
    JobDenied,
    JobDispatched,
    JobFailed,
    JobRequested,
    RunSucceeded,
    Writ,
    WritIssued,
)
from foldgate.contracts.ids import job_id
from foldgate.contracts.places import Partition
from foldgate.eventlog.log import Record
from foldgate.sdk.letters import Letter, a_discard, a_retry, refusal_of, take
from tests.support.given import meta

RUN = "run_1"


@pytest.fixture(autouse=True)
def fresh_console(capsys: pytest.CaptureFixture[str]) -> Iterator[None]:
    """Printed where this test looks, and nowhere that is gone when the next one prints."""
    del capsys
    console.cache_clear()
    yield
    console.cache_clear()


def opened(step: str = "a", attempt: int = 2) -> DeadLetterOpened:
    return DeadLetterOpened(
        step=step,
        job_id=job_id(RUN, step, attempt),
        topic="job.x",
        code="broken",
        workflow="w",
        from_step=step.partition("[")[0],
        status="failed",
        attempts=attempt,
    )


def letters(*events: Event) -> dict[str, Letter]:
    found: dict[str, Letter] = {}
    for number, event in enumerate(events):
        take(found, meta(RUN, at=1000 + number, principal="bob"), event)
    return found


def test_a_letter_is_as_its_last_event_says() -> None:
    retried = DeadLetterRetried(step="a", new_run="run_2", reason="why")
    found = letters(opened(), opened("b"), retried, DeadLetterDiscarded(step="b"), RunSucceeded(output="1"))
    one, other = found["run_1:a"], found["run_1:b"]
    assert (one.status, one.new_run, one.reason, one.settled_by, one.settled_at) == (
        "retried",
        "run_2",
        "why",
        "bob",
        1002,
    )
    assert (other.status, other.new_run, other.opened_at, other.settled_at) == ("discarded", "", 1001, 1003)
    assert letters(retried, DeadLetterDiscarded(step="a")) == {}
    assert letters(retried, opened())["run_1:a"].status == "open"


def test_what_would_be_refused_need_not_be_asked() -> None:
    asked = a_retry(RUN, "a", "run_2")
    assert refusal_of(letters(opened())["run_1:a"], asked) is None
    [none, retried, discarded] = [
        refusal_of(letters(opened(), event).get("run_1:a") if event else None, asked)
        for event in (None, DeadLetterRetried(step="a", new_run="run_2"), DeadLetterDiscarded(step="a"))
    ]
    assert none is not None
    assert retried is not None
    assert discarded is not None
    assert [one.code for one in (none, retried, discarded)] == [
        "unknown_letter",
        "already_retried",
        "already_discarded",
    ]
    assert "as run_2" in retried.reason
    assert none.request == "DeadLetterRetryRequested"
    assert a_discard(RUN, "a").request_id != a_discard(RUN, "a").request_id


def test_by_its_name_its_job_or_its_run_where_that_has_one() -> None:
    found = letters(opened("a"), opened("each[1]"))
    assert meant(found, "run_1:each[1]") is meant(found, "run_1:each[1]@2") is found["run_1:each[1]"]
    assert meant(letters(opened("a")), RUN).step == "a"
    assert meant(letters(opened("a"), opened("b"), DeadLetterDiscarded(step="a")), RUN).step == "b"
    for name, why in (
        (RUN, "it has 2: run_1:a, run_1:each"),
        ("run_1:each[2]", "did you mean 'run_1:each\\[1\\]'"),
        ("run_1:zzzzzzzzzzzzzzzzzzzzzzz", "dlq list --all --run run_1"),
    ):
        with pytest.raises(NoSuchLetter, match=why):
            meant(found, name)
    with pytest.raises(NoSuchLetter, match="dlq list` shows"):
        meant({}, RUN)
    with pytest.raises(NoSuchLetter, match="it has 0: none is open"):
        meant(letters(opened("a"), DeadLetterDiscarded(step="a")), RUN)


def job(attempt: int) -> Job:
    return Job(
        job_id=job_id(RUN, "a", attempt),
        step="a",
        attempt=attempt,
        kind="job",
        topic="job.x",
        input='{"n":1}',
        tenant="acme",
        principal="ada",
        workflow="w",
        risk_tags=("prod",),
    )


WRIT = Writ(writ_id="w", job_id="j", job_hash=b"", pool="p", policy_snapshot="s", rule="r", issued_at=0, expires_at=1)
SAID = Decision(decision="allow", policy_snapshot="snapshot_1", rule="b#r", reason="Fine.", constraints='{"x":1}')


def seen(stream: str, event: Event) -> Seen:
    return Seen(Record(Partition(stream, 0), 0, b"", b""), True, 1000, meta(RUN), event)


def history(*last: Seen) -> list[Seen]:
    first = job_id(RUN, "a", 1)
    return [
        seen("runs", JobRequested(job=job(1))),
        seen("runs", AttemptFailed(step="a", job_id=first, code="busy", message="Later.", retry_at=1)),
        seen("runs", JobRequested(job=job(2), after="failed")),
        seen("runs", JobRequested(job=job(3), after="worker_lost")),
        seen("runs", abandoned()),
        seen("jobs", JobDispatched(job=job(2), writ=WRIT, worker="w2", lease=1, lease_ms=1)),
        *last,
        seen("reports", JobFailed(job_id=job_id(RUN, "a", 3), lease=1, worker="liar", code="forged", message="")),
    ]


def abandoned() -> JobAbandoned:
    return JobAbandoned(
        step="a", job=job(3), status="failed", code="broken", message="It broke.", attempts=3, from_step="a"
    )


def test_all_that_the_log_has_of_one_is_gathered_and_reports_are_not_believed() -> None:
    one = letters(opened(attempt=3))["run_1:a"]
    dispatched = seen("jobs", JobDispatched(job=job(3), writ=WRIT, worker="w3", lease=2, lease_ms=1))
    issued = seen("decisions", WritIssued(job=job(3), writ=WRIT, decision=SAID))
    found = gathered(one, history(issued, dispatched))
    assert found.attempts == [
        Attempt(1, 1000, "", "busy", "Later."),
        Attempt(2, 1000, "w2", "worker_lost", ""),
        Attempt(3, 1000, "w3", "broken", "It broke."),
    ]
    assert (found.decision, found.last_state, found.abandoned) == (SAID, "with worker w3", abandoned())
    shown = whole_object(found)
    assert (shown["job"]["input"], shown["decision"]["constraints"], shown["message"]) == (
        {"n": 1},
        {"x": 1},
        "It broke.",
    )
    assert shown["tries"][1]["worker"] == "w2"


@pytest.mark.parametrize(
    ("events", "state"),
    [
        ([], "asked for: policy had not decided"),
        ([seen("decisions", WritIssued(job=job(3), writ=WRIT))], "authorised, and on its way to the pool"),
        (
            [
                seen(
                    "decisions",
                    JobDenied(job_id=job_id(RUN, "a", 3), step="a", policy_snapshot="s", rule="r", reason=""),
                )
            ],
            "denied by policy",
        ),
    ],
)
def test_the_last_state_is_how_far_the_last_attempt_had_come(events: list[Seen], state: str) -> None:
    one = letters(opened(attempt=3))["run_1:a"]
    assert gathered(one, history(*events)).last_state == state
    assert gathered(one, []).abandoned is None


def test_it_is_told_whole_with_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    one = letters(opened(attempt=3))["run_1:a"]
    issued = seen("decisions", WritIssued(job=job(3), writ=WRIT, decision=SAID))
    tell(gathered(one, history(issued)))
    shown = capsys.readouterr().out
    for line in (
        "run_1:a open",
        "failed after 3 attempts: broken: It broke.",
        'allow by b#r: Fine., with {"x":1} (snapshot_1)',
        "no worker: busy: Later.",
        'input      {"n":1}',
        '"risk_tags":["prod"]',
        "foldgate dlq retry run_1:a",
        "foldgate dlq discard run_1:a",
    ):
        assert line in shown
    tell(gathered(letters(opened(attempt=1), DeadLetterRetried(step="a", new_run="run_2", reason="x"))["run_1:a"], []))
    shown = capsys.readouterr().out
    assert "failed after 1 attempt: broken" in shown
    assert "by bob at" in shown
    assert "as run_2: x" in shown
    assert "foldgate run show run_2" in shown


def test_a_step_in_a_group_says_what_runs_again() -> None:
    one = letters(opened("each[1]"))["run_1:each[1]"]
    assert "All of each runs again." in next(iter(what_to_do(one)))
    assert not list(what_to_do(letters(opened(), DeadLetterDiscarded(step="a"))["run_1:a"]))


def test_a_letter_is_a_line() -> None:
    one = letters(opened())["run_1:a"]
    assert row(one)[:6] == ("run_1:a", "open", "failed: broken", "2", "job.x", "w")
    one.code = one.ended = "denied"
    assert row(one)[2] == "denied"


def test_what_came_of_a_request_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    one = letters(opened())["run_1:a"]
    said: list[Event] = [
        DeadLetterRetried(step="a", new_run="run_2"),
        DeadLetterDiscarded(step="a"),
        DeadLetterRefused(request="r", step="a", code="already_retried", reason="Expected an open letter."),
    ]
    for event in said:
        _tell(one, event, as_json=False)
    shown = capsys.readouterr().out
    for line in ("is tried again as run_2", "is discarded", "was not changed: a: already_retried", "dlq retry run_1:a"):
        assert line in shown
    assert [as_object(one, event)["status"] for event in said] == ["retried", "discarded", "refused"]
