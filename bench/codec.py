"""What an event costs: its bytes both ways, and the engine's decision about it. Pure Python, one core, no I/O.

    python -m bench.codec [--json]

The full event is made up: fifteen fields of every kind the generator knows, four of them unions, one a map; its code is
what the generator writes for such a schema. Each figure is the median of five rounds.
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from types import ModuleType
from typing import Any

import msgspec

from foldgate.authority.keys import Trust
from foldgate.authority.requests import Vouching
from foldgate.contracts import ids
from foldgate.contracts.codec import NO_CHAIN, Codec
from foldgate.contracts.events import (
    Event,
    Job,
    JobRequested,
    JobSucceeded,
    Meta,
    PositionsAdvanced,
    RunRequested,
    Writ,
    WritIssued,
)
from foldgate.contracts.generate import events_module
from foldgate.contracts.generate_wire import wire_module
from foldgate.contracts.wire import put_Meta, take_Meta
from foldgate.decider.decider import Decider, Message, Said
from foldgate.engine.runs.decide import runs
from foldgate.engine.runs.state import Run
from foldgate.language.definitions import Definitions

ROUNDS, TIMES, LIVES = 5, 20_000, 5_000
RUN = "run_2f8b1c0d9e7a6b5c4d3e2f1a"
META = Meta(
    chain=NO_CHAIN,
    event_id=f"runs/{RUN}/12",
    stream="runs",
    key=RUN,
    run_id=RUN,
    pool="default",
    sequence=12,
    clock=345,
    at=1_790_000_000_000,
    causation=f"decisions/{RUN}/9",
    correlation="c0a8012e5f7b4d6c8e9f0a1b",
    request_id="c0a8012e5f7b4d6c8e9f0a1b",
    tenant="acme",
    principal="ada@example.com",
    answers=bytes(32),
)
FIELDS: dict[str, tuple[Any, Any]] = {
    "job_id": ("string", f"{RUN}:ask@1"),
    "step": ("string", "ask"),
    "attempt": ("int", 1),
    "kind": ("string", "llm"),
    "input": ("string", json.dumps({"ticket": 4711, "text": "x" * 120})),
    "lease": ("long", 1_790_000_000_123),
    "final": ("boolean", True),
    "request_hash": ("bytes", bytes(range(32))),
    "digest": ({"type": "fixed", "name": "Digest", "size": 32}, bytes(32)),
    "labels": ({"type": "map", "values": "string"}, {"team": "support", "region": "eu", "tier": "gold"}),
    "holding": ({"type": "array", "items": "long"}, (1, 2, 3, 400_000)),
    "rule": (["null", "string"], "allow-internal"),
    "reason": (["null", "string"], None),
    "expires_at": (["null", "long"], 1_790_000_300_000),
    "approver": (["null", "string"], "bob@example.com"),
}
WANTED = {"envelope": 7.0, "full event": 22.0, "decide and evolve": 20.0}
"""Microseconds; the last is 50,000 messages a second."""


def made() -> ModuleType:
    """The generator's code for an event of these fields."""
    module = ModuleType("made_for_bench")
    sys.modules[module.__name__] = module
    fields = [{"name": name, "type": node, "doc": "A field."} for name, (node, _) in FIELDS.items()]
    part = {"name": "Meta", "doc": "A part.", "fields": [{"name": "chain", "type": "bytes", "doc": "A field."}]}
    meta = {"name": "meta", "type": "foldgate.Meta", "doc": "A field."}
    schemas = {"Meta": part, "Settled": {"name": "Settled", "doc": "An event.", "fields": [meta, *fields]}}
    wire = wire_module(schemas).replace("from foldgate.contracts import events as e", "import made_for_bench as e")
    for text in (events_module(schemas), wire):
        exec(text, module.__dict__)  # noqa: S102 - the generator's own text
    return module


def us(act: Callable[[], object], times: int = TIMES) -> float:
    """Microseconds of one call: the median of the rounds."""
    rounds = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        for _ in range(times):
            act()
        rounds.append((time.perf_counter() - start) / times * 1e6)
    return statistics.median(rounds)


