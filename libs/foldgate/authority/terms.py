"""Terms of an approval: who may answer, how many must, and what the votes that were given come to under them.

Terms of several rules combine so that each rule's own quorum is reached: `also` has those whose roles differ. Under a
majority a no does not end it: then as many noes as yeses would be needed do. Pure: whoever asks, counts or decides
again comes to the same answer, so votes that weaker terms were satisfied with are judged anew under stricter ones.
"""

from collections.abc import Iterable, Iterator
from typing import Annotated, Literal

import msgspec

from foldgate.contracts.events import Vote

Count = Annotated[int, msgspec.Meta(ge=1)]
Outcome = Literal["granted", "refused", "open"]


class Quorum(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """So many votes, each of somebody who has one of these roles; of anybody where none is named."""

    required: Count = 1
    roles: tuple[str, ...] = ()

    def has(self, roles: Iterable[str]) -> bool:
        """Whether somebody with these roles is one of them."""
        return not self.roles or not set(self.roles).isdisjoint(roles)


class Terms(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """On what a question is answered. Milliseconds under either name."""

    required: Count = 1
    roles: tuple[str, ...] = ()
    also: tuple[Quorum, ...] = ()
    exclude_requester: bool = False
    majority: bool = False
    expires_in: int | None = None
    expires_in_ms: int | None = None
    on_expire: Literal["denied", "deny", "timed_out"] = "denied"

    @staticmethod
    def of(text: str) -> "Terms":
        """The terms that this JSON says; msgspec.DecodeError if it says none. What is not known here might restrict
        who may answer, so it is refused and never passed over."""
        return msgspec.json.decode(text, type=Terms)

    def text(self) -> str:
        """As canonical JSON."""
        return msgspec.json.encode(self, order="sorted").decode()

    @property
    def patience_ms(self) -> int | None:
        """How long the question may be answered; None for ever."""
        return self.expires_in if self.expires_in_ms is None else self.expires_in_ms

    @property
    def times_out(self) -> bool:
        """Whether what nobody answers is timed out, and not denied."""
        return self.on_expire == "timed_out"

    @property
    def quorums(self) -> tuple[Quorum, ...]:
        """All of which are to be reached."""
        return (Quorum(required=self.required, roles=self.roles), *self.also)


class Tally(msgspec.Struct, frozen=True):
    """How many of one quorum have said yes and no."""

    quorum: Quorum
    yes: int
    no: int


def objection(terms: Terms, voter: str, roles: Iterable[str], *, requester: str) -> str | None:
    """Why this person's vote would not count, as a sentence; None if it would."""
    if terms.exclude_requester and voter == requester:
        return "Expected somebody else than who asked for the run."
    had = tuple(roles)
    if not any(quorum.has(had) for quorum in terms.quorums):
        wanted = " or ".join(sorted({role for quorum in terms.quorums for role in quorum.roles}))
        return f"Expected somebody who is {wanted}, but '{voter}' is {' and '.join(had) or 'none of that'}."
    return None


def tallies(terms: Terms, votes: Iterable[Vote], *, requester: str) -> list[Tally]:
    """What each quorum has; of one person the first vote counts, and of those who may not vote none."""
    first: dict[str, Vote] = {}
    for vote in votes:
        if not (terms.exclude_requester and vote.voter == requester):
            first.setdefault(vote.voter, vote)
    return [_tally(quorum, first.values()) for quorum in terms.quorums]


def outcome(terms: Terms, votes: Iterable[Vote], *, requester: str) -> Outcome:
    """What the votes come to: granted if every quorum is reached, refused if one no longer can be."""
    found = tallies(terms, votes, requester=requester)
    if any(_is_lost(one, terms.majority) for one in found):
        return "refused"
    return "granted" if all(one.yes >= one.quorum.required for one in found) else "open"


def satisfied(terms: Terms, votes: Iterable[Vote], *, requester: str) -> bool:
    """Whether these votes are a yes under these terms."""
    return outcome(terms, votes, requester=requester) == "granted"


def missing(terms: Terms, votes: Iterable[Vote], *, requester: str) -> list[str]:
    """What is not there yet, one a quorum: "1 of 2 votes of sre"."""
    short = (one for one in tallies(terms, votes, requester=requester) if one.yes < one.quorum.required)
    return [f"{one.quorum.required - one.yes} of {one.quorum.required} votes{_of(one.quorum)}" for one in short]


def combined(several: Iterable[Terms]) -> Terms:
    """The terms that satisfy all of these: each quorum of each, the shortest patience, and what any of them forbids."""
    found = list(several)
    quorums = list(_largest(quorum for one in found for quorum in one.quorums)) or [Quorum()]
    patience = min((one.patience_ms for one in found if one.patience_ms is not None), default=None)
    return Terms(
        required=quorums[0].required,
        roles=quorums[0].roles,
        also=tuple(quorums[1:]),
        exclude_requester=any(one.exclude_requester for one in found),
        majority=bool(found) and all(one.majority for one in found),
        expires_in_ms=patience,
        on_expire="timed_out" if found and all(one.times_out for one in found) else "denied",
    )


def _largest(quorums: Iterable[Quorum]) -> Iterator[Quorum]:
    """Of those with the same roles the one that needs most; in the order of the roles, whatever order they come in."""
    required: dict[tuple[str, ...], int] = {}
    for quorum in quorums:
        roles = tuple(sorted(set(quorum.roles)))
        required[roles] = max(quorum.required, required.get(roles, 0))
    for roles in sorted(required):
        yield Quorum(required=required[roles], roles=roles)


def _tally(quorum: Quorum, votes: Iterable[Vote]) -> Tally:
    said = [vote.approve for vote in votes if quorum.has(vote.roles)]
    return Tally(quorum, sum(said), len(said) - sum(said))


def _is_lost(tally: Tally, majority: bool) -> bool:
    if not majority:
        return tally.no > 0
    return tally.no >= max(tally.quorum.required, tally.yes)


def _of(quorum: Quorum) -> str:
    return f" of {' or '.join(quorum.roles)}" if quorum.roles else ""
