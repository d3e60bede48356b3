"""What is wrong with a document: each mistake with its place, all of them at once."""

import msgspec

MOST = 100
"""How many mistakes are told; a document with more is something else."""
_LONGEST = 500


class Place(msgspec.Struct, frozen=True, order=True):
    """Where something stands in the source, both counted from 1."""

    line: int = 1
    column: int = 1


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """One mistake. `path` names the key as it is written, such as `steps.build.retry.jitter`."""

    code: str
    message: str
    path: str = ""
    line: int = 1
    column: int = 1

    def __str__(self) -> str:
        where = f"line {self.line}, column {self.column}: "
        return where + (f"{self.path}: " if self.path else "") + self.message


class WorkflowInvalid(Exception):
    """A document is no workflow. Every mistake in it is told, in the order of the document."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems


def problem(code: str, message: str, *, place: Place, path: str = "") -> Problem:
    """A mistake, in words that fit on a line, whatever the document has in it."""
    return Problem(code=code, message=_line(message), path=_line(path), line=place.line, column=place.column)


def _line(text: str) -> str:
    printable = "".join(each if each.isprintable() else " " for each in text[: 4 * _LONGEST])
    line = " ".join(printable.split())
    return line if len(line) <= _LONGEST else line[:_LONGEST] + "…"


def invalid(problems: list[Problem]) -> WorkflowInvalid:
    """All mistakes, sorted by their place; one that is found twice is told once."""
    ordered = sorted(set(problems), key=lambda each: (each.line, each.column, each.path, each.code, each.message))
    return WorkflowInvalid(tuple(ordered[:MOST]))


def stop(code: str, message: str, place: Place) -> WorkflowInvalid:
    """A mistake after which nothing else can be read."""
    return WorkflowInvalid((problem(code, message, place=place),))