def coded() -> dict[str, tuple[float, float]]:
    """Microseconds to encode and to decode."""
    figures = {"envelope": _both(lambda out: put_Meta(out, META), lambda data: take_Meta(data, 0))}
    module = made()
    event = module.Settled(**{name: value for name, (_, value) in FIELDS.items()})
    put, take = module.PUT["Settled"], module.TAKE["Settled"]

    def put_all(out: list[bytes]) -> None:
        put_Meta(out, META)
        put(out, event)

    def take_all(data: bytes) -> object:
        meta, at = take_Meta(data, 0)
        return meta, take(data, at)

    figures["full event"] = _both(put_all, take_all)
    figures["full event, own fields"] = _both(lambda out: put(out, event), lambda data: take(data, 0))
    codec = Codec()
    for one in (PositionsAdvanced(), JobRequested(job=JOB), WritIssued(job=JOB, writ=WRIT)):
        figures[f"Codec, {type(one).__name__}"] = _with_codec(codec, one)
    return figures


def _both(put: Callable[[list[bytes]], None], take: Callable[[bytes], object]) -> tuple[float, float]:
    def encoded() -> bytes:
        out: list[bytes] = []
        put(out)
        return b"".join(out)

    data = encoded()
    return us(encoded), us(lambda: take(data))


def _with_codec(codec: Codec, event: Event) -> tuple[float, float]:
    _, data = codec.seal(META, event, NO_CHAIN)
    assert codec.decode(data).event == event
    return us(lambda: codec.seal(META, event, NO_CHAIN)), us(lambda: codec.decode(data))


JOB = Job(
    job_id=f"{RUN}:ask@1",
    step="ask",
    attempt=1,
    kind="llm",
    topic="job.support.triage",
    input=FIELDS["input"][1],
    labels=FIELDS["labels"][1],
    tenant="acme",
    principal="ada@example.com",
    workflow="triage",
)
WRIT = Writ(
    writ_id="writ_0123456789abcdef01234567",
    job_id=JOB.job_id,
    job_hash=bytes(32),
    pool="default",
    policy_snapshot="snapshot_0123456789abcdef01234567",
    rule="allow-internal",
    issued_at=1_790_000_000_000,
    expires_at=1_790_000_300_000,
)


def decided() -> float:
    """Microseconds of a message through the engine's decider and evolve: a request and a report for each run."""
    decider = runs(
        Definitions(),
        max_lost=3,
        cancel_grace_ms=30_000,
        wait_noted_after_ms=60_000,
        max_events=50_000,
        genuine=lambda _: True,
        vouching=Vouching(Trust(()), unsigned=True),
    )
    request_id = "c0a8012e5f7b4d6c8e9f0a1b"
    run = ids.run_id("acme", "job", request_id)
    asked = RunRequested(
        workflow="job", topic="job.support.triage", input=FIELDS["input"][1], labels={"team": "support"}
    )
    meta = msgspec.structs.replace(META, key=run, run_id=run, request_id=request_id)
    request = Message(key=run, at=0, event=asked, meta=meta)
    reported = JobSucceeded(job_id=ids.job_id(run, "job", 1), lease=7, worker="w", output='{"answer": 42}')
    report = Message(key=run, at=1, event=reported, meta=meta)

    def life() -> Run | None:
        return _answered(decider, _answered(decider, None, request), report)

    ended = life()
    assert ended is not None
    assert ended.phase == "succeeded"
    return us(life, LIVES) / 2


def _answered(decider: Decider[Run], run: Run | None, message: Message) -> Run | None:
    assert message.meta is not None
    for said in decider.decide(run, message):
        run = decider.evolve(run, message.meta, said.event if isinstance(said, Said) else said)
    return run


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    figures = {name: {"encode_us": put, "decode_us": take, "us": put + take} for name, (put, take) in coded().items()}
    each = decided()
    figures["decide and evolve"] = {"us": each, "messages_per_s": 1e6 / each}
    if chosen.json:
        print(json.dumps(figures, indent=1))
        return
    print(f"{'microseconds (median of 5)':28}{'encode':>9}{'decode':>9}{'both':>9}{'wanted':>9}")
    for name, found in figures.items():
        cells = [found.get("encode_us"), found.get("decode_us"), found["us"], WANTED.get(name)]
        print(f"{name:28}" + "".join(f"{'' if cell is None else format(cell, '.2f'):>9}" for cell in cells))
    print(f"{'messages decided a second':28}{figures['decide and evolve']['messages_per_s']:>27,.0f}")


if __name__ == "__main__":
    main()
