"""What events say to people: every one of them can be told, in a line, whatever is in it."""

import pytest

from foldgate.cli.telling import ENDS, STYLES, told
from foldgate.cli.words import TABLE, moment
from foldgate.contracts.events import (
    EVENT_TYPES,
    Ancestor,
    ChildEnded,
    ContextChanged,
    Decision,
    Event,
    JobThrottled,
    PolicyPublished,
    PolicyRefused,
    PolicyShadowed,
    PolicyVersion,
    RequestRefused,
    Rerun,
    RunCancelled,
    RunCleared,
    RunHalted,
    RunRejected,
    RunRequested,
    RunStarted,
    ShadowDecided,
    StepSkipped,
    StepStarted,
    StepSucceeded,
    StepTimedOut,
    WaitNoted,
    WorkflowPublished,
    WorkflowRefused,
)
from foldgate.contracts.topics import RUNS
from tests.contract import golden

AT = 1_764_127_070_123
BY_FIELDS = {"WorkerJoined", "WorkerLost", "WorkerRenewed"}
ABOVE = (Ancestor(run_id="run_0", workflow="top"), Ancestor(run_id="run_1", workflow="mid"))

DENIED = Decision(decision="deny", policy_snapshot="s", rule="floor#r0", reason="Not now.")
BUNDLE = PolicyVersion(bundle="floor", version=2, digest="d", definition="{}")

CASES: list[tuple[Event, str]] = [
    (RunRequested(workflow="triage", version="2", labels={"team": "sre"}), "asks for triage 2 with {}  team=sre"),
    (
        RunStarted(workflow="w", input="{}", request_hash=b"", rerun=Rerun(run_id="run_0", from_step="b")),
        "w with {}, again from b of run_0",
    ),
    (
        RunStarted(workflow="w", input="{}", request_hash=b"", ancestors=ABOVE, parent_step="call"),
        "w with {}, for call of run_1",
    ),
    (StepStarted(step="w", kind="wait", signal="go"), "w: waits for the signal 'go'"),
    (StepStarted(step="d", kind="delay", until=AT), "d: waits until 2025-11-26T03:17:50Z"),
    (StepStarted(step="f", kind="for_each", items=("1", "2")), "f: for each of 2 items"),
    (StepStarted(step="l", kind="loop"), "l: loop"),
    (StepSucceeded(step="t", output="7"), "t: 7"),
    (StepSucceeded(step="t", job_id="run_1:t@2", output="7"), "t by t@2"),
    (StepTimedOut(step="t", code="timeout", reason="Over."), "t: timeout: Over."),
    (StepSkipped(step="t", reason="when_false"), "t: when_false"),
    (ContextChanged(step="s", name="a", value="1"), "s: a = 1"),
    (ContextChanged(step="s", name="a"), "s: a is gone"),
    (RunHalted(status="", code="failed", reason="Because."), "failed: Because."),
    (RunHalted(status="cancelled", code="asked", reason="Because."), "will be cancelled: asked: Because."),
    (RunCancelled(reason="Enough."), "Enough."),
    (RunCancelled(reason="Enough.", compensation="partial"), "Enough. (compensation partial)"),
    (RequestRefused(request="SignalSent", code="too_many", reason="No."), "SignalSent: too_many: No."),
    (ChildEnded(parent_run="run_1", step="c", status="succeeded", output="1"), "c of run_1: succeeded with 1"),
    (ChildEnded(parent_run="run_1", step="c", status="failed", code="x", reason="y"), "c of run_1: failed: x: y"),
    (WaitNoted(step="", reason="a slot", since=0), "the run waits since 1970-01-01T00:00:00Z: a slot"),
    (
        WaitNoted(step="d", reason="time", since=0, until=1000),
        "d waits since 1970-01-01T00:00:00Z, until 1970-01-01T00:00:01Z: time",
    ),
    (WorkflowPublished(workflow="w", version="1", digest="d", definition="{}"), "w 1, digest d"),
    (RunCleared(policy_snapshot="s", rule="floor#r0"), "policy lets it begin: floor#r0"),
    (RunRejected(decision=DENIED), "deny by floor#r0: Not now."),
    (
        JobThrottled(job_id="run_1:a@1", step="a", until=AT, times=2, decision=DENIED),
        "a@1 waits until 2025-11-26T03:17:50Z, for the 2. time: floor#r0",
    ),
    (
        ShadowDecided(job_id="", step="", bundle="draft", revision=3, decision=DENIED),
        "the run under draft, revision 3: deny by floor#r0: Not now.",
    ),
    (
        PolicyPublished(policy_snapshot="s", bundles=(BUNDLE,), kind="publish", by="ada", reason="At last."),
        "publish: s of floor 2, by ada: At last.",
    ),
    (PolicyShadowed(bundle="floor", revision=3), "floor, revision 3, is evaluated no longer"),
    (
        PolicyRefused(request="PolicyPutRequested", bundle="floor", code="invalid", reason="No."),
        "PolicyPutRequested of floor: invalid: No.",
    ),
    (
        WorkflowRefused(workflow="w", code="invalid", reason="No.", problems=("a", "b")),
        "w: invalid: No. (2 problems)",
    ),
]


@pytest.mark.parametrize(("event", "words"), CASES, ids=lambda one: type(one).__name__)
def test_the_words_of_an_event(event: Event, words: str) -> None:
    assert told(event) == words


def test_every_event_that_was_ever_written_can_be_told() -> None:
    records = [(one.name, record.meaning(one.name)) for one in golden.goldens() for record in one.records]
    assert {name for name, _ in records} == EVENT_TYPES.keys()
    for name, meaning in records:
        words = told(meaning.event)
        assert words.isprintable(), name
        assert len(words) <= 160, name
        assert "Struct" not in words, name


def test_every_event_has_words_but_those_that_are_told_by_their_fields() -> None:
    assert EVENT_TYPES.keys() - TABLE.keys() == BY_FIELDS, "give a new event a line in cli/words.py"
    assert TABLE.keys() <= EVENT_TYPES.keys()


def test_every_status_has_a_look() -> None:
    assert {name for name, status in ENDS.items() if status not in STYLES} == set()
    assert ENDS.keys() <= set(RUNS.events)


@pytest.mark.parametrize(
    ("at", "text"), [(None, "-"), (0, "1970-01-01T00:00:00Z"), (2**62, "a time beyond all calendars")]
)
def test_a_time_is_told_even_if_it_is_none(at: int | None, text: str) -> None:
    assert moment(at) == text
