"""Each block of the pages under docs/ and of the services: shell is typed on a suite at work, all else has its test."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from foldgate.authority.pools_reading import prepare
from foldgate.contracts.events import WorkflowPublished
from foldgate.eventlog.postgres import PostgresLog
from foldgate.runtime.settings import from_environment
from foldgate.servers.postgres_binaries import installed_home
from tests.support.commands import WITHIN_S, Up, environment, running, up
from tests.support.pages import ROOT, Block, blocks, same, typed

PAGES = sorted([*ROOT.glob("docs/**/*.md"), *ROOT.glob("services/foldgate/*/README.md")])
BLOCKS = [block for page in PAGES for block in blocks(page)]
NOT_HERE = {
    "docs/kafka.md: $ foldgate kafka topics --apply": (
        "it wants brokers with access lists: tests/contract/test_kafka_security.py has one, and does it there"
    ),
}
"""Shell that a suite on one embedded PostgreSQL cannot answer, and why."""
PICTURES = {
    "docs/architecture.md: intake     RunRequested        a program asks",
    "docs/concepts.md: people, programs                                           workers",
}
"""They show, and say nothing that could be executed."""
HERE = "tests/e2e/test_docs_blocks.py"
TESTS = {
    ("docs/adding-an-event.md", "json"): "tests/unit/test_adding_an_event.py",
    ("docs/artifacts.md", "json"): HERE,
    ("docs/artifacts.md", "python"): "tests/unit/test_sdk_artifacts.py",
    ("docs/concepts.md", "python"): "tests/unit/test_docs_concepts.py",
    ("docs/dead-letters.md", "python"): "tests/contract/test_letters.py",
    ("docs/identity.md", "ini"): HERE,
    ("docs/language.md", "yaml"): "tests/unit/test_docs_language.py",
    ("docs/policies.md", "yaml"): "tests/unit/test_policy_bundles.py",
    ("docs/pools.md", "python"): HERE,
    ("docs/pools.md", "yaml"): HERE,
    ("docs/trust.md", "python"): HERE,
    ("docs/workers.md", "python"): "tests/unit/test_docs_workers.py",
    ("docs/workers.md", "yaml"): "tests/unit/test_docs_workers.py",
}
"""What is no shell: the test that executes such blocks of a page, each of them."""
WORKER = """
from foldgate.sdk import Fatal, Job, Worker

worker = Worker("deployer")


@worker.job("job.echo")
def echo(job: Job) -> object:
    return job.input


@worker.job("job.deploy")
def deploy(job: Job) -> object:
    raise Fatal("no_disk", "The disk is full.")
"""
DOCUMENTS = {
    "dead": "id: dead\nsteps:\n  deploy: {type: job, topic: job.deploy}\n",
    "deploy": "id: deploy\nsteps:\n  apply: {type: job, topic: job.echo, meta: {risk_tags: [prod, write]}}\n",
}
TWO = """
bundle: team/production
default_decision: allow
rules:
  - id: prod-writes-need-two
    match: {risk_tags: [prod, write]}
    decision: require_approval
    reason: Production writes need two people on call.
    approval: {required: 2, roles: [sre], exclude_requester: true, expires_in: 1h, on_expire: deny}
