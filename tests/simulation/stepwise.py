"""What must hold of each batch at the moment that it counts: the checker of whole logs (`tests/support/checker.py`)
says the rest in the end."""

from collections import defaultdict
from typing import NamedTuple

from foldgate.authority.writ import job_hash
from foldgate.contracts import ids
from foldgate.contracts.codec import NO_CHAIN
from foldgate.contracts.events import JobDispatched, JobRequested, Writ, WritIssued
from foldgate.contracts.places import Partition
from foldgate.eventlog.log import Batch
from tests.support.checker import RUN_OVER, StepEnd, hold
from tests.support.history import CODEC
from tests.support.hosting import Written


class _Last(NamedTuple):
    sequence: int = 0
    clock: int = 0
    at: int = 0
    chain: bytes = NO_CHAIN
    over: bool = False


class Stepwise:
    """Told of every batch that counts, as it comes. Clocks differ by no more than `skew_ms`."""

    def __init__(self, skew_ms: int) -> None:
        self._skew_ms = skew_ms
        self._last: dict[tuple[str, str], _Last] = defaultdict(_Last)
        self._epochs: dict[Partition, int] = defaultdict(int)
        self._positions: dict[tuple[Partition, Partition], int] = defaultdict(int)
        self._writs: dict[str, Writ] = {}
        self._steps_over: set[tuple[str, str]] = set()
        self._leases: set[tuple[str, int]] = set()

    def batch(self, partition: Partition, batch: Batch, said: list[Written]) -> None:
        """One more."""
        head = batch.head
        hold("INV-01", head.epoch >= self._epochs[partition], f"{partition}: {head.epoch} after a later one")
        self._epochs[partition] = head.epoch
        for stream, number, position in head.positions:
            source = Partition(stream, number)
            last = self._positions[partition, source]
            hold("INV-09", position.offset >= last, f"{partition}, {source}: {position} after {last}")
            self._positions[partition, source] = position.offset
        for written in said:
            self._story(written)
            self._about(written)

    def _story(self, written: Written) -> None:
        meta = written.meta
        name, last = (meta.stream, meta.key), self._last[meta.stream, meta.key]
        hold("INV-04", not last.over, f"{meta.event_id} {type(written.event).__name__}")
        hold("INV-02", meta.sequence == last.sequence + 1, f"{meta.event_id} after {last.sequence}")
        hold("INV-02", meta.event_id == ids.owned_event_id(*name, meta.sequence), meta.event_id)
        hold("INV-03", CODEC.chain_holds(written.value, last.chain), meta.event_id)
        hold("INV-05", meta.clock > last.clock and meta.at >= last.at, f"{meta.event_id}: {meta.clock} after {last}")
        over = meta.stream == "runs" and isinstance(written.event, RUN_OVER)
        self._last[name] = _Last(meta.sequence, meta.clock, meta.at, meta.chain, over)

    def _about(self, written: Written) -> None:
        event, run_id, at = written.event, written.meta.run_id, written.meta.at
        if isinstance(event, WritIssued):
            self._writs[event.writ.writ_id] = event.writ
        elif isinstance(event, StepEnd):
            hold("INV-16", (run_id, event.step) not in self._steps_over, f"{run_id}: {event.step} ends again")
            self._steps_over.add((run_id, event.step))
        elif isinstance(event, JobRequested):
            over = (run_id, event.job.step) in self._steps_over
            hold("INV-16", not over, f"{event.job.job_id} is asked for after its step ended")
        elif isinstance(event, JobDispatched):
            writ, job = event.writ, event.job
            hold("INV-10", self._writs.get(writ.writ_id) == writ, f"{job.job_id} without a writ, of {run_id}")
            same = (writ.job_id, writ.job_hash) == (job.job_id, job_hash(job))
            lives = writ.issued_at - self._skew_ms <= at < writ.expires_at
            hold("INV-10", same and lives, f"{job.job_id} at {at} by {writ}")
            lease = (written.meta.key, event.lease)
            hold("INV-06", lease not in self._leases, f"lease {lease} is given again, of {run_id}")
            self._leases.add(lease)
