"""One process of one service: its real deciders, processors, recovery, claims, appends, saves, tables and relays.

What the runtime's host does by tasks is done here by steps, each of which somebody else chooses: recover and claim what
was assigned, read, let time act, append what was decided, save, relay, give up what was lost.
"""

import logging
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import structlog

from foldgate.authority.active import Policies
from foldgate.contracts.events import Event, JobDispatched
from foldgate.contracts.places import Partition
from foldgate.decider.decider import Decider, Message, Said, never
from foldgate.decider.invariant import broken
from foldgate.runtime.context import Context
from foldgate.runtime.owned import OwnedPartition
from foldgate.runtime.recovery import become_owner
from foldgate.runtime.relaying import Relaying
from foldgate.runtime.routing import Routing, sources_of
from foldgate.runtime.service import Aggregate, Service
from foldgate.runtime.tables import Tables
from tests.simulation.network import SimLog
from tests.simulation.stepping import Running
from tests.support.keys import KEYS

if TYPE_CHECKING:
    from tests.simulation.world import Simulated

QUIET = structlog.wrap_logger(None, wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
BACKOFF_MS = (200, 1_000, 5_000)


class Life:
    """From a start to a crash."""

    def __init__(self) -> None:
        self.dead = False


class Process:
    """It is down, or paused, until the time that `down_until` says."""

    def __init__(self, world: "Simulated", service: Service, number: int) -> None:
        self.world, self.service, self.name = world, service, f"{service.name}-{number}"
        self.aggregates = {aggregate.stream.name: aggregate for aggregate in service.aggregates}
        self.skew_ms = self.down_until = 0
        self.assigned: dict[Partition, int] = {}
        self.life = Life()
        self.crashes = 0
        self.running: dict[str, Running] = {}
        self.begin()

    # its clock

    def now_ms(self) -> int:
        return self.world.at + self.skew_ms

    def monotonic_ms(self) -> int:
        return self.world.at

    # its life

    def begin(self) -> None:
        """Start, with nothing but what is on the log."""
        self.close()
        self.life, self.running = Life(), {}
        self.log = SimLog(self.world.network, self.life)
        settings = self.world.settings.model_copy(update={"instance": self.name})
        self.context = Context(
            service=self.service.name,
            settings=settings,
            keys=KEYS,
            log=self.log,
            codec=self.world.network.codec,
            clock=self,
            logger=QUIET,
        )
        self.tables = Tables(self.context, self.service.aggregates)
        self.readers = list(self.tables._readers.values())
        self.routing = Routing(self.context, self.tables)
        [self.follower] = self.log.followers
        self.deciders = {name: self._decider(aggregate) for name, aggregate in self.aggregates.items()}
        self.owned: dict[Partition, OwnedPartition] = {}
        self.joining: list[tuple[OwnedPartition, dict[Partition, int]]] = []

    def close(self) -> None:
        """Nothing more of this life happens."""
        self.life.dead = True
        for running in self.running.values():
            running.close()

    def crash(self) -> None:
        """Dead at once, wherever each of its tasks is; and begun anew."""
        self.crashes += 1
        self.begin()
        self.assigned = dict.fromkeys(self.assigned, 0)

    def _decider(self, aggregate: Aggregate) -> Decider[Any]:
        tables = [reader.table for reader in self.tables.of(aggregate)]
        made = aggregate.decider_with(self.context.settings, KEYS, tables)
        policies = tables[0] if tables else None
        if not isinstance(policies, Policies) or self.service.name != "scheduler":
            return made

        def decide(state: Any, message: Message) -> list[Event | Said]:
            said = list(made.decide(state, message))
            for one in said:
                event = one.event if isinstance(one, Said) else one
                if isinstance(event, JobDispatched):
                    self.world.policies_known[event.job.job_id, event.lease] = policies.active_name
            return said

        return replace(made, decide=decide)

    # what it may do next

    def moves(self) -> list[Callable[[], None]]:
        """Each thing that it can do at this time; nothing means that it waits for time or for others."""
        if self.down_until > self.world.at:
            return []
        self._let_join()
        found: list[Callable[[], None]] = [
            lambda name=name: self._step(name)  # type: ignore[misc]
            for name, running in self.running.items()
            if running.can_go_on
        ]
        return [*found, *self._reads(), *self._owns(), *self._looks_up()]

    def _reads(self) -> list[Callable[[], None]]:
        if "read" in self.running:
            return []
        found: list[Callable[[], None]] = []
        if self.follower.has_more:
            found.append(lambda: self._start("read", self.routing.step(timeout_ms=0)))
        if self._is_due():
            found.append(self.tick)
        return found

    def _owns(self) -> list[Callable[[], None]]:
        found: list[Callable[[], None]] = []
        for partition, owned in self.owned.items():
            if owned.processor.pending and f"append {partition}" not in self.running:
                found.append(lambda p=partition, o=owned: self._start(f"append {p}", self._append(o)))  # type: ignore[misc]
        for partition, not_before in self.assigned.items():
            if self._may_claim(partition, not_before):
                found.append(lambda p=partition: self._start(f"hold {p}", self._hold(p)))  # type: ignore[misc]
        return found

    def _may_claim(self, partition: Partition, not_before: int) -> bool:
        busy = {f"hold {partition}", f"leave {partition}"} & self.running.keys()
        has_it = partition in self.owned or any(owned.partition == partition for owned, _ in self.joining)
        return not busy and not has_it and not_before <= self.world.at

    def _looks_up(self) -> list[Callable[[], None]]:
        return [
            lambda n=n, r=reader: self._start(f"table {n}", r.up_to_now())  # type: ignore[misc]
            for n, reader in enumerate(self.readers)
            if f"table {n}" not in self.running
            and len(self.world.network.log.lane(Partition(reader.table.stream.name, 0)).records) > reader.reached
        ]

    def occasional(self) -> None:
        """Save one of its states, or tell positions alone."""
        busy = self.running.keys()
        idle = [p for p in self.owned if not {f"append {p}", f"save {p}", f"leave {p}"} & busy]
        if idle and self.down_until <= self.world.at:
            partition = self.world.rng.choice(idle)
            owned = self.owned[partition]
            if self.world.rng.random() < 0.7:
                self._start(f"save {partition}", owned._guarded(owned._save()))
            else:
                self._start(f"append {partition}", self._append(owned))

    def tick(self) -> None:
        """Let time act, where enough is known to judge it."""
        now = self.now_ms()
        for owned in self._timely():
            owned.processor.tick(now)
            self._look_at_faults(owned)

    def _is_due(self) -> bool:
        due, now = self.next_due(), self.world.at
        return due is not None and due <= now

    def next_due(self) -> int | None:
        """When it wants to be looked at, by the clock of all."""
        dues = [due for owned in self._timely() if (due := owned.processor.next_due()) is not None]
        waits = [at for partition, at in self.assigned.items() if self._may_claim(partition, 0) and at > self.world.at]
        return min([due - self.skew_ms for due in dues] + waits, default=None)

    def _timely(self) -> list[OwnedPartition]:
        return [owned for owned in self.owned.values() if self.routing.is_up_to_date(owned)]

    # its tasks

    def _start(self, name: str, work: Coroutine[Any, Any, Any]) -> None:
        self.running[name] = Running(work)
        self._step(name)

    def _step(self, name: str) -> None:
        running = self.running[name]
        try:
            running.step()
            while running.can_go_on and self.world.goes_on_at_once():
                running.step()
        except Exception as error:  # noqa: BLE001 - what the log says no to costs the partition, as in the host
            self._note(name, error)
        if running.over:
            self.running.pop(name, None)
        if name == "read":
            for owned in self.owned.values():
                self._look_at_faults(owned)
        self._give_up_what_is_lost()

    def _note(self, name: str, error: Exception) -> None:
        """In the host, what is about one partition costs that, and what is about all ends the process."""
        from foldgate.eventlog.log import LogError
        from foldgate.runtime.recovery import LogUnreadable

        if not isinstance(error, LogError) or isinstance(error, LogUnreadable):
            raise error
        what, _, partition = name.partition(" ")
        if what in ("read", "table"):
            self.world.note(f"{self.name} ends: {error}")
            self.running.pop(name).close()
            self.world.dying.append(self)
        elif what == "relay":
            for owned in self.owned.values():
                if str(owned.partition) == partition and not owned.lost.done():
                    owned.lost.set_exception(error)
        else:
            for one in self.assigned:
                if str(one) == partition:
                    self.assigned[one] = self.world.at + self.world.rng.choice(BACKOFF_MS)

    async def _append(self, owned: OwnedPartition) -> None:
        await owned._guarded(owned._append_all())

    async def _hold(self, partition: Partition) -> None:
        """Recover it, claim it, and let it join."""
        aggregate = self.aggregates[partition.stream]
        await self.tables.up_to_now(aggregate)
        owned = await become_owner(self.context, partition, self.deciders[partition.stream])
        await self.tables.up_to_now(aggregate)
        ends: dict[Partition, int] = {}
        if self.deciders[partition.stream].due is not never:
            for source in sources_of(aggregate, partition):
                ends[source] = await self.log.end(source)
        self.joining.append((owned, ends))

    def _let_join(self) -> None:
        """Between two readings, as the host does."""
        if "read" in self.running:
            return
        for owned, ends in self.joining:
            aggregate = self.aggregates[owned.partition.stream]
            self.routing.attach(owned, aggregate)
            self.routing.expect(owned, ends)
            self.owned[owned.partition] = owned
            if aggregate.relay is not None:
                name = f"relay {owned.partition}"
                self.running[name] = Running(Relaying(self.context, aggregate.relay, owned).run())
                self.running[name].step()
        self.joining.clear()
        for owned in list(self.owned.values()):
            if owned.partition not in self.assigned or owned.lost.done():
                self._detach(owned)

    def _give_up_what_is_lost(self) -> None:
        for partition, owned in list(self.owned.items()):
            if owned.lost.done():
                for what in ("append", "save", "relay"):
                    if (running := self.running.pop(f"{what} {partition}", None)) is not None:
                        running.close()
                owned.lost.exception()
        self._let_join()

    def _detach(self, owned: OwnedPartition) -> None:
        partition = owned.partition
        self.routing.detach(owned)
        del self.owned[partition]
        if owned.lost.done():
            if partition in self.assigned:
                self.assigned[partition] = self.world.at + self.world.rng.choice(BACKOFF_MS)
            return
        if (relay := self.running.pop(f"relay {partition}", None)) is not None:
            relay.close()
        before = [one for what in ("append", "save") if (one := self.running.pop(f"{what} {partition}", None))]
        self.running[f"leave {partition}"] = Running(self._leave(owned, before))

    async def _leave(self, owned: OwnedPartition, before: list[Running]) -> None:
        """In good order: what is on its way first."""
        for running in before:
            await running
        await owned.leave()

    def look_at_timers(self) -> None:
        """Whatever is to act one day is known to whoever will wake it."""
        for owned in self.owned.values():
            for key, held in owned.processor.live.items():
                due = self.deciders[owned.partition.stream].due(held.state)
                if due is not None and key not in owned.processor._due_of:
                    raise broken("INV-07", f"{owned.partition}: {key} is due at {due}, and nobody knows")

    def _look_at_faults(self, owned: OwnedPartition) -> None:
        if owned.processor.faults:
            raise broken("INV-07", f"{owned.partition}: {owned.processor.faults}")