"""
_ID = re.compile(r"run_[0-9a-f]{24}:apply#[0-9a-f]{16}|(?<=fg_)[a-z2-7]{12}(?=_)")


def found(page: str, language: str) -> list[str]:
    """The texts of such blocks of a page; fails if there is none."""
    texts = [block.text for block in BLOCKS if (block.page, block.language) == (page, language)]
    assert texts, f"{page} has no block of {language} any more: take it off the list of tests"
    return texts


class Desk:
    """A suite, somebody who types at it at home, and what the things of the pages are called here."""

    def __init__(self, suite: Up, home: Path) -> None:
        self.suite, self.home = suite, home
        self.here = {"http://127.0.0.1:8081": suite.suite["url"]}
        self.settings: dict[str, str] = {}

    def do(self, block: Block) -> None:
        """Type it; fails if something in it fails, or says something else than what is shown."""
        if block.language == "sh":
            done = self.type(f"set -euo pipefail\n{block.text}")
            assert done.returncode == 0, f"{block.name}\n{done.stdout}"
        for one in typed(block.text):
            done = self.type(one.command)
            assert one.shown or done.returncode == 0, f"{block.page}: `{one.command}`\n{done.stdout}"
            self.here.update(zip(_ID.findall(one.shown), _ID.findall(done.stdout), strict=False))
            if one.shown and not same(done.stdout, self.words(one.shown)):
                pytest.fail(f"{block.page} says of `{one.command}`:\n{one.shown}\nbut it says:\n{done.stdout}")

    def type(self, command: str) -> "subprocess.CompletedProcess[str]":
        """A command, in a shell of its own."""
        path = os.pathsep.join([str(self.home / "bin"), str(installed_home() / "bin"), os.environ["PATH"]])
        home = {"HOME": str(self.home), "XDG_DATA_HOME": str(self.home / ".local" / "share")}
        server = {"PGHOST": str(self.suite.data / "postgres"), "PGUSER": "foldgate"}
        return subprocess.run(
            ["bash", "-c", self.words(command)],
            cwd=self.home,
            env=environment({**home, "PATH": path, **server, **self.settings}),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=WITHIN_S,
            check=False,
        )

    def words(self, text: str) -> str:
        """The same, with what things are called here."""
        for there, here in self.here.items():
            text = text.replace(there, here)
        return text

    def put(self, name: str, text: str) -> None:
        """Save a file at home."""
        (self.home / name).write_text(text)

    def ask(self, method: str, path: str, body: str | None = None) -> Any:
        """Ask the gateway; its answer, which is a good one."""
        key = {"X-API-Key": (self.suite.data / "api-key").read_text()}
        said = httpx.request(
            method, f"{self.suite.suite['url']}/api/v1/{path}", content=body, headers=key, timeout=WITHIN_S
        )
        assert said.is_success, said.text
        return said.json()


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    home = tmp_path_factory.mktemp("home")
    (home / "bin").mkdir()
    command = home / "bin" / "foldgate"
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m foldgate.cli.main "$@"\n')
    command.chmod(0o755)
    (home / ".curlrc").write_text("silent\nshow-error\nfail-with-body\n")
    (home / "deployer.py").write_text(WORKER)
    alone = {"FOLDGATE_DEFAULT_DECISION": "allow"}  # no bundle is there but ours
    with up(home / ".local" / "share" / "foldgate", settings=alone) as suite:
        words = ("worker", str(home / "deployer.py"), "--data", str(suite.data))
        with running(*words, errors=home / "worker.errors") as worker:
            found = Desk(suite, home)
            for document in DOCUMENTS.values():
                found.ask("POST", "workflows", document)
            found.ask("PUT", "policy/bundles/team~production?revision=0", TWO)
            found.ask("POST", "policy/publish", "{}")
            worker.line()
            yield found


def a_question(desk: Desk) -> None:
    """Policy asks two people about a job."""
    run = desk.suite.json("run", "start", "deploy", "--input", '{"replicas": 4}')["run_id"]
    while not any(one["run_id"] == run for one in desk.ask("GET", "approvals?status=open")["items"]):
        pass


def a_picture(desk: Desk) -> None:
    """A file that has the digest of the page."""
    desk.put("picture.png", "test")
    [stands] = found("docs/artifacts.md", "json")
    desk.here["sha256:9f86…"] = msgspec.json.decode(stands)["$artifact"]


def a_database(desk: Desk) -> None:
    """The one of the suite stands for the owner's."""
    desk.here["postgresql://owner@db:5432/foldgate"] = desk.suite.suite["postgres"]


def two_letters(desk: Desk) -> None:
    """Two jobs that have failed for good."""
    for there in ("run_1f", "run_2c"):
        desk.here[there] = desk.ask("POST", "workflows/dead/runs", "{}")["run_id"]
    while {one["run_id"] for one in desk.ask("GET", "dlq")["items"]} < {desk.here["run_1f"], desk.here["run_2c"]}:
        pass


def a_run(desk: Desk) -> None:
    """One that has ended."""
    desk.settings["KEY"] = (desk.suite.data / "api-key").read_text()
    done = desk.ask("POST", "jobs?wait=30s", '{"topic": "job.echo"}')
    assert done["status"] == "succeeded"
    desk.here["RUN_ID"] = done["run_id"]


def a_folder_of_keys(desk: Desk) -> None:
    """A copy of the suite's, whose root lies elsewhere; and how a database is called that is made of a dump."""
    keys, safe = desk.home / "keys", desk.home / "safe"
    shutil.copytree(desk.suite.data / "keys", keys)
    safe.mkdir()
    (keys / "root.key").rename(safe / "root.key")
    address = desk.suite.suite["postgres"]
    desk.here |= {"/etc/foldgate/keys": str(keys), "/safe/root.key": str(safe / "root.key")}
    desk.here["postgresql://…/restored"] = f"'{address.replace('/foldgate?', '/restored?')}'"
    desk.settings |= {"FOLDGATE_KEYS": str(keys), "FOLDGATE_POSTGRES": address}


