"""The projections of one service in this process, as one of its parts.

Each is fed by a projector of its own, from the positions that are stored with its rows; so they may stop anywhere, and
several processes of a service may each have them. They count for readiness once: from then on reads are at most a
moment behind, and say so themselves where that matters.
"""

import asyncio
import contextlib

from foldgate.eventlog.log import LogError
from foldgate.readmodel.projector import Projector, behind_of
from foldgate.runtime import metrics
from foldgate.runtime.context import Context
from foldgate.runtime.projecting import LogSource
from foldgate.runtime.service import Service
from foldgate.runtime.together import together

_MEASURED_WITHIN_S = 2.0


class Projections:
    """The projectors of a service."""

    def __init__(self, service: Service, context: Context) -> None:
        self._service, self._clock = service.name, context.clock
        self.projectors: dict[str, Projector] = {}
        self._behind = {projection.name for projection in service.projections}
        source = LogSource(context.log, context.codec)
        for projection in service.projections:
            assert context.models is not None
            self.projectors[projection.name] = Projector(context.models, source, projection)

    @property
    def ready(self) -> bool:
        """Whether each has shown everything that was there at the start."""
        return not self._behind

    def waiting_for(self) -> str:
        """Which have not."""
        return ", ".join(f"read model '{name}'" for name in sorted(self._behind))

    async def measure(self) -> None:
        """Set how far each is behind the log; while the log is away, as it was."""
        with contextlib.suppress(LogError, TimeoutError):
            async with asyncio.timeout(_MEASURED_WITHIN_S):
                behind = await behind_of(self.projectors)
            for name, records in behind.items():
                age_ms = self.projectors[name].age_ms(self._clock.now_ms(), behind=records)
                metrics.BEHIND.labels(self._service, name).set(records)
                metrics.BEHIND_SECONDS.labels(self._service, name).set(age_ms / 1000)

    async def run(self) -> None:
        """Keep them up to date until cancelled."""
        await together(
            *(projector.run() for projector in self.projectors.values()),
            *(self._wait_for(name, projector) for name, projector in self.projectors.items()),
        )

    async def _wait_for(self, name: str, projector: Projector) -> None:
        await projector.caught_up()
        self._behind.discard(name)
