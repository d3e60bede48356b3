"""The tour and the recipes of the README, typed as they stand there: what they print is what is shown, but for ids."""

import contextlib
import re
import shlex
import subprocess
from pathlib import Path

import pytest

from tests.support.commands import COMMAND, WITHIN_S, Up, environment, running, up
from tests.support.pages import ROOT, Typed, blocks_in, same, typed

README = (ROOT / "README.md").read_text()
WRONG = """bundle: team/floor
default_decision: allow
rules:
  - id: no-mail
    match: {topics: ["mail.send"]}
    decison: deny
    reason: nobody is written to
"""
"""What `floor.yaml` is when it is put first; it is not on the page, but its mistake is."""
_ID = re.compile(r"run_[0-9a-f]{24}(?::job#[0-9a-f]{16})?")
_LOOKS = ("why", "workflow graph", "policy simulate", "policy test")
_LOOKS_AGAIN = 60


def commands() -> list[Typed]:
    """Those of the tour and of the recipes."""
    page = README[README.index("\n## A tour") : README.index("\n## What there is to type")]
    return [one for block in blocks_in(page) if block.text.startswith("$ ") for one in typed(block.text)]


class Session:
    """A suite, somebody's folder, and the ids that things have here instead of those on the page."""

    def __init__(self, suite: Up, folder: Path, workers: contextlib.ExitStack) -> None:
        self._suite, self._folder, self._workers = suite, folder, workers
        self._ids: dict[str, str] = {}

    def type(self, one: Typed) -> None:
        """Do it; fails if it says something else. Who only looks, looks until it is there."""
        words = shlex.split(_ID.sub(lambda found: self._ids[found[0]], one.command))[1:]
        if words[0] == "worker":
            assert same(self.work(words[1]), one.shown)
            return
        said = self._say(words)
        for _ in range(_LOOKS_AGAIN if " ".join(words).startswith(_LOOKS) else 0):
            if not same(said, one.shown):
                said = self._say(words)
        if not same(said, one.shown):
            pytest.fail(f"The README says of `{one.command}`:\n{one.shown}\nbut it says:\n{said}")
        self._ids.update(zip(_ID.findall(one.shown), _ID.findall(said), strict=False))

    def work(self, file: str) -> str:
        """Start a worker, and wait until it takes jobs."""
        errors = self._folder / f"{Path(file).name}.log"
        worker = running("worker", str(self._folder / file), "--data", str(self._suite.data), errors=errors)
        return self._workers.enter_context(worker).line().rstrip()

    def _say(self, words: list[str]) -> str:
        given = environment({"FOLDGATE_DATA": str(self._suite.data)})
        done = subprocess.run(
            [*COMMAND, *words],
            cwd=self._folder,
            env=given,
            capture_output=True,
            text=True,
            timeout=WITHIN_S,
            check=False,
        )
        return (done.stdout + done.stderr).strip("\n")


def test_what_is_typed_prints_what_is_shown(tmp_path: Path) -> None:
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    (tmp_path / "floor.yaml").write_text(WRONG)
    for name, language in (("mailer.py", "python"), ("mail.yaml", "yaml")):
        [block] = re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
        (tmp_path / name).write_text(block)
    with up(tmp_path / "data") as suite, contextlib.ExitStack() as workers:
        session, tour = Session(suite, tmp_path, workers), commands()
        assert len(tour) > 15
        for one in tour:
            if one.command == 'foldgate policy put mail.yaml --reason "mail to others"':
                session.work("mailer.py")
            session.type(one)
            if "decison" in one.shown:
                (tmp_path / "floor.yaml").write_text(WRONG.replace("decison", "decision"))
