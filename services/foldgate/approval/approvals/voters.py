"""Who votes, and who vouches for them: the signature of a trusted issuer, or of a person's own key.

An issuer, such as the gateway, vouches for the names and the roles of those it has let in. A certificate with the role
`person` is somebody's own: it votes under that person's name alone, with the roles it has and no others.
"""

from collections.abc import Container

from foldgate.authority.keys import SignatureInvalid, Trust
from foldgate.authority.requests import check_request
from foldgate.contracts.events import Meta, VoteCast

MAX_ROLES, MAX_NAME = 100, 255
PERSON = "person"
"""The role of a certificate that speaks for nobody but whom it names."""


class VoteInvalid(Exception):
    """A vote does not count. `code` is stable, the text says what was expected."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code


class Voters:
    """Says with which roles a vote counts. `revoked` is looked at each time: it may be a set that grows."""

    def __init__(self, trust: Trust, *, revoked: Container[str] = frozenset(), unsigned: bool = False) -> None:
        self._trust, self._revoked, self._unsigned = trust, revoked, unsigned

    def roles(self, meta: Meta, vote: VoteCast, *, at: int) -> tuple[str, ...]:
        """The roles of who votes, at the owner's time; raises VoteInvalid if nobody who may vouches for the vote."""
        if vote.signature is None and self._unsigned:
            return _bounded(vote.roles)
        try:
            certificate = check_request(self._trust, meta, vote, at=at)
        except SignatureInvalid as error:
            raise VoteInvalid(error.code, str(error)) from None
        if not meta.request_id:
            raise VoteInvalid(
                "no_request_id", "Expected a request id, so that nobody can send this again, but got none."
            )
        if certificate.key_id in self._revoked:
            raise VoteInvalid("key_revoked", f"Expected a trusted key, but {certificate.key_id} was revoked.")
        if PERSON not in certificate.roles:
            return _bounded(vote.roles)
        if certificate.name != meta.principal:
            reason = f"Expected a vote of '{certificate.name}', whose key it is, but it is of '{meta.principal}'."
            raise VoteInvalid("wrong_principal", reason)
        return certificate.roles


def _bounded(roles: tuple[str, ...]) -> tuple[str, ...]:
    if len(roles) > MAX_ROLES or any(len(role) > MAX_NAME for role in roles):
        raise VoteInvalid("roles_invalid", f"Expected at most {MAX_ROLES} roles of at most {MAX_NAME} characters.")
    return roles
