"""What an expression reads, known without evaluating it.

There is no syntax tree to ask, so this goes over the tokens: a name that is no member, no function and no variable of a
comprehension around it is read, together with the members written behind it.
"""

from typing import NamedTuple

from foldgate.expr.faults import ExpressionInvalid, Path
from foldgate.expr.names import ALL_NAMES
from foldgate.expr.tokens import Token, plain_text, tokens

_MACROS = frozenset(("all", "exists", "exists_one", "existsOne", "map", "filter"))
_OPENING = frozenset("([{")
_CLOSING = frozenset(")]}")
_END = Token("end", "", 0, 0)


class Reads(NamedTuple):
    """The paths that are read, each begins with a root; `whole`: the expression is nothing but one path."""

    paths: tuple[Path, ...]
    whole: bool

    @property
    def roots(self) -> frozenset[str]:
        return frozenset(str(path[0]) for path in self.paths)

    @property
    def steps(self) -> frozenset[str]:
        return frozenset(str(path[1]) for path in self.paths if path[0] == "steps")


def reads(text: str) -> Reads:
    """What this expression reads."""
    walk = _Walk(text)
    walk.over_all()
    return Reads(tuple(dict.fromkeys(walk.paths)), walk.whole)


class _Walk:
    """One way over the tokens. `hidden` has the variable of the comprehension that each open bracket begins, if any."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = list(tokens(text))
        self.hidden: list[str] = []
        self.paths: list[Path] = []
        self.whole = False

    def over_all(self) -> None:
        for at, token in enumerate(self.tokens):
            if token.text in _OPENING:
                self.hidden.append(self._variable(at))
            elif token.text in _CLOSING and self.hidden:
                self.hidden.pop()
            elif token.kind == "name" and self._is_root(at):
                self._take_path(at)

    def _token(self, at: int) -> Token:
        return self.tokens[at] if 0 <= at < len(self.tokens) else _END

    def _is_member(self, at: int) -> bool:
        """A dot before a name makes it a member, unless nothing is there that it could be a member of."""
        before = self._token(at - 2)
        return self._token(at - 1).text == "." and (
            before.kind in {"name", "quoted", "string", "number"} or before.text in _CLOSING
        )

    def _is_root(self, at: int) -> bool:
        name = self.tokens[at].text
        return (
            name in ALL_NAMES
            and not self._is_member(at)
            and self._token(at + 1).text != "("
            and (name not in self.hidden or self._token(at - 1).text == ".")
        )

    def _variable(self, at: int) -> str:
        """The variable of the macro whose arguments this bracket opens; it hides a root of the same name."""
        macro = self._token(at - 1).text in _MACROS and self._is_member(at - 1)
        declares = self._token(at + 1).kind == "name" and self._token(at + 2).text == ","
        return self._token(at + 1).text if macro and declares and self._token(at).text == "(" else ""

    def _take_path(self, at: int) -> None:
        root = self.tokens[at].text
        path: Path = (root,)
        end = at + 1
        while (member := self._member(end)) is not None:
            path, end = (*path, member[0]), member[1]
        if root == "steps" and not (len(path) > 1 and isinstance(path[1], str)):
            raise _unnamed_step(self.text, self.tokens[at])
        self.paths.append(path)
        self.whole = at == 0 and end == len(self.tokens)

    def _member(self, at: int) -> tuple[str | int, int] | None:
        """The member that is named there, by `.name`, `['name']` or `[0]`, and where it ends."""
        sign, inner, after = self._token(at).text, self._token(at + 1), self._token(at + 2)
        if sign == "." and inner.kind in {"name", "quoted"} and after.text != "(":
            return inner.text.strip("`"), at + 2
        if sign != "[" or after.text != "]":
            return None
        if inner.kind == "number" and inner.text.isdecimal():
            return int(inner.text), at + 3
        named = plain_text(inner) if inner.kind == "string" else None
        return None if named is None else (named, at + 3)


def _unnamed_step(text: str, token: Token) -> ExpressionInvalid:
    line = text.count("\n", 0, token.start) + 1
    column = token.start - (text.rfind("\n", 0, token.start) + 1) + 1
    message = "Expected steps.<id> or steps['id'], but steps is used otherwise: name the step, so that it is known what it waits for."
    return ExpressionInvalid(message, code="step_not_named", line=line, column=column)
