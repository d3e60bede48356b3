"""Adding to the PostgreSQL log: the pen of an owner, and submissions from many.

An append is one statement. It changes the head row of the partition if epoch and sequence are the expected ones, and
puts the records in behind it; so it is there whole or not at all, and of two pens the database itself picks one. When
the connection is lost before the answer, the same statement is sent again: had the first one done its work, the second
finds the sequence moved on, and the batch's own head in the log tells whether it was ours that moved it. The answer
is therefore always the truth, until patience ends and it is unknown.

Submissions need no such care, since they are at least once. Those that come while one is on its way to a partition are
sent together after it: in order, and many at the price of one.
"""

import asyncio
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from foldgate.contracts.topics import partition_of, stream_of
from foldgate.database.connections import Connection
from foldgate.eventlog.acceptance import encode_head
from foldgate.eventlog.log import (
    MAX_BATCH_BYTES,
    Batch,
    BatchHead,
    Copies,
    Fenced,
    Outgoing,
    Partition,
    Submitted,
    check_batch,
    check_size,
)
from foldgate.eventlog.postgres_tables import APPEND, APPEND_WITH, CLAIM, LANDED, MAY_APPEND, SUBMIT, Tables, not_ours


class Addition(NamedTuple):
    """What was added to a partition, which has this number in the tables, behind this offset."""

    partition: Partition
    number: int
    first: int
    records: Sequence[Outgoing]
    head: BatchHead | None = None


Added = Callable[[Addition, Iterable[int]], None]
"""Told what was added where, and of other partitions, by their numbers, to which something was added with it."""
_Columns = tuple[Sequence[int], Sequence[bytes], Sequence[bytes]]


class PostgresWriter:
    """Checks epoch and sequence in the append itself."""

    def __init__(self, tables: Tables, added: Added, *, partition: Partition, number: int, end: int) -> None:
        self._tables, self._added = tables, added
        self._partition, self._number = partition, number
        self._end = end
        self._spent = False

    async def append(self, batch: Batch) -> int:
        return await self.append_with(batch, {})

    async def append_with(self, batch: Batch, copies: Copies) -> int:
        check_batch(batch)
        along = await self._places(copies)
        if self._spent:
            raise Fenced(f"{self._partition}: expected a new claim after an append that failed.")
        self._spent = True
        first = await self._tables.run(_Append(self._number, batch, along=along, after=self._end))
        if first is None:
            await self._expect_ours()
            raise Fenced(
                f"{self._partition}: expected to append as epoch {batch.head.epoch}, sequence {batch.head.sequence}, "
                "but another owner has taken it."
            )
        self._spent = False
        self._end = first + len(batch.records)
        self._added(Addition(self._partition, self._number, first, batch.records, batch.head), along[0])
        return first

    async def _places(self, copies: Copies) -> _Columns:
        """Where copies go, with their keys and values."""
        places, flat = [], []
        for name, some in copies.items():
            stream = stream_of(name)
            for copy in some:
                check_size(copy, stream.max_record_bytes)
                partition = Partition(name, partition_of(copy.key, stream.partitions))
                places.append(await self._tables.id_of(partition))
                flat.append(copy)
        return places, *_columns(flat)

    async def _expect_ours(self) -> None:
        """What is fenced and what is not allowed look alike in an append."""
        if not await self._tables.run(lambda connection: connection.fetchval(MAY_APPEND, self._number)):
            raise not_ours(f"it may not append to {self._partition}")

    async def close(self) -> None:
        pass


class _Append:
    """One append, which may have to be sent more than once; None where the database refused it."""

    def __init__(self, partition: int, batch: Batch, *, along: _Columns = ((), (), ()), after: int) -> None:
        self._partition, self._batch, self._along, self._after = partition, batch, along, after
        self._sent = False

    async def __call__(self, connection: Connection) -> int | None:
        again, self._sent = self._sent, True
        head = self._batch.head
        encoded = encode_head(head)
        columns = (*_columns(self._batch.records), encoded, head.epoch, head.sequence)
        statement, more = (APPEND_WITH, self._along) if self._along[0] else (CLAIM if head.claimant else APPEND, ())
        first: int | None = await connection.fetchval(statement, self._partition, head.count, *columns, *more)
        if first is None and again:
            first = await connection.fetchval(LANDED, self._partition, self._after, encoded)
        return first


