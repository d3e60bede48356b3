"""Tries dead letters again: reads what the run did from the log, asks for the run that goes on from there, and says so.

Why whoever is interrupted between any two lines may simply ask again: reading changes nothing; the run is asked for
under a key that derives from the letter, so it is there already or it is not; and the letter takes one retry alone.
"""

from contextlib import aclosing

from foldgate.contracts.codec import Codec
from foldgate.contracts.endings import RUN_ENDS
from foldgate.contracts.events import Event, RunRequested, RunStarted, WorkflowPublished, WorkflowRetired
from foldgate.contracts.ids import workflow_key
from foldgate.contracts.places import Partition
from foldgate.contracts.topics import LETTERS, RUNS, WORKFLOWS
from foldgate.eventlog.log import Log
from foldgate.language.compile import single_job
from foldgate.language.definition import Definition
from foldgate.language.definitions import Definitions
from foldgate.sdk.answers import Answer, said
from foldgate.sdk.letters import Letter, name_of, take
from foldgate.sdk.rerunning import a_rerun

_JOB = "job"


class RunGoesOn(Exception):
    """The run of a letter has not ended: what it will have done is not known yet."""


async def letter_of(log: Log, codec: Codec, run_id: str, step: str, *, tenant: str) -> Letter | None:  # noqa: PLR0917
    """The letter of that step, if it has one and is this tenant's."""
    found: dict[str, Letter] = {}
    for answer in await _history(log, codec, stream=LETTERS.name, key=run_id):
        take(found, answer.meta, answer.event)
    letter = found.get(name_of(run_id, step))
    return letter if letter is not None and letter.tenant == tenant else None


async def request_for(log: Log, codec: Codec, letter: Letter, *, latest: bool) -> RunRequested:
    """The request for the run that tries it again, by the version of the workflow that it had, or by the latest."""
    events = _last_life([one.event for one in await _history(log, codec, stream=RUNS.name, key=letter.run_id)])
    started = events[0]
    if not isinstance(started, RunStarted) or type(events[-1]) not in RUN_ENDS:
        raise RunGoesOn(
            f"Expected a run that has ended, but {letter.run_id} goes on: wait for its end, or cancel it with"
            f" `foldgate run cancel {letter.run_id}`; then `foldgate dlq retry {letter.name}`."
        )
    offset = await log.end(Partition(WORKFLOWS.name, 0))
    definition = await _definition(log, codec, started, tenant=letter.tenant, latest=latest)
    return a_rerun(
        letter.run_id,
        started,
        events,
        definition=definition,
        step=letter.from_step,
        latest=latest,
        key=letter.retry_key,
        workflows_offset=offset,
    )


def _last_life(events: list[Event]) -> list[Event]:
    """Of a run whose id was given again, what it means now."""
    starts = [place for place, event in enumerate(events) if isinstance(event, RunStarted)]
    return events[starts[-1] if starts else 0 :]


async def _definition(log: Log, codec: Codec, started: RunStarted, *, tenant: str, latest: bool) -> Definition:
    if started.workflow == _JOB:
        return single_job(started.kind, started.topic)
    table = Definitions()
    for answer in await _history(log, codec, stream=WORKFLOWS.name, key=workflow_key(tenant, started.workflow)):
        if isinstance(answer.event, WorkflowPublished):
            table.add(tenant, answer.event)
        elif isinstance(answer.event, WorkflowRetired):
            table.retire(tenant, started.workflow)
    own = table.by_digest(started.digest)
    assert own is not None, "a run is pinned to what was published before it"
    return table.latest(tenant, started.workflow) or own if latest else own


async def _history(log: Log, codec: Codec, *, stream: str, key: str) -> list[Answer]:
    """All that the owner of a stream has said under a key, up to now."""
    found: list[Answer] = []
    async with aclosing(said(log, codec, stream=stream, key=key)) as heard:
        async for answers, up_to_now in heard:
            found += answers
            if up_to_now:
                return found
    raise AssertionError("what is said does not end")
