"""The text of an expression as CEL's library is given it: the same, but for what the library cannot do."""

from foldgate.expr.names import LOOP, ORDERED
from foldgate.expr.outline import Comprehension, Group, Outline, leaves
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


def ordered(text: str, found: Outline) -> str:
    """The text with maps gone over in the order of their keys. The library goes over them in no order, and not twice in
    the same: `map` and `filter` would make lists of it that differ from process to process."""
    places = [part.at for part in leaves(found.node) if isinstance(part, Comprehension) and _may_go_over_a_map(part)]
    for at in sorted(places, reverse=True):
        text = f"{text[:at]}{ORDERED}().{text[at:]}"
    return text


def _may_go_over_a_map(part: Comprehension) -> bool:
    if part.macro not in {"map", "filter"}:
        return False
    if isinstance(part.range, Comprehension):
        return part.range.macro not in {"map", "filter"}
    return not (isinstance(part.range, Group) and part.range.is_list)
