"""What a running service is given: its settings, its keys, its log, the codec, the clock, and its read models."""

from dataclasses import dataclass

import structlog

from foldgate.contracts.codec import Codec
from foldgate.eventlog.log import Log
from foldgate.readmodel.postgres import ReadModels
from foldgate.runtime.clock import Clock
from foldgate.runtime.keys import Keys
from foldgate.runtime.settings import Settings


@dataclass(frozen=True, kw_only=True)
class Context:
    """Shared by the parts of one service in one process. `models` is there if the service has projections."""

    service: str
    settings: Settings
    keys: Keys
    log: Log
    codec: Codec
    clock: Clock
    models: ReadModels | None = None
    logger: structlog.typing.FilteringBoundLogger
