"""Hosts one service in this process: holds the partitions it is assigned, and feeds them.

One task reads and decides for all partitions; each partition appends in a task of its own; each assigned partition has
a holder task that recovers it, claims it, and does so again after a while if it was lost. Recovery never happens in a
membership callback. Ownership is settled on the log alone: a wrong or late assignment costs time, not truth.

Time is judged only by who knows the news: after a claim, and after a pause of the process, no timer of a partition runs
out before all has been read that lay there by then, or a worker whose beats wait there unread would be taken for dead.
"""

import asyncio
import contextlib
import random
from collections.abc import Coroutine
from typing import Any

from foldgate.contracts.places import Partition
from foldgate.decider.decider import Decider, never
from foldgate.eventlog.log import LogError, LogUnavailable
from foldgate.runtime import metrics
from foldgate.runtime.context import Context
from foldgate.runtime.owned import OwnedPartition
from foldgate.runtime.projections import Projections
from foldgate.runtime.recovery import LogUnreadable, become_owner
from foldgate.runtime.relaying import Relaying
from foldgate.runtime.routing import Routing, sources_of
from foldgate.runtime.service import Aggregate, Service
from foldgate.runtime.tables import Tables
from foldgate.runtime.together import together
from foldgate.runtime.watching import Watching

_IDLE_MS = 100
_PAUSED_MS = 1_000
_GOODBYE_S = 2.0
_BACKOFF_FIRST_S, _BACKOFF_MOST_S = 0.2, 5.0


