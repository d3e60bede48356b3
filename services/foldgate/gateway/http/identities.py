"""Who shows what: the key to begin with, an API key, or a token of the issuer.

Where nothing is needed, whoever shows nothing is let in as `local`. Whoever shows a key or a token is taken at that all
the same, and is not let in if it is not good.
"""

import hmac
from collections.abc import Mapping

from foldgate.gateway.http.callers import LOCAL, Identity
from foldgate.gateway.http.issuers import Issuer
from foldgate.gateway.http.keyring import Keyring
from foldgate.gateway.http.problems import Problem
from foldgate.identity.api_keys import ALL_TENANTS, PREFIX, shown
from foldgate.identity.tokens import is_token
from foldgate.runtime.settings import Settings

BOOTSTRAP = Identity("api-key", ("admin",), (ALL_TENANTS,), counted_as="api-key")


class Identities:
    """Finds out who asks."""

    def __init__(self, settings: Settings, *, keyring: Keyring | None = None, issuer: Issuer | None = None) -> None:
        self._needed, self._keyring, self._issuer = settings.authenticates, keyring, issuer
        self._bootstrap = None if settings.api_key is None else settings.api_key.encode()

    async def of(self, headers: Mapping[str, str]) -> Identity:
        """Who sends these, by their names in lower case; a problem if that is nobody whom we know."""
        scheme, _, rest = headers.get("authorization", "").partition(" ")
        bearer = rest.strip() if scheme.lower() == "bearer" else ""
        key = headers.get("x-api-key", "")
        said = key or bearer
        if self._bootstrap is not None and hmac.compare_digest(said.encode("latin-1"), self._bootstrap):
            return BOOTSTRAP
        if said.startswith(PREFIX) and self._keyring is not None:
            return await self._by_key(said, self._keyring)
        if self._issuer is not None and not key and is_token(bearer):
            found = await self._issuer.bearer(bearer)
            return Identity(found.principal, found.roles, found.tenants, counted_as=f"token {found.principal}")
        if self._needed:
            raise _unknown(said)
        return LOCAL

    async def _by_key(self, said: str, keyring: Keyring) -> Identity:
        text = shown(said)
        key = None if text is None else await keyring.find(text)
        if key is None:
            raise _unknown(said)
        return Identity(key.name, key.roles, key.tenants, counted_as=f"key {key.id}")


def _unknown(said: str) -> Problem:
    none = "there is none: send it as X-API-Key or Authorization: Bearer."
    what = "it is another one, or is good no more." if said else none
    return Problem("unauthenticated", f"Expected a key of this suite, but {what}", field="X-API-Key")
