"""Workflow documents in files: read, judged without any suite, and told what is wrong where."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from foldgate.cli.mistakes import AskedWrongly
from foldgate.cli.terminal import harmless, plain, say, say_json
from foldgate.language.problems import Problem, WorkflowInvalid
from foldgate.language.publish import prepare

STDIN = "-"


class Judged(NamedTuple):
    """A document, and what it is: a version of a workflow, or no workflow for these reasons."""

    file: str
    source: bytes
    workflow: str = ""
    version: str = ""
    digest: str = ""
    problems: tuple[Problem, ...] = ()


def judged(files: Sequence[str]) -> list[Judged]:
    """Each document, in the order they were named."""
    return [_judge(file, read_document(file, "a workflow document")) for file in files]


def _judge(file: str, source: bytes) -> Judged:
    try:
        prepared = prepare(source)
    except WorkflowInvalid as error:
        return Judged(file, source, problems=error.problems)
    return Judged(file, source, prepared.workflow, prepared.version, prepared.digest)


def read_document(file: str, what: str) -> bytes:
    """What a file holds, or what is piped in."""
    if file == STDIN:
        return sys.stdin.buffer.read()
    try:
        return Path(file).read_bytes()
    except OSError as error:
        raise AskedWrongly(f"Expected {what} that can be read, but: {error}.") from None


def print_judged(documents: Sequence[Judged], *, as_json: bool) -> None:
    """What each document is, or every problem with its place."""
    if as_json:
        say_json([as_object(document) for document in documents])
        return
    for document in documents:
        if document.problems:
            print_problems(document.file, document.problems)
        else:
            say(f"{document.file}: {document.workflow} {shown_version(document)} is valid, digest {document.digest}")


def print_problems(file: str, problems: Sequence[Problem]) -> None:
    """A line each, as compilers do: editors lead to the place."""
    for problem in problems:
        path = f"{problem.path}: " if problem.path else ""
        say(f"{file}:{problem.line}:{problem.column}: {harmless(path + problem.message)} [{problem.code}]", style="red")


def as_object(document: Judged) -> dict[str, Any]:
    """A judged document as programs get it."""
    found = {"file": document.file, "valid": not document.problems}
    if document.problems:
        return {**found, "problems": plain(document.problems)}
    return {**found, "workflow": document.workflow, "version": document.version, "digest": document.digest}


def shown_version(named: Any) -> str:
    """A version for people: where the digest serves for it, its first letters."""
    version = str(named.version)
    return version[:12] if version == named.digest else harmless(version, most=40)
