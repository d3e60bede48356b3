"""The tree of a document in which every key and value knows its place; made by a builder that keeps to the limits."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec

from foldgate.language.problems import Place, Problem, problem, stop
from foldgate.language.scalars import Scalar

MAX_DEPTH = 50
MAX_NODES = 100_000
"""Each costs some 300 bytes while a document is checked."""


class Node(msgspec.Struct):
    """A value. `text` is a scalar as it is written, for what is meant to stay a text; None elsewhere."""

    place: Place
    value: "Scalar | list[Node] | dict[str, Entry]"
    text: str | None = None


class Entry(msgspec.Struct):
    """A value under its key. `text` is the key as it is written, which may be another name of the key."""

    place: Place
    text: str
    node: Node


class Builder:
    """Takes the parts of a document in their order and puts them together."""

    def __init__(self) -> None:
        self.root: Node | None = None
        self.problems: list[Problem] = []
        self._open: list[list[Node] | dict[str, Entry]] = []
        self._keys: list[tuple[str, Place] | None] = []
        self._count = 0

    def begin(self, value: "list[Node] | dict[str, Entry]", place: Place) -> None:
        """A list or a map begins."""
        self._add(Node(place, value))
        self._open.append(value)
        self._keys.append(None)
        if len(self._open) > MAX_DEPTH:
            raise stop("too_deep", f"Expected at most {MAX_DEPTH} levels, but here begins one more.", place)

    def end(self) -> None:
        """The list or map that began last is complete."""
        self._open.pop()
        self._keys.pop()

    def scalar(self, value: Scalar, text: str, place: Place) -> None:
        """A text, number, truth or null; a key where one is due."""
        if self._open and isinstance(self._open[-1], dict) and self._keys[-1] is None:
            self._keys[-1] = (text, place)
        else:
            self._add(Node(place, value, text))

    def _add(self, node: Node) -> None:
        self._count += 1
        if self._count > MAX_NODES:
            raise stop("too_large", f"Expected at most {MAX_NODES} values, but here is one more.", node.place)
        inside = self._open[-1] if self._open else None
        if inside is None:
            self.root = node
        elif isinstance(inside, dict):
            self._put(inside, node)
        else:
            inside.append(node)

    def _put(self, entries: dict[str, Entry], node: Node) -> None:
        key = self._keys[-1]
        if key is None:
            raise stop("key_not_text", "Expected a text as the key, but it is a list or a map.", node.place)
        self._keys[-1] = None
        text, place = key
        if text in entries:
            first = entries[text].place
            said = f"Expected each key once, but '{text[:80]}' stands on line {first.line} already."
            self.problems.append(problem("duplicate_key", said, place=place))
        else:
            entries[text] = Entry(place, text, node)


def plain_value(node: Node) -> Any:
    """The value without its places."""
    if isinstance(node.value, dict):
        return {key: plain_value(entry.node) for key, entry in node.value.items()}
    if isinstance(node.value, list):
        return [plain_value(item) for item in node.value]
    return node.value


class Stop(NamedTuple):
    """One part of a way through a tree: the key as it is written, its place, and what is there."""

    text: str
    place: Place
    node: Node


def walk(node: Node, path: tuple[str | int, ...]) -> Iterator[Stop]:
    """What stands along a path; ends early where the document does."""
    for part in path:
        if isinstance(node.value, dict) and part in node.value:
            entry = node.value[str(part)]
            yield Stop(entry.text, entry.place, entry.node)
            node = entry.node
        elif isinstance(node.value, list) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            yield Stop(f"[{part}]", node.place, node)
        else:
            return
