"""What is looked at once all is over: the log, the ledger of the handlers, and every read model."""

from collections.abc import Collection

from foldgate.contracts.events import StepSucceeded
from foldgate.eventlog.log import Log
from foldgate.gateway.main import SERVICE as GATEWAY
from tests.support.checker import LATE, check, check_ledger
from tests.support.history import History, history_of
from tests.support.ledger import Begun
from tests.support.projected import live_rows, models_in, rebuilt_rows


async def nothing_is_lost_and_nothing_done_twice(
    log: Log, asked: Collection[str], begun: Collection[Begun], *, postgres: str, suite: str
) -> None:
    """These runs were asked for, and others by them; all are over."""
    history = await history_of(log)
    check(history, set_aside={*LATE, "run_unknown"})
    children = {fact.meta.run_id for fact in history.of(StepSucceeded)} - set(asked)
    check_ledger(history, [*asked, *children], begun)
    _every_step_was_done(history, {line.job_id for line in begun})
    await _what_is_read_is_what_was(log, postgres, history=history, suite=suite)


def _every_step_was_done(history: History, begun: set[str]) -> None:
    """By a handler, if it is a job's; the ledger is outside the suite."""
    ended = [fact.event for fact in history.of(StepSucceeded)]
    jobs = {event.job_id for event in ended if isinstance(event, StepSucceeded) and event.job_id}
    assert jobs
    assert jobs <= begun


async def _what_is_read_is_what_was(log: Log, postgres: str, *, history: History, suite: str) -> None:
    """Read models that were fed meanwhile are those that are built anew; the timeline has every event that counts."""
    async with models_in(postgres, suite=suite) as models:
        for projection in GATEWAY.projections:
            live = await live_rows(models, log, projection)
            assert await rebuilt_rows(models, log, projection) == live, projection.name
            if projection.name == "timeline":
                told = "\n".join(row for rows in live.values() for row in rows)
                missing = [fact.meta.event_id for fact in history.facts if f"{fact.meta.event_id}," not in told]
                assert not missing
