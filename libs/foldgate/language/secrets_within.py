"""Secrets in a document: a published one is kept for ever and shown to many, so none belongs into it.

Known shapes are looked for in the text, which has comments too, and in values, which may be spelt in other ways; and a
field of such a name that holds a text holds a secret. A reference (`secret://…`) and an expression are none.
"""

from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from foldgate.language.nodes import Node
from foldgate.language.problems import Place, Problem, problem
from foldgate.language.secret_shapes import MARK, REFERENCE, Span, is_secret_field, may_hold, spans

_ASSIGNED = "password"
"""The shape of a text that gives a secret to a name. In the text of a document every field is one."""
_CODE = frozenset({"when", "condition", "expression", "while", "until", "pattern"})
"""Keys under which a text is no value: it may well speak of passwords."""
_ENOUGH = 20


class _Value(NamedTuple):
    """A text of the document, under the last key above it."""

    key: str
    text: str
    place: Place


def secrets_in(source: str | bytes, root: Node) -> list[Problem]:
    """What is to be said of the secrets in a document that could be read; none of the sentences holds one."""
    text = source if isinstance(source, str) else source.decode()
    spans_here = islice(_shapes(text), _ENOUGH)
    found = {text[span.begin : span.end]: _said(span.name, _place_of(text, span)) for span in spans_here}
    problems, known = list(found.values()), set(map(_without_indent, found))
    for value in _values(root, ""):
        if len(problems) >= _ENOUGH:
            break
        problems += _of_value(value, known)
    return problems[:_ENOUGH]


def _of_value(value: _Value, known: set[str]) -> Iterator[Problem]:
    if is_secret_field(value.key) and _is_literal(value.text):
        yield _said("secret", value.place, field=value.key)
        return
    for span in spans(value.text) if may_hold(value.text) else ():
        secret = value.text[span.begin : span.end]
        literal = _is_literal(value.text[span.begin : span.end + 1])  # of an expression, the sign before it is read
        if literal and _without_indent(secret) not in known and (span.name, value.key in _CODE) != (_ASSIGNED, True):
            yield _said(span.name, value.place)
            return


def _shapes(source: str) -> Iterator[Span]:
    for span in spans(source) if may_hold(source) else ():
        if span.name != _ASSIGNED and _is_literal(source[span.begin : span.end]):
            yield span


def _is_literal(text: str) -> bool:
    """Whether this is what it is meant to be: neither what is put in later, nor the mark of what was taken out."""
    return bool(text.strip()) and not any(sign in text for sign in ("${", REFERENCE, MARK))


def _without_indent(text: str) -> str:
    """The same for a text of many lines in a document and for its value."""
    return "".join(text.split())


def _values(node: Node, key: str) -> Iterator[_Value]:
    """Each text of the document, and each of its keys."""
    if isinstance(node.value, dict):
        for name, entry in node.value.items():
            yield _Value("", entry.text, entry.place)
            yield from _values(entry.node, name)
    elif isinstance(node.value, list):
        for item in node.value:
            yield from _values(item, key)
    elif isinstance(node.value, str):
        yield _Value(key, node.value, node.place)


def _place_of(source: str, span: Span) -> Place:
    before = source[: span.begin]
    return Place(before.count("\n") + 1, span.begin - (before.rfind("\n") + 1) + 1)


def _said(name: str, place: Place, *, field: str = "") -> Problem:
    what = f"'{field[:80]}' holds one" if field else f"here is what looks like one ({name.replace('_', ' ')})"
    said = f"Expected no secret in a document, but {what}: put it where workers find it, and refer to it as secret://…"
    return problem("secret_in_document", said, place=place)
