"""The outline of an expression: what it reads, and what is done how often.

CEL's library checks the syntax but shows no tree, so this reads the tokens of a text that compiled. Operators and most
functions are all the same here: something is made of their parts. Comprehensions are not, for they repeat.
"""

from typing import NamedTuple, TypeAlias

from foldgate.expr.faults import Path
from foldgate.expr.names import ROOTS
from foldgate.expr.patterns import weight
from foldgate.expr.tokens import Token, plain_text, tokens

COMPREHENSIONS = frozenset(("all", "exists", "exists_one", "map", "filter"))
_CLOSING = {"(": ")", "[": "]", "{": "}"}
_BEGIN_A_VALUE = frozenset("([{.")
_END = Token("end", "", 0, 0)


class Read(NamedTuple):
    """A root with the members named behind it: the tokens from `first` up to `last`, from `start` in the text."""

    path: Path
    first: int
    last: int
    start: int


class Variable(NamedTuple):
    """The variable of a comprehension around it, with the members named behind it."""

    name: str
    path: Path = ()


class Literal(NamedTuple):
    """Something that is as long as it is written, and needs nothing."""

    size: int


class Group(NamedTuple):
    """Something made of all of these; a list literal has one part an item."""

    parts: tuple["Node", ...]
    is_list: bool = False


class Comprehension(NamedTuple):
    """A body that is evaluated for each element of a range, which stands from `start` up to `end` in the text."""

    macro: str
    range: "Node"
    variable: str
    body: "Node"
    start: int
    end: int


class Match(NamedTuple):
    """A search in a text for a pattern of that weight; None where the pattern is not written there."""

    text: "Node"
    weight: int | None
    at: int
    pattern: str = ""


Node: TypeAlias = Read | Variable | Literal | Group | Comprehension | Match


class Outline(NamedTuple):
    """All of an expression; `whole`: it is nothing but one path."""

    node: Group
    whole: bool


def outline(text: str) -> Outline:
    """The outline of a text that compiled."""
    reader = _Reader(list(tokens(text)))
    node = Group(tuple(reader.parts("")))
    read = next((part for part in leaves(node) if isinstance(part, Read)), None)
    return Outline(node, read is not None and (read.first, read.last) == (0, len(reader.tokens)))


def leaves(node: Node) -> list[Node]:
    """All that has no parts, and all that repeats or searches, from left to right."""
    match node:
        case Group(parts):
            return [leaf for part in parts for leaf in leaves(part)]
        case Comprehension(_, among, _, body, _, _):
            return [*leaves(among), node, *leaves(body)]
        case Match(text):
            return [*leaves(text), node]
        case _:
            return [node]


class _Reader:
    """Reads token after token; `hidden` are the variables of the comprehensions around."""

    def __init__(self, all_tokens: list[Token]) -> None:
        self.tokens = all_tokens
        self.at = 0
        self.hidden: list[str] = []
        self.begun: list[int] = []

    def parts(self, closing: str) -> list[Node]:
        """What stands between commas, up to and over the closing bracket."""
        found: list[list[Node]] = [[]]
        while (token := self._next()) is not _END and token.text != closing:
            if token.text == ",":
                found.append([])
            elif (token.kind != "sign" and token.text != "in") or token.text in _BEGIN_A_VALUE:
                found[-1].append(self._chain(token))
        return [Group(tuple(operands)) for operands in found if operands]

    def _peek(self, ahead: int = 0) -> Token:
        return self.tokens[self.at + ahead] if self.at + ahead < len(self.tokens) else _END

    def _next(self) -> Token:
        token = self._peek()
        self.at += 1
        return token

    def _chain(self, token: Token) -> Node:
        """A value, and what is asked of it: members, elements, functions."""
        self.begun.append(token.start)
        node = self._value(token)
        while self._peek().text in {".", "[", "{"}:
            node = self._asked(node)
        self.begun.pop()
        return node

    def _value(self, token: Token) -> Node:
        """A name behind a dot that follows nothing is a root, whatever variables there are."""
        if token.text in _CLOSING:
            return Group(tuple(self.parts(_CLOSING[token.text])), is_list=token.text == "[")
        absolute = token.text == "."
        first = self.at - 1
        name = self._next() if absolute else token
        if name.kind == "name" and self._peek().text == "(":
            return self._call(None, name)
        if name.kind == "name" and name.text in self.hidden and not absolute:
            return Variable(name.text)
        if name.kind == "name" and name.text in ROOTS:
            return Read((name.text,), first, self.at, name.start)
        return Literal(len(name.text))

    def _asked(self, node: Node) -> Node:
        opening = self._next()
        if opening.text == "{":
            return Group((node, *self.parts("}")))
        if opening.text == "[":
            return self._element(node)
        name = self._next()
        if self._peek().text == "(":
            return self._call(node, name)
        return self._member(node, name.text.strip("`"))

    def _element(self, node: Node) -> Node:
        inner, is_alone = self._peek(), self._peek(1).text == "]"
        named = plain_text(inner) if inner.kind == "string" else None
        key = int(inner.text) if inner.text.isdecimal() else named
        if key is None or not is_alone or not isinstance(node, Read | Variable):
            return Group((node, *self.parts("]")))
        self.at += 2
        return self._member(node, key)

    def _member(self, node: Node, key: str | int) -> Node:
        match node:
            case Read():
                return node._replace(path=(*node.path, key), last=self.at)
            case Variable():
                return node._replace(path=(*node.path, key))
            case _:
                return Group((node,))

    def _call(self, receiver: Node | None, name: Token) -> Node:
        self.at += 1
        if receiver is not None and name.text in COMPREHENSIONS:
            return self._comprehension(receiver, name)
        arguments = [*([] if receiver is None else [receiver]), *self.parts(")")]
        if name.text == "matches":
            pattern = self._pattern()
            return Match(arguments[0], None if pattern is None else weight(pattern), name.start, pattern or "")
        return Group((Literal(1), *arguments))

    def _pattern(self) -> str | None:
        """The pattern that was the last argument, if it was a single text."""
        literal, before = self.tokens[self.at - 2], self.tokens[self.at - 3].text
        return plain_text(literal) if literal.kind == "string" and before in {"(", ","} else None

    def _comprehension(self, among: Node, macro: Token) -> Node:
        start, end = self.begun[-1], self.tokens[self.at - 3].start
        variable = self._next().text
        self.at += 1
        self.hidden.append(variable)
        body = Group(tuple(self.parts(")")))
        self.hidden.pop()
        return Comprehension(macro.text, among, variable, body, start, end)
