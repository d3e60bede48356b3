"""The issuer of bearer tokens that this suite trusts, and its keys: fetched, kept, and fetched again.

They are fetched anew every ten minutes, and when a token names one that is not known, but for that at most once a
minute: whoever makes names up makes nobody fetch. An issuer that does not answer changes nothing for a day.
"""

import asyncio
from pathlib import Path

import structlog

from foldgate.gateway.http.problems import Problem
from foldgate.identity.jwks import MAX_BYTES, JwksInvalid, VerifyingKey, keys_in
from foldgate.identity.tokens import Bearer, Terms, TokenRefused, UnknownKid, Unverified, apart, bearer_of
from foldgate.runtime.clock import Clock
from foldgate.runtime.settings import Settings

FETCH_WITHIN_S = 5.0
FETCH_EVERY_MS = 600_000
AGAIN_MS, AGAIN_AT_FIRST_MS = 60_000, 1_000
KEPT_MS = 24 * 3_600_000


class KeySet:
    """The keys that lie at a place, a URL or a file."""

    def __init__(self, where: str, *, clock: Clock) -> None:
        self._where, self._clock = where, clock
        self._keys: tuple[VerifyingKey, ...] = ()
        self._read_at: int | None = None
        self._tried_at: int | None = None
        self._fetching = asyncio.Lock()
        self._background: asyncio.Task[bool] | None = None

    async def keys(self) -> tuple[VerifyingKey, ...]:
        """The keys as they are known; none if they never were, or for too long not."""
        now = self._clock.monotonic_ms()
        if self._read_at is None or now - self._read_at > KEPT_MS:
            await self.fetch()
        elif now - self._read_at > FETCH_EVERY_MS and (self._background is None or self._background.done()):
            self._background = asyncio.create_task(self.fetch(), name="keys of the issuer")
        is_old = self._read_at is None or self._clock.monotonic_ms() - self._read_at > KEPT_MS
        return () if is_old else self._keys

    async def fetch(self) -> bool:
        """Get them again, unless that was tried a while ago; whether there are new ones."""
        before = self._read_at
        async with self._fetching:
            if self._read_at != before:  # somebody else has, while we waited
                return True
            if not self._may_try():
                return False
            self._tried_at = self._clock.monotonic_ms()
            try:
                async with asyncio.timeout(FETCH_WITHIN_S):
                    self._keys = keys_in(await self._content())
            except (JwksInvalid, OSError, TimeoutError, _NotFetched) as error:
                structlog.get_logger().warning("keys of the issuer not fetched", where=self._where, reason=str(error))
                return False
            self._read_at = self._clock.monotonic_ms()
            return True

    def _may_try(self) -> bool:
        pause = AGAIN_AT_FIRST_MS if self._read_at is None else AGAIN_MS
        return self._tried_at is None or self._clock.monotonic_ms() - self._tried_at >= pause

    async def _content(self) -> bytes:
        if self._where.startswith("/"):
            return await asyncio.to_thread(_file, Path(self._where))
        return await _fetched(self._where)


class Issuer:
    """Says whom a token is of."""

    def __init__(self, terms: Terms, keys: KeySet, *, clock: Clock) -> None:
        self._terms, self._keys, self._clock = terms, keys, clock

    async def bearer(self, text: str) -> Bearer:
        """Whom this token is of; a problem if it is not good."""
        try:
            token = apart(text)
            try:
                return await self._verified(token)
            except UnknownKid:
                if not await self._keys.fetch():
                    raise
                return await self._verified(token)
        except TokenRefused as refusal:
            raise Problem("unauthenticated", str(refusal), field="Authorization") from None

    async def _verified(self, token: Unverified) -> Bearer:
        keys = await self._keys.keys()
        if not keys:
            what = "Expected to know the keys of the issuer of tokens, but they could not be fetched: try again soon."
            raise Problem("issuer_unavailable", what)
        return bearer_of(token, keys, self._terms, now_s=self._clock.now_ms() / 1000)


def issuer_in(settings: Settings, *, clock: Clock) -> Issuer | None:
    """The issuer that the settings name."""
    if settings.oidc_issuer is None or settings.oidc_audience is None or settings.oidc_jwks is None:
        return None
    terms = Terms(
        issuer=settings.oidc_issuer,
        audience=settings.oidc_audience,
        principal=settings.oidc_principal_claim,
        roles=settings.oidc_roles_claim,
        tenants=settings.oidc_tenants_claim,
    )
    return Issuer(terms, KeySet(settings.oidc_jwks, clock=clock), clock=clock)


class _NotFetched(Exception):
    """There is no answer, or none that we take."""


def _file(path: Path) -> bytes:
    with path.open("rb") as file:
        data = file.read(MAX_BYTES + 1)
    return _bounded(data)


def _bounded(data: bytes) -> bytes:
    if len(data) > MAX_BYTES:
        raise _NotFetched(f"Expected at most {MAX_BYTES} bytes, but there are more.")
    return data


async def _fetched(url: str) -> bytes:
    import httpx

    try:
        async with httpx.AsyncClient(timeout=FETCH_WITHIN_S) as client, client.stream("GET", url) as answer:
            if answer.status_code != httpx.codes.OK:
                raise _NotFetched(f"Expected 200, but the answer is {answer.status_code}.")
            data = b""
            async for chunk in answer.aiter_bytes():
                data = _bounded(data + chunk)
            return data
    except httpx.HTTPError as error:
        raise _NotFetched(f"{type(error).__name__}: {error}") from None
