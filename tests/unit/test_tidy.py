"""The style of the project, where no linter knows it: a finding says where it is and what to do instead.

Add a ban as one entry of `tests/support/bans.py`, with a line of code that breaks it.
"""

import ast
import re
import subprocess
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.support.bans import BANS, Ban, applies, lines_with, parsed

ROOT = Path(__file__).parents[2]
TREES = (".ci", "bench", "deploy", "docs", "examples", "libs", "schemas", "services", "tests")
ROOTS = (ROOT / "libs" / "foldgate", ROOT / "services" / "foldgate")
TEXTS = {
    ".avsc",
    ".cfg",
    ".json",
    ".lock",
    ".md",
    ".properties",
    ".py",
    ".sh",
    ".sql",
    ".toml",
    ".xml",
    ".yaml",
    ".yml",
    "",
}
MAX_LINES = 400
VAGUE = re.compile(r"(?i:(?<![a-z])(manager|helpers?|utils?|utilities|common)(?![a-z]))|(Manager|Helper|Util|Common)")
SPOKEN_OF = re.compile(r"https?://([\w-]+(?:\.[\w-]+)+)")
"""An address with a host name in it."""
MAY_BE_SPOKEN_OF = {
    "127.0.0.1",
    "www.apache.org",
    "maven.apache.org",
    "www.w3.org",
    "json-schema.org",
    "example.com",
    "example.org",
}
"""The licence's own address, names of XML and JSON schemas, and hosts that stand for any."""
CITES = "docs/comparison.md"
"""The one page that speaks of other projects: it says where each fact stands."""
SOMEONES_FOLDER = re.compile(r"(?<![\w.~}$*-])/(?:home|Users|root|work|mnt|tmp)/[\w.]")


def modules() -> list[Path]:
    return sorted(path for tree in TREES for path in (ROOT / tree).rglob("*.py"))


def texts() -> list[Path]:
    """Every text file that is in the repository or could go in."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    paths = [ROOT / name for name in listed.stdout.splitlines()]
    return [path for path in paths if path.is_file() and path.suffix in TEXTS]


def place(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def nothing(findings: Iterable[str]) -> None:
    """Fail with one finding a line."""
    listed = sorted(findings)
    assert not listed, "\n" + "\n".join(listed)


@pytest.mark.parametrize("ban", BANS, ids=lambda ban: ban.banned[0])
def test_what_is_banned_is_not_used(ban: Ban) -> None:
    nothing(
        f"{place(path)}:{line}: {ban.instead}"
        for path in modules()
        if applies(ban, place(path))
        for line in lines_with(ban, path.read_text())
    )


@pytest.mark.parametrize("ban", BANS, ids=lambda ban: ban.banned[0])
def test_each_ban_bites(ban: Ban) -> None:
    assert 2 in lines_with(ban, ban.example)


def test_every_module_says_what_it_is() -> None:
    nothing(
        f"{place(path)}:1: start with a docstring whose first line says what the file is"
        for path in modules()
        if not ast.get_docstring(parsed(path.read_text()))
    )


def test_every_folder_of_modules_is_a_package_but_the_two_roots() -> None:
    folders = {path.parent for root in ROOTS for path in root.rglob("*.py")}
    nothing(f"{place(folder)}: take its modules into a package" for folder in folders & set(ROOTS))
    nothing(
        f"{place(folder)}: add an __init__.py"
        for folder in folders - set(ROOTS)
        if not (folder / "__init__.py").exists()
    )


def test_no_module_is_two_things() -> None:
    nothing(
        f"{place(path)}: {lines} lines, over {MAX_LINES}: make it the two modules that it is"
        for path in modules()
        if (lines := path.read_text().count("\n")) > MAX_LINES and "GENERATED" not in path.read_text()[:300]
    )


def test_names_say_what_a_thing_is() -> None:
    named = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
    nothing(
        f"{place(path)}:{node.lineno}: '{node.name}' could be anything: name what it does"
        for path in modules()
        for node in ast.walk(parsed(path.read_text()))
        if isinstance(node, named) and VAGUE.search(node.name)
    )
    nothing(f"{place(path)}: name the file after what it is" for path in modules() if VAGUE.search(path.stem))


def test_the_project_speaks_of_itself_alone() -> None:
    nothing(
        f"{place(path)}:{number}: name no address and nobody's folder: {text.strip()[:80]}"
        for path in texts()
        for number, text in enumerate(path.read_text().splitlines(), start=1)
        if SOMEONES_FOLDER.search(text) or (place(path) != CITES and set(SPOKEN_OF.findall(text)) - MAY_BE_SPOKEN_OF)
    )
