"""The tokens of CEL: enough of the grammar to know what an expression reads and where it ends."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from foldgate.expr.faults import ExpressionInvalid

_TOKEN = re.compile(
    r"""
    (?P<space>\s+|//[^\n]*)
    |(?P<string>(?i:[rb]{0,2})(?:\"{3}|'{3}|"|'))
    |(?P<name>[A-Za-z_][A-Za-z0-9_]*)
    |(?P<quoted>`[^`\n]*`)
    |(?P<number>(?:0[xX][0-9a-fA-F]+|[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?|\.[0-9]+(?:[eE][+-]?[0-9]+)?)[uU]?)
    |(?P<sign>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_PARTS = re.compile(r"([A-Za-z]*)(\"{3}|'{3}|\"|')(.*)\2", re.DOTALL)
_ESCAPED = re.compile(r"\\([\\'\"])")


class Token(NamedTuple):
    """A piece of an expression: kind `string`, `name`, `quoted`, `number` or `sign`."""

    kind: str
    text: str
    start: int
    end: int


def tokens(text: str, start: int = 0) -> Iterator[Token]:
    """All tokens from there on; spaces and comments are left out."""
    while found := _TOKEN.match(text, start):
        end = _end_of_string(text, found) if found.lastgroup == "string" else found.end()
        if found.lastgroup != "space":
            yield Token(str(found.lastgroup), text[start:end], start, end)
        start = end


def end_of_expression(text: str, start: int) -> int:
    """Where the brace is that closes `${`, of which the expression begins at `start`."""
    depth = 0
    for token in tokens(text, start):
        if token.text == "}" and depth == 0:
            return token.start
        depth += {"{": 1, "}": -1}.get(token.text, 0)
    raise ExpressionInvalid("Expected '}' at the end of the expression, but the text ends. A literal '${' is '$${'.")


def plain_text(token: Token) -> str | None:
    """What a string token says; None if it is bytes, or if it takes more than a look to know."""
    prefix, _, body = _PARTS.fullmatch(token.text).groups()  # type: ignore[union-attr] # the token is a string
    if "b" in prefix.lower():
        return None
    if "r" in prefix.lower():
        return str(body)
    plain = _ESCAPED.sub("", body)
    return None if "\\" in plain else _ESCAPED.sub(lambda found: found[1], body)


def _end_of_string(text: str, opening: re.Match[str]) -> int:
    """Just behind the closing quotes. In a raw string a backslash is a character like any other."""
    prefix = opening[0].rstrip("\"'")
    quotes = opening[0][len(prefix) :]
    at = opening.end()
    while at < len(text) and not text.startswith(quotes, at):
        if len(quotes) == 1 and text[at] == "\n":
            break
        at += 2 if text[at] == "\\" and "r" not in prefix.lower() else 1
    if not text.startswith(quotes, at):
        raise ExpressionInvalid(f"Expected {quotes} at the end of the string that begins here, but it does not end.")
    return at + len(quotes)
