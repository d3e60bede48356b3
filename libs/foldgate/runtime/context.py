"""What a running service is given: its settings, its log, the codec, the clock."""

from dataclasses import dataclass

import structlog

from foldgate.contracts.codec import Codec
from foldgate.eventlog.log import Log
from foldgate.runtime.clock import Clock
from foldgate.runtime.settings import Settings


@dataclass(frozen=True, kw_only=True)
class Context:
    """Shared by the parts of one service in one process."""

    service: str
    settings: Settings
    log: Log
    codec: Codec
    clock: Clock
    logger: structlog.typing.FilteringBoundLogger
