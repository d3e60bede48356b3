"""What a worker says of its jobs, on its way out: together what came together, in order, again until it is heard.

However long it takes: whoever lives keeps its leases, so nobody else would ever speak of these jobs.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple

from foldgate.contracts.events import JobFailed, JobSucceeded
from foldgate.sdk.transport import Report, SaidTooMuch, Transport, Unreachable

MOST_TOGETHER = 500
BYTES_TOGETHER = 1024 * 1024
AGAIN_AFTER_S = 0.5


class Outgoing(NamedTuple):
    """A report, and what follows once it is durable."""

    report: Report
    then: Callable[[], None]


def nothing() -> None:
    """Nothing follows."""


class Reporting:
    """One worker's way out. `moved` is called whenever something was heard."""

    def __init__(self, transport: Transport, *, logger: Any, moved: Callable[[], None]) -> None:
        self._transport, self._logger, self._moved = transport, logger, moved
        self._waiting: deque[Outgoing] = deque()
        self._sending = 0
        self._news = asyncio.Event()

    @property
    def is_idle(self) -> bool:
        """Whether all that was said is durable."""
        return not self._waiting and not self._sending

    def say(self, report: Report, then: Callable[[], None] = nothing) -> None:
        """Say this when it is its turn."""
        self._waiting.append(Outgoing(report, then))
        self._news.set()

    async def send_for_ever(self) -> None:
        """Send what is said. What cannot be sent at all is replaced by a failure that says so."""
        while True:
            await self._news.wait()
            self._news.clear()
            while self._waiting:
                together = self._next()
                self._sending = len(together)
                await self._send([outgoing.report for outgoing in together])
                self._sending = 0
                for outgoing in together:
                    outgoing.then()
                self._moved()

    def _next(self) -> list[Outgoing]:
        together, size = [self._waiting.popleft()], 0
        while self._waiting and len(together) < MOST_TOGETHER:
            size += _size(together[-1].report)
            if size > BYTES_TOGETHER:
                break
            together.append(self._waiting.popleft())
        return together

    async def _send(self, reports: list[Report]) -> None:
        while reports:
            try:
                await self._transport.report(reports)
            except Unreachable as error:
                self._logger.warning("report delayed", reports=len(reports), reason=str(error))
                await asyncio.sleep(AGAIN_AFTER_S)
            except SaidTooMuch as error:
                if len(reports) == 1:
                    reports = _instead(reports[0], error)
                    continue
                for report in reports:
                    await self._send([report])
                return
            else:
                return


def _size(report: Report) -> int:
    event = report.event
    return len(event.output) if isinstance(event, JobSucceeded) else len(getattr(event, "checkpoint", ""))


def _instead(report: Report, error: SaidTooMuch) -> list[Report]:
    """A last word there must be; other words may be missed."""
    event = report.event
    if not isinstance(event, JobSucceeded | JobFailed) or (isinstance(event, JobFailed) and event.code == error.code):
        return []
    failed = JobFailed(
        job_id=event.job_id,
        lease=event.lease,
        worker=event.worker,
        code=error.code,
        message=str(error)[:2000],
        retryable=False,
        began_at=event.began_at,
    )
    return [report._replace(event=failed)]
