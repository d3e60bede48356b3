"""From text to a tree with places: YAML by the core schema of 1.2, or JSON; within limits, and without what hides
things (anchors, tags, merge keys, keys that come twice)."""

import re
from typing import Any

import yaml

from foldgate.language import read_json
from foldgate.language.nodes import Builder, Node
from foldgate.language.problems import Place, invalid, stop
from foldgate.language.scalars import NumberInvalid, plain

MAX_BYTES = 1024 * 1024
_UNFIT = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
"""What YAML does not allow to stand in a text as it is."""


def read(source: str | bytes) -> Node:
    """The tree of the one document in the source."""
    text = _text(source)
    builder = Builder()
    if read_json.is_json(text):
        read_json.feed(text, builder)
    else:
        _feed(text, builder)
    if builder.root is None:
        raise stop("empty", "Expected a document, but it is empty.", Place())
    if builder.problems:
        raise invalid(builder.problems)
    return builder.root


def _text(source: str | bytes) -> str:
    try:
        data = source.encode() if isinstance(source, str) else source
        text = data.decode()
    except UnicodeError:
        raise stop("not_text", "Expected text in UTF-8, but some bytes or characters are not.", Place()) from None
    if len(data) > MAX_BYTES:
        said = f"Expected a document of at most {MAX_BYTES} bytes, but it has {len(data)}."
        raise stop("too_large", said, Place())
    return text.removeprefix("\ufeff")


def _feed(text: str, builder: Builder) -> None:
    """Give the parts of a YAML document to the builder."""
    if unfit := _UNFIT.search(text):
        before = text[: unfit.start()].split("\n")
        said = f"Expected text, but here is the character U+{ord(unfit[0]):04X}; escape it in double quotes."
        raise stop("not_text", said, Place(len(before), len(before[-1]) + 1))
    try:
        for event in yaml.parse(text, Loader=yaml.CSafeLoader):
            _take(event, builder)
    except yaml.MarkedYAMLError as mistake:
        said = f"Expected YAML or JSON, but {mistake.problem or 'it cannot be read'} ({mistake.context or 'here'})."
        raise stop("not_yaml", said, _place(mistake.problem_mark or mistake.context_mark)) from None


def _take(event: yaml.Event, builder: Builder) -> None:
    place = _place(event.start_mark)
    if isinstance(event, yaml.DocumentStartEvent) and builder.root is not None:
        raise stop("two_documents", "Expected one document, but here begins another.", place)
    _refuse_hidden(event, place)
    if isinstance(event, yaml.ScalarEvent):
        _scalar(event, place, builder)
    elif isinstance(event, yaml.MappingStartEvent):
        builder.begin({}, place)
    elif isinstance(event, yaml.SequenceStartEvent):
        builder.begin([], place)
    elif isinstance(event, yaml.CollectionEndEvent):
        builder.end()


def _refuse_hidden(event: yaml.Event, place: Place) -> None:
    """What stands for something else elsewhere makes a document that is not what it looks like."""
    if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
        raise stop("alias", "Expected every value where it is used, but here is an anchor or alias (& or *).", place)
    tag = getattr(event, "tag", None)
    if tag:
        raise stop("tag", f"Expected no tags, but got '{str(tag)[:80]}'; take it away.", place)


def _scalar(event: yaml.ScalarEvent, place: Place, builder: Builder) -> None:
    if "\0" in event.value:
        raise stop("not_text", "Expected text, but it has the character U+0000.", place)
    if not event.implicit[0]:
        return builder.scalar(event.value, event.value, place)
    if event.value == "<<":
        raise stop("merge_key", "Expected every key where it is used, but here is a merge key (<<).", place)
    try:
        return builder.scalar(plain(event.value), event.value, place)
    except NumberInvalid as mistake:
        raise stop("number_invalid", str(mistake), place) from None


def _place(mark: Any) -> Place:
    """The reader counts from 0."""
    return Place(mark.line + 1, mark.column + 1)