class Submissions:
    """What this process submits, a queue for each partition."""

    def __init__(self, tables: Tables, added: Added) -> None:
        self._tables, self._added = tables, added
        self._queues: dict[Partition, _Queue] = {}

    async def submit(self, stream: str, submissions: Sequence[Outgoing]) -> list[Submitted]:
        known = stream_of(stream)
        places: dict[Partition, list[int]] = defaultdict(list)
        for index, submission in enumerate(submissions):
            check_size(submission, known.max_record_bytes)
            places[Partition(stream, partition_of(submission.key, known.partitions))].append(index)
        sent = [self._add(partition, [submissions[i] for i in indexes]) for partition, indexes in places.items()]
        firsts = await asyncio.gather(*sent) if len(sent) > 1 else [await one for one in sent]
        done: dict[int, Submitted] = {}
        for first, (partition, indexes) in zip(firsts, places.items(), strict=True):
            done.update({index: Submitted(partition, first + n) for n, index in enumerate(indexes)})
        return [done[index] for index in range(len(submissions))]

    async def close(self) -> None:
        for queue in self._queues.values():
            await queue.close()

    async def _add(self, partition: Partition, records: list[Outgoing]) -> int:
        queue = self._queues.get(partition)
        if queue is None:
            number = await self._tables.id_of(partition)
            queue = self._queues.setdefault(partition, _Queue(self._tables, self._added, partition, number=number))
        return await queue.add(records)


class _Queue:
    """Submissions to one partition: those that wait go together as soon as the ones before them are durable."""

    def __init__(self, tables: Tables, added: Added, partition: Partition, *, number: int) -> None:
        self._tables, self._added = tables, added
        self._partition, self._number = partition, number
        self._waiting: deque[tuple[list[Outgoing], asyncio.Future[int]]] = deque()
        self._sending: asyncio.Task[None] | None = None

    async def add(self, records: list[Outgoing]) -> int:
        answer: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._waiting.append((records, answer))
        if self._sending is None or self._sending.done():
            self._sending = asyncio.create_task(self._send())
        return await answer

    async def close(self) -> None:
        if self._sending is not None:
            self._sending.cancel()
            await asyncio.gather(self._sending, return_exceptions=True)
        for _, answer in self._waiting:
            answer.cancel()

    async def _send(self) -> None:
        while self._waiting:
            group = self._group()
            records = [record for some, _ in group for record in some]
            try:
                first = await self._tables.run(_Submit(self._number, records))
            except Exception as error:  # noqa: BLE001 - it is for each of those who wait
                _answer_all(group, error)
                continue
            self._added(Addition(self._partition, self._number, first, records), ())
            for some, answer in group:
                if not answer.done():
                    answer.set_result(first)
                first += len(some)

    def _group(self) -> list[tuple[list[Outgoing], "asyncio.Future[int]"]]:
        """The next ones: at least one, and no more than is good for one statement."""
        group = [self._waiting.popleft()]
        size = _size(group[0][0])
        while self._waiting and (size := size + _size(self._waiting[0][0])) <= MAX_BATCH_BYTES:
            group.append(self._waiting.popleft())
        return group


class _Submit:
    """Submissions in one statement; sent again, they may be there twice."""

    def __init__(self, partition: int, records: Sequence[Outgoing]) -> None:
        self._partition, self._records = partition, records

    async def __call__(self, connection: Connection) -> int:
        first: int = await connection.fetchval(SUBMIT, self._partition, *_columns(self._records))
        return first


def _columns(records: Sequence[Outgoing]) -> tuple[list[bytes], list[bytes]]:
    return [record.key for record in records], [record.value for record in records]


def _size(records: Sequence[Outgoing]) -> int:
    return sum(len(key) + len(value) for key, value in records)


def _answer_all(group: Sequence[tuple[object, "asyncio.Future[int]"]], error: Exception) -> None:
    for _, answer in group:
        if not answer.done():
            answer.set_exception(error)
