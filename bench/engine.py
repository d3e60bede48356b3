"""What the engine's decisions cost, without a log: pure Python, one core.

    python -m bench.engine [--json]

A workflow of ten jobs (fan-out, joins, a condition) and one of ten steps of many types are run to their ends, again
and again: messages a second are what `decide` and the folding of its events take together, as in an owner. Where one
message ends a step, begins others that are over at once and asks for a job, it costs as much as that. A `for_each` is
run with ten times and a hundred times the items, to show that an item costs the same. Live runs are kept in memory,
half-way through, to weigh them; timers are kept pending to show that they are not looked at.
"""

import argparse
import gc
import json
import pathlib
import resource
import statistics
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from foldgate.authority.keys import Trust
from foldgate.authority.requests import Vouching, sign_request
from foldgate.contracts import ids
from foldgate.contracts.codec import Codec
from foldgate.contracts.events import (
    Event,
    JobRequested,
    JobSucceeded,
    Meta,
    RunRequested,
    WorkflowPublished,
)
from foldgate.contracts.places import Partition, Position
from foldgate.decider.decider import Decider, Message, Said
from foldgate.decider.processor import Processor
from foldgate.decider.stamp import NO_CHAIN, Incoming
from foldgate.engine.runs.decide import runs
from foldgate.engine.runs.state import Run
from foldgate.language.definitions import Definitions
from foldgate.language.publish import prepare
from foldgate.runtime.key_making import new_files
from foldgate.runtime.keys import Keys

ROUNDS, RUNS, STARTS, LIVE, TIMERS = 5, 300, 1_000, 50_000, 100_000
AT = 1_790_000_000_000

TEN_JOBS = """
id: jobs
steps:
  a: {type: job}
  b: {type: job, depends_on: [a]}
  c: {type: job, depends_on: [a], input: {value: "${steps.a.output.value}"}}
  d: {type: job, depends_on: [b]}
  e: {type: job, depends_on: [b, c]}
  f: {type: job, depends_on: [c]}
  g: {type: job, depends_on: [d, e, f], when: "${steps.a.output.size > 3}"}
  h: {type: job, depends_on: [g]}
  i: {type: job, depends_on: [g]}
  j: {type: job, depends_on: [h, i]}
"""
TEN_STEPS = """
id: ten
steps:
  fetch: {type: job, input: {id: "${input.id}"}}
  is_large: {type: condition, expression: "steps.fetch.output.size > 10", depends_on: [fetch]}
  left: {type: job, depends_on: [fetch], input: {from: "${steps.fetch.output.value}"}}
  right: {type: job, depends_on: [fetch], input: {from: "${steps.fetch.output.value}"}, retry: {max_retries: 2}}
  middle: {type: job, depends_on: [fetch], when: "${input.id != ''}"}
  joined: {type: job, depends_on: [left, right, middle]}
  shape: {type: transform, depends_on: [joined], output: {sum: "${steps.left.output.size + steps.right.output.size}"}}
  keep: {type: storage, set: {sum: "${steps.shape.output.sum}"}, depends_on: [shape]}
  write: {type: job, depends_on: [keep], input: {sum: "${ctx.sum}"}}
  tell: {type: notify, depends_on: [write], message: "done ${input.id}"}
"""
ITEMS = """
id: items
steps:
  each: {{type: job, for_each: "${{input.items}}", max_items: 10000, max_parallel: 50}}
"""
DELAYED = """
id: delayed
steps:
  later: {type: delay, delay: "${input.ms}"}
"""


UNASKED = Vouching(Trust(()), unsigned=True)


class Table:
    """Deciders for documents."""

    def __init__(self, *documents: str, vouching: Vouching = UNASKED) -> None:
        self.definitions = Definitions()
        for document in documents:
            made = prepare(document)
            event = WorkflowPublished(
                workflow=made.workflow, version=made.version, digest=made.digest, definition=made.canonical
            )
            self.definitions.add("acme", event)
        self.decider: Decider[Run] = runs(
            self.definitions,
            max_lost=3,
            cancel_grace_ms=30_000,
            wait_noted_after_ms=60_000,
            max_events=1_000_000,
            genuine=lambda _: True,
            vouching=vouching,
        )


def meta(key: str, at: int) -> Meta:
    return Meta(
        chain=NO_CHAIN,
        event_id="cause",
        stream="intake",
        key=key,
        run_id=key,
        at=at,
        request_id=key,
        tenant="acme",
        principal="ada",
    )


def lived(decider: Decider[Run], workflow: str, name: str, *, given: str, until: int | None = None) -> tuple[int, Run]:
    """A run from its start to its end, or until so many messages: how many there were, and the run."""
    key = ids.run_id("acme", workflow, name)
    inbox: deque[Event] = deque([RunRequested(workflow=workflow, input=given, idempotency_key=name)])
    run, messages = None, 0
    while inbox and messages != until:
        messages += 1
        cause = meta(key, AT + messages)
        for one in decider.decide(run, Message(key=key, at=cause.at, event=inbox.popleft(), meta=cause)):
            event = one.event if isinstance(one, Said) else one
            run = decider.evolve(run, cause, event)
            if isinstance(event, JobRequested):
                inbox.append(report(event))
    assert run is not None
    return messages, run


def report(event: JobRequested) -> JobSucceeded:
    return JobSucceeded(job_id=event.job.job_id, lease=1, worker="w/1", output='{"size":12,"value":"of it"}')


