"""A job under way: it is called back once, what comes first counts, and an output is believed."""

import asyncio
from typing import Any

import pytest

from foldgate.sdk.doing import ATTEMPT_TIMEOUT, CANCELLED, CalledBack, Doing
from tests.support.waiting import tick


class Work:
    """Does nothing for long; notes how often it is told to stop."""

    def __init__(self) -> None:
        self.begun, self.told = False, 0

    async def for_ever(self) -> Any:
        self.begun = True
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.told += 1
            raise


async def test_without_a_limit_and_a_call_its_output_is_its_own() -> None:
    async def work() -> int:
        return 1

    assert await Doing(work(), limit_ms=0).output() == 1
    assert await Doing(work(), limit_ms=10_000).output() == 1


async def test_it_is_told_once_and_the_first_reason_counts() -> None:
    work = Work()
    doing = Doing(work.for_ever(), limit_ms=0)
    await tick()
    doing.call_back(CANCELLED)
    doing.call_back(ATTEMPT_TIMEOUT)
    with pytest.raises(CalledBack, match="its run has called it back") as caught:
        await doing.output()
    assert (caught.value.code, caught.value.retryable, work.told) == (CANCELLED, False, 1)


async def test_its_time_is_over_whoever_says_so() -> None:
    """Nobody calls it back here: a scheduler that is gone is not needed for that."""
    work = Work()
    with pytest.raises(CalledBack, match="within 20 ms, but it went on") as caught:
        await Doing(work.for_ever(), limit_ms=20).output()
    assert (caught.value.code, caught.value.retryable, work.told) == (ATTEMPT_TIMEOUT, True, 1)


async def test_what_is_called_back_before_it_has_begun_does_not_begin() -> None:
    work = Work()
    doing = Doing(work.for_ever(), limit_ms=0)
    doing.call_back(CANCELLED)
    with pytest.raises(CalledBack):
        await doing.output()
    assert not work.begun


async def test_calling_back_what_is_through_changes_nothing() -> None:
    async def work() -> int:
        return 1

    doing = Doing(work(), limit_ms=0)
    await tick()
    doing.call_back(CANCELLED)
    assert await doing.output() == 1


async def test_an_error_of_its_own_is_its_own() -> None:
    async def broken() -> None:
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        await Doing(broken(), limit_ms=0).output()


async def test_whoever_waits_for_it_may_be_cancelled_and_takes_it_along() -> None:
    work = Work()
    doing = Doing(work.for_ever(), limit_ms=0)
    waiting = asyncio.ensure_future(doing.output())
    await tick()
    doing.call_back(CANCELLED)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert work.told == 1
