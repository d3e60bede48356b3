"""Which pools there are and which of them take jobs.

What holds is changed by whoever a trusted issuer vouches for, in a role that may, for the whole suite, and with each
request once. Whether a pool is overloaded its own aggregate says, which sees what waits there; here it is closed for
that, and opened again.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import get_args

from msgspec.structs import replace

from foldgate.authority.active import Policies
from foldgate.authority.keys import SignatureInvalid, Trust
from foldgate.authority.pools import DEFAULT
from foldgate.authority.pools_reading import PoolsInvalid, PreparedPools, prepare
from foldgate.authority.pools_terms import REMOVED
from foldgate.authority.requests import check_request
from foldgate.contracts.events import (
    Event,
    Meta,
    PoolChanged,
    PoolDrainRequested,
    PoolOverloaded,
    PoolRelieved,
    PoolsPublished,
    PoolsPutRequested,
    PoolsRefused,
)
from foldgate.decider.decider import Decider, Message, Said, SetAside
from foldgate.scheduler.pools.evolve import evolve
from foldgate.scheduler.pools.state import KEY, Known, Pools, describe, identity

Asked = PoolsPutRequested | PoolDrainRequested
ASKED: tuple[type[Event], ...] = get_args(Asked)
"""What somebody may ask for."""
Outcome = Iterator[Event | Said]
Table = Mapping[str, Known]

ROLES: Mapping[type[Event], tuple[str, ...]] = {
    PoolsPutRequested: ("admin",),
    PoolDrainRequested: ("admin", "operator"),
}
"""In which roles somebody may ask for what."""
MAX_SOURCE_BYTES = 512 * 1024
MAX_REASON = 2000
MAX_PROBLEMS, MAX_PROBLEM_CHARACTERS = 100, 500
MAX_NAME = 255
"""Characters of a name: what fits an index and a line."""
_IMPLICIT: Table = {DEFAULT: Known("")}
"""What there is to close while nobody has said which pools there are."""


class Refused(Exception):
    """A change that changes nothing. `code` is stable, the text says what was expected."""

    def __init__(self, code: str, reason: str, *, problems: tuple[str, ...] = ()) -> None:
        super().__init__(reason)
        self.code, self.problems = code, problems


def pools(policies: Policies, trust: Trust) -> Decider[Pools]:
    """The decider of the pools of a suite. Of the policies only the revoked keys count."""
    changes = _Changes(policies, trust)
    return Decider(state=Pools, decide=changes.decide, evolve=evolve, fail=_fail, describe=describe)


class _Changes:
    """The changes of pools."""

    def __init__(self, policies: Policies, trust: Trust) -> None:
        self._policies, self._trust = policies, trust

    def decide(self, state: Pools | None, message: Message) -> Outcome:
        """What answers this message; it is about no run, whatever the message says."""
        before, meta = state or Pools(), message.meta
        match message.event:
            case PoolsPutRequested() | PoolDrainRequested() as asked if meta is not None:
                said = self._answer(before, asked, meta, at=message.at)
            case PoolOverloaded(pool=pool):
                said = _loaded(before, pool, overloaded=True)
            case PoolRelieved(pool=pool):
                said = _loaded(before, pool, overloaded=False)
            case _:
                said = ()
        yield from (Said(event, run_id="", pool="", tenant="") for event in said)

    def _answer(self, before: Pools, asked: Asked, meta: Meta, *, at: int) -> Iterable[Event]:
        _check_names(asked, meta)
        if identity(meta) in before.answered:
            return ()
        try:
            self._check_right(asked, meta, at=at)
            return _published(before, asked) if isinstance(asked, PoolsPutRequested) else _drained(before, asked)
        except SignatureInvalid as invalid:
            known = identity(meta) in before.dismissed
            return () if known else (_refused(asked, Refused(invalid.code, str(invalid))),)
        except Refused as refused:
            return (_refused(asked, refused),)

    def _check_right(self, asked: Asked, meta: Meta, *, at: int) -> None:
        issuer = check_request(self._trust, meta, asked, at=at)
        if issuer.key_id in self._policies.revoked:
            reason = f"Expected a trusted key, but {issuer.key_id} of '{issuer.name}' was revoked."
            raise SignatureInvalid("key_revoked", reason)
        if not meta.request_id:
            raise Refused("no_request_id", "Expected a request id, so that nobody can send this again, but got none.")
        if issuer.tenant:
            reason = f"Expected an issuer for the whole suite, but '{issuer.name}' speaks for '{issuer.tenant}' alone."
            raise Refused("forbidden", reason)
        roles = ROLES[type(asked)]
        if not set(roles) & set(issuer.roles):
            reason = f"Expected an issuer in the role {' or '.join(roles)}, but '{issuer.name}' is in none."
            raise Refused("forbidden", reason)


def _published(before: Pools, asked: PoolsPutRequested) -> Iterable[Event]:
    """All pools and routes, from the revision that their author knew, and each pool that is another by it."""
    prepared = _prepared(asked)
    if asked.revision != before.revision:
        reason = f"Expected a change of revision {before.revision} of the pools, but it is one of {asked.revision}."
        raise Refused("revision_conflict", reason + " Look at what has changed meanwhile.")
    if prepared.canonical == before.document:
        raise Refused("unchanged", "Expected a document that differs from the one that holds, but it does not.")
    number = before.number + 1
    published = PoolsPublished(
        document=prepared.canonical,
        digest=prepared.digest,
        revision=before.revision + 1,
        number=number,
        reason=asked.reason[:MAX_REASON],
    )
    known = before.pools if before.revision else _IMPLICIT
    after = {pool.name: _known(known.get(pool.name), pool.text()) for pool in prepared.layout.pools}
    return (published, *_changes(known, after, number))


def _drained(before: Pools, asked: PoolDrainRequested) -> Iterable[Event]:
    pool = _pool(before, asked.pool)
    if pool.draining == asked.draining:
        said = "that takes jobs" if asked.draining else "that is draining"
        raise Refused("unchanged", f"Expected a pool {said}, but '{asked.pool}' is not.")
    after = replace(pool, draining=asked.draining, words=asked.reason[:MAX_REASON])
    return (_change(asked.pool, after, before.number + 1),)


def _loaded(before: Pools, name: str, *, overloaded: bool) -> Iterable[Event]:
    pool = before.pools.get(name)
    if pool is None or pool.overloaded == overloaded:
        return ()
    return (_change(name, replace(pool, overloaded=overloaded), before.number + 1),)


def _changes(before: Table, after: Table, number: int) -> Iterator[Event]:
    """What is there no longer, and what is other than it was."""
    gone = [name for name in before if name not in after]
    others = [name for name, pool in after.items() if before.get(name) != pool]
    for at, name in enumerate(gone + others, number + 1):
        yield _change(name, after.get(name), at)


def _change(name: str, pool: Known | None, number: int) -> PoolChanged:
    if pool is None:
        return PoolChanged(pool=name, terms="", is_open=False, number=number, reason=REMOVED)
    return PoolChanged(
        pool=name, terms=pool.terms, is_open=pool.is_open, number=number, reason=pool.reason, words=pool.words
    )


def _known(before: Known | None, terms: str) -> Known:
    return replace(before, terms=terms) if before is not None else Known(terms)


def _pool(before: Pools, name: str) -> Known:
    if name not in before.pools:
        there = f"there is no '{name[:100]}'" if before.revision else "nobody has said yet which pools there are"
        raise Refused("unknown_pool", f"Expected a pool of the document, but {there}.")
    return before.pools[name]


def _prepared(asked: PoolsPutRequested) -> PreparedPools:
    if (size := len(asked.source.encode())) > MAX_SOURCE_BYTES:
        raise Refused("too_large", f"Expected a document of at most {MAX_SOURCE_BYTES} bytes, but it has {size}.")
    try:
        return prepare(asked.source)
    except PoolsInvalid as invalid:
        problems = [str(problem)[:MAX_PROBLEM_CHARACTERS] for problem in invalid.problems]
        reason = f"Expected pools without mistakes, but found {len(problems)}, the first: {problems[0]}"
        raise Refused("invalid", reason, problems=tuple(problems[:MAX_PROBLEMS])) from None


def _check_names(asked: Asked, meta: Meta) -> None:
    pool = asked.pool if isinstance(asked, PoolDrainRequested) else ""
    names = {"tenant": meta.tenant, "principal": meta.principal, "request id": meta.request_id, "pool": pool}
    for what, name in names.items():
        if len(name) > MAX_NAME:
            raise SetAside("name_too_long", f"Expected a {what} of at most {MAX_NAME} characters, but got {len(name)}.")
    if meta.key != KEY:
        raise SetAside("key_mismatch", f"Expected the key '{KEY}' for a change of pools.")


def _refused(asked: Event, why: Refused) -> PoolsRefused:
    return PoolsRefused(request=type(asked).__name__, code=why.code, reason=str(why), problems=why.problems)


def _fail(_: Pools | None, message: Message, _reason: str) -> Iterable[Event | Said]:
    """After a fault of ours whoever asked hears of it; the reason is in quarantine."""
    if isinstance(message.event, Asked):
        reason = "Expected to judge this request, but the scheduler broke on it: quarantine has the reason."
        yield Said(_refused(message.event, Refused("internal_error", reason)), run_id="", pool="", tenant="")
