"""The API keys of the suite, as this process knows them.

All that last are held here, and looked at again every two seconds: one number tells whether anything has changed. So a
request asks no database, whoever sends keys that are none makes it no work, and a key that was revoked is good for two
seconds more. Without a database the keys are good for a minute: after that, nobody can say that they were not revoked.
"""

import asyncio

import asyncpg
import structlog

from foldgate.database.connections import DatabaseRefused, DatabaseUnavailable
from foldgate.gateway.http.problems import Problem
from foldgate.identity.api_keys import ApiKey, Shown
from foldgate.identity.store import ApiKeys
from foldgate.runtime.clock import Clock

LOOK_EVERY_S = 2.0
LOOK_WITHIN_S = 2.0
LOOK_PAUSE_MS = 200
GOOD_WITHOUT_DATABASE_MS = 60_000
NOTED_EVERY_MS = 30_000
_FAILURES = (TimeoutError, DatabaseUnavailable, DatabaseRefused, asyncpg.PostgresError)


class Keyring:
    """Finds keys. `run` keeps them up to date."""

    def __init__(self, keys: ApiKeys, *, clock: Clock) -> None:
        self._kept, self._clock = keys, clock
        self._edition: int | None = None
        self._keys: dict[str, ApiKey] = {}
        self._used: dict[str, int] = {}
        self._read_at = self._looked_at = self._noted_at = clock.monotonic_ms() - GOOD_WITHOUT_DATABASE_MS
        self._looking, self._looks = asyncio.Lock(), 0

    @property
    def ready(self) -> bool:
        """Whether the keys were read."""
        return self._edition is not None

    async def run(self) -> None:
        """Look, and note which keys were used, until cancelled."""
        await self._kept.prepare()
        try:
            while True:
                await self._look()
                if self._clock.monotonic_ms() - self._noted_at >= NOTED_EVERY_MS:
                    await self._note()
                await asyncio.sleep(LOOK_EVERY_S)
        finally:
            await self._note()

    async def find(self, shown: Shown) -> ApiKey | None:
        """The key that somebody shows, if it is one and good now. One that is not known may have been made a moment
        ago."""
        key = self._keys.get(shown.id)
        if key is None:
            await self._look()
            key = self._keys.get(shown.id)
        if self._clock.monotonic_ms() - self._read_at > GOOD_WITHOUT_DATABASE_MS:
            what = "Expected to look up this key, but the database does not answer: try again soon."
            raise Problem("database_unavailable", what)
        now = self._clock.now_ms()
        if key is None or not shown.is_of(key) or not key.lasts(now):
            return None
        self._used[key.id] = now
        return key

    async def _look(self) -> None:
        """See whether anything has changed; what somebody sees who began after this was asked will do."""
        before = self._looks
        async with self._looking:
            if self._looks > before:
                return
            await asyncio.sleep(max(0, self._looked_at + LOOK_PAUSE_MS - self._clock.monotonic_ms()) / 1000)
            self._looks += 1
            self._looked_at = began_at = self._clock.monotonic_ms()
            try:
                async with asyncio.timeout(LOOK_WITHIN_S):
                    await self._read()
            except _FAILURES as error:
                structlog.get_logger().warning("keys not looked up", reason=str(error))
            else:
                self._read_at = began_at

    async def _read(self) -> None:
        if self._edition is None or await self._kept.edition() != self._edition:
            self._edition, lasting = await self._kept.lasting(self._clock.now_ms())
            self._keys = {key.id: key for key in lasting}

    async def _note(self) -> None:
        used, self._used = self._used, {}
        self._noted_at = self._clock.monotonic_ms()
        if not used:
            return
        try:
            async with asyncio.timeout(LOOK_WITHIN_S):
                await self._kept.note_used(used)
        except _FAILURES:  # it is told, but nothing rests on it
            structlog.get_logger().warning("use of keys not noted", keys=len(used))
