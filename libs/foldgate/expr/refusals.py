"""What is wrong with an expression, as a sentence and a place: the library's own words, and what to do about them."""

import difflib
import re

from foldgate.expr.faults import ExpressionInvalid
from foldgate.expr.names import ALL_NAMES, LOOP

_FIRST = re.compile(r"ERROR: <input>:(-?\d+):(-?\d+): (.*?)(?: \(in container ''\))?(?: \[[A-Z_]+\])?$", re.MULTILINE)
_UNDECLARED = re.compile(r"undeclared reference to '(\w+)((?:\.\w+)*)")
_DASHED_STEP = re.compile(r"\bsteps\.\w+-")
_TOO_DEEP = re.compile(r"recursion (limit|depth)")


def refusal(message: str, text: str, at: int) -> ExpressionInvalid:
    """A refusal of what stands there in the text."""
    line_begins = text.rfind("\n", 0, at) + 1
    return ExpressionInvalid(message, line=text.count("\n", 0, at) + 1, column=at - line_begins + 1)


def library_refusal(error: str, text: str, names: frozenset[str]) -> ExpressionInvalid:
    """What the library said, in one sentence."""
    if _TOO_DEEP.search(error):
        message = "Expected at most some 30 levels and operators in a row, but there are more: take it apart."
        return ExpressionInvalid(message, code="expression_too_large")
    first = _FIRST.search(error)
    line, column, said = first.groups() if first else (1, 1, error)
    if said == "reserved identifier: loop":  # see rewriting: they swapped their names
        said = f"undeclared reference to '{LOOP}'"
    unknown = _UNDECLARED.match(said)
    if unknown is None:
        message = f"Expected a CEL expression, but: {said[:300]}."
    elif any(name.startswith(unknown[1] + ".") for name in names):
        message = _guess(unknown[1] + unknown[2], names)
    else:
        message = _unknown(unknown[1], text, names)
    return ExpressionInvalid(message, line=max(1, int(line)), column=max(1, int(column)))


def _unknown(name: str, text: str, names: frozenset[str]) -> str:
    if _DASHED_STEP.search(text):
        return f"Expected a known name, but got '{name}': write steps['…'] where the id of a step has a dash."
    known = ", ".join(sorted(names)) or "nothing"
    if name in ALL_NAMES:
        return f"Expected a name that is known here, but got '{name}'; known here: {known}."
    return _guess(name, names)


def _guess(name: str, names: frozenset[str]) -> str:
    known = ", ".join(sorted(names)) or "nothing"
    near = difflib.get_close_matches(name, sorted(names), 1)
    meant = f"did you mean '{near[0]}'?" if near else f"known here: {known}."
    return f"Expected a known name or function, but got '{name}'; {meant}"
