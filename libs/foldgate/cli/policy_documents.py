"""Bundles of rules in files: read, judged without any suite, and told what is wrong where."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from foldgate.authority.bundles import BundleInvalid, PreparedBundle, prepare
from foldgate.cli.documents import print_problems, read_document
from foldgate.cli.terminal import plain, say_json
from foldgate.contracts.events import PolicyVersion
from foldgate.language.problems import Problem


class Judged(NamedTuple):
    """A document, and the bundle it is; or no bundle, for these reasons."""

    file: str
    source: bytes
    prepared: PreparedBundle | None
    problems: tuple[Problem, ...] = ()


def judged(files: Sequence[str]) -> list[Judged]:
    """Each document, in the order they were named."""
    return [_judge(file, read_document(file, "a bundle of rules")) for file in files]


def bundles_in(files: Sequence[str], *, as_json: bool) -> list[tuple[Judged, PreparedBundle]] | None:
    """The bundles; None if one of them is none, once every problem of all was told."""
    documents = judged(files)
    wrong = [one for one in documents if one.prepared is None]
    if not wrong:
        return [(one, one.prepared) for one in documents if one.prepared is not None]
    if as_json:
        say_json([as_object(one) for one in wrong])
    else:
        for one in wrong:
            print_problems(one.file, one.problems)
    return None


def as_version(prepared: PreparedBundle, number: int = 0) -> PolicyVersion:
    """A bundle as it would be published."""
    return PolicyVersion(bundle=prepared.bundle, version=number, digest=prepared.digest, definition=prepared.canonical)


def as_object(document: Judged) -> dict[str, Any]:
    """A document that is no bundle, as programs get it."""
    return {"file": document.file, "valid": False, "problems": plain(document.problems)}


def _judge(file: str, source: bytes) -> Judged:
    try:
        return Judged(file, source, prepare(source))
    except BundleInvalid as mistakes:
        return Judged(file, source, None, mistakes.problems)
