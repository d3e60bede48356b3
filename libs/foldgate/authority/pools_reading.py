"""The way in for pools: from what somebody wrote to what is published, or to everything that is wrong with it."""

import hashlib
from collections.abc import Iterable, Iterator

import msgspec
from pydantic import ValidationError

from foldgate.authority.pools_document import LimitTerms, PoolDocument, PoolsDocument
from foldgate.authority.pools_terms import Layout, PoolLimit, PoolRoute, PoolTerms
from foldgate.authority.unknown_keys import unknown_in
from foldgate.language.findings import Findings, Path
from foldgate.language.nodes import plain_value
from foldgate.language.problems import Place, Problem, WorkflowInvalid, invalid, stop
from foldgate.language.read import read
from foldgate.language.sentences import tell

MAX_BYTES = 128 * 1024
"""Of the canonical form: the event that publishes it comes with one more for each pool, in one append."""


class PoolsInvalid(Exception):
    """A document does not say which pools there are. Every mistake in it is told, in the order of the document."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems


class PreparedPools(msgspec.Struct, frozen=True, kw_only=True):
    """A document that may be published. `canonical` is what `layout_of` takes."""

    layout: Layout
    digest: bytes
    canonical: str


def prepare(source: str | bytes) -> PreparedPools:
    """The canonical form and digest of a document; PoolsInvalid with every mistake in it."""
    try:
        return _prepared(source)
    except WorkflowInvalid as mistakes:
        raise PoolsInvalid(mistakes.problems) from None


def _prepared(source: str | bytes) -> PreparedPools:
    found = Findings(read(source))
    document = _document(found)
    if document is None or found.problems:
        raise invalid(found.problems)
    layout = _layout(document)
    canonical = layout.text()
    size = len(canonical.encode())
    if size > MAX_BYTES:
        said = f"Expected pools of at most {MAX_BYTES} bytes, but these have {size}."
        raise stop("too_large", said, Place())
    return PreparedPools(layout=layout, digest=hashlib.sha256(canonical.encode()).digest(), canonical=canonical)


def _document(found: Findings) -> PoolsDocument | None:
    try:
        document = PoolsDocument.model_validate(plain_value(found.root))
    except ValidationError as error:
        tell(error, found, unknown=unknown_in(PoolsDocument))
        return None
    _check(document, found)
    return document


def _check(document: PoolsDocument, found: Findings) -> None:
    """Look at what does not go together, where each part has the right form."""
    names = [pool.name for pool in document.pools]
    for at, name in _again(names):
        found.add(("pools", at, "name"), "twice", f"Expected each pool once, but '{name}' comes twice.")
    for at, pool in enumerate(document.pools):
        _check_limits(pool.limits, ("pools", at, "limits"), found)
    for at, route in enumerate(document.routes):
        path: Path = ("routes", at, "pools")
        for place, name in enumerate(route.pools):
            if name not in names:
                said = f"Expected a pool of this document, but there is no '{name}'{found.guess(name, names)}"
                found.add((*path, place), "unknown_pool", said)
        for place, name in _again(route.pools):
            found.add((*path, place), "twice", f"Expected each pool once, but '{name}' comes twice.")


def _check_limits(limits: Iterable[LimitTerms], path: Path, found: Findings) -> None:
    listed = list(limits)
    for at, limit in enumerate(listed):
        if limit.max_concurrent is None and limit.per_minute is None:
            found.add((*path, at), "missing_key", "Expected 'max_concurrent' or 'per_minute', but neither is there.")
    for at, key in _again([limit.key for limit in listed]):
        found.add((*path, at, "key"), "twice", f"Expected each key once, but '{key}' comes twice.")


def _again(names: Iterable[str]) -> Iterator[tuple[int, str]]:
    """What was there before, and where it comes again."""
    seen: set[str] = set()
    for at, name in enumerate(names):
        if name in seen:
            yield at, name
        seen.add(name)


def _layout(document: PoolsDocument) -> Layout:
    routes = (PoolRoute(tuple(route.topics), tuple(route.pools)) for route in document.routes)
    return Layout(tuple(map(_terms, document.pools)), tuple(routes))


def _terms(pool: PoolDocument) -> PoolTerms:
    return PoolTerms(
        name=pool.name,
        capabilities=tuple(pool.capabilities),
        tenants=tuple(pool.tenants),
        labels=pool.labels,
        max_waiting=pool.max_waiting,
        max_cpu_percent=pool.max_cpu_percent,
        max_gpu_percent=pool.max_gpu_percent,
        retry_share=pool.retry_share,
        age_step_ms=pool.age_step,
        limits=tuple(PoolLimit(one.key, one.max_concurrent, one.per_minute) for one in pool.limits),
    )
