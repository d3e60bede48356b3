"""Who votes, and who vouches for them: the signature of a trusted issuer, or of a person's own key.

An issuer, such as the gateway, vouches for the roles of those it has let in. A certificate with the role `person` is
somebody's own: it votes under that person's name alone, with the roles it has and no others.
"""

from collections.abc import Container

from foldgate.authority.keys import SignatureInvalid, Trust
from foldgate.authority.requests import PERSON, Vouching
from foldgate.contracts.events import Meta, VoteCast

MAX_ROLES, MAX_NAME = 100, 255


class VoteInvalid(Exception):
    """A vote does not count. `code` is stable, the text says what was expected."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code


class Voters:
    """Says with which roles a vote counts. `revoked` is looked at each time: it may be a set that grows."""

    def __init__(self, trust: Trust, *, revoked: Container[str] = frozenset(), unsigned: bool = False) -> None:
        self._vouching = Vouching(trust, revoked=revoked, unsigned=unsigned)

    def roles(self, meta: Meta, vote: VoteCast, *, at: int) -> tuple[str, ...]:
        """The roles of who votes, at the owner's time; raises VoteInvalid if nobody who may vouches for the vote."""
        try:
            certificate = self._vouching.check(meta, vote, at=at)
        except SignatureInvalid as error:
            raise VoteInvalid(error.code, str(error)) from None
        if certificate is not None and PERSON in certificate.roles:
            return certificate.roles
        return _bounded(vote.roles)


def _bounded(roles: tuple[str, ...]) -> tuple[str, ...]:
    if len(roles) > MAX_ROLES or any(len(role) > MAX_NAME for role in roles):
        raise VoteInvalid("roles_invalid", f"Expected at most {MAX_ROLES} roles of at most {MAX_NAME} characters.")
    return roles
