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
    """What a string token says, if it says it without escapes and is no bytes."""
    prefix = token.text[: re.search("[\"']", token.text).start()]  # type: ignore[union-attr] # a string has quotes
    body = token.text[len(prefix) :]
    inner = body[3:-3] if body[:3] in {'"""', "'''"} else body[1:-1]
    return None if "b" in prefix.lower() or "\\" in inner else inner


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
