"""Policy from the command line: tried, put, published, explained and taken back, against a suite of its own."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.commands import Running, Up, foldgate, running, up
from tests.support.keys import folder_of_keys

ROOT = Path(__file__).parents[2]
ECHO = ROOT / "examples" / "echo_worker.py"
DEFAULT = ROOT / "deploy" / "policies" / "default.yaml"
RISKY = """
id: deploy
steps:
  apply: {type: job, topic: job.echo, meta: {risk_tags: [prod, write]}}
"""
FLOOR = """bundle: team/floor
default_decision: allow
rules:
  - id: no-mail
    match: {topics: ["mail.*"]}
    decision: deny
    reason: nobody is written to
tests:
  - {name: mail, job: {topic: mail.send}, expect: {decision: deny, rule: no-mail}}
"""


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    with up(tmp_path_factory.mktemp("policy") / "data") as found:
        yield found


@pytest.fixture(scope="module")
def worker(suite: Up) -> Iterator[Running]:
    errors = suite.data.with_name("worker.errors")
    with running("worker", str(ECHO), "--data", str(suite.data), errors=errors) as found:
        found.line()
        yield found


@pytest.fixture
def floor(tmp_path: Path) -> Path:
    file = tmp_path / "floor.yaml"
    file.write_text(FLOOR)
    return file


def active(suite: Up) -> list[str]:
    return [one["bundle"] for one in suite.json("policy", "show")["bundles"]]


def test_bundles_are_judged_and_tried_without_a_suite(floor: Path) -> None:
    done = foldgate("policy", "test", str(DEFAULT), str(floor))
    assert (done.returncode, "3 of 3 tests pass" in done.stdout) == (0, True)
    floor.write_text(FLOOR.replace("decision: deny, rule", "decision: allow, rule"))
    done = foldgate("policy", "test", str(floor))
    assert (done.returncode, "Expected allow by no-mail, but got deny by no-mail" in done.stdout) == (1, True)
    job = '{"topic": "job.x", "risk_tags": ["prod", "write"]}'
    done = foldgate("policy", "simulate", "--alone", "--with", str(DEFAULT), "--job", job)
    assert done.stdout.startswith("require_approval by foldgate/default#production-writes-need-one: ")
    done = foldgate("policy", "simulate", "--alone", "--with", str(DEFAULT), "--job", '{"topik": "job.x"}')
    assert (done.returncode, "topik" in done.stderr) == (2, True)


def test_a_suite_begins_with_a_bundle_that_is_published_once(suite: Up) -> None:
    [first] = suite.json("policy", "snapshots")
    assert (first["by"], first["active"], [one["bundle"] for one in first["bundles"]]) == (
        "foldgate up",
        True,
        ["foldgate/default"],
    )
    assert (
        suite.foldgate("policy", "show", "foldgate/default", "--source").stdout.strip() == DEFAULT.read_text().strip()
    )
    assert "production-writes-need-one" in suite.foldgate("policy", "show", "foldgate/default").stdout


@pytest.mark.usefixtures("worker")
def test_a_newcomers_jobs_run_and_what_writes_to_production_asks(suite: Up, tmp_path: Path) -> None:
    assert suite.json("run", "job", "job.echo", "--wait")["status"] == "succeeded"
    file = tmp_path / "deploy.yaml"
    file.write_text(RISKY)
    suite.json("workflow", "publish", str(file))
    run = str(suite.json("run", "start", "deploy")["run_id"])
    required = _decided(suite, run, "ApprovalRequired")
    assert required["decision"]["rule"] == "foldgate/default#production-writes-need-one"
    assert required["explained"]["bundles"][0]["rules"][0]["decides"] is True
    told = suite.foldgate("policy", "explain", run, "--step", "apply").stdout
    assert "production-writes-need-one: matches and decides require_approval" in told
    assert "waits for people: This writes to production" in suite.foldgate("why", run).stdout


def test_a_bundle_is_put_published_explained_and_taken_back(suite: Up, floor: Path) -> None:
    floor.write_text(FLOOR.replace("    decision: deny", "    decison: deny"))
    done = suite.foldgate("policy", "put", str(floor))
    assert done.returncode == 1
    assert (
        f"{floor}:6:5: rules[0].decison: Expected a known key, but got 'decison'; did you mean 'decision'?"
        in done.stdout
    )
    floor.write_text(FLOOR)
    [drafted] = suite.json("policy", "put", str(floor), "--reason", "spam", "--as", "ada")
    assert (drafted["status"], drafted["revision"], drafted["by"]) == ("drafted", 1, "ada")
    job = ("--job", '{"topic": "mail.send"}')
    assert suite.json("policy", "simulate", *job)["decision"] == "allow"
    would = suite.json("policy", "simulate", *job, "--drafts")
    assert (would["decision"], would["rule"]) == ("deny", "team/floor#no-mail")
    assert active(suite) == ["foldgate/default"]

    published = suite.json("policy", "publish", "team/floor", "--reason", "spam")
    assert (published["kind"], active(suite)) == ("publish", ["foldgate/default", "team/floor"])
    done = suite.foldgate("run", "job", "mail.send", "--wait", "--key", "letter")
    assert done.returncode == 1
    assert "denied: team/floor#no-mail: nobody is written to" in done.stdout
    run = done.stdout.split()[0]
    back = suite.json("policy", "rollback", "--reason", "too strict")
    assert (back["kind"], active(suite)) == ("rollback", ["foldgate/default"])
    assert len(suite.json("policy", "snapshots")) == 3
    denied = _decided(suite, run, "JobDenied")
    assert denied["explained"]["rule"] == "team/floor#no-mail", "explained under the snapshot of then"

    done = suite.foldgate("policy", "put", str(floor), "--revision", "0")
    assert (done.returncode, "revision_conflict" in done.stdout) == (1, True)
    done = suite.foldgate("policy", "delete", "team/floor")
    assert (done.returncode, "unknown_bundle" in done.stdout) == (1, True)
    assert suite.json("policy", "rollback", published["policy_snapshot"][:20])["kind"] == "rollback"
    assert suite.json("policy", "delete", "team/floor")["kind"] == "delete"


def test_a_draft_is_evaluated_beside_what_is_active(suite: Up, floor: Path) -> None:
    floor.write_text(FLOOR.replace("team/floor", "team/shadow"))
    suite.json("policy", "put", str(floor))
    assert suite.json("policy", "shadow", "team/shadow")["status"] == "shadowed"
    assert [one["bundle"] for one in suite.json("policy", "show")["shadows"]] == ["team/shadow"]
    assert suite.json("policy", "shadow", "team/shadow", "--end")["revision"] == 0
    assert suite.json("policy", "show")["shadows"] == []


def test_what_up_prints_about_policy_is_true(tmp_path: Path, postgres_url: str) -> None:
    errors, data = tmp_path / "errors", tmp_path / "data"
    settings = {"FOLDGATE_POSTGRES": postgres_url, "FOLDGATE_SUITE": f"words_{tmp_path.name[-12:]}"}
    for more, words in (
        ({"FOLDGATE_DEFAULT_DECISION": "allow"}, "no bundle is active, so every job is allowed"),
        ({}, "foldgate/default lets everything run"),
        ({"FOLDGATE_KEYS": str(folder_of_keys())}, "foldgate/default lets everything run"),
    ):
        with running(
            *("up", "--port", "0", "--data", str(data)), errors=errors, settings={**settings, **more}
        ) as command:
            while "Policy: " not in (line := command.line()):
                pass
            assert words in line


def _decided(suite: Up, run: str, event: str) -> dict[str, Any]:
    """That decision on a run, once it is there."""
    for _ in range(50):
        found = [one for one in suite.json("policy", "explain", run) if one["event"] == event]
        if found:
            return dict(found[0])
    raise AssertionError(f"Expected a {event} of {run}, but there is none.")


def test_a_document_is_signed_by_its_author_with_a_key_of_their_own(suite: Up, floor: Path, tmp_path: Path) -> None:
    floor.write_text(FLOOR.replace("team/floor", "team/signed"))
    ada, eve = tmp_path / "ada.json", tmp_path / "eve.json"
    assert suite.foldgate("keys", "person", "ada", str(ada), "--role", "policy_author").returncode == 0
    assert suite.foldgate("keys", "person", "eve", str(eve)).returncode == 0
    refused = suite.foldgate("policy", "put", str(floor), "--sign", str(eve), "--as", "bob")
    assert (refused.returncode, "bundle_wrong_role" in refused.stdout) == (1, True)
    [drafted] = suite.json("policy", "put", str(floor), "--sign", str(ada), "--as", "bob")
    assert (drafted["status"], drafted["author"], drafted["by"]) == ("drafted", "ada", "bob")
    none = suite.foldgate("policy", "put", str(floor), "--sign", str(floor))
    assert (none.returncode, f"Expected a key in {floor}, but it holds none" in none.stderr) == (2, True)
