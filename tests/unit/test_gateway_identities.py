"""Who is found behind a key or a token: as the gateway knows them, also while a database or an issuer is away."""

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import pytest
from starlette.datastructures import Headers

from foldgate.database.connections import DatabaseUnavailable
from foldgate.gateway.http.callers import LOCAL, Caller, Identity, check_role
from foldgate.gateway.http.identities import BOOTSTRAP, Identities
from foldgate.gateway.http.issuers import AGAIN_MS, FETCH_EVERY_MS, KEPT_MS, issuer_in
from foldgate.gateway.http.keyring import GOOD_WITHOUT_DATABASE_MS, Keyring
from foldgate.gateway.http.problems import Problem
from foldgate.identity.api_keys import ApiKey, Made, Shown, made, shown
from foldgate.identity.store import ApiKeys
from tests.support.issuing import AUDIENCE, CLAIMS, EC, ED, ISSUER, NOW_S, RSA, STRANGER, jwks
from tests.support.serving import serving_files
from tests.support.suite import settings

NOW_MS = NOW_S * 1000


class StandingClock:
    """It goes on only when it is told to."""

    def __init__(self, now_ms: int) -> None:
        self._now_ms = now_ms

    def now_ms(self) -> int:
        return self._now_ms

    def monotonic_ms(self) -> int:
        return self._now_ms - 1_000_000_000

    def leap(self, ms: int) -> None:
        self._now_ms += ms


class Kept:
    """What a database holds; it may be away."""

    def __init__(self, *keys: ApiKey) -> None:
        self.keys, self.number, self.is_away, self.asked = list(keys), 1, False, 0
        self.used: dict[str, int] = {}

    async def edition(self) -> int:
        self.asked += 1
        if self.is_away:
            raise DatabaseUnavailable("away")
        return self.number

    async def lasting(self, at: int) -> tuple[int, Sequence[ApiKey]]:
        return await self.edition(), [key for key in self.keys if key.lasts(at)]

    async def note_used(self, used: dict[str, int]) -> None:
        self.used.update(used)

    def change(self, *keys: ApiKey) -> None:
        self.keys, self.number = list(keys), self.number + 1


def a_key(name: str = "ci", *, expires_at: int | None = None) -> Made:
    return made(name, roles=("operator", "sre"), tenants=("acme",), at=NOW_MS, expires_at=expires_at)


def said(text: str) -> Shown:
    found = shown(text)
    assert found is not None
    return found


def keyring(kept: Kept, clock: StandingClock) -> Keyring:
    return Keyring(cast("ApiKeys", kept), clock=clock)


async def test_a_key_is_found_and_its_use_noted() -> None:
    clock, key = StandingClock(NOW_MS), a_key()
    kept = Kept(key.key)
    ring = keyring(kept, clock)
    assert await ring.find(said(key.text)) == key.key
    asked = kept.asked
    assert await ring.find(said(key.text)) == key.key
    assert kept.asked == asked, "nobody is asked for what is known"
    await ring._note()
    assert kept.used == {key.key.id: NOW_MS}


async def test_who_makes_keys_up_makes_no_work() -> None:
    clock, kept = StandingClock(NOW_MS), Kept()
    ring = keyring(kept, clock)
    found = await asyncio.gather(*(ring.find(said(a_key().text)) for _ in range(100)))
    assert set(found) == {None}
    assert kept.asked <= 4, "they share two looks"
    new = a_key()
    kept.change(new.key)
    assert await ring.find(said(new.text)) == new.key, "and one that was just made is found"


async def test_the_secret_must_be_that_of_the_key_and_the_time_before_its_end() -> None:
    clock, key = StandingClock(NOW_MS), a_key(expires_at=NOW_MS + 1000)
    ring = keyring(Kept(key.key), clock)
    assert await ring.find(Shown(key.key.id, said(a_key().text).secret)) is None
    assert await ring.find(said(key.text)) == key.key
    clock.leap(1000)
    assert await ring.find(said(key.text)) is None


async def test_what_is_revoked_is_good_no_more_once_somebody_has_looked() -> None:
    clock, key = StandingClock(NOW_MS), a_key()
    kept = Kept(key.key)
    ring = keyring(kept, clock)
    assert await ring.find(said(key.text)) == key.key
    kept.change()
    await ring._look()
    assert await ring.find(said(key.text)) is None


async def test_without_a_database_keys_are_good_for_a_minute() -> None:
    clock, key = StandingClock(NOW_MS), a_key()
    kept = Kept(key.key)
    ring = keyring(kept, clock)
    assert await ring.find(said(key.text)) == key.key
    kept.is_away = True
    clock.leap(GOOD_WITHOUT_DATABASE_MS)
    await ring._look()
    assert await ring.find(said(key.text)) == key.key
    clock.leap(1)
    with pytest.raises(Problem) as refused:
        await ring.find(said(key.text))
    assert refused.value.code == "database_unavailable"
    kept.is_away = False
    await ring._look()
    assert await ring.find(said(key.text)) == key.key


class Place:
    """A gateway that knows one issuer, whose keys are in a file."""

    def __init__(self, folder: Path, **changes: Any) -> None:
        self.file, self.clock = folder / "jwks.json", StandingClock(NOW_MS)
        given = {"oidc_issuer": ISSUER, "oidc_audience": AUDIENCE, "oidc_jwks": str(self.file), **changes}
        self.settings = settings(**given)
        self.issuer = issuer_in(self.settings, clock=self.clock)
        self.identities = Identities(self.settings, issuer=self.issuer)

    async def who(self, **headers: str) -> Identity:
        return await self.identities.of(Headers({name.replace("_", "-"): value for name, value in headers.items()}))

    async def of(self, token: str) -> Identity:
        return await self.who(authorization=f"Bearer {token}")

    async def refused(self, token: str) -> tuple[str, str]:
        with pytest.raises(Problem) as refused:
            await self.of(token)
        return refused.value.code, refused.value.field


