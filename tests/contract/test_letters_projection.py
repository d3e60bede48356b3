"""The read model of dead letters: the same, whichever of its streams is read first."""

import random

from foldgate.contracts.events import (
    DeadLetterDiscarded,
    DeadLetterOpened,
    DeadLetterRetried,
    Job,
    JobAbandoned,
    RunSucceeded,
)
from foldgate.gateway.projections.letters import PROJECTION, rows
from tests.support.projected import Laid, applied, asked_of, in_stretches, meta_on, models_in

JOB = Job(
    job_id="run_1:a@3", step="a", attempt=3, kind="job", topic="job.x", input='{"n":1}', tenant="acme", principal="p",
    workflow="w", digest="d",
)  # fmt: skip
ALL = "SELECT * FROM letters ORDER BY run_id"


def some_letters() -> Laid:
    laid = Laid()
    for key in ("run_1", "run_2", "run_3"):
        laid.add(DeadLetterOpened(step="a", job_id="j", topic="job.x", code="c"), "letters", key=key, at=2000)
        ended = JobAbandoned(step="a", job=JOB, status="failed", code="c", message="m", attempts=3, rule="")
        laid.add(ended, "runs", key=key)
    laid.add(DeadLetterRetried(step="a", new_run="run_9", reason="again"), "letters", key="run_1", principal="ada")
    laid.add(DeadLetterDiscarded(step="a", reason="old"), "letters", key="run_2", principal="ada")
    return laid


async def test_a_letter_is_one_row_whichever_stream_comes_first(postgres_url: str) -> None:
    found = []
    for seed in range(4):
        async with models_in(postgres_url, f"t{seed}") as models:
            batches = in_stretches(some_letters().events, random.Random(seed), most=2)
            if seed < 2:
                first = "letters" if seed else "runs"
                alone = [[one] for batch in batches for one in batch]
                batches = sorted(alone, key=lambda batch, first=first: batch[0].partition.stream != first)  # type: ignore[misc]
            await applied(models, PROJECTION, batches)
            found.append(await asked_of(models, ALL))
    assert found[0] == found[1] == found[2] == found[3]
    retried, discarded, waiting = found[0]
    assert (retried["settled"], retried["new_run"], retried["settled_by"]) == ("retried", "run_9", "ada")
    assert (discarded["settled"], discarded["new_run"], discarded["reason"]) == ("discarded", None, "old")
    assert (waiting["settled"], waiting["code"], waiting["message"], waiting["attempts"]) == (None, "c", "m", 3)
    assert waiting["input"] == '{"n":1}'


def test_other_events_change_nothing() -> None:
    assert rows(meta_on("runs"), RunSucceeded(output="1")) == []
