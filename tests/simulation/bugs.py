"""Bugs that somebody might have made, in the real code: each takes away one thing that holds it together.

A simulator is worth what it finds. `test_bites.py` lets it look for each of these.
"""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import pytest
from msgspec.structs import replace

from foldgate.contracts.events import Event, JobDispatched, Meta
from foldgate.contracts.places import Partition
from foldgate.decider.decider import Said
from foldgate.decider.processor import Processor
from foldgate.engine.steps import job
from foldgate.eventlog.kafka_checkpoints import KafkaCheckpoints
from foldgate.eventlog.kafka_producer import Produced
from foldgate.eventlog.memory import MemoryCheckpoints
from foldgate.policy_kernel.decisions import decide as kernel
from foldgate.runtime import saving
from foldgate.runtime.relaying import Relaying
from foldgate.scheduler.jobs.decide import _Scheduling
from tests.simulation.faults import NONE, Faults

Patch = pytest.MonkeyPatch


def without_a_writ(patch: Patch) -> None:
    """A job is dispatched, and nobody has issued its writ."""
    given = _Scheduling._given

    def forged(self: Any, *args: Any) -> Said:
        said = given(self, *args)
        assert isinstance(said.event, JobDispatched)
        return replace(said, event=replace(said.event, writ=replace(said.event.writ, writ_id="w_nobody")))

    patch.setattr(_Scheduling, "_given", forged)


def stale_policy(patch: Patch) -> None:
    """A writ is good although policy has changed since."""
    patch.setattr(_Scheduling, "_is_outdated", lambda *_: False)


def weaker_terms(patch: Patch) -> None:
    """What people allowed before policy asked for more of them is enough."""
    patch.setattr(kernel, "_is_enough", lambda *_: True)


def lost_timers(patch: Patch) -> None:
    """Who recovers from a checkpoint forgets what was to happen one day."""

    def load(entries: Any, processor: Processor[Any], decider: Any) -> None:
        loaded(entries, processor, decider)
        processor._due.clear()
        processor._due_of.clear()
        processor._moved.clear()

    loaded = saving._load
    patch.setattr(saving, "_load", load)


def double_start(patch: Patch) -> None:
    """Who takes over does not know what was given to workers already."""

    def restore(self: Processor[Any], meta: Meta, event: Event) -> None:
        decider = self._decider
        if isinstance(event, JobDispatched) and meta.key in self.live:
            self._decider = decider_that_forgets(decider)
        try:
            restored(self, meta, event)
        finally:
            self._decider = decider

    def decider_that_forgets(decider: Any) -> Any:
        return dataclasses.replace(decider, evolve=lambda state, *_: state)

    restored = Processor.restore
    patch.setattr(Processor, "restore", restore)


def relay_begins_late(patch: Patch) -> None:
    """What lay there before a relay began is not copied."""

    async def read(self: Relaying) -> None:
        own = self._owned._position
        self._rule._offset, self._rule._epoch, self._rule._sequence = own.offset, own.epoch, own.sequence

    patch.setattr(Relaying, "_read", read)


def twice_is_twice(patch: Patch) -> None:
    """What was answered is answered again when it is read again."""
    patch.setattr(Processor, "has_taken", lambda *_: False)


def late_reports(patch: Patch) -> None:
    """A report settles an attempt that was settled."""
    patch.setattr(job, "is_current", lambda name, step: name.attempt == step.attempt)


def half_a_checkpoint(patch: Patch) -> None:
    """What changed since a checkpoint that was removed, or that an older one replaced, is taken for the whole.
    Nobody had planted this, nor the next, when a seed found it."""
    in_rows, in_topics = MemoryCheckpoints.save, KafkaCheckpoints.save

    async def save_rows(self: MemoryCheckpoints, *args: Any, **named: Any) -> None:
        await in_rows(self, *args, **{**named, "after": None})

    async def save_topics(self: KafkaCheckpoints, *args: Any, **named: Any) -> None:
        self._ends.clear()
        await in_topics(self, *args, **named)

    patch.setattr(MemoryCheckpoints, "save", save_rows)
    patch.setattr(KafkaCheckpoints, "save", save_topics)


def heads_anywhere(patch: Patch) -> None:
    """A head on Kafka counts wherever it lies, also where what it stands on is gone."""
    written = KafkaCheckpoints._write

    async def write(self: KafkaCheckpoints, partition: Partition, records: Sequence[Produced]) -> None:
        await written(self, partition, [_without_place(record) for record in records])

    patch.setattr(KafkaCheckpoints, "_write", write)


def _without_place(record: Produced) -> Produced:
    is_head = bool(record.key and record.key.endswith(b"/") and record.value)
    return record._replace(value=bytes(8) + (record.value or b"")[8:]) if is_head else record


class Bug(NamedTuple):
    """What it breaks, the faults under which that shows soonest, and the seed at which to begin looking."""

    planted: Callable[[Patch], None]
    breaks: tuple[str, ...]
    faults: Faults | None = None
    first: int = 0


BUGS = [
    Bug(without_a_writ, ("INV-10",)),
    Bug(stale_policy, ("policy",)),
    Bug(weaker_terms, ("policy",), NONE, first=80),
    Bug(lost_timers, ("INV-07", "liveness"), Faults(crash=10, rebalance=10), first=27),
    Bug(double_start, ("INV-06",), first=8),
    Bug(relay_begins_late, ("INV-14",), first=44),
    Bug(twice_is_twice, ("INV-09", "INV-08", "INV-06")),
    Bug(late_reports, ("INV-07", "INV-16")),
    Bug(half_a_checkpoint, ("INV-13", "INV-02", "liveness"), Faults(rebalance=30, lost_checkpoint=10), first=40),
    Bug(heads_anywhere, ("INV-13", "INV-02", "liveness"), Faults(rebalance=30, lost_checkpoint=60), first=4),
]
