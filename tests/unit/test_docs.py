"""The pages say what the code does: links lead somewhere, words are the glossary's, commands exist."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("services/foldgate/*/README.md")])
GLOSSARY = (ROOT / "docs" / "glossary.md").read_text()
LINK = re.compile(r"\[[^\]]+\]\(([^)#\s]*)(#[^)\s]*)?\)")
BLOCK = re.compile(r"^```\w*\n(.*?)^```", re.MULTILINE | re.DOTALL)
WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
PAST = re.compile(r"(ed|Cast|Lost|Sent|Held|Begun|Taken|Withdrawn|Overridden|Set|TimedOut|Cast)$")
NOT_FACTS = {"WorkerBeat": "a sign of life, of which most are never recorded as facts"}


def rows(page: str) -> Iterator[list[str]]:
    """The cells of every table row of a page, without the head."""
    for line in page.splitlines():
        if line.startswith("|") and not line.startswith(("|---", "| word ")):
            yield [cell.strip() for cell in line.strip("|").split("|")]


def banned_words() -> dict[str, str]:
    """Each word of the column `never`, and the one to use."""
    return {other: word.strip("*") for word, _, never, _ in rows(GLOSSARY) for other in never.split(", ")}


def anchors(page: Path) -> set[str]:
    heads = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {"#" + re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    for target, anchor in LINK.findall(page.read_text()):
        there = (page.parent / target).resolve() if target else page
        assert there.exists(), f"{page.name} links to {target}, which does not exist"
        assert not anchor or anchor in anchors(there), f"{page.name} links to {target}{anchor}: no such heading"


def test_what_is_said_to_show_something_exists() -> None:
    page = (ROOT / "docs" / "failure-matrix.md").read_text()
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", page)
    told = [cells for cells in rows(page) if cells[0] != "fails"]
    assert len(named) == len(told) > 30, "each row names its test"
    for path, test in named:
        assert re.search(rf"def {test}\(", (ROOT / path).read_text()), f"{path} has no {test}"


def test_words_in_bold_are_in_the_glossary() -> None:
    words = {word.strip("*") for word, *_ in rows(GLOSSARY)}
    used = re.findall(r"\*\*([a-z ]+)\*\*", (ROOT / "docs" / "architecture.md").read_text())
    assert used
    assert not {word for word in used if word not in words and word.removesuffix("s") not in words}


def test_names_keep_to_the_glossary() -> None:
    banned = banned_words()
    assert banned["execution"] == "run"
    wrong = [
        f"{where}: '{name}' says '{part}', but the glossary says '{banned[part]}'"
        for where, name in names()
        for part in map(str.lower, WORD.findall(name))
        if part in banned
    ]
    assert not wrong, "\n" + "\n".join(wrong)


def names() -> Iterator[tuple[str, str]]:
    """Every class of ours, every event and every field of one, with where it stands."""
    for path in sorted([*ROOT.glob("libs/**/*.py"), *ROOT.glob("services/**/*.py")]):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef):
                yield f"{path.relative_to(ROOT)}:{node.lineno}", node.name
    for path in sorted(ROOT.glob("schemas/*.avsc")):
        yield path.name, path.stem
        for field in json.loads(path.read_text())["fields"]:
            yield path.name, field["name"]


def test_events_are_a_noun_and_a_past_participle() -> None:
    schemas = {path.stem: json.loads(path.read_text()) for path in ROOT.glob("schemas/*.avsc")}
    events = {name for name, schema in schemas.items() if schema["fields"][0]["name"] == "meta"}
    assert events
    assert not {name for name in events - set(NOT_FACTS) if not PAST.search(name)}


def test_commands_in_the_readme_exist() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    readme = (ROOT / "README.md").read_text()
    named = set(re.findall(r"^make ([a-z]+)", "\n".join(BLOCK.findall(readme)), re.MULTILINE))
    named |= set(re.findall(r"`make ([a-z]+)`", readme))
    assert {"demo", "test"} <= named <= targets


def test_every_decision_is_on_the_list() -> None:
    listed = (ROOT / "docs" / "adr" / "README.md").read_text()
    pages = {page.name for page in (ROOT / "docs" / "adr").glob("[0-9]*.md")}
    assert pages
    assert not {page for page in pages if f"({page})" not in listed}
