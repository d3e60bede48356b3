"""Workers that this gateway speaks for: what was dispatched to them and not yet fetched, and what is called back.

A worker over HTTP reads no log and signs nothing. Its seat here does both for it: the gateway follows what is
dispatched to its pool, believes what the scheduler and the kernel have signed (`foldgate.sdk.believing`, as a worker
does), and counts leases from when it received a beat, by its own clock. What a seat knows is gone with its process, and
nothing is lost by it: the scheduler gives to others what no beat names as held.

With several gateways a dispatch is handed out by the one that has sent the beat which it names, and by no other.
"""

import asyncio
import contextlib
import functools
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from foldgate.authority.keys import SignatureInvalid, Trust
from foldgate.contracts.codec import Undecodable
from foldgate.contracts.events import JobCancelled, JobDispatched
from foldgate.contracts.places import Partition
from foldgate.contracts.topics import stream_of
from foldgate.eventlog.log import LogUnavailable, Record
from foldgate.gateway.http.problems import Problem
from foldgate.gateway.http.worker_tokens import LeaseToken, WorkerToken
from foldgate.runtime.clock import Clock
from foldgate.runtime.context import Context
from foldgate.sdk.believing import LEASE_OVER, Believing, Refused, Repeated
from foldgate.sdk.transport import Arrival

MAX_WORKERS = 10_000
MAX_POOLS = 200
MAX_CALLED_BACK = 1000
MAX_BEATS = 1000
FORGOTTEN_AFTER_LEASES = 5
_AGAIN_S = 0.2
_SWEEP_S = 1.0


class Why(NamedTuple):
    """Why a dispatch goes back, as a code and a sentence."""

    code: str
    message: str


LEAVES = Why("worker_leaving", "It was not begun: its worker leaves.")
NOT_FETCHED = Why(f"writ_{LEASE_OVER}", "Expected it to be fetched while its lease lasted, but it was not.")
TurnDown = Callable[[Arrival, Why], None]
"""Hands a dispatch back to the engine."""


class Seat:
    """One worker's. `news` is set, and replaced, when something has come."""

    def __init__(self, worker: WorkerToken, trust: Trust, *, clock: Clock, turn_down: TurnDown) -> None:
        self.worker, self._clock, self._turn_down = worker, clock, turn_down
        self.believing = Believing(trust, endpoint=worker.endpoint, pool=worker.pool, clock=clock)
        self.news = asyncio.Event()
        self.heard, self.beat, self.polls = clock.monotonic_ms(), 0, 0
        self.leaving, self._lost_until = False, 0
        self._beats: dict[int, None] = {}
        self._waiting: deque[tuple[Arrival, int]] = deque()
        self._called_back: dict[int, Arrival] = {}
        self._untold: dict[int, None] = {}

    def has_lapsed(self, lease_ms: int) -> bool:
        """Whether what was handed out so far was given to others; that stays so, whatever is heard from then on."""
        if self.believing.lapsed(lease_ms):
            self._lost_until = self._clock.now_ms()
            return True
        return False

    def lasts(self, lease: LeaseToken) -> bool:
        """Whether what was handed out under this lease may begin."""
        lapsed = self.has_lapsed(lease.lease_ms) or lease.handed_out_at <= self._lost_until
        return not lapsed and lease.lease not in self._called_back

    def note_beat(self, number: int) -> None:
        """A beat is about to be submitted."""
        self.beat = number
        self._beats[number] = None
        if len(self._beats) > MAX_BEATS:
            del self._beats[next(iter(self._beats))]
        self.believing.note_beat(number)

    def arrive(self, arrival: Arrival) -> None:
        """Take in what was dispatched, or called back."""
        if isinstance(arrival.event, JobDispatched):
            self._take_in(arrival, arrival.event)
        else:
            self._call_back(arrival, arrival.event)
        self.wake()

    def wake(self) -> None:
        """Whoever waits here looks again."""
        news, self.news = self.news, asyncio.Event()
        news.set()

    def fetched(self, most: int) -> list[Arrival]:
        """What is handed out now: what nobody fetched while its lease lasted goes back."""
        found: list[Arrival] = []
        while self._waiting and len(found) < most:
            arrival, at = self._waiting.popleft()
            if self._lasts(arrival.event, at):
                found.append(arrival)
            else:
                self._turn_down(arrival, NOT_FETCHED)
        return found

    def called_back(self, leases: Iterable[int]) -> list[Arrival]:
        """Of these leases, those that are called back."""
        return [self._called_back[lease] for lease in leases if lease in self._called_back]

    def is_called_back(self, lease: int) -> bool:
        """Whether it is to stop."""
        return lease in self._called_back

    def newly_called_back(self) -> list[Arrival]:
        """What was called back since this was asked before."""
        untold, self._untold = self._untold, {}
        return [self._called_back[lease] for lease in untold if lease in self._called_back]

    def leave(self) -> None:
        """It takes no more: what it has not fetched goes back."""
        self.leaving = True
        while self._waiting:
            arrival, _ = self._waiting.popleft()
            self._turn_down(arrival, LEAVES)

    def _take_in(self, arrival: Arrival, event: JobDispatched) -> None:
        if event.beat not in self._beats:  # another gateway speaks for that beat, or an earlier life of this one did
            return
        try:
            self.believing.check(arrival.meta, event)
        except Repeated:
            return
        except Refused as refusal:
            if refusal.is_ours:
                self._turn_down(arrival, Why(f"writ_{refusal.code}", str(refusal)))
            return
        if self.leaving:
            self._turn_down(arrival, LEAVES)
        else:
            self._waiting.append((arrival, self._clock.monotonic_ms()))

    def _call_back(self, arrival: Arrival, event: JobCancelled) -> None:
        with contextlib.suppress(SignatureInvalid):
            self.believing.check_cancel(event)
            self._waiting = deque(one for one in self._waiting if one[0].event.lease != event.lease)
            self._called_back[event.lease] = arrival
            self._untold[event.lease] = None
            if len(self._called_back) > MAX_CALLED_BACK:
                del self._called_back[next(iter(self._called_back))]

    def _lasts(self, event: JobDispatched | JobCancelled, arrived: int) -> bool:
        assert isinstance(event, JobDispatched)
        in_time = self._clock.monotonic_ms() - arrived <= event.lease_ms
        return in_time and self.believing.lasts(event.beat, event.lease_ms)


