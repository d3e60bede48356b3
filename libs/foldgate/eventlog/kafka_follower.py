"""A follower on Kafka: one long poll for each broker that leads something followed, and a bounded buffer.

It asks when its reader waits; ahead of him only while answers are so large that there must be more. So a reader who is
slow to come back is given much at once, and costs the broker one answer.

Nor does it ask where an owner in this process has just appended: the broker would wake us to tell us that, and the tail
has it already. Should another take the partition meanwhile, his first records are seen a tenth of a second later.

Offsets move together with the records that go into the buffer, between two awaits, or because what lies before is
known. So of an answer that arrives after its partition was moved on, what lies before the new place is passed over, and
all of it where it was moved back or dropped; a fetch that failed is simply asked again. Each record reaches the reader
once, in order.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Mapping

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError, LeaderNotAvailableError, OffsetOutOfRangeError
from aiokafka.structs import TopicPartition

from foldgate.eventlog.kafka_client import BACKOFF_S, KafkaAddress, describe, passes
from foldgate.eventlog.kafka_fetch import EARLIEST, Fetched, offset_at, records_in
from foldgate.eventlog.kafka_session import FetchSession
from foldgate.eventlog.log import LogUnavailable, Partition, Record

AHEAD_BYTES = 4 * 1024 * 1024
"""Nothing is asked for while so many bytes wait for the reader."""
_MUCH_BYTES = 16 * 1024
"""After an answer of so many bytes, the next one is asked for at once."""

_QUIET_S = 0.1
"""For so long after its owner here has appended to a partition, nothing is asked for there."""
_LONG_POLL_MS = 100  # also the longest that a partition just added waits for the poll before it


class _Chunk:
    """Records of one answer that the reader has not taken yet."""

    def __init__(self, partition: Partition, records: list[Record], size: int) -> None:
        self.partition, self.records, self.size = partition, records, size


class KafkaFollower:
    """Follows partitions from offsets on; see `Follower` in log.py."""

    def __init__(self, address: KafkaAddress, starts: Mapping[Partition, int], *, topic: Callable[[str], str]) -> None:
        self._address = address
        self._topic = topic
        self._offsets: dict[TopicPartition, int] = {}
        self._partitions: dict[TopicPartition, Partition] = {}
        self._quiet: dict[TopicPartition, float] = {}
        self._ready: deque[_Chunk] = deque()
        self._ahead, self._more = 0, False
        self._arrived, self._wanted, self._moved = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._failed: Exception | None = None
        self._conductor: asyncio.Task[None] | None = None
        for partition, offset in starts.items():
            self.seek(partition, offset)

    async def next(self, *, limit: int = 500, timeout_ms: int = 1000) -> list[Record]:
        if self._conductor is None or self._conductor.done():
            self._conductor = asyncio.create_task(self._conduct())
        if not self._ready:
            self._wanted.set()
            if timeout_ms:
                await self._wait(timeout_ms)
        if not self._ready and self._failed:
            failed, self._failed = self._failed, None
            await self.close()  # and the next call starts over
            raise failed
        return self._take(limit)

    def seek(self, partition: Partition, offset: int) -> None:
        place = TopicPartition(self._topic(partition.stream), partition.number)
        self._forget(partition)
        self._partitions[place] = partition
        self._offsets[place] = offset
        self._moved.set()

    def drop(self, partition: Partition) -> None:
        place = TopicPartition(self._topic(partition.stream), partition.number)
        self._forget(partition)
        self._offsets.pop(place, None)
        self._quiet.pop(place, None)

    def passed(self, partition: Partition, offset: int, *, owned: bool) -> None:
        """Go on from there if you are not further: all before it is known."""
        place = TopicPartition(self._topic(partition.stream), partition.number)
        if self._offsets.get(place, offset) < offset:
            self._offsets[place] = offset
        if owned and place in self._offsets:
            self._quiet[place] = asyncio.get_running_loop().time() + _QUIET_S

    async def close(self) -> None:
        if self._conductor is not None:
            self._conductor.cancel()
            await asyncio.gather(self._conductor, return_exceptions=True)

    # What the reader takes

    async def _wait(self, timeout_ms: int) -> None:
        self._arrived.clear()
        if self._failed is None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(timeout_ms / 1000):
                    await self._arrived.wait()

    def _take(self, limit: int) -> list[Record]:
        taken: list[Record] = []
        while self._ready and len(taken) < limit:
            chunk = self._ready[0]
            free = limit - len(taken)
            taken += chunk.records[:free]
            chunk.records = chunk.records[free:]
            if not chunk.records:
                self._ready.popleft()
                self._ahead -= chunk.size
        if self._more and self._ahead < AHEAD_BYTES:
            self._wanted.set()
        return taken

    def _forget(self, partition: Partition) -> None:
        for chunk in [chunk for chunk in self._ready if chunk.partition == partition]:
            self._ready.remove(chunk)
            self._ahead -= chunk.size

    # What fetches for it

    async def _conduct(self) -> None:
        """Have one task fetching from each broker that leads something followed."""
        try:
            client = await self._address.connect()
        except Exception as error:  # noqa: BLE001 - whatever it is, whoever reads hears of it, and does not wait for ever
            self._fail(error)
            return
        client.cluster.add_listener(lambda _: self._moved.set())
        polls: dict[int, asyncio.Task[None]] = {}
        try:
            await self._keep_polling(client, polls)
        except Exception as error:  # noqa: BLE001 - as above
            self._fail(error)
        finally:
            for poll in polls.values():
                poll.cancel()
            await asyncio.gather(*polls.values(), return_exceptions=True)
            await client.close()

    async def _keep_polling(self, client: AIOKafkaClient, polls: dict[int, asyncio.Task[None]]) -> None:
        patience = _Patience(self._address.patience_ms)
        while True:
            self._moved.clear()
            if topics := {place.topic for place in self._offsets}:
                await client.set_topics(topics)
            leaders = {client.cluster.leader_for_partition(place) for place in self._offsets}
            for leader in leaders - {None, -1}:
                if leader not in polls or polls[leader].done():
                    polls[leader] = asyncio.create_task(self._poll(client, leader))
            if leaders & {None, -1}:
                await patience.after(client, LeaderNotAvailableError("a partition has no leader"))
            else:
                patience.renew()
                await self._moved.wait()

    async def _poll(self, client: AIOKafkaClient, leader: int) -> None:
        """Fetch from one broker, for as long as it leads something followed."""
        patience, session = _Patience(self._address.patience_ms), FetchSession()
        try:
            while True:
                await self._wanted.wait()
                if not (offsets := self._led_by(client, leader)):
                    return
                try:
                    self._rest(await self._fetch(session, client, leader, offsets=self._without_quiet(offsets)))
                    patience.renew()
                except KafkaError as error:
                    await patience.after(client, error)
        except Exception as error:  # noqa: BLE001 - as above
            self._fail(error)

    def _led_by(self, client: AIOKafkaClient, leader: int) -> dict[TopicPartition, int]:
        leads = client.cluster.leader_for_partition
        return {place: offset for place, offset in self._offsets.items() if leads(place) == leader}

    def _without_quiet(self, offsets: dict[TopicPartition, int]) -> dict[TopicPartition, int]:
        """All but those whose owner is here and has just appended: of these the broker would only tell us the same."""
        now = asyncio.get_running_loop().time()
        return {place: at for place, at in offsets.items() if self._quiet.get(place, now) <= now} or offsets

    async def _fetch(
        self, session: FetchSession, client: AIOKafkaClient, leader: int, *, offsets: dict[TopicPartition, int]
    ) -> int:
        """How many bytes of records came."""
        came = 0
        for answer in await session.fetch(client, leader, offsets, wait_ms=_LONG_POLL_MS):
            if self._offsets.get(answer.place, -1) < offsets[answer.place]:
                continue  # moved back or dropped meanwhile
            if isinstance(answer.error, OffsetOutOfRangeError):
                await self._skip_deleted(client, answer.place, offsets[answer.place])
            elif answer.error is not None:
                raise answer.error
            else:
                came += self._put(answer)
        return came

    def _put(self, answer: Fetched) -> int:
        partition, offset = self._partitions[answer.place], self._offsets[answer.place]
        records, self._offsets[answer.place] = records_in(partition, answer.raw, offset)
        if not records:
            return 0
        self._ready.append(_Chunk(partition, records, len(answer.raw)))
        self._ahead += len(answer.raw)
        self._arrived.set()
        return len(answer.raw)

    def _rest(self, came: int) -> None:
        """Ask for no more before the reader wants it, unless so much came that there will be more."""
        self._more = came >= _MUCH_BYTES
        if self._ready and not (self._more and self._ahead < AHEAD_BYTES):
            self._wanted.clear()

    async def _skip_deleted(self, client: AIOKafkaClient, place: TopicPartition, offset: int) -> None:
        """Records that were kept long enough are gone: go on with the first that is there."""
        first = await offset_at(client, place, EARLIEST)
        if self._offsets.get(place) != offset:
            return  # moved meanwhile
        if first <= offset:
            raise LogUnavailable(f"{place.topic}-{place.partition} ends before offset {offset}, which was read before.")
        self._offsets[place] = first

    def _fail(self, error: Exception) -> None:
        self._failed = error
        self._arrived.set()


class _Patience:
    """How long one thing has been failing, and what that becomes."""

    def __init__(self, patience_ms: int) -> None:
        self._patience_s = patience_ms / 1000
        self._since: float | None = None

    def renew(self) -> None:
        self._since = None

    async def after(self, client: AIOKafkaClient, error: KafkaError) -> None:
        """Wait a little and ask for the leaders again, or give up."""
        now = asyncio.get_running_loop().time()
        self._since = now if self._since is None else self._since
        if not passes(error) or now - self._since > self._patience_s:
            raise LogUnavailable(f"Kafka gives no records: {describe(error)}.") from error
        await asyncio.sleep(BACKOFF_S)
        await client.force_metadata_update()
