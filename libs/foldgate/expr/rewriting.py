"""The text of an expression as CEL's library is given it: the same, but for what the library cannot do."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from foldgate.expr.faults import Path
from foldgate.expr.names import LOOP, MAX_RANGES, range_name
from foldgate.expr.outline import Comprehension, Group, Outline, Read, leaves
from foldgate.expr.scope import ABSENT, value_at
from foldgate.expr.tokens import Token, tokens

_SWAPPED = {"loop": LOOP, LOOP: "loop"}


def renamed(text: str) -> str:
    """The text with `loop` under the name by which the library knows it, for it is a reserved word of CEL.

    That name becomes `loop` in turn, so that nobody can use it; the new name is as long, so places stay what they are.
    """
    before = Token("end", "", 0, 0)
    for token in tokens(text):
        if token.kind == "name" and token.text in _SWAPPED and before.text != ".":
            text = text[: token.start] + _SWAPPED[token.text] + text[token.end :]
        before = token
    return text


class Ordered(NamedTuple):
    """A text in which maps are gone over in order, and the paths to what its `range_0_`, `range_1_` … stand for."""

    text: str
    ranges: tuple[Path, ...]


class _Edit(NamedTuple):
    at: int
    removed: int
    added: str


def ordered(text: str, found: Outline) -> Ordered:
    """The text with maps gone over in the order of their keys. The library goes over them in no order, and not twice in
    the same: `map` and `filter` would make lists of it that differ from process to process. What is read is put in
    order beforehand; where a range is made by the expression itself, `+ []` lets nothing but lists through."""
    edits: list[_Edit] = []
    ranges: list[Path] = []
    for part in leaves(found.node):
        if not isinstance(part, Comprehension) or not _may_go_over_a_map(part):
            continue
        if isinstance(part.range, Read) and len(ranges) < MAX_RANGES:
            edits.append(_Edit(part.start, part.end - part.start, range_name(len(ranges))))
            ranges.append(part.range.path)
        else:
            edits += [_Edit(part.start, 0, "("), _Edit(part.end, 0, " + [])")]
    for edit in sorted(edits, reverse=True):
        text = text[: edit.at] + edit.added + text[edit.at + edit.removed :]
    return Ordered(text, tuple(ranges))


def in_order(ranges: tuple[Path, ...], scope: Mapping[str, Any]) -> dict[str, Any]:
    """What these stand for: the keys of a map in order, all else as it is."""
    values = {range_name(number): value_at(path, scope) for number, path in enumerate(ranges)}
    return {
        name: sorted(value) if isinstance(value, dict) else value
        for name, value in values.items()
        if value is not ABSENT
    }


def _may_go_over_a_map(part: Comprehension) -> bool:
    if part.macro not in {"map", "filter"}:
        return False
    if isinstance(part.range, Comprehension):
        return part.range.macro not in {"map", "filter"}
    return not (isinstance(part.range, Group) and part.range.is_list)
