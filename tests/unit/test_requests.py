"""What makes two requests the same, and how large a run may be."""

import msgspec
import pytest

from foldgate.authority.request import canonical, request_hash
from foldgate.contracts import ids
from foldgate.contracts.events import (
    JobSucceeded,
    Rerun,
    RunFailed,
    RunRefused,
    RunRequested,
    RunStarted,
    StepFailed,
)
from foldgate.engine.runs.decide import runs
from foldgate.engine.runs.turn import MAX_CARRIED_BYTES
from foldgate.language.definitions import Definitions
from foldgate.runtime.recovery import BATCH_BYTES
from tests.support.given import Given
from tests.support.keys import ANYBODY, from_anybody

RUN = ids.run_id("acme", "job", "key")
ASKED = RunRequested(workflow="job", topic="job.echo", input='{"b":2,"a":1.50}', idempotency_key="key")
DECIDER = runs(
    Definitions(),
    max_lost=1,
    cancel_grace_ms=30_000,
    wait_noted_after_ms=60_000,
    max_events=50_000,
    genuine=from_anybody,
    vouching=ANYBODY,
)
RERUN = Rerun(run_id="run_1", from_step="b")


def changed(**fields: object) -> RunRequested:
    return msgspec.structs.replace(ASKED, **fields)


def test_spelling_makes_no_difference_nor_does_the_trace_of_who_asks() -> None:
    assert request_hash(changed(input='{ "a": 1.5, "b": 2 }')) == request_hash(ASKED)
    assert request_hash(changed(labels={**ASKED.labels, "traceparent": "00-a-b-01"})) == request_hash(ASKED)


@pytest.mark.parametrize(
    "other",
    [
        changed(workflow="another"),
        changed(version="2"),
        changed(kind="llm"),
        changed(topic="job.other"),
        changed(input='{"b":2,"a":1}'),
        changed(labels={"a": "b"}),
        changed(rerun=RERUN),
    ],
)
def test_everything_that_is_asked_for_does(other: RunRequested) -> None:
    assert request_hash(other) != request_hash(ASKED)


def test_a_rerun_is_the_same_by_what_it_repeats_and_not_by_what_it_takes_over() -> None:
    fuller = msgspec.structs.replace(RERUN, outputs={"a": "1"})
    assert request_hash(changed(rerun=fuller)) == request_hash(changed(rerun=RERUN))
    other = msgspec.structs.replace(RERUN, from_step="c")
    assert request_hash(changed(rerun=other)) != request_hash(changed(rerun=RERUN))


@pytest.mark.parametrize("text", ["", "{", '{"a":NaN}', "[" * 5000, '"\\ud800"', "1" * 5000, "1e999"])
def test_what_is_not_json_has_no_spelling(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        canonical(text)


def of(size: int) -> str:
    return f'"{"x" * (size - 2)}"'


def test_the_largest_request_fits_an_append_and_one_byte_more_is_refused() -> None:
    most = MAX_CARRIED_BYTES - len("job" + "job" + "job.echo" + "key")
    start, asked = Given(DECIDER, key=RUN).when(changed(input=of(most)))
    assert isinstance(start, RunStarted)
    assert sum(len(msgspec.json.encode(event)) for event in (start, asked)) < BATCH_BYTES
    (refused,) = Given(DECIDER, key=RUN).when(changed(input=of(most + 1)))
    assert isinstance(refused, RunRefused)
    assert refused.code == "too_large"


def test_output_beyond_the_limit_fails_the_run_in_words() -> None:
    run = Given(DECIDER, key=RUN)
    run.when(ASKED)
    report = JobSucceeded(job_id=f"{RUN}:job@1", lease=1, worker="w", output=of(MAX_CARRIED_BYTES + 1))
    _, step, end = run.when(report)
    assert isinstance(step, StepFailed)
    assert isinstance(end, RunFailed)
    assert end.code == step.code == "output_too_large"
