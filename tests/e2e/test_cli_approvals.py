"""A suite as `foldgate up` makes it: policy asks before a write to production, and people answer with its keys."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.support.commands import Up, running, up
from tests.support.terminals import CTRL_C, CTRL_D, on_terminal

ECHO = Path(__file__).parents[2] / "examples" / "echo_worker.py"
DEPLOY = "id: deploy\nsteps:\n  apply: {type: job, topic: job.echo, meta: {risk_tags: [prod, write]}}\n"


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    document = tmp_path_factory.mktemp("documents") / "deploy.yaml"
    document.write_text(DEPLOY)
    with up(tmp_path_factory.mktemp("approvals") / "data") as found:
        done = found.foldgate("workflow", "publish", str(document))
        assert done.returncode == 0, done.stderr + done.stdout
        errors = found.data.with_name("worker.errors")
        with running("worker", str(ECHO), "--data", str(found.data), errors=errors) as worker:
            worker.line()
            yield found


def question(suite: Up) -> dict[str, Any]:
    """What policy asks before a new run's job."""
    run = suite.json("run", "start", "deploy", "--input", '{"replicas": 4}')["run_id"]
    while True:
        for one in suite.json("approvals", "list"):
            if one["run_id"] == run:
                return dict(one)


def told(suite: Up, run: str, event: str) -> None:
    """Wait until a run has had this event."""
    words = ("streams", "tail", "runs", "--run", run, "--from", "beginning", "--follow", "--json")
    errors = suite.data.with_name("tail.errors")
    with running(*words, "--data", str(suite.data), errors=errors) as tail:
        while msgspec.json.decode(tail.line())["event"] != event:
            pass


def test_policy_asks_and_a_vote_lets_the_job_be_done(suite: Up) -> None:
    asked = question(suite)
    name = asked["approval_id"]
    assert (asked["kind"], asked["missing"]) == ("policy", ["1 of 1 votes"])
    assert asked["input"]["job"]["input"] == {"replicas": 4}
    stale = suite.foldgate("approvals", "approve", name, "--as", "bob", "--binding", "0" * 64)
    assert (stale.returncode, "approval_stale" in stale.stdout) == (1, True)
    said = suite.foldgate("approvals", "approve", name, "--as", "bob", "--role", "sre", "--reason", "in the window")
    assert said.returncode == 0, said.stderr
    for shown in ("foldgate/default#production-writes-need-one", "job.echo", asked["binding"], "granted"):
        assert shown in said.stdout
    told(suite, asked["run_id"], "RunSucceeded")
    [vote] = suite.json("approvals", "show", name)["votes"]
    assert (vote["voter"], vote["roles"], vote["reason"]) == ("bob", ["sre"], "in the window")


@pytest.mark.parametrize("verb", ["approve", "reject"])
@pytest.mark.parametrize("keys", ["n\n", "\n", CTRL_C, CTRL_D], ids=["n", "Enter", "Ctrl-C", "Ctrl-D"])
def test_on_a_terminal_one_is_asked_and_may_think_better_of_it(suite: Up, verb: str, keys: str) -> None:
    asked = question(suite)
    with on_terminal(
        "approvals", verb, asked["approval_id"], "--as", "bob", "--role", "sre", data=suite.data
    ) as typing:
        typing.read_to(f"Vote {'yes' if verb == 'approve' else 'no'} as bob? [y/N]: ")
        for shown in ("foldgate/default#production-writes-need-one", "job.echo", asked["binding"]):
            assert shown in typing.shown, "what is voted on stands above the question"
        if keys == CTRL_C:
            typing.interrupt()
        else:
            typing.type(keys)
        assert typing.ended() != 0
        assert "Traceback" not in typing.shown
        assert "has the vote" not in typing.shown
    shown = suite.json("approvals", "show", asked["approval_id"])
    assert (shown["status"], shown["votes"]) == ("open", [])


def test_on_a_terminal_yes_is_a_vote_and_is_not_asked_for_twice(suite: Up) -> None:
    asked = question(suite)
    words = ("approvals", "approve", asked["approval_id"], "--as", "bob", "--role", "sre")
    with on_terminal(*words, data=suite.data) as typing:
        typing.read_to("Vote yes as bob? [y/N]: ")
        typing.type("y\n")
        assert typing.ended() == 0
        assert f"{asked['approval_id']} has the vote: granted" in typing.shown
    told(suite, asked["run_id"], "RunSucceeded")
    other = question(suite)
    sure = ("approvals", "reject", other["approval_id"], "--as", "bob", "--role", "sre", "--yes")
    with on_terminal(*sure, data=suite.data) as typing:
        assert typing.ended() == 0
        assert "[y/N]" not in typing.shown
    assert suite.json("approvals", "show", other["approval_id"])["status"] == "refused"