def a_bundle(desk: Desk) -> None:
    """The one of the page that forbids a tenant everything."""
    [text] = [text for text in found("docs/policies.md", "yaml") if text.startswith("bundle: secops/tenants\n")]
    desk.put("tenants.yaml", text)


def a_layout(desk: Desk) -> None:
    """The first document of the page."""
    desk.put("pools.yaml", found("docs/pools.md", "yaml")[0])


BEFORE: dict[str, Callable[[Desk], None]] = {
    "docs/approvals.md": a_question,
    "docs/artifacts.md": a_picture,
    "docs/database-roles.md": a_database,
    "docs/dead-letters.md": two_letters,
    "docs/live.md": a_run,
    "docs/operating.md": a_folder_of_keys,
    "docs/policies.md": a_bundle,
    "docs/pools.md": a_layout,
    "services/foldgate/gateway/README.md": a_run,
}
"""What a page takes to be there."""
SHELL = [block for block in BLOCKS if block.language in ("sh", "console")]


@pytest.mark.parametrize("page", sorted({block.page for block in SHELL}))
def test_shell_says_what_is_shown(desk: Desk, page: str) -> None:
    asked = [block for block in SHELL if block.page == page and block.name not in NOT_HERE]
    if shutil.which("curl") is None and any("curl" in block.text for block in asked):
        pytest.skip("there is no curl here")
    typist = Desk(desk.suite, desk.home)
    if page in BEFORE:
        BEFORE[page](typist)
    for block in asked:
        typist.do(block)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("sh", "foldgate pools lost\nfoldgate pools list\n"),
        ("console", "$ foldgate pools lost\n"),
        ("console", "$ foldgate pools list\nAll is well.\n"),
    ],
)
def test_what_is_not_so_fails(desk: Desk, language: str, text: str) -> None:
    with pytest.raises((AssertionError, pytest.fail.Exception), match=r"docs/new\.md"):
        Desk(desk.suite, desk.home).do(Block("docs/new.md", language, text))


@pytest.mark.parametrize("took", ["779 ms", "13 s", "1.2 s", "2 min 5 s"])
def test_how_long_something_takes_may_differ(took: str) -> None:
    assert same(f"open for {took}, until later", "open for 6 s, until later")
    assert not same(f"open for {took}, until later", "open for 6 s, until now")


def test_every_other_block_has_a_test_and_what_is_listed_is_there() -> None:
    rest = {(block.page, block.language) for block in BLOCKS if block not in SHELL and block.name not in PICTURES}
    assert rest == set(TESTS), "write a test that executes such blocks of the page, and name it"
    for (page, _), test in TESTS.items():
        assert page.rpartition("/")[2] in (ROOT / test).read_text(), f"{test} does not read {page}"
    assert set(NOT_HERE) | PICTURES <= {block.name for block in BLOCKS}
    assert set(BEFORE) <= {block.page for block in SHELL}


def test_what_is_put_is_what_stands_for_it(desk: Desk) -> None:
    desk.put("note.txt", "test")
    [shown] = found("docs/artifacts.md", "json")
    assert msgspec.json.decode(desk.type("foldgate artifacts put note.txt").stdout) == msgspec.json.decode(shown)


def test_settings_are_settings() -> None:
    for text in found("docs/identity.md", "ini"):
        given = dict(line.split("=", 1) for line in text.splitlines())
        from_environment({**given, "FOLDGATE_POSTGRES": "postgresql:///"})  # or it says what is wrong


def test_layouts_are_layouts_and_requests_are_made() -> None:
    for text in found("docs/pools.md", "yaml"):
        prepare(text)
    [text] = found("docs/pools.md", "python")
    names: dict[str, Any] = {}
    exec(compile(text, "docs/pools.md", "exec"), names)  # noqa: S102 - the page is ours
    prepare(names["request"].event.source)
    assert (names["drained"].event.pool, names["drained"].event.reason) == ("default", "new machines")


async def test_a_program_with_a_key_is_believed(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOLDGATE_KEYS", str(desk.suite.data / "keys"))
    monkeypatch.setenv("FOLDGATE_POSTGRES", desk.suite.suite["postgres"])
    [text] = found("docs/trust.md", "python")
    log = await PostgresLog.connect(desk.suite.suite["postgres"], suite="foldgate")
    try:
        names: dict[str, Any] = {"log": log}
        exec(compile(text, "docs/trust.md", "exec"), names)  # noqa: S102 - the page is ours
        assert isinstance((await names["client"].publish(DOCUMENTS["dead"])).event, WorkflowPublished)
    finally:
        await log.close()
