"""Dead letters as a user has them: a job fails for good, is looked at, tried again, or given up."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.commands import Up, running, up
from tests.support.terminals import on_terminal

RELEASE = """
id: release
steps:
  build: {type: job, topic: job.build}
  deploy: {type: job, topic: job.deploy, depends_on: [build], input: {built: "${steps.build.output}"}}
"""
WORKER = """
from pathlib import Path
from foldgate.sdk import Fatal, Job, Worker

worker = Worker("deployer")


@worker.job("job.build")
def build(job: Job) -> str:
    return "built"


@worker.job("job.deploy")
def deploy(job: Job) -> object:
    if not Path(__file__).with_name("disk").exists():
        raise Fatal("no_disk", "The disk is full.")
    return {"deployed": job.input["built"]}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("letters")
    (made / "release.yaml").write_text(RELEASE)
    (made / "deployer.py").write_text(WORKER)
    return made


@pytest.fixture(scope="module")
def suite(folder: Path) -> Iterator[Up]:
    with up(folder / "data") as found:
        done = found.foldgate("workflow", "publish", str(folder / "release.yaml"))
        assert done.returncode == 0, done.stderr + done.stdout
        words = ("worker", str(folder / "deployer.py"), "--data", str(found.data))
        with running(*words, errors=folder / "worker.errors") as worker:
            worker.line()
            yield found


def letter(suite: Up) -> str:
    """The name of the dead letter of a new run, which has failed."""
    run = str(suite.json("run", "start", "release")["run_id"])
    while not (found := suite.json("dlq", "list", "--run", run)):
        pass
    [one] = found
    assert (one["code"], one["ended"], one["status"]) == ("no_disk", "failed", "open")
    return str(one["letter"])


def test_a_job_that_failed_is_looked_at_and_tried_again(suite: Up, folder: Path) -> None:
    name = letter(suite)
    assert "foldgate dlq list --all --run" in suite.foldgate("why", name.partition(":")[0]).stdout
    listed = suite.foldgate("dlq", "list").stdout
    assert name in listed
    shown = suite.foldgate("dlq", "show", name).stdout
    for line in ("no_disk: The disk is full.", '{"built":"built"}', "deployer/", f"foldgate dlq retry {name}"):
        assert line in shown
    found = suite.json("dlq", "show", name.partition(":")[0])
    assert (found["job"]["input"], found["decision"]["decision"], len(found["tries"])) == (
        {"built": "built"},
        "allow",
        1,
    )
    (folder / "disk").touch()
    said = suite.foldgate("dlq", "retry", name, "--wait", "--as", "ada", "--reason", "a disk was added")
    assert said.returncode == 0, said.stderr
    assert f"{found['retry_run']} succeeded" in said.stdout
    again = suite.foldgate("dlq", "retry", name)
    assert (again.returncode, "already_retried" in again.stdout) == (1, True)
    after = suite.json("dlq", "show", name)
    assert (after["status"], after["settled_by"], after["new_run"]) == ("retried", "ada", found["retry_run"])
    told = suite.foldgate("timeline", name.partition(":")[0]).stdout
    for event in ("JobAbandoned", "DeadLetterOpened", "DeadLetterRetryRequested", "DeadLetterRetried"):
        assert event in told
    (folder / "disk").unlink()


def test_one_is_given_up_and_whoever_is_at_a_terminal_is_asked_first(suite: Up) -> None:
    name = letter(suite)
    with on_terminal("dlq", "discard", name, data=suite.data) as typing:
        typing.read_to("Nobody tries a discarded job again. [y/N]: ")
        assert name.partition(":")[0] in typing.shown
        typing.type("n\n")
        assert typing.ended() != 0
    assert suite.json("dlq", "show", name)["status"] == "open"
    said = suite.json("dlq", "discard", name, "--reason", "known")
    assert (said["status"], said["reason"]) == ("discarded", "known")
    refused = suite.foldgate("dlq", "retry", name)
    assert (refused.returncode, "already_discarded" in refused.stdout) == (1, True)


def test_what_is_none_is_said_with_the_next_command(suite: Up) -> None:
    for word in ("show", "retry", "discard"):
        said = suite.foldgate("dlq", word, "run_none:deploy")
        assert (said.returncode, "`foldgate dlq list`" in said.stderr) == (2, True), said.stderr
