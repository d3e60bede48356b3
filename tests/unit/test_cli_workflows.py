"""Workflows on the command line: documents judged, graphs drawn, plans made, and what a run again takes over."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
from rich.console import Console

from foldgate.authority.foreseeing import Foresight, Planned
from foldgate.authority.pools import Pools
from foldgate.cli.asking import labels_of, parsed
from foldgate.cli.documents import judged
from foldgate.cli.drawing import mermaid, tree
from foldgate.cli.graph import about, as_object
from foldgate.cli.job_wait import explained
from foldgate.cli.mistakes import AskedWrongly
from foldgate.cli.plan_of_run import steps_of
from foldgate.cli.reading import Seen
from foldgate.cli.rerunning import known_step
from foldgate.cli.showing import begins
from foldgate.contracts.events import (
    ConstraintBreached,
    ContextChanged,
    Decision,
    Event,
    Job,
    JobCancelled,
    JobDispatched,
    JobProgressed,
    JobQueued,
    JobReleased,
    JobStarted,
    JobSucceeded,
    JobThrottled,
    Rerun,
    RunStarted,
    ShadowDecided,
    StepSucceeded,
    Writ,
    WritIssued,
)
from foldgate.contracts.places import Partition
from foldgate.eventlog.log import Record
from foldgate.language.compile import compiled
from foldgate.language.definition import Definition
from foldgate.language.edges import edges
from foldgate.language.publish import prepare
from foldgate.sdk.rerunning import ctx_of, outputs_of
from tests.support.given import meta
from tests.support.policies import snapshot

DOCUMENT = """
id: order
version: 1.0
steps:
  check: {type: job, topic: job.check, compensate: uncheck}
  uncheck: {type: job}
  pick:
    type: switch
    depends_on: [check]
    cases: [{when: "${steps.check.output.large}", next: ask}]
    default: ship
  ask: {type: approval}
  ship:
    type: parallel
    strategy: n_of_m
    required: 1
    steps: [by_air, by_sea]
  by_air: {type: http, on_error: complain, route: {pool: planes}}
  by_sea: {type: job, for_each: "${input.boxes}", max_parallel: 2}
  complain: {type: notify, message: oh}
  poll: {type: loop, depends_on: [ask, ship], body: [nap, look], until: "${loop.index > 3}", max_iterations: 9}
  nap: {type: delay, delay: 1s}
  look: {type: wait, signal: seen}
  other: {type: subworkflow, workflow: bill, version: "2", depends_on: [poll, check], when: "${input.paid}"}
