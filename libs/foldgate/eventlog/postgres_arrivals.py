"""Waking those who wait for records: at once in the process, by NOTIFY across processes, and by a poll in any case.

A wake-up is only ever a hint to look. Whoever is woken looks at the tables, so one too many does no harm, and one that
got lost (a connection that died, a process killed between its append and its NOTIFY) is made up for by the poll, one
query for all partitions. NOTIFY in the appending transaction would make all appends wait for each other; here it comes
after the commit, from a connection of its own: the first at once, and the longer they keep coming, the more of them go
together. Each partition has a channel, so that nobody is woken by what he does not wait for; who begins to listen to
one looks at its partition after that.

All logs of one process on one suite share one of these, and so one connection.
"""

import asyncio
import contextlib
from collections.abc import Iterable
from typing import ClassVar

import asyncpg

from foldgate.database.connections import AWAY, Connection, Connections, DatabaseRefused, closed
from foldgate.eventlog.postgres_tables import ENDS

POLL_S = 0.2
_QUIET_FIRST_S, _QUIET_MOST_S = 0.00025, 0.008
"""Shorter than an append takes: what follows from one, such as the copy for a worker, is told at once as well."""
_AGAIN_S = 0.1
_ANSWERS_WITHIN_S = 5.0
_TROUBLE = (*AWAY, TimeoutError, asyncpg.InterfaceError, DatabaseRefused)
_TELL = "SELECT pg_notify($1 || number, '') FROM unnest($2::text[]) AS number"


class Watch(asyncio.Event):
    """One who waits for records of some partitions, by their numbers in the tables. Set: there may be something."""

    def __init__(self) -> None:
        super().__init__()
        self.ids: set[int] = set()


class Arrivals:
    """What this process knows of new records, and tells other processes of its own."""

    _shared: ClassVar[dict[tuple[asyncio.AbstractEventLoop, str, str], "Arrivals"]] = {}

    def __init__(self, connections: Connections, prefix: str) -> None:
        self._connections, self._prefix = connections, prefix
        self._watches: set[Watch] = set()
        self._ends: dict[int, int] = {}
        self._untold: set[int] = set()
        self._any_untold = asyncio.Event()
        self._any_unlistened = asyncio.Event()
        self._listening: set[int] = set()
        self._one_at_a_time = asyncio.Lock()
        self._tasks: list[asyncio.Task[None]] = []
        self._key: tuple[asyncio.AbstractEventLoop, str, str] | None = None
        self._users = 0

    @classmethod
    def shared(cls, connections: Connections, *, url: str, suite: str) -> "Arrivals":
        """The one of this process for this suite; give it back with `leave`."""
        key = (asyncio.get_running_loop(), url, suite)
        arrivals = cls._shared.get(key)
        if arrivals is None:
            arrivals = cls._shared[key] = cls(connections, f"foldgate_{suite}_")
            arrivals._key = key
            arrivals._tasks = [asyncio.create_task(arrivals._listen())]
        arrivals._users += 1
        return arrivals

    async def leave(self) -> None:
        """Stop when the last user has left."""
        self._users -= 1
        if self._users or self._key is None:
            return
        del self._shared[self._key]
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def watch(self) -> Watch:
        """Start watching."""
        watch = Watch()
        watch.set()
        self._watches.add(watch)
        return watch

    def aim(self, watch: Watch, ids: set[int]) -> None:
        """Watch for records of these partitions."""
        watch.ids = ids
        if not ids <= self._listening:
            self._any_unlistened.set()

    def unwatch(self, watch: Watch) -> None:
        """Stop watching."""
        self._watches.discard(watch)

    def appended(self, partitions: Iterable[int], *, seen: Iterable[int] = (), by: Watch | None = None) -> None:
        """We have just added records there, and they are durable. One of us has seen those of some partitions."""
        self._untold.update(partitions)
        self._any_untold.set()  # before we look ourselves: others have the longer way
        for watch in self._watches:
            if not watch.ids.isdisjoint(set(partitions).difference(seen) if watch is by else partitions):
                watch.set()

    def _wake(self, partitions: Iterable[int]) -> None:
        for watch in self._watches:
            if not watch.ids.isdisjoint(partitions):
                watch.set()

    def _wake_all(self) -> None:
        for watch in self._watches:
            watch.set()

    async def _listen(self) -> None:
        """For ever: have a connection, listen and tell on it; after it was lost, let everybody look."""
        while True:
            with contextlib.suppress(*_TROUBLE):
                connection = await self._connections.connect()
                try:
                    await self._serve(connection)
                finally:
                    await closed(connection)
            await asyncio.sleep(_AGAIN_S)

    async def _serve(self, connection: Connection) -> None:
        def terminated(_: object) -> None:
            tasks[0].cancel()

        self._listening.clear()
        self._any_unlistened.set()
        self._wake_all()
        tasks = [asyncio.create_task(work(connection)) for work in (self._poll, self._tell, self._begin_to_listen)]
        connection.add_termination_listener(terminated)
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _begin_to_listen(self, connection: Connection) -> None:
        """To what is watched by now. What is not watched any more wakes nobody but this connection."""
        own, channels = connection.get_server_pid(), dict[str, int]()

        def heard(_: object, pid: int, channel: str, __: object) -> None:
            if pid != own:
                self._wake((channels[channel],))

        while True:
            await self._any_unlistened.wait()
            self._any_unlistened.clear()
            wanted = set[int]().union(*(watch.ids for watch in self._watches)) - self._listening
            for number in sorted(wanted):
                channel = f"{self._prefix}{number}"
                channels[channel] = number
                async with self._one_at_a_time:
                    await connection.add_listener(channel, heard)
            self._listening |= wanted
            self._wake(wanted)

    async def _poll(self, connection: Connection) -> None:
        while True:
            async with asyncio.timeout(_ANSWERS_WITHIN_S), self._one_at_a_time:
                ends = {row["id"]: row["next_offset"] for row in await connection.fetch(ENDS)}
            if ends.keys() - self._ends.keys():
                self._wake_all()
            else:
                self._wake([number for number, end in ends.items() if self._ends[number] != end])
            self._ends = ends
            await asyncio.sleep(POLL_S)

    async def _tell(self, connection: Connection) -> None:
        quiet = _QUIET_FIRST_S
        while True:
            await self._any_untold.wait()
            self._any_untold.clear()
            numbers = [str(number) for number in self._untold]
            self._untold.clear()
            async with self._one_at_a_time:
                await connection.fetch(_TELL, self._prefix, numbers)
            await asyncio.sleep(quiet)
            quiet = min(quiet * 2, _QUIET_MOST_S) if self._any_untold.is_set() else _QUIET_FIRST_S
