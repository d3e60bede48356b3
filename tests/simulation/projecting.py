"""The gateway's projections in memory: fed by the real source of projections, stored whole stretch by stretch.

A store keeps what PostgreSQL would in one transaction: the rows of these stretches, and how far they reach. A crash
comes before it or after it; two processes may feed the same store, and who is not where the store is begins again.
"""

from collections.abc import Sequence
from typing import Any

from foldgate.contracts.places import START, Partition, Position
from foldgate.decider.invariant import broken
from foldgate.gateway.projections.placing import Where
from foldgate.gateway.projections.timeline import PROJECTION, entry
from foldgate.readmodel.projection import Stretch
from foldgate.runtime.projecting import LogSource
from tests.simulation.faults import Faults
from tests.simulation.network import Network, SimFollower, _now


class _Living:
    dead = False


class _ReadLog:
    """The log as the gateway reads it."""

    def __init__(self, network: Network) -> None:
        self._network = network

    def follow(self, starts: Any) -> SimFollower:
        return SimFollower(self._network, dict(starts))


class Projecting:
    """Two gateways that keep one timeline."""

    def __init__(self, network: Network, faults: Faults) -> None:
        self.network, self.faults = network, faults
        self.rows: dict[Where, Any] = {}
        self.positions: dict[Partition, Position] = {}
        self._source = LogSource(_ReadLog(network), network.codec)  # type: ignore[arg-type]
        self._feeds = [self._begin(), self._begin()]

    def _begin(self) -> Any:
        return self._source.follow(PROJECTION, dict(self.positions))

    def step(self) -> bool:
        """One gateway reads on, and stores what it read, or dies before, or after."""
        number = self.network.rng.randrange(2)
        stretches = _now(self._feeds[number].next())
        chance = self.network.rng.random()
        if stretches and not (self.faults.crash and chance < 0.1):
            self._apply(stretches, number)
        if self.faults.crash and chance < 0.2:
            self._feeds[number] = self._begin()
        return bool(stretches)

    def _apply(self, stretches: Sequence[Stretch], number: int) -> None:
        if any(self.positions.get(s.partition, START) != s.start for s in stretches):
            self._feeds[number] = self._begin()
            return
        for stretch in stretches:
            self.positions[stretch.partition] = stretch.end
            for seen in stretch.seen:
                where = Where(*stretch.partition, seen.offset)
                if where in self.rows:
                    raise broken("INV-06", f"{where} is shown twice")
                self.rows[where] = entry(where, seen.meta, seen.event)

    def to_the_end(self) -> None:
        """Read all there is; what was kept through every crash must be what one reading from the beginning gives."""
        quiet = 0
        while quiet < 20:
            quiet = 0 if self.step() else quiet + 1
        anew = Projecting(self.network, self.faults)
        anew._feeds = anew._feeds[:1] * 2
        while anew.step():
            pass
        if anew.rows != self.rows:
            wrong = sorted(set(anew.rows.items()) ^ set(self.rows.items()))[:3]
            raise broken("INV-06", f"a timeline that was kept differs from one that was built anew: {wrong}")