"""


@pytest.fixture(scope="module")
def order() -> Definition:
    prepared = prepare(DOCUMENT)
    return compiled(prepared.canonical, digest=prepared.digest)


def test_every_edge_says_why(order: Definition) -> None:
    assert {(edge.source, edge.target, edge.why) for edge in edges(order)} == {
        ("check", "uncheck", "compensate"),
        ("check", "pick", "depends_on"),
        ("pick", "ask", "case"),
        ("pick", "ship", "case"),
        ("ship", "by_air", "part"),
        ("ship", "by_sea", "part"),
        ("by_air", "complain", "on_error"),
        ("ask", "poll", "depends_on"),
        ("ship", "poll", "depends_on"),
        ("poll", "nap", "part"),
        ("poll", "look", "part"),
        ("poll", "other", "depends_on"),
        ("check", "other", "depends_on"),
    }


@pytest.mark.parametrize(
    ("step", "words"),
    [
        ("check", "job.check"),
        ("pick", "1 case and a default"),
        ("ship", "1 of 2"),
        ("by_sea", "job.order.by_sea, for each item, 2 at once"),
        ("poll", "until …, at most 9 times"),
        ("look", "signal 'seen'"),
        ("other", "bill 2, when ${input.paid}"),
        ("ask", ""),
    ],
)
def test_what_is_said_of_a_step(order: Definition, step: str, words: str) -> None:
    assert about(order.steps[step]) == words


def test_the_tree_has_every_step_once(order: Definition) -> None:
    console = Console(width=200, no_color=True)
    with console.capture() as captured:
        console.print(tree(order))
    lines = captured.get().splitlines()
    assert lines[0].split() == ["order", "1.0"]
    shown = [line.lstrip("│├└─ ") for line in lines[1:]]
    named = [line.removeprefix(label) for line in shown for label in (_label(line),)]
    assert sorted(line.split()[0] for line in named) == sorted(order.steps)
    assert "poll  loop  until …, at most 9 times  (and after ask)" in shown
    assert "if it fails: complain  notify" in shown
    assert "undone by: uncheck  job  job.order.uncheck" in shown


def _label(line: str) -> str:
    head, colon, _ = line.partition(": ")
    return f"{head}{colon}" if colon and head in ("in it", "if chosen", "if it fails", "undone by") else ""


def test_mermaid_has_groups_as_subgraphs_and_every_other_edge(order: Definition) -> None:
    lines = [line.strip() for line in mermaid(order).splitlines()]
    assert lines[0] == "flowchart TD"
    assert [line for line in lines if line.startswith("subgraph")] == [
        "subgraph s" + str(list(order.order).index("ship")) + '["ship<br/>parallel"]',
        "subgraph s" + str(list(order.order).index("poll")) + '["poll<br/>loop"]',
    ]
    assert lines.count("end") == 2
    arrows = [line for line in lines if "->" in line]
    assert len(arrows) == len([edge for edge in edges(order) if edge.why != "part"])


def test_the_graph_for_programs_is_json(order: Definition) -> None:
    graph = msgspec.json.decode(msgspec.json.encode(as_object(order)))
    assert [step["id"] for step in graph["steps"]] == list(order.order)
    assert {"source": "pick", "target": "ask", "why": "case"} in graph["edges"]


def test_a_plan_asks_nobody_and_says_so(order: Definition) -> None:
    foresight = Foresight(snapshot(), Pools(), 1000)
    run = Planned.of(order, tenant="acme", principal="ada", labels={}, given='{"total": 5}', key="")
    plan = foresight.plan(order, run, done={"check"})
    steps = {step["step"]: step for step in steps_of(order, plan)}
    assert (steps["check"]["begins"], steps["check"]["decision"]) == ("taken over", "")
    assert (steps["by_air"]["decision"], steps["by_air"]["pool"]) == ("deny by floor#default_decision", "planes")
    assert (steps["by_sea"]["decision"], steps["by_sea"]["pool"]) == ("deny by floor#default_decision", "default")
    assert steps["ask"]["decision"] == ""
    assert begins(order, "uncheck") == "to undo check"
    assert steps["other"]["begins"] == "after check, poll"


def test_documents_are_judged_each(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.yaml", tmp_path / "bad.yaml"
    good.write_text(DOCUMENT)
    bad.write_text("id: bad\nsteps:\n  a:\n    type: jub\n  b:\n    type: job\n    topik: t\n")
    one, other = judged([str(good), str(bad)])
    assert (one.workflow, one.version, one.problems) == ("order", "1.0", ())
    assert {(problem.line, problem.path) for problem in other.problems} >= {(4, "steps.a.type"), (7, "steps.b.topik")}
    with pytest.raises(AskedWrongly, match="can be read"):
        judged([str(tmp_path / "none.yaml")])


def test_a_step_that_is_none_is_refused_with_the_nearest(order: Definition) -> None:
    assert known_step(order, "by_sea[3]") == "by_sea"
    with pytest.raises(AskedWrongly, match="did you mean 'check'"):
        known_step(order, "chek")
    with pytest.raises(AskedWrongly, match="it has check"):
        known_step(order, "zzzzzz")


def test_what_a_run_did_is_gathered_from_it_and_from_what_it_took_over() -> None:
    before = Rerun(run_id="run_0", from_step="b", ctx={"x": "1", "y": "2"}, outputs={"a": "10", "b": "11"})
    started = RunStarted(workflow="w", input="{}", request_hash=b"", rerun=before)
    events: list[Event] = [
        StepSucceeded(step="b", output="12"),
        ContextChanged(step="s", name="x"),
        ContextChanged(step="s", name="z", value="3"),
    ]
    assert outputs_of(started, events) == {"a": "10", "b": "12"}
    assert ctx_of(started, events) == {"y": "2", "z": "3"}


@pytest.mark.parametrize("text", ["{", "@/nowhere/at/all", "nul"])
def test_what_is_no_json_is_named_with_its_option(text: str) -> None:
    with pytest.raises(AskedWrongly, match="--input"):
        parsed(text, "--input")


def test_labels_are_names_and_values() -> None:
    assert labels_of(["a=1", "b=x=y"]) == {"a": "1", "b": "x=y"}
    for wrong in ("a", "=1", ""):
        with pytest.raises(AskedWrongly, match="NAME=VALUE"):
            labels_of([wrong])


JOB = Job(
    job_id="run_1:s@1",
    step="s",
    attempt=1,
    kind="job",
    topic="job.t",
    input="{}",
    tenant="default",
    principal="p",
    workflow="w",
    requires=("docker",),
)
WRIT = Writ(
    writ_id="w",
    job_id=JOB.job_id,
    job_hash=b"",
    pool="gpu",
    policy_snapshot="s",
    rule="r",
    issued_at=0,
    expires_at=1,
)
BY: dict[str, Any] = {"job_id": JOB.job_id, "lease": 7, "worker": "w/1"}
WAY: list[tuple[str, Event, str]] = [
    ("decisions", WritIssued(job=JOB, writ=WRIT), "has a writ for pool 'gpu', and waits for the scheduler"),
    ("jobs", JobQueued(job=JOB, writ=WRIT), "has a writ, and waits for a worker of pool 'gpu' that takes 'job.t'"),
    ("jobs", JobDispatched(job=JOB, writ=WRIT, worker="w/1", lease=7, lease_ms=1), "is dispatched to w/1 since"),
    ("reports", JobStarted(**BY, began_at=1), "w/1 is at it: it said so at 1970"),
    ("reports", JobProgressed(**BY, number=1), "w/1 is at it: it said so at 1970"),
    ("reports", JobProgressed(**BY, number=2, percent=50), "w/1 is at it: at 1970-01-01T00:00:01Z it said: 50 %"),
    (
        "reports",
        JobProgressed(**BY, number=3, percent=60, message="half"),
        "w/1 is at it: at 1970-01-01T00:00:01Z it said: 60 %, half",
    ),
    (
        "reports",
        ConstraintBreached(**BY, number=1, constraint="c", message="m", was_stopped=True),
        "w/1 is at it: it said so",
    ),
    ("jobs", JobCancelled(job_id=JOB.job_id, step="s", lease=7, worker="w/1"), "is called back: w/1"),
    ("jobs", JobReleased(job_id=JOB.job_id, lease=7, worker="w/1", outcome="JobSucceeded"), "is decided on"),
    ("reports", JobSucceeded(job_id=JOB.job_id, lease=7, worker="w/1", output="1"), "was reported by w/1"),
]


def test_a_job_waits_for_whoever_is_next_on_its_way() -> None:
    assert explained(JOB.job_id, []).reason == "waits for a decision of policy"
    come: list[Seen] = []
    for stream, event, words in WAY:
        come.append(seen(stream, event))
        found = explained(JOB.job_id, come)
        assert found.reason.startswith(words)
        assert found.do.endswith((".", "?"))
    assert explained("run_1:s@2", come).reason == "waits for a decision of policy"


@pytest.mark.parametrize(
    ("waits_for", "do"),
    [
        ("no worker of pool 'gpu' takes topic 'job.t' and has docker", "Start a worker with docker that takes 'job.t'"),
        ("a worker: pool 'gpu' has none", "Start a worker with docker"),
        ("tenant 'default' has its 2 at once; before it: 3 of its own tenant", "Nothing: its turn comes. See"),
        ("its turn; the pool takes no more: draining", "See `foldgate pools show gpu`"),
    ],
)
def test_a_job_in_its_queue_waits_for_what_the_scheduler_says(waits_for: str, do: str) -> None:
    come = [seen("jobs", JobQueued(job=JOB, writ=WRIT))]
    found = explained(JOB.job_id, come, waits_for=waits_for)
    assert found.reason == f"has a writ, and waits in pool 'gpu': {waits_for}"
    assert do in found.do
    come.append(seen("jobs", JobDispatched(job=JOB, writ=WRIT, worker="w/1", lease=7, lease_ms=1)))
    assert "gpu" not in explained(JOB.job_id, come, waits_for=waits_for).reason


def test_a_word_of_a_worker_whose_other_words_are_not_there_is_one() -> None:
    assert explained(JOB.job_id, [seen("reports", JobStarted(**BY, began_at=1))]).reason.startswith("w/1 is at it")


def test_who_waits_for_a_worker_is_told_what_it_needs() -> None:
    assert "with docker" in explained(JOB.job_id, [seen("jobs", JobQueued(job=JOB, writ=WRIT))]).do


def test_what_policy_waits_for_is_told_and_no_shadow_hides_it() -> None:
    decision = Decision(decision="throttle", policy_snapshot="s", rule="floor#slow", reason="One at a time.")
    throttled = JobThrottled(job_id=JOB.job_id, step="s", until=1000, times=1, decision=decision)
    shadowed = ShadowDecided(job_id=JOB.job_id, step="s", bundle="draft", revision=1, decision=decision)
    found = explained(JOB.job_id, [seen("decisions", throttled), seen("decisions", shadowed)])
    assert found.reason == "is throttled until 1970-01-01T00:00:01Z: One at a time."


def seen(stream: str, event: Event) -> Seen:
    record = Record(Partition(stream, 0), 0, b"run_1", b"")
    return Seen(record, accepted=True, at=1000, meta=meta("run_1", stream=stream), event=event)
