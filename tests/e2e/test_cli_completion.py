"""Completion as a user of bash has it: installed by the command itself, then asked by the shell's own function."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.commands import WITHIN_S, environment

BIN = Path(sys.executable).parent
PRESSED = """
source "$HOME/.bashrc"
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
"$(complete -p foldgate | sed 's/.*-F \\([^ ]*\\) .*/\\1/')" foldgate
printf '%s\\n' "${COMPREPLY[@]}"
"""
"""What bash does when Tab is pressed behind these words."""


def bash(home: Path, *words: str) -> list[str]:
    """The lines that bash prints, which has no other start-up files than those of this home."""
    path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "--norc", "--noprofile", *words],
        env=environment({"HOME": str(home), "PATH": path}),
        capture_output=True,
        text=True,
        timeout=WITHIN_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of somebody who has installed it, twice."""
    home = tmp_path_factory.mktemp("home")
    for _ in range(2):
        bash(home, "-c", "foldgate --install-completion bash")
    assert (home / ".bashrc").read_text().count("foldgate") == 1
    return home


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["d"], {"demo", "doctor", "dlq", "database"}),
        (["run", ""], {"start", "job", "list", "show", "watch", "cancel", "pause", "resume", "signal", "rerun"}),
        (["up", "--po"], {"--port", "--postgres"}),
        (["streams", "tail", "re"], {"reports"}),
        (["streams", "tail", "nothing-like-that"], set[str]()),
    ],
)
def test_tab_offers_what_may_stand_there(home: Path, words: list[str], offered: set[str]) -> None:
    assert {one for one in bash(home, "-c", PRESSED, "bash", "foldgate", *words) if one} == offered


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_it_is_shown_for_whoever_installs_it_himself(tmp_path: Path, shell: str) -> None:
    shown = bash(tmp_path, "-c", f"foldgate --show-completion {shell}")
    assert any("_FOLDGATE_COMPLETE" in line for line in shown)
    assert not (tmp_path / ".bashrc").exists()
