"""The way in for bundles: from what somebody wrote to what is published, or to everything that is wrong with it."""

from functools import lru_cache

import msgspec
from pydantic import ValidationError

from foldgate.authority.bundle import BundleDocument
from foldgate.authority.bundle_checks import check, check_rest, unknown_key
from foldgate.authority.rules import Bundle, bundle_of
from foldgate.language.canonical import digest_of
from foldgate.language.findings import Findings
from foldgate.language.nodes import plain_value
from foldgate.language.problems import Place, Problem, WorkflowInvalid, invalid, stop
from foldgate.language.read import read
from foldgate.language.secrets_within import secrets_in
from foldgate.language.sentences import path_of, tell

MAX_BYTES = 256 * 1024
"""Of the canonical form of a bundle."""


class BundleInvalid(Exception):
    """A document is no bundle. Every mistake in it is told, in the order of the document."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems


class PreparedBundle(msgspec.Struct, frozen=True, kw_only=True):
    """A bundle that may be published. `canonical` is what `compiled` takes."""

    bundle: str
    digest: str
    canonical: str


def prepare(source: str | bytes) -> PreparedBundle:
    """The canonical form and digest of a bundle; BundleInvalid with every mistake in it."""
    try:
        return _prepared(source)
    except WorkflowInvalid as mistakes:
        raise BundleInvalid(mistakes.problems) from None


def compiled(canonical: str) -> Bundle:
    """The bundle that a canonical form means. Only for forms that `prepare` made: nothing is checked again."""
    return _compiled(canonical)


@lru_cache(maxsize=256)
def _compiled(canonical: str) -> Bundle:
    document = BundleDocument.model_validate(msgspec.json.decode(canonical))
    return bundle_of(document, digest_of(canonical))


def _prepared(source: str | bytes) -> PreparedBundle:
    found = Findings(root := read(source))
    if secrets := secrets_in(source, root):
        raise invalid(secrets)  # and nothing else: other mistakes are told in the words of the document
    document = _document(found)
    if found.problems or document is None:
        raise invalid(found.problems)
    form = _canonical(document)
    size = len(form.encode())
    if size > MAX_BYTES:
        said = f"Expected a bundle of at most {MAX_BYTES} bytes, but it has {size}: make it two."
        raise stop("too_large", said, Place())
    return PreparedBundle(bundle=document.bundle, digest=digest_of(form), canonical=form)


def _document(found: Findings) -> BundleDocument | None:
    """The document, once all that is wrong with it was found; also what is wrong beside that the models find wrong."""
    value = plain_value(found.root)
    try:
        document = BundleDocument.model_validate(value)
    except ValidationError as error:
        tell(error, found, unknown=unknown_key)
        check_rest(value, {path_of(each["loc"])[:3] for each in error.errors()}, found)
        return None
    check(document, found)
    return document


def _canonical(document: BundleDocument) -> str:
    """Everything that is not said by default, as JSON with sorted keys."""
    form = document.model_dump(by_alias=True, exclude_defaults=True, warnings=False)
    return msgspec.json.encode(form, order="sorted").decode()
