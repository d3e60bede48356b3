"""One seed from its beginning to its end, judged; and how a failure is told."""

import asyncio
import contextlib
import hashlib
import itertools
import re
from collections import Counter
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest

from foldgate.contracts.events import RunRefused
from foldgate.decider.invariant import INVARIANTS
from foldgate.eventlog.memory import MemoryLog
from foldgate.runtime import recovery
from tests.simulation.checkpoints import at_once
from tests.simulation.faults import Faults
from tests.simulation.world import POOLS, Simulated
from tests.support.checker import check, check_runs
from tests.support.history import history_of
from tests.support.leaping import LeapingLoop, LoopClock
from tests.support.lives import Stage
from tests.support.recovering import check_recovery
from tests.support.suite import OWNERS
from tests.support.upholding import Watching

TURNS = 700
MOST_LINES = 120


class Outcome(NamedTuple):
    """What became of a seed. `digest` is of every byte on the log."""

    seed: int
    digest: str
    seen: Counter[str]


class Failed(Exception):
    """The seed, the invariant, and what happened in that run."""

    def __init__(self, seed: int, breaks: str, text: str) -> None:
        super().__init__(seed, breaks, text)
        self.seed, self.breaks, self.text = seed, breaks, text

    def __str__(self) -> str:
        return self.text


def simulate(seed: int, *, turns: int = TURNS, faults: Faults | None = None) -> Outcome:
    """Play it, and judge it at each step and in the end."""
    with _alone():
        watching = Watching()
        world = Simulated(seed, watching, faults)
        try:
            world.play(turns)
            _judge(world, watching, thorough=seed % 5 == 0)
        except Exception as error:
            raise failed(seed, world, error) from error
        finally:
            world.close()
        return Outcome(seed, digest(world.network.log), watching.seen + world.happened)


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """A loop that runs nothing, for who asks for one; and names of owners that are numbers."""
    numbers, loop = itertools.count(1), LeapingLoop()
    asyncio._set_running_loop(loop)
    names = SimpleNamespace(token_hex=lambda size: f"{next(numbers):0{2 * size}x}")
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(recovery, "secrets", names)
            yield
    finally:
        asyncio._set_running_loop(None)
        loop.close()


def _judge(world: Simulated, watching: Watching, *, thorough: bool) -> None:
    watching.at_rest(world)
    log: Any = world.network.log
    log._checkpoints = world.network.kept.of(at_once)
    history = _finished(history_of(log, pools=POOLS))
    codes = {one.code for one in world.streams.aside} - {"internal_error"}
    check(history, set_aside=codes, skew_ms=2 * world.faults_then.skew_ms)
    refused = {fact.meta.run_id for fact in history.of(RunRefused)}
    check_runs(history, world.begun | refused, world.executed)
    if thorough:
        stage = Stage(lambda: contextlib.nullcontext(log), LoopClock())
        _finished(check_recovery(log, stage, OWNERS))


def _finished(work: Any) -> Any:
    """What a coroutine gives that waits for nothing but its turn."""
    try:
        while True:
            work.send(None)
    except StopIteration as end:
        return end.value


def digest(log: MemoryLog) -> str:
    """Of every record, where it lies."""
    sha = hashlib.sha256()
    for partition in sorted(log._lanes):
        for record in log.lane(partition).records:
            sha.update(repr((partition, record.offset, record.key, record.value, record.head)).encode())
    return sha.hexdigest()[:16]


def failed(seed: int, world: Simulated, error: BaseException) -> Failed:
    """Told compactly."""
    text = f"{type(error).__name__}: {error}"
    name = next((name for name in INVARIANTS if name in text), "liveness" if "never over" in text else "policy")
    runs = re.findall(r"run_[0-9a-f]{24}", text)
    lines = "\n".join(
        [
            f"seed {seed} breaks {name}: {text}",
            f"again: make simulate SEED={seed}",
            f"faults: {world.faults_then}",
            *(timeline(world, runs[0]) if runs else []),
        ]
    )
    return Failed(seed, name, lines)


def timeline(world: Simulated, run_id: str) -> list[str]:
    """What happened in a run, and what went wrong beside it."""
    lines = [
        ((one.meta.at, one.meta.clock), f"{place} {type(one.event).__name__} {_short(one.event)}")
        for place, records in world.streams.records.items()
        for one in records
        if one.meta.run_id == run_id and not place.stream.startswith("dispatch.")
    ]
    lines += [((at, 0), f"- {what}") for at, what in world.notes]
    lines.sort()
    begin = next((at for (at, _), text in lines if not text.startswith("-")), 0)
    shown = [f"{(at - begin) / 1000:10.3f} s {text}" for (at, _), text in lines if at >= begin]
    return [f"{run_id}:", *shown[-MOST_LINES:]]


def _short(event: Any) -> str:
    about = getattr(event, "job", event)
    what = [getattr(about, name, "") or getattr(event, name, "") for name in ("step", "job_id", "reason", "code")]
    lease, worker = getattr(event, "lease", ""), getattr(event, "worker", "")
    return " ".join(str(part) for part in (*what, lease, worker) if part)[:110]