class Host:
    """One service at work. `run` returns when cancelled or raises what cannot be survived."""

    def __init__(self, service: Service, context: Context) -> None:
        self.service = service
        self._context = context
        self._aggregates = {aggregate.stream.name: aggregate for aggregate in service.aggregates}
        self._tables = Tables(context, service.aggregates)
        self._deciders = {aggregate.stream.name: self._decider(aggregate) for aggregate in service.aggregates}
        self._owned: dict[Partition, OwnedPartition] = {}
        self._holders: dict[Partition, asyncio.Task[None]] = {}
        self._ending: dict[Partition, asyncio.Task[None]] = {}
        self._orderly = True
        self._judged_at = 0
        self._joining: asyncio.Queue[tuple[OwnedPartition, dict[Partition, int] | None, asyncio.Future[None]]] = (
            asyncio.Queue()
        )
        self._failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._assigned: frozenset[Partition] | None = None
        self._unavailable_since: dict[Partition, int] = {}
        self._projections = Projections(service, context)
        self._watching = Watching(context)
        self.app = None if service.app is None else service.app(context, self._projections.projectors)

    @property
    def ready(self) -> bool:
        """Whether everything assigned is owned and at work, and what is shown was caught up with the log."""
        return self._owns_all and self._projections.ready and (self.app is None or self.app.ready)

    def waiting_for(self) -> str:
        """Why it is not ready."""
        if self._assigned is None:
            return "an assignment of partitions"
        if not self._owns_all:
            return ", ".join(sorted(map(str, self._assigned - self._owned.keys())))
        if self.app is None or not self._projections.ready:
            return self._projections.waiting_for()
        return self.app.waiting_for()

    async def measure(self) -> None:
        """Count what waits now, and what readers do not see yet."""
        await self._projections.measure()
        await self._watching.measure(list(self._owned.values()))

    async def run(self) -> None:
        """Work until cancelled; then leave in good order."""
        parts: list[Coroutine[Any, Any, None]] = [self._serve_log()] if self.service.aggregates else []
        parts += [self.app.run()] if self.app is not None else []
        self._assigned = None if self.service.aggregates else frozenset()
        await together(*parts, self._projections.run(), _for_ever())

    @property
    def _owns_all(self) -> bool:
        return self._assigned is not None and self._assigned <= self._owned.keys()

    def _decider(self, aggregate: Aggregate) -> Decider[Any]:
        tables = [reader.table for reader in self._tables.of(aggregate)]
        return aggregate.decider_with(self._context.settings, self._context.keys, tables)

    async def _serve_log(self) -> None:
        partitions = [Partition(a.stream.name, n) for a in self.service.aggregates for n in range(a.stream.partitions)]
        membership = self._context.log.membership(self.service.name, self._context.settings.instance, partitions)
        routing = Routing(self._context, self._tables)
        try:
            working = (self._follow_assignments(membership), self._work(routing), self._tables.run())
            await together(*working, _raised(self._failed))
        except Exception:
            self._orderly = False
            raise
        finally:
            await self._leave(routing)
            with contextlib.suppress(LogError, TimeoutError):
                async with asyncio.timeout(_GOODBYE_S):
                    await membership.close()

    async def _follow_assignments(self, membership: Any) -> None:
        while True:
            self._assigned = await membership.changed()
            for partition in self._holders.keys() - self._assigned:
                self._ending[partition] = self._holders.pop(partition)
                self._ending[partition].cancel()
            for partition in sorted(self._assigned - self._holders.keys()):
                holding = self._hold(partition, after=self._ending.pop(partition, None))
                self._holders[partition] = asyncio.create_task(holding, name=f"hold {partition}")
            self._context.logger.info("assigned", partitions=sorted(map(str, self._assigned)))

    async def _work(self, routing: Routing) -> None:
        """Read, decide, and start appends: the one loop that all partitions of this service share."""
        self._judged_at = self._context.clock.monotonic_ms()
        while True:
            self._let_join(routing)
            now = self._context.clock.now_ms()
            await self._after_a_pause(routing)
            for owned in self._timely(routing):
                owned.processor.tick(now)
            for owned in self._owned.values():
                owned.pump()
            await routing.step(timeout_ms=self._time_to_next(routing, now))
            for owned in list(self._owned.values()):
                await owned.room()

    async def _after_a_pause(self, routing: Routing) -> None:
        """Where this process stood still, see first what has come meanwhile."""
        before, self._judged_at = self._judged_at, self._context.clock.monotonic_ms()
        if self._judged_at - before > _PAUSED_MS:
            for owned in self._owned.values():
                routing.expect(owned, await self._ends(owned.partition))

    def _timely(self, routing: Routing) -> list[OwnedPartition]:
        """Those that know enough to judge the time."""
        return [owned for owned in self._owned.values() if routing.is_up_to_date(owned)]

    async def _ends(self, partition: Partition) -> dict[Partition, int]:
        """How far the sources of a partition with timers go."""
        if self._deciders[partition.stream].due is never:
            return {}
        sources = sources_of(self._aggregates[partition.stream], partition)
        return {source: await self._context.log.end(source) for source in sources}

    def _time_to_next(self, routing: Routing, now: int) -> int:
        if not self._joining.empty():
            return 0
        dues = [due for owned in self._timely(routing) if (due := owned.processor.next_due()) is not None]
        return max(0, min([_IDLE_MS, *(due - now for due in dues)]))

    def _let_join(self, routing: Routing) -> None:
        while not self._joining.empty():
            owned, ends, done = self._joining.get_nowait()
            if ends is not None:
                routing.attach(owned, self._aggregates[owned.partition.stream])
                routing.expect(owned, ends)
                self._owned[owned.partition] = owned
            else:
                routing.detach(owned)
                if self._owned.get(owned.partition) is owned:
                    del self._owned[owned.partition]
            if not done.done():
                done.set_result(None)

    async def _in_the_loop(self, owned: OwnedPartition, ends: dict[Partition, int] | None) -> None:
        """Let it join, with the ends of its sources; or without any, leave."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._joining.put_nowait((owned, ends, done))
        await done

    async def _hold(self, partition: Partition, *, after: "asyncio.Task[None] | None") -> None:
        """Own one assigned partition, again after each loss, until cancelled."""
        if after is not None:
            await asyncio.wait([after])
        self._unavailable_since.pop(partition, None)
        backoff = _BACKOFF_FIRST_S
        while True:
            started = self._context.clock.monotonic_ms()
            try:
                await self._own_until_lost(partition)
            except LogUnreadable as error:
                self._fail(error)
                return
            except Exception as error:  # noqa: BLE001 - whatever it was, the log tells where things stand
                self._note_loss(partition, error)
                if _is_told_to_end():  # and what was raised on the way out was no answer to that
                    return
            held_ms = self._context.clock.monotonic_ms() - started
            backoff = _BACKOFF_FIRST_S if held_ms > 60_000 else min(backoff * 2, _BACKOFF_MOST_S)
            await asyncio.sleep(backoff * random.uniform(0.5, 1.0))

    async def _own_until_lost(self, partition: Partition) -> None:
        labels = (self.service.name, partition.stream)
        aggregate = self._aggregates[partition.stream]
        with metrics.RECOVERY.labels(*labels).time():
            await self._tables.up_to_now(aggregate)
            owned = await become_owner(self._context, partition, self._deciders[partition.stream])
        metrics.CLAIMS.labels(*labels).inc()
        metrics.OWNED.labels(*labels).inc()
        relay = asyncio.create_task(self._relay(aggregate, owned))
        try:
            await self._tables.up_to_now(aggregate)
            await self._in_the_loop(owned, await self._ends(partition))
            self._unavailable_since.pop(partition, None)
            self._context.logger.info("owned", partition=str(partition), live=len(owned.processor.live))
            await asyncio.wait([owned.lost, relay], return_when=asyncio.FIRST_COMPLETED)
            await (relay if relay.done() else owned.lost)
        except asyncio.CancelledError:
            await self._give_up(owned, orderly=self._orderly)
            raise
        except BaseException:
            await self._give_up(owned, orderly=False)
            raise
        finally:
            relay.cancel()
            await asyncio.wait([relay])
            metrics.OWNED.labels(*labels).dec()

    async def _give_up(self, owned: OwnedPartition, *, orderly: bool) -> None:
        leaving = asyncio.ensure_future(self._in_the_loop(owned, None))
        await asyncio.wait([leaving], timeout=2)
        await (owned.leave() if orderly else owned.abandon())

    async def _relay(self, aggregate: Aggregate, owned: OwnedPartition) -> None:
        if aggregate.relay is None:
            await asyncio.Event().wait()
        else:
            await Relaying(self._context, aggregate.relay, owned).run()

    def _note_loss(self, partition: Partition, error: Exception) -> None:
        metrics.LOST.labels(self.service.name, partition.stream).inc()
        self._context.logger.warning("lost", partition=str(partition), reason=f"{type(error).__name__}: {error}")
        if not isinstance(error, LogUnavailable):
            return
        now = self._context.clock.monotonic_ms()
        since = self._unavailable_since.setdefault(partition, now)
        if now - since > self._context.settings.retry_within_ms:
            self._fail(error)

    def _fail(self, error: Exception) -> None:
        if not self._failed.done():
            self._failed.set_exception(error)

    async def _leave(self, routing: Routing) -> None:
        for holder in self._holders.values():
            holder.cancel()
        leaving = asyncio.gather(*self._holders.values(), *self._ending.values(), return_exceptions=True)
        until = self._context.clock.monotonic_ms() + self._context.settings.drain_within_ms
        while not leaving.done():
            self._let_join(routing)
            await asyncio.wait([leaving], timeout=0.01)
            if self._context.clock.monotonic_ms() > until:
                leaving.cancel()
        leaving.exception()  # looked at: whoever did not leave in time was cut off
        await routing.close()


def _is_told_to_end() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


async def _for_ever() -> None:
    await asyncio.Event().wait()


async def _raised(failure: asyncio.Future[None]) -> None:
    await asyncio.shield(failure)
