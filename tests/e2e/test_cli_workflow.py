"""Workflows from the command line: published, run, looked at, controlled and run again, against a suite of its own."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.support.commands import Running, Up, foldgate, running, up

ROOT = Path(__file__).parents[2]
ECHO = ROOT / "examples" / "echo_worker.py"
TRIAGE = """
id: triage
version: "1"
input_schema: {type: object, required: [incident]}
output: {kept: "${ctx.severity}", said: "${steps.logs.output.you_said}"}
steps:
  classify: {type: job, topic: job.echo}
  keep: {type: storage, set: {severity: 2}, depends_on: [classify]}
  scan: {type: parallel, steps: [logs, metrics], depends_on: [keep]}
  logs: {type: job, topic: job.echo, input: {of: "${input.incident}"}}
  metrics: {type: transform, output: {errors: 7}}
  gate: {type: wait, signal: go, depends_on: [scan]}
  fix: {type: job, topic: "job.fail", depends_on: [gate]}
"""
MENDED = TRIAGE.replace('"1"', '"2"').replace('"job.fail"', "job.echo")
SLOW = "id: slow\nsteps:\n  nap: {type: delay, delay: 1h}\n  call: {type: job, topic: job.nobody}\n"
PARENT = "id: parent\nsteps:\n  call: {type: subworkflow, workflow: slow}\n"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("documents")
    for name, text in {"triage": TRIAGE, "mended": MENDED, "slow": SLOW, "parent": PARENT}.items():
        (folder / f"{name}.yaml").write_text(text)
    return folder


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory, files: Path) -> Iterator[Up]:
    with up(tmp_path_factory.mktemp("cli") / "data") as found:
        done = found.foldgate(
            "workflow", "publish", *(str(files / f"{name}.yaml") for name in ("triage", "slow", "parent"))
        )
        assert done.returncode == 0, done.stderr + done.stdout
        yield found


@pytest.fixture(scope="module")
def worker(suite: Up) -> Iterator[Running]:
    errors = suite.data.with_name("worker.errors")
    with running("worker", str(ECHO), "--data", str(suite.data), errors=errors) as found:
        found.line()
        yield found


def started(suite: Up, *words: str) -> str:
    """The id of a run that was started."""
    begun = suite.json("run", "start", *words)
    assert begun["status"] == "started"
    return str(begun["run_id"])


def why(suite: Up, run: str) -> dict[str, dict[str, Any]]:
    """What a run waits for, by step."""
    return {wait["step"]: wait for wait in suite.json("why", run)["waits"]}


def told(suite: Up, run: str, event: str) -> None:
    """Wait until a run has had this event."""
    with running(
        *("streams", "tail", "runs", "--run", run, "--from", "beginning", "--follow", "--json"),
        *("--data", str(suite.data)),
        errors=suite.data.with_name("tail.errors"),
    ) as tail:
        while msgspec.json.decode(tail.line())["event"] != event:
            pass


def test_documents_are_judged_without_a_suite(tmp_path: Path) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text("id: bad\nsteps:\n  a:\n    type: jub\n  b: {type: job, depends_on: [zz]}\n")
    examples = sorted(map(str, (ROOT / "examples").glob("*.yaml")))
    assert len(examples) >= 2
    assert foldgate("workflow", "validate", *examples).returncode == 0
    done = foldgate("workflow", "validate", examples[0], str(bad))
    assert done.returncode == 1
    assert f"{bad}:4:11: steps.a.type: " in done.stdout
    assert f"{bad}:5:" in done.stdout
    judged = msgspec.json.decode(foldgate("workflow", "validate", str(bad), "--json").stdout)
    assert [one["valid"] for one in judged] == [False]
    missing = foldgate("workflow", "validate", str(tmp_path / "none.yaml"))
    assert (missing.returncode, "Traceback" in missing.stderr) == (2, False)


def test_publishing_twice_changes_nothing_and_a_changed_version_is_refused(
    suite: Up, files: Path, tmp_path: Path
) -> None:
    [again] = suite.json("workflow", "publish", str(files / "triage.yaml"))
    assert (again["status"], again["workflow"], again["version"]) == ("unchanged", "triage", "1")
    changed = tmp_path / "changed.yaml"
    changed.write_text(TRIAGE.replace("errors: 7", "errors: 8"))
    done = suite.foldgate("workflow", "publish", str(changed))
    assert done.returncode == 1
    assert "version_conflict" in done.stdout
    broken = tmp_path / "broken.yaml"
    broken.write_text("id: late\nsteps: {}\n")
    assert suite.foldgate("workflow", "publish", str(files / "mended.yaml"), str(broken)).returncode == 1
    assert suite.json("workflow", "show", "triage")["versions"] == ["1"], "one that is broken stops all of them"


def test_workflows_are_listed_shown_and_drawn(suite: Up) -> None:
    listed = {one["workflow"]: one for one in suite.json("workflow", "list")}
    assert {"triage", "slow", "parent"} <= listed.keys()
    shown = suite.json("workflow", "show", "triage")
    assert shown["digest"] == listed["triage"]["digest"]
    assert "classify" in suite.foldgate("workflow", "show", "triage").stdout
    assert suite.foldgate("workflow", "show", "triage", "--source").stdout.strip() == TRIAGE.strip()
    graph = suite.json("workflow", "graph", "triage")
    assert {"source": "scan", "target": "logs", "why": "part"} in graph["edges"]
    assert "in it: logs" in suite.foldgate("workflow", "graph", "triage").stdout
    assert suite.foldgate("workflow", "graph", "triage", "--mermaid").stdout.startswith("flowchart TD")
    near = suite.foldgate("workflow", "show", "triag")
    assert (near.returncode, "did you mean 'triage'" in near.stderr) == (2, True)


def test_a_dry_run_dispatches_nothing(suite: Up) -> None:
    before = suite.json("streams", "list")
    plan = suite.json("run", "start", "triage", "--input", '{"incident": 1}', "--dry-run")
    assert [step["step"] for step in plan["steps"]][:2] == ["classify", "keep"]
    assert plan["steps"][0]["decision"].startswith("allow by foldgate/default#")
    assert (plan["decision"], plan["steps"][0]["pool"]) == ("allow", "default")
    unfit = suite.foldgate("run", "start", "triage", "--dry-run")
    assert (unfit.returncode, "incident" in unfit.stderr) == (1, True)
    ends = [{one["name"]: one["ends"] for one in listed} for listed in (before, suite.json("streams", "list"))]
    assert [ends[0][name] for name in ("intake", "dispatch.default") if name in ends[0]] == [
        ends[1][name] for name in ("intake", "dispatch.default") if name in ends[0]
    ]


def test_what_cannot_be_started_is_refused_with_a_reason(suite: Up) -> None:
    nobody = suite.foldgate("run", "start", "nobody")
    assert (nobody.returncode, "unknown_workflow" in nobody.stdout) == (1, True)
    unfit = suite.foldgate("run", "start", "triage", "--input", "{}")
    assert (unfit.returncode, "invalid_input" in unfit.stdout) == (1, True)


def test_what_a_run_waits_for_is_told_from_the_first_job_to_the_last_signal(suite: Up) -> None:
    run = started(suite, "triage", "--input", '{"incident": 1}')
    told(suite, run, "JobRequested")
    with (
        running(
            "run", "watch", run, "--json", "--data", str(suite.data), errors=suite.data.with_name("w.err")
        ) as watch,
        running(
            "timeline", run, "--follow", "--data", str(suite.data), "--json", errors=suite.data.with_name("t.err")
        ) as timeline,
    ):
        first = msgspec.json.decode(watch.line())
        assert (first["run_id"], first["step"], first["status"]) == (run, "", "running")
        to_its_end(suite, run)
        assert_all_was_told(suite, run, watch=watch, timeline=timeline)


def assert_all_was_told(suite: Up, run: str, *, watch: Running, timeline: Running) -> None:
    """What watched and followed the run has told each thing once, and has ended as the run did."""
    *rows, end = rest_of(watch)
    assert (watch.ended(), end["status"], end["code"]) == (1, "failed", "not_today")
    told = [(row["step"], row["status"]) for row in rows]
    assert {("classify", "succeeded"), ("", "paused"), ("gate", "waiting"), ("fix", "failed")} <= set(told)
    assert any("signal go" in row["waits"] for row in rows if row["step"] == "gate")
    followed = [one["meta"]["event_id"] for one in rest_of(timeline)]
    assert timeline.ended() == 0
    everything = suite.lines("timeline", run)
    assert len(followed) == len(set(followed))
    assert set(followed) <= {one["meta"]["event_id"] for one in everything}
    own = [one["meta"]["event_id"] for one in everything if one["stream"] == "runs"]
    assert [event for event in followed if event in own] == own
    assert "job.echo" in suite.foldgate("timeline", run, "--follow").stdout, "of one that is over it ends at once"
    shown = suite.foldgate("run", "watch", run)
    assert (shown.returncode, "fix  failed" in shown.stdout) == (1, True)
    for command in (("run", "watch", "run_none"), ("timeline", "run_none", "--follow")):
        unknown = suite.foldgate(*command)
        assert (unknown.returncode, "see `foldgate run list`" in unknown.stderr) == (1, True)


def rest_of(command: Running) -> list[dict[str, Any]]:
    """All that it says until it ends."""
    assert command.process.stdout is not None
    return [msgspec.json.decode(line) for line in command.process.stdout]


def to_its_end(suite: Up, run: str) -> None:
    """Take the run through each thing that it waits for."""
    job = why(suite, run)["classify"]
    assert "policy" in job["reason"] or "pool 'default'" in job["reason"]
    with running("worker", str(ECHO), "--data", str(suite.data), errors=suite.data.with_name("brief.errors")):
        told(suite, run, "StepStarted")
        paused = suite.json("run", "pause", run, "--reason", "lunch")
        assert (paused["status"], paused["event"]) == ("done", "RunPaused")
        assert "foldgate run resume" in why(suite, run)[""]["do"]
        again = suite.foldgate("run", "pause", run)
        assert (again.returncode, "already_paused" in again.stdout) == (1, True)
        assert suite.json("run", "resume", run)["event"] == "RunResumed"
        while "gate" not in why(suite, run):
            pass
        assert why(suite, run)["gate"]["do"] == f"Send the signal: `foldgate run signal {run} go --payload JSON`."
        shown = suite.json("run", "show", run)
        assert (shown["status"], shown["ctx"]) == ("waiting", {"severity": 2})
        assert shown["steps"]["metrics"]["output"] == {"errors": 7}
        live = suite.foldgate("run", "rerun", run, "--from", "fix")
        assert (live.returncode, "goes on" in live.stderr) == (2, True)
        assert suite.json("run", "signal", run, "go", "--payload", '{"by": "ada"}')["status"] == "done"
        told(suite, run, "RunFailed")
    over = suite.json("why", run)
    assert (over["status"], over["end"]["code"], over["step"]["step"]) == ("failed", "not_today", "fix")
    for late in (("cancel", run), ("signal", run, "go")):
        done = suite.foldgate("run", *late)
        assert (done.returncode, "has ended, failed" in done.stderr) == (1, True)


@pytest.mark.usefixtures("worker")
def test_a_run_goes_on_where_it_failed(suite: Up, files: Path) -> None:
    run = started(suite, "triage", "--input", '{"incident": 5}', "--label", "team=sre")
    suite.json("run", "signal", run, "go")
    told(suite, run, "RunFailed")
    strange = suite.foldgate("run", "rerun", run, "--from", "fixx")
    assert (strange.returncode, "did you mean 'fix'" in strange.stderr) == (2, True)
    plan = suite.json("run", "rerun", run, "--from", "logs", "--dry-run")
    assert (plan["from_step"], plan["rerun_of"]) == ("scan", run)
    assert {step["step"] for step in plan["steps"] if step["begins"] == "taken over"} == {"classify", "keep"}
    assert suite.foldgate("workflow", "publish", str(files / "mended.yaml")).returncode == 0
    same = suite.foldgate("run", "rerun", run, "--from", "fix", "--wait", "--key", "same")
    assert (same.returncode, "not_today" in same.stdout) == (1, True)
    mended = suite.json("run", "rerun", run, "--from", "fix", "--latest", "--wait")
    assert mended["status"] == "succeeded"
    assert msgspec.json.decode(mended["output"]) == {"kept": 2, "said": {"of": 5}}
    events = [one["event"] for one in suite.lines("timeline", mended["run_id"])]
    assert events.count("JobRequested") == 1, "only the step that failed was done again"
    shown = suite.json("run", "show", mended["run_id"])
    assert (shown["labels"], shown["version"], shown["rerun_of"]) == ({"team": "sre"}, "2", run)


@pytest.mark.usefixtures("worker")
def test_a_run_of_one_step_is_done_again_too(suite: Up) -> None:
    run = suite.json("run", "job", "job.echo", "--input", "[1]", "--wait")["run_id"]
    again = suite.json("run", "rerun", run, "--from", "job", "--wait")
    assert again["run_id"] != run
    assert msgspec.json.decode(again["output"]) == {"you_said": [1], "attempt": 1}


def test_a_cancel_goes_down_to_the_child(suite: Up) -> None:
    run = started(suite, "parent")
    told(suite, run, "ChildRequested")
    child = why(suite, run)["call"]["do"].split()[-1].strip("`.")
    assert suite.json("why", child)["status"] in ("running", "waiting")
    assert (
        "delay" in suite.foldgate("timeline", child).stdout or "waits until" in suite.foldgate("timeline", child).stdout
    )
    assert suite.json("run", "cancel", run, "--reason", "enough")["event"] == "RunHalted"
    told(suite, run, "RunCancelled")
    statuses = {one["run_id"]: one["status"] for one in suite.json("run", "list", "--limit", "50")}
    assert (statuses[run], statuses[child]) == ("cancelled", "cancelled")
    assert f"{run} cancelled at" in suite.foldgate("why", run).stdout


def test_the_latest_runs_are_listed_the_newest_first(suite: Up) -> None:
    runs = [started(suite, "slow", "--key", str(number)) for number in range(3)]
    assert started_again(suite, "slow", "--key", "2") == runs[2]
    listed = suite.json("run", "list", "--workflow", "slow", "--limit", "2")
    assert [one["run_id"] for one in listed] == [runs[2], runs[1]]
    for run in runs:
        suite.json("run", "cancel", run)


def started_again(suite: Up, *words: str) -> str:
    begun = suite.json("run", "start", *words)
    assert begun["status"] == "was there already"
    return str(begun["run_id"])


def test_a_retired_workflow_starts_nothing(suite: Up, files: Path) -> None:
    assert suite.json("workflow", "retire", "slow", "--reason", "old")["status"] == "retired"
    done = suite.foldgate("run", "start", "slow")
    assert (done.returncode, "workflow_retired" in done.stdout) == (1, True)
    listed = {one["workflow"]: one["state"] for one in suite.json("workflow", "list")}
    assert listed["slow"] == "retired"
    assert suite.json("workflow", "publish", str(files / "slow.yaml"))[0]["status"] == "published"
    assert suite.foldgate("workflow", "retire", "nobody").returncode == 1


def test_runs_that_are_not_there_are_said_not_to_be(suite: Up) -> None:
    for words in (("why", "run_none"), ("run", "show", "run_none"), ("run", "cancel", "run_none")):
        done = suite.foldgate(*words)
        assert (done.returncode, done.stdout) == (1, "")
        assert "nothing there is about it" in done.stderr
