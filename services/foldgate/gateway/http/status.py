"""How the suite is doing, as far as this process knows: how much of the log its read models have yet to show."""

import asyncio
from collections.abc import Mapping

import msgspec
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from foldgate.eventlog.log import LogUnavailable
from foldgate.gateway.http.operations import Operation, Said
from foldgate.readmodel.projector import Projector, behind_of
from foldgate.runtime.clock import Clock

ANSWER_WITHIN_S = 2.0


class StatusAnswer(BaseModel):
    """Where the read models stand."""

    model_config = ConfigDict(title="Status")

    suite: str = Field(title="Suite")
    read_models: dict[str, int] = Field(title="Read models", description="How many records each has yet to read.")
    behind_seconds: dict[str, float] = Field(
        title="Behind", description="How old what each shows is, in seconds; 0 where it shows everything."
    )


class Status:
    """Asks the projections of this process."""

    def __init__(self, suite: str, projectors: Mapping[str, Projector], *, clock: Clock) -> None:
        self._suite, self._projectors, self._clock = suite, projectors, clock

    def operations(self, prefix: str) -> tuple[Operation, ...]:
        """What is served."""
        status = Operation(
            method="GET",
            path=f"{prefix}/status",
            endpoint=self.show,
            summary="How far the read models are behind the log",
            area="operations",
            role="viewer",
            answers={200: Said(StatusAnswer, "As of now.")},
            problems=("log_unavailable",),
        )
        return (status,)

    async def show(self, _: Request) -> Response:
        """The lag of each read model."""
        try:
            async with asyncio.timeout(ANSWER_WITHIN_S):
                behind = await behind_of(self._projectors)
        except TimeoutError:
            raise LogUnavailable(f"Expected an answer within {ANSWER_WITHIN_S:g} s.") from None
        now = self._clock.now_ms()
        ages = {name: self._projectors[name].age_ms(now, behind=records) / 1000 for name, records in behind.items()}
        body = msgspec.json.encode({"suite": self._suite, "read_models": behind, "behind_seconds": ages})
        return Response(body, media_type="application/json")
