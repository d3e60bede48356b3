"""`foldgate artifacts`: files go into a suite's store and come out of it whole, or not at all."""

import hashlib
import os
import pty
import secrets
import subprocess
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from tests.support.commands import COMMAND, Up, environment, up

LARGE = secrets.token_bytes(9_000_000)
NONE = "sha256:" + "0" * 64


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    with up(tmp_path_factory.mktemp("artifacts") / "data") as found:
        yield found


@pytest.fixture
def reference(suite: Up, tmp_path: Path) -> str:
    """Of a large file, which was put."""
    (tmp_path / "large.json").write_bytes(LARGE)
    stands = msgspec.json.decode(suite.foldgate("artifacts", "put", str(tmp_path / "large.json")).stdout)
    size, kind = len(LARGE), "application/json"
    assert stands == {"$artifact": f"sha256:{hashlib.sha256(LARGE).hexdigest()}", "size": size, "content_type": kind}
    return str(stands["$artifact"])


def test_what_is_put_is_got(suite: Up, reference: str, tmp_path: Path) -> None:
    target = tmp_path / "got"
    assert suite.foldgate("artifacts", "get", reference, "-o", str(target)).returncode == 0
    assert target.read_bytes() == LARGE
    again = suite.foldgate("artifacts", "get", reference, "-o", str(target))
    assert (again.returncode, "--force" in again.stderr) == (2, True)
    target.write_bytes(b"other")
    assert suite.foldgate("artifacts", "get", reference, "-o", str(target), "--force").returncode == 0
    assert target.read_bytes() == LARGE


def test_standard_output_will_do(suite: Up, reference: str) -> None:
    words = [*COMMAND, "artifacts", "get", reference, "-o", "-", "--data", str(suite.data)]
    assert subprocess.run(words, env=environment(), capture_output=True, check=True).stdout == LARGE


def test_what_is_not_there_leaves_no_file(suite: Up, reference: str, tmp_path: Path) -> None:
    before = sorted(tmp_path.iterdir())
    for words in ((NONE,), ("nonsense",), (reference, "--tenant", "other")):
        failed = suite.foldgate("artifacts", "get", *words, "-o", str(tmp_path / "got"))
        assert (failed.returncode, "Expected" in failed.stderr) == (1, True)
    assert sorted(tmp_path.iterdir()) == before


def test_what_cannot_be_put_is_said(suite: Up, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x")
    for words in ((str(tmp_path / "none"),), (str(tmp_path / "file"), "--type", "no type")):
        failed = suite.foldgate("artifacts", "put", *words)
        assert (failed.returncode, "Expected" in failed.stderr) == (2, True)


def test_a_large_one_has_a_bar_on_a_terminal(suite: Up, reference: str, tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    words = [*COMMAND, "artifacts", "get", reference, "-o", str(tmp_path / "got"), "--data", str(suite.data)]
    subprocess.run(words, env={**environment(), "TERM": "xterm"}, stderr=theirs, check=True)
    os.close(theirs)
    assert b"Fetching" in os.read(ours, 65536)
    os.close(ours)


@pytest.mark.usefixtures("reference")
def test_a_sweep_says_what_it_has_done(suite: Up) -> None:
    assert suite.json("artifacts", "sweep") == {"idle": 0, "named": 0, "kept": 0, "condemned": 0, "removed": 0}
    told = suite.foldgate("artifacts", "sweep", "--idle-days", "1")
    assert told.stdout.startswith("0 idle for 1 days")
