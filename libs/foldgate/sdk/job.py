"""A job as its handler sees it: what is asked, under which limits, and how to speak of it."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from foldgate.authority.constraints import Constraints
from foldgate.contracts import ids
from foldgate.contracts.events import Job as Asked
from foldgate.sdk.artifacts import OCTETS, OUTPUT_BYTES
from foldgate.sdk.errors import Cancelled, ConstraintBreach, Fatal
from foldgate.sdk.limits import Limits
from foldgate.sdk.shelf import Shelf, What, Which
from foldgate.sdk.tracing import traceparent_of
from foldgate.sdk.voice import Voice


class Job:
    """One attempt of a step. Its methods may be called from coroutines and from threads alike; none of them waits, but
    those that put and fetch artifacts.

    `input` and `resume` are values, decoded; `resume` is the checkpoint that an attempt before this one left, or None.
    `idempotency_key` is the same for every attempt: give it along with side effects that must not happen twice.
    `deadline` is when it is stopped for taking too long, by this machine's clock, or None. `lease_ms` is how long it
    stays with a worker of which nothing is heard.
    """

    def __init__(
        self,
        asked: Asked,
        *,
        constraints: Constraints,
        voice: Voice,
        shelf: Shelf,
        given: Any,
        lease_ms: int,
        resume: Any = None,
        deadline_ms: int | None = None,
    ) -> None:
        name = ids.parse_job_id(asked.job_id)
        self.id, self.run_id, self.step, self.attempt = asked.job_id, name.run_id, name.step, name.attempt
        self.topic, self.kind, self.workflow = asked.topic, asked.kind, asked.workflow
        self.input: Any = given
        self.resume: Any = resume
        self.labels: Mapping[str, str] = asked.labels
        self.tenant, self.principal = asked.tenant, asked.principal
        self.idempotency_key = f"{name.run_id}:{name.step}"
        self.deadline = None if deadline_ms is None else datetime.fromtimestamp(deadline_ms / 1000, UTC)
        self.constraints, self.lease_ms = constraints, lease_ms
        self.traceparent = traceparent_of(name.run_id, asked.job_id, asked.labels)
        self._limits, self._voice, self._shelf = Limits(constraints), voice, shelf

    def __repr__(self) -> str:
        return f"Job({self.id!r}, topic={self.topic!r})"

    @property
    def is_cancelled(self) -> bool:
        """Whether the handler is to stop. A coroutine is cancelled besides; a function in a thread has to look."""
        return self._voice.is_stopped

    def raise_if_cancelled(self) -> None:
        """Raise Cancelled if the handler is to stop."""
        if self.is_cancelled:
            raise Cancelled(f"{self.id} was called back.")

    def progress(self, percent: float | None = None, message: str = "") -> None:
        """Say how far it is: from 0 to 100, or in words. A few a second are sent, the last one always."""
        self._voice.progress(percent, message)

    def checkpoint(self, value: Any) -> None:
        """Leave a JSON-like value that the next attempt finds in `resume`, should there be one."""
        text = msgspec.json.encode(value)
        if len(text) > OUTPUT_BYTES:
            raise Fatal(
                "checkpoint_too_large",
                f"Expected a checkpoint of at most {OUTPUT_BYTES} bytes, but it has {len(text)}.",
            )
        self._voice.checkpoint(text.decode())

    async def artifact(self, which: Which) -> bytes:
        """The bytes of an artifact: by its reference, or by what stands for it in an input. They were compared with
        it. Raises Fatal (`artifact_missing`) where there are none."""
        return await self._shelf.get(which)

    def artifact_sync(self, which: Which) -> bytes:
        """As `artifact`, for a function: its thread waits."""
        return self._shelf.get_sync(which)

    async def put_artifact(self, what: What, content_type: str = OCTETS) -> dict[str, Any]:
        """Keep these bytes, or those of a file, beside the log, without the secrets that this job was given. What is
        returned belongs into the output. Who finds it in an input finds its value if it is JSON, and fetches it with
        `artifact` if not."""
        return await self._shelf.put(what, content_type)

    def put_artifact_sync(self, what: What, content_type: str = OCTETS) -> dict[str, Any]:
        """As `put_artifact`, for a function: its thread waits."""
        return self._shelf.put_sync(what, content_type)

    def tool(self, name: str) -> None:
        """Ask before using a tool. Raises ConstraintBreach if it is not allowed."""
        self._check("allowed_tools", self._limits.tool(name))

    def command(self, argv: Sequence[str]) -> None:
        """Ask before running a command. Raises ConstraintBreach if it is not allowed."""
        self._check("allowed_commands", self._limits.command([argv] if isinstance(argv, str) else argv))

    def network(self, host: str) -> None:
        """Ask before speaking to a host, `name` or `name:port`. Raises ConstraintBreach if it is not allowed."""
        self._check("network_allowlist", self._limits.network(host))

    def spend(self, usd: float) -> None:
        """Ask before spending so much more. Raises ConstraintBreach if it would be too much."""
        self._check("max_cost_usd", self._limits.spend(usd))

    def _check(self, constraint: str, problem: str) -> None:
        if problem:
            self._voice.breach(constraint, problem, was_stopped=True)
            raise ConstraintBreach(constraint, problem)