ADA = Identity("ada", ("operator", "sre"), ("acme",), counted_as="token ada")


async def test_a_token_is_of_its_subject(tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.file.write_bytes(jwks())
    for key in (RSA, EC, ED):
        assert await place.of(key.signed()) == ADA
    assert await place.refused(STRANGER.signed()) == ("unauthenticated", "Authorization")
    assert await place.refused("eyJ.e30.e30") == ("unauthenticated", "Authorization")
    assert await place.refused("no token") == ("unauthenticated", "X-API-Key")
    with pytest.raises(Problem):
        await place.who(x_api_key=RSA.signed())


async def test_a_new_key_of_the_issuer_is_looked_for_once_a_minute(tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.file.write_bytes(jwks(RSA.jwk()))
    assert await place.of(RSA.signed()) == ADA
    place.file.write_bytes(jwks(RSA.jwk(), ED.jwk()))
    place.clock.leap(AGAIN_MS - 1)
    assert (await place.refused(ED.signed()))[0] == "unauthenticated", "it was looked at less than a minute ago"
    place.clock.leap(1)
    assert await place.of(ED.signed()) == ADA
    place.file.write_bytes(jwks(RSA.jwk(), ED.jwk(), EC.jwk()))
    assert (await place.refused(EC.signed()))[0] == "unauthenticated"


async def test_a_key_that_the_issuer_has_no_more_is_forgotten(tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.file.write_bytes(jwks())
    token = RSA.signed(CLAIMS | {"exp": NOW_S + 1_000_000})
    assert await place.of(token) == ADA
    place.file.write_bytes(jwks(ED.jwk()))
    place.clock.leap(FETCH_EVERY_MS + 1)
    assert await place.of(token) == ADA, "nobody is kept waiting"
    assert place.issuer is not None
    fetching = place.issuer._keys._background
    assert fetching is not None
    await fetching
    assert (await place.refused(token))[0] == "unauthenticated"


@pytest.mark.parametrize("content", [None, b"", b"{}", b'{"keys": [' + b" " * 300_000 + b"]}"])
async def test_an_issuer_that_is_away_changes_nothing_for_a_day(tmp_path: Path, content: bytes | None) -> None:
    place = Place(tmp_path)
    place.file.write_bytes(jwks())
    token = RSA.signed(CLAIMS | {"exp": NOW_S + 1_000_000})
    assert await place.of(token) == ADA
    place.file.unlink()
    if content is not None:
        place.file.write_bytes(content)
    place.clock.leap(KEPT_MS)
    assert await place.of(token) == ADA
    place.clock.leap(1)
    assert (await place.refused(token))[0] == "issuer_unavailable"
    place.file.write_bytes(jwks())
    place.clock.leap(AGAIN_MS)
    assert await place.of(token) == ADA


async def test_the_key_to_begin_with_may_do_everything(tmp_path: Path) -> None:
    place = Place(tmp_path, api_key="begin-with-this")
    assert await place.who(x_api_key="begin-with-this") == BOOTSTRAP
    assert await place.who(authorization="Bearer begin-with-this") == BOOTSTRAP
    for wrong in ("begin-with-thi", "begin-with-this ", "fg_x", ""):
        with pytest.raises(Problem) as refused:
            await place.who(x_api_key=wrong)
        assert refused.value.code == "unauthenticated"


async def test_where_no_key_is_needed_one_that_is_shown_is_looked_at_all_the_same() -> None:
    clock, key = StandingClock(NOW_MS), a_key()
    open_to_all = Identities(settings(), keyring=keyring(Kept(key.key), clock))
    assert await open_to_all.of(Headers({})) == LOCAL
    found = await open_to_all.of(Headers({"x-api-key": key.text}))
    assert found == Identity("ci", ("operator", "sre"), ("acme",), counted_as=f"key {key.key.id}")
    with pytest.raises(Problem):
        await open_to_all.of(Headers({"x-api-key": a_key().text}))
    needed = Identities(settings(authentication="required"), keyring=keyring(Kept(key.key), clock))
    assert await needed.of(Headers({"authorization": f"bearer {key.text}"})) == found
    with pytest.raises(Problem):
        await needed.of(Headers({}))


def test_who_lacks_a_role_is_told_which() -> None:
    check_role(Caller("acme", "ci", ("operator",)), "viewer")
    with pytest.raises(Problem) as refused:
        check_role(Caller("acme", "ci", ("operator", "sre")), "policy_admin")
    assert refused.value.code == "forbidden"
    assert "'policy_admin'" in refused.value.detail
    assert "'operator', 'sre'" in refused.value.detail


async def test_keys_over_http_are_fetched_whole_or_not_at_all() -> None:
    answers = {"/keys": (200, jwks()), "/gone": (404, jwks()), "/huge": (200, json.dumps(["a" * 300_000]).encode())}
    with serving_files(answers) as url:
        for path, is_good in (("/keys", True), ("/gone", False), ("/huge", False), ("/nowhere", False)):
            clock = StandingClock(NOW_MS)
            given = settings(oidc_issuer=ISSUER, oidc_audience=AUDIENCE, oidc_jwks=f"{url}{path}")
            place = Identities(given, issuer=issuer_in(given, clock=clock))
            if is_good:
                assert await place.of(Headers({"authorization": f"Bearer {ED.signed()}"})) == ADA
                continue
            with pytest.raises(Problem) as refused:
                await place.of(Headers({"authorization": f"Bearer {ED.signed()}"}))
            assert refused.value.code == "issuer_unavailable"