class Seats:
    """All of this process. `run` keeps them; when it ends, whoever waits is let go."""

    def __init__(self, context: Context, *, turn_down: Callable[[WorkerToken, Arrival, Why], None]) -> None:
        self._context, self._turn_down = context, turn_down
        self._seats: dict[str, Seat] = {}
        self._following: dict[str, asyncio.Task[None]] = {}
        self._beginning = asyncio.Lock()
        self.is_closed = False

    async def of(self, worker: WorkerToken) -> Seat:
        """The worker's seat; from now on what is dispatched to it is heard."""
        seat = self._seats.get(worker.endpoint)
        if seat is None or worker.pool not in self._following:
            async with self._beginning:
                await self._follow(worker.pool)
            seat = self._seats.get(worker.endpoint) or self._seated(worker)
        seat.heard = self._context.clock.monotonic_ms()
        return seat

    def known(self, endpoint: str) -> Seat | None:
        """The seat of who was here lately."""
        return self._seats.get(endpoint)

    async def run(self) -> None:
        """Forget who is heard no more, until cancelled."""
        try:
            while True:
                await asyncio.sleep(_SWEEP_S)
                self._forget()
        finally:
            self.is_closed = True
            for seat in self._seats.values():
                seat.wake()
            tasks = list(self._following.values())
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _seated(self, worker: WorkerToken) -> Seat:
        if len(self._seats) >= MAX_WORKERS:
            raise Problem("too_many_workers", f"Expected at most {MAX_WORKERS} workers here: ask another gateway.")
        context = self._context
        turn_down = functools.partial(self._turn_down, worker)
        seat = Seat(worker, context.keys.trust, clock=context.clock, turn_down=turn_down)
        self._seats[worker.endpoint] = seat
        return seat

    def _forget(self) -> None:
        oldest = self._context.clock.monotonic_ms() - FORGOTTEN_AFTER_LEASES * self._context.settings.lease_ms
        for endpoint, seat in list(self._seats.items()):
            if seat.heard < oldest and not seat.polls:
                del self._seats[endpoint]
        for pool in self._following.keys() - {seat.worker.pool for seat in self._seats.values()}:
            if not self._beginning.locked():
                self._following.pop(pool).cancel()

    async def _follow(self, pool: str) -> None:
        if pool in self._following:
            return
        if len(self._following) >= MAX_POOLS:
            raise Problem("too_many_workers", f"Expected workers of at most {MAX_POOLS} pools: ask another gateway.")
        stream = stream_of(f"dispatch.{pool}")
        await self._context.log.prepare([stream])
        partitions = [Partition(stream.name, number) for number in range(stream.partitions)]
        ends = {partition: await self._context.log.end(partition) for partition in partitions}
        self._following[pool] = asyncio.create_task(self._listen(ends), name=f"dispatches of {pool}")

    async def _listen(self, offsets: dict[Partition, int]) -> None:
        while True:
            try:
                await self._hear(offsets)
            except LogUnavailable as error:
                self._context.logger.warning("dispatches interrupted", reason=str(error))
                await asyncio.sleep(_AGAIN_S)

    async def _hear(self, offsets: dict[Partition, int]) -> None:
        follower = self._context.log.follow(dict(offsets))
        try:
            while True:
                for record in await follower.next():
                    for seat, arrival in self._arrivals(record):
                        seat.arrive(arrival)
                    offsets[record.partition] = record.offset + 1
        finally:
            await follower.close()

    def _arrivals(self, record: Record) -> Iterator[tuple[Seat, Arrival]]:
        seat = self._seats.get((record.key or b"").decode(errors="replace"))
        if seat is None or record.partition.stream != f"dispatch.{seat.worker.pool}":
            return
        try:
            meta, event = self._context.codec.decode(record.value)
        except Undecodable as error:
            self._context.logger.warning("dispatch passed over", offset=record.offset, reason=str(error))
            return
        if isinstance(event, JobDispatched | JobCancelled):
            yield seat, Arrival(meta, event)
