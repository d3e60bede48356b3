"""What a worker says of itself, and the terms it works under."""

from collections.abc import Callable, Mapping

import msgspec

from foldgate.authority.keys import Trust
from foldgate.contracts.kinds import is_kind_topic, kind_topic
from foldgate.runtime.clock import Clock
from foldgate.sdk.artifacts import Artifacts
from foldgate.sdk.held import Handler
from foldgate.sdk.secret_references import Resolver
from foldgate.sdk.transport import Hello
from foldgate.sdk.voice import Hears


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """See `Worker`, which is where they are said."""

    hello: Hello
    handlers: Mapping[str, Handler]
    clock: Clock
    trust: Trust | None
    beat_every_ms: int
    cancel_grace_s: float
    leave_within_s: float
    artifacts: Artifacts | None
    gpu_percent: Callable[[], int] | None
    resolver: Resolver
    hears: Hears

    def handler(self, topic: str, kind: str) -> Handler | None:
        """The handler for a job: its topic's own, else its kind's, else the one with the longest beginning."""
        own = None if is_kind_topic(topic) else self.handlers.get(topic)
        return own or self.handlers.get(kind_topic(kind)) or self._by_beginning(topic)

    def _by_beginning(self, topic: str) -> Handler | None:
        fitting = [name for name in self.handlers if name.endswith("*") and topic.startswith(name[:-1])]
        return self.handlers[max(fitting, key=len)] if fitting else None
