"""What runs carry is redacted before it is appended, as the setting says, and nothing else is changed by it."""

from typing import Any

import msgspec
import pytest

from foldgate.authority.secrets import Level
from foldgate.contracts import ids
from foldgate.contracts.events import (
    Decision,
    Event,
    JobFailed,
    JobRequested,
    JobSucceeded,
    RunAdmitted,
    RunCancelRequested,
    RunRequested,
    SignalSent,
)
from foldgate.engine.runs.decide import runs
from foldgate.engine.runs.state import Run
from tests.support.given import Given
from tests.support.keys import ANYBODY, from_anybody
from tests.support.planted import EVERYTHING, WORD
from tests.support.runs import published

RUN = ids.run_id("acme", "w", "k")
DOCUMENT = """
id: w
steps:
  gate: {type: wait, signal: go}
  shape: {type: transform, depends_on: [gate], output: {url: "${'postgres://ada:' + input.bare + '@db'}"}}
  keep: {type: storage, depends_on: [shape], set: {kept: "${steps.gate.output}"}}
  work: {type: job, depends_on: [keep], input: {given: "${input}", kept: "${ctx.kept}"}, retry: {max_retries: 1}}
"""
OPAQUE = "a1B2" * 8
SECRETS = {"all": list(EVERYTHING), "password": WORD, "bare": "f00bar", "opaque": OPAQUE, "ref": "secret://vault/db"}


def told(level: Level) -> list[Event]:
    """All that a run says that is given secrets at every turn."""
    decider = runs(
        published(DOCUMENT),
        max_lost=3,
        cancel_grace_ms=30_000,
        wait_noted_after_ms=60_000,
        max_events=10_000,
        redaction=level,
        genuine=from_anybody,
        vouching=ANYBODY,
    )
    run: Given[Run] = Given(decider, key=RUN)
    text = msgspec.json.encode(SECRETS).decode()
    said = run.when(RunRequested(workflow="w", input=text, labels={"of": EVERYTHING[0]}, idempotency_key="k"))
    said += run.when(RunAdmitted(decision=Decision(decision="allow", policy_snapshot="s")))
    said += run.when(SignalSent(name="go", payload=text), request_id="r2")
    [asked] = [event for event in said if isinstance(event, JobRequested)]
    about: dict[str, Any] = {"job_id": asked.job.job_id, "lease": 1, "worker": "w/1"}
    said += run.when(JobFailed(**about, code="broken", message=EVERYTHING[1], retryable=True))
    said += run.when(RunCancelRequested(reason=f"it leaks {EVERYTHING[2]}"), request_id="r3")
    return said + run.when(JobSucceeded(**about, output=text))


def shown(level: Level) -> str:
    return msgspec.json.encode(told(level)).decode()


@pytest.mark.parametrize("level", ["low", "high"])
def test_no_event_of_a_run_holds_a_known_secret(level: Level) -> None:
    text = shown(level)
    leaks = [
        one for one in (*EVERYTHING, WORD, "f00bar@", ":f00bar") if msgspec.json.encode(one)[1:-1].decode() in text
    ]
    assert leaks == []
    assert "secret://vault/db" in text
    assert (OPAQUE in text) == (level == "low")


def test_without_redaction_all_is_as_it_was() -> None:
    text = shown("none")
    assert all(msgspec.json.encode(one)[1:-1].decode() in text for one in (EVERYTHING[0], WORD, OPAQUE))
    assert "[redacted:" not in text


def test_the_run_goes_the_same_way_whatever_is_taken_out() -> None:
    kinds = [[type(event).__name__ for event in told(level)] for level in ("none", "low", "high")]
    assert kinds[0] == kinds[1] == kinds[2]