def median(figure: Callable[[], float]) -> float:
    return statistics.median(figure() for _ in range(ROUNDS))


def messages_a_second(document: str, workflow: str) -> float:
    table = Table(document)
    lived(table.decider, workflow, "warm", given='{"id":"a"}')

    def once() -> float:
        began = time.process_time()
        count = sum(lived(table.decider, workflow, f"r{n}", given='{"id":"a"}')[0] for n in range(RUNS))
        return count / (time.process_time() - began)

    return median(once)


def micros_a_start(*, signed: bool) -> float:
    """What it takes to decide on a request for a run of one step, which an issuer vouches for or need not."""
    keys = Keys(new_files(AT).__getitem__)
    table = Table(vouching=Vouching(keys.trust) if signed else UNASKED)
    messages = []
    for number in range(STARTS):
        name = f"s{number}"
        about = meta(ids.run_id("acme", "job", name), AT)
        asked = RunRequested(workflow="job", topic="job.echo", input='{"id":"a"}', idempotency_key=name)
        event = sign_request(keys.issuer, about, asked) if signed else asked
        messages.append(Message(key=about.key, at=AT, event=event, meta=about))

    def once() -> float:
        began = time.process_time()
        for message in messages:
            if not list(table.decider.decide(None, message)):
                raise AssertionError("no run was started")
        return (time.process_time() - began) / STARTS * 1e6

    return median(once)


def micros_an_item(count: int) -> float:
    table = Table(ITEMS.format())
    given = json.dumps({"items": list(range(count))})

    def once() -> float:
        began = time.process_time()
        lived(table.decider, "items", "r", given=given)
        return (time.process_time() - began) / count * 1e6

    return median(once)


def live_runs() -> dict[str, float]:
    """Half-way through: three of its jobs are done, and more is under way."""
    table = Table(TEN_STEPS)
    gc.collect()
    before = resident()
    kept = [lived(table.decider, "ten", f"r{n}", given='{"id":"a"}', until=3)[1] for n in range(LIVE)]
    gc.collect()
    grown = (resident() - before) / 1e6
    payloads = len(kept[0].input) + sum(len(step.output) + len(step.input) for step in kept[0].steps.values())
    return {"state_bytes": len(msgspec.msgpack.encode(kept[0])) - payloads, "live_runs_mb": grown}


def timers() -> dict[str, float]:
    """With 100,000 pending, what one message and one tick cost, against the same with none."""
    table = Table(DELAYED, TEN_STEPS)
    partition, source = Partition("runs", 0), Partition("intake", 0)
    codec = Codec()
    processor = Processor(table.decider, partition, seal=codec.seal, service="engine", batch_bytes=900_000)
    offsets = iter(range(1, 10**9))

    def take(name: str, workflow: str, given: str) -> None:
        key = ids.run_id("acme", workflow, name)
        event = RunRequested(workflow=workflow, input=given, idempotency_key=name)
        incoming = Incoming(source, Position(next(offsets)), meta(key, AT), event, b"")
        processor.take(incoming, key=key, now=AT)
        while processor.cut() is not None:
            pass

    def cost(prefix: str) -> float:
        began = time.process_time()
        for number in range(500):
            take(f"{prefix}{number}", "ten", '{"id":"a"}')
            processor.tick(AT)
        return (time.process_time() - began) / 500 * 1e6

    cost("warm")
    empty = median(lambda: cost(f"e{next(offsets)}-"))
    for number in range(TIMERS):
        take(f"d{number}", "delayed", json.dumps({"ms": 30_000 + number}))
    full = median(lambda: cost(f"f{next(offsets)}-"))
    return {"message_and_tick_us_no_timers": empty, "message_and_tick_us_100000_timers": full}


def resident() -> int:
    with pathlib.Path("/proc/self/statm").open() as statm:
        return int(statm.read().split()[1]) * resource.getpagesize()


def figures() -> Iterator[tuple[str, float, str]]:
    yield "decide + evolve, ten jobs", messages_a_second(TEN_JOBS, "jobs"), "messages/s (wanted: 20,000)"
    yield "… ten steps of many types", messages_a_second(TEN_STEPS, "ten"), "messages/s"
    unsigned, signed = micros_a_start(signed=False), micros_a_start(signed=True)
    yield "decide on a request for a run of one step, unsigned", unsigned, "us"
    yield "… signed by an issuer", signed, "us"
    for count in (100, 1_000, 10_000):
        yield f"for_each of {count:,}", micros_an_item(count), "us an item (wanted: the same)"
    live = live_runs()
    yield "state of a live run beside its payloads", live["state_bytes"], "bytes (wanted: 2,000)"
    yield f"{LIVE:,} live runs", live["live_runs_mb"], "MB (wanted: 600)"
    pending = timers()
    yield "a message and a tick, no timers", pending["message_and_tick_us_no_timers"], "us"
    yield "… with 100,000 pending timers", pending["message_and_tick_us_100000_timers"], "us (wanted: the same)"


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--json", action="store_true", help="figures as JSON")
    as_json = parser.parse_args().json
    found: dict[str, Any] = {}
    for name, value, unit in figures():
        found[name] = {"value": value, "unit": unit}
        if not as_json:
            print(f"{name:44} {value:12,.1f}  {unit}", flush=True)
    if as_json:
        print(json.dumps(found, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
