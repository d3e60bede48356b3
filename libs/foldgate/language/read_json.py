"""JSON with the place of every value: most of JSON is YAML, but not its surrogate pairs, so it has a reader of its
own."""

import bisect
import re

import msgspec

from foldgate.language.nodes import Builder
from foldgate.language.problems import Place, stop
from foldgate.language.scalars import NumberInvalid, plain

_PART = re.compile(r'[{}\[\]]|"[^"\\]*(?:\\.[^"\\]*)*"|[^\s{}\[\]:,"]+')
_LINE = re.compile(r"\r\n|\n|\r")


def is_json(text: str) -> bool:
    """Whether the text is a map in JSON; what is not is left to the YAML reader, which says where it breaks off."""
    if not text.lstrip().startswith("{"):
        return False
    try:
        msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return False
    return True


def feed(text: str, builder: Builder) -> None:
    """Give the parts of a text that is JSON to the builder."""
    starts = [0, *(found.end() for found in _LINE.finditer(text))]
    for part in _PART.finditer(text):
        line = bisect.bisect_right(starts, part.start())
        _take(part[0], Place(line, part.start() - starts[line - 1] + 1), builder)


def _take(part: str, place: Place, builder: Builder) -> None:
    if part == "{":
        builder.begin({}, place)
    elif part == "[":
        builder.begin([], place)
    elif part in "}]":
        builder.end()
    elif part[0] == '"':
        _quoted(msgspec.json.decode(part, type=str), place, builder)
    else:
        _bare(part, place, builder)


def _quoted(text: str, place: Place, builder: Builder) -> None:
    if "\0" in text:
        raise stop("not_text", "Expected text, but it has the character U+0000.", place)
    builder.scalar(text, text, place)


def _bare(part: str, place: Place, builder: Builder) -> None:
    try:
        builder.scalar(plain(part), part, place)
    except NumberInvalid as mistake:
        raise stop("number_invalid", str(mistake), place) from None
