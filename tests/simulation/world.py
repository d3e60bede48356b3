"""A whole suite at work, in one thread and one seed: its services in two processes each, and whoever is around them.

People, strangers, administrators and workers are those of `tests/support/governing.py`; here services are processes
that share partitions, die in the middle of an append, are paused while others take over, and see the log late.
"""

import random
from collections import Counter
from collections.abc import Callable
from typing import Any

from foldgate.authority.writ import verify
from foldgate.contracts.events import JobDispatched, JobFailed, JobSucceeded, WorkerBeat
from foldgate.contracts.places import Partition
from foldgate.eventlog.log import Batch
from tests.simulation.faults import NONE, Faults
from tests.simulation.network import Network
from tests.simulation.process import Process
from tests.simulation.projecting import Projecting
from tests.simulation.stepwise import Stepwise
from tests.support.governed import Watch
from tests.support.governing import BEAT_MS, POOL, Work, World
from tests.support.hosting import Host, Written
from tests.support.keys import TRUST, proved
from tests.support.suite import OWNERS

DOCUMENTS = {
    "patient": """
id: patient
timeout: 1h
concurrency: {key: patient, limit: 2}
steps:
  first: {type: job, topic: job.read, input: "${input}", retry: {max_attempts: 3, backoff: 2s}}
  rest: {type: delay, delay: 20s, depends_on: [first]}
  last: {type: job, topic: job.read, timeout: 10m, depends_on: [rest], route: {pool: far}}
""",
    "family": """
id: family
steps:
  one: {type: job, topic: job.read}
  child: {type: subworkflow, workflow: patient, input: "${input}", depends_on: [one]}
""",
}
WORKFLOWS = Partition("workflows", 0)
POOLS = (POOL, "far")
ROUNDS = 20
BURST = 40
"""So many moves at most before anything else happens, when all comes to rest."""


class Simulated(World):
    """One seed. `faults` are what its play may meet; it comes to rest without any."""

    def __init__(self, seed: int, watch: Watch, faults: Faults | None = None) -> None:
        self.rests = False
        self.found: Exception | None = None
        self.processes: list[Process] = []
        self.policies_known: dict[tuple[str, int], str] = {}
        self.executed: Counter[str] = Counter()
        self.happened: Counter[str] = Counter()
        self.notes: list[tuple[int, str]] = []
        self.dying: list[Process] = []
        self.untold: list[tuple[int, Process, Partition]] = []
        self.begun_work: set[tuple[str, int]] = set()
        self._fetched = dict.fromkeys(POOLS, 0)
        self.faults = faults if faults is not None else Faults.drawn(random.Random(f"faults {seed}"))
        self.faults_then, self.stepwise = self.faults, Stepwise(2 * self.faults.skew_ms)
        super().__init__(seed, watch)
        self.network = Network(self.rng, self.faults, told=self._told, is_kafka=seed % 2 == 0)
        self.streams = self.network
        self.documents |= DOCUMENTS
        self.projecting = Projecting(self.network, self.faults)
        self.processes += [Process(self, service, number) for service in OWNERS for number in (1, 2)]
        for process in self.processes:
            process.skew_ms = self.rng.randint(-self.faults.skew_ms, self.faults.skew_ms)
        self._assign_all()

    def _hosts(self) -> list[Host]:
        """Here they are processes."""
        return []

    # who has what

    def _assign_all(self) -> None:
        for partition, both in self._shared().items():
            self.rng.choice(both).assigned[partition] = 0

    def _shared(self) -> dict[Partition, list[Process]]:
        found: dict[Partition, list[Process]] = {}
        for process in self.processes:
            for aggregate in process.service.aggregates:
                for number in range(aggregate.stream.partitions):
                    found.setdefault(Partition(aggregate.stream.name, number), []).append(process)
        return found

    def rebalance(self) -> None:
        """One partition goes to the other process; who has it hears of that later."""
        partition, both = self.rng.choice(list(self._shared().items()))
        [*having] = [process for process in both if partition in process.assigned]
        taking = self.rng.choice([process for process in both if process not in having] or both)
        for process in having:
            if process is not taking:
                self.untold.append((self.at + self.rng.choice([0, 1_000, 30_000]), process, partition))
        taking.assigned[partition] = self.at
        self.happened["rebalance"] += 1

    def _tell(self) -> None:
        for one in [one for one in self.untold if one[0] <= self.at]:
            self.untold.remove(one)
            _, process, partition = one
            others = [other for other in self._shared()[partition] if other is not process]
            if any(partition in other.assigned for other in others):
                process.assigned.pop(partition, None)

    # what happens

    def acts(self) -> dict[Callable[[], object], float]:
        """What the world does, and what goes wrong in it."""
        own = super().acts()
        del own[self.look_up], own[self.crash], own[self.tick]
        wrong: dict[Callable[[], object], float] = {
            self.crash: self.faults.crash,
            self.pause: self.faults.pause,
            self.outage: self.faults.outage,
            self.rebalance: self.faults.rebalance,
            self.network.forget_checkpoint: self.faults.lost_checkpoint,
            self.stall: self.faults.stall,
            self.network.deliver_late: 6,
            self.occasional: 20,
            self.projecting.step: 12,
        }
        return own | {act: weight for act, weight in wrong.items() if weight} | {self.read: 220}

    def read(self) -> bool:
        """Some process makes a move; at rest, many do."""
        moved = self._move()
        for _ in range(BURST if self.rests and moved else 0):
            if not self._move():
                break
        return moved

    def _move(self) -> bool:
        self._tell()
        for process in self.rng.sample(self.processes, len(self.processes)):
            if moves := process.moves():
                self.rng.choice(moves)()
                if self.found is not None:
                    raise self.found
                while self.dying:
                    self.dying.pop().crash()
                return True
        return False

    def goes_on_at_once(self) -> bool:
        """Whether a task goes on to its next step before anybody else does something."""
        return self.rests or self.rng.random() < 0.7

    def crash(self) -> None:
        """A process is gone wherever it is, and back after a while."""
        process = self.rng.choice(self.processes)
        busy = [one for one in self.processes if one.running]
        process = self.rng.choice(busy) if busy and self.rng.random() < 0.8 else process
        self.note(f"{process.name} dies in {sorted(process.running)}")
        process.crash()
        process.down_until = self.at + self.rng.choice([0, 0, 5_000, 40_000])
        self.happened["crash"] += 1

    def pause(self) -> None:
        """A process stands still; perhaps others are given what it has."""
        process = self.rng.choice(self.processes)
        process.down_until = self.at + self.rng.choice([500, 5_000, 40_000])
        self.note(f"{process.name} stands still")
        if self.rng.random() < 0.5:
            for other in self.processes:
                if other.service is process.service and other is not process:
                    for partition in process.assigned:
                        other.assigned.setdefault(partition, self.at)
                        self.untold.append((process.down_until + 1_000, process, partition))
        self.happened["pause"] += 1

    def outage(self) -> None:
        """A service is gone."""
        service = self.rng.choice(self.processes).service
        self.note(f"{service.name} is gone")
        for process in self.processes:
            if process.service is service:
                process.crash()
                process.down_until = self.at + 60_000
        self.happened["outage"] += 1

    def stall(self) -> None:
        """Some of what a process follows comes late, until this comes again."""
        self.rng.choice(self.processes).follower.stall()
        self.happened["stall"] += 1

    def occasional(self) -> None:
        """Some process saves something."""
        self.rng.choice(self.processes).occasional()

    def come_to_rest(self) -> None:
        """Nothing goes wrong any more: all must end that was begun."""
        self.rests = True
        self.network.faults = self.faults = self.projecting.faults = NONE
        while self.network.deliver_late():
            pass
        for process in self.processes:
            process.down_until = 0
            process.follower.stalled.clear()
        for partition, both in self._shared().items():
            if not any(partition in process.assigned for process in both):
                both[0].assigned[partition] = 0
        for _ in range(ROUNDS):
            super().come_to_rest()
            self._settle()
            if self.asked <= self.begun <= self.over.keys():
                break
            self.pass_time()  # what was asked for is not read yet: who reads it has just lost its partition
        for process in self.processes:
            process.look_at_timers()
        self.projecting.to_the_end()

    def _settle(self) -> None:
        """Who has lost a partition hears of it, and does what it still can."""
        while self.read():
            pass
        while self.untold:
            self.at = max(self.at, min(at for at, _, _ in self.untold))
            while self.read():
                pass

    def pass_time(self) -> None:
        """To whatever is due next; workers go on beating."""
        dues = [due for process in self.processes if (due := process.next_due()) is not None]
        self.at = max(self.at + 1, min([*dues, self.at + BEAT_MS]))
        self.beat()

    def close(self) -> None:
        """Nothing more of it happens."""
        for process in self.processes:
            process.close()

    # requesters

    def publish(self) -> None:
        """Until it is done, whatever goes wrong meanwhile."""
        super().publish()
        while len(self.streams.records[WORKFLOWS]) < len(self.documents):
            self.pass_time()
            while self.read():
                pass

    def workflows_known(self) -> int:
        return len(self.network.log.lane(WORKFLOWS).records)

    # workers

    def beat(self) -> None:
        """Each worker that is there says so; there is always one of each pool."""
        for pool in POOLS:
            if sum(pool_of(name) == pool for name in self.workers) < 2:
                self.workers[f"{pool}/{next(self.numbers)}"] = 0
        for name in self.workers:
            self.workers[name] += 1
            beat = WorkerBeat(worker=name, name=pool_of(name), max_parallel=2, beat=self.workers[name])
            self.submit("workers", pool_of(name), beat, principal=name, pool=pool_of(name))

    def report(self) -> bool:
        """They do what they were given, or fail, lie, fall silent, or are gone."""
        self._fetch()
        self.work = [one for one in self.work if one.job.worker in self.workers]
        if not self.work:
            return False
        one = self.work.pop(self.rng.randrange(len(self.work)))
        if self.rng.random() < self.faults.lost_work:
            del self.workers[one.job.worker]
            self.happened["worker lost"] += 1
            return True
        self._say(one)
        if self.rng.random() < self.faults.liars:
            self.rng.choice([self._say, self._lie])(one)
            self.happened["lie"] += 1
        return True

    def _say(self, one: Work) -> None:
        job_id, lease, worker = one.job.job.job_id, one.job.lease, one.job.worker
        if self.rng.random() < self.faults.failing:
            retryable = self.rng.random() < 0.7
            failed = JobFailed(job_id=job_id, lease=lease, worker=worker, code="broke", message="", retryable=retryable)
            self.submit("reports", one.meta.run_id, proved(failed), principal=worker, pool=one.meta.pool)
        else:
            done = JobSucceeded(job_id=job_id, lease=lease, worker=worker, output='"done"')
            self.submit("reports", one.meta.run_id, proved(done), principal=worker, pool=one.meta.pool)

    def _lie(self, one: Work) -> None:
        """Of a lease that it has not got."""
        lease = one.job.lease + self.rng.choice([-1, 1])
        said = JobSucceeded(job_id=one.job.job.job_id, lease=lease, worker=one.job.worker, output='"forged"')
        self.submit("reports", one.meta.run_id, proved(said), principal=one.job.worker, pool=one.meta.pool)

    def _fetch(self) -> None:
        for pool in POOLS:
            records = self.streams.records[Partition(f"dispatch.{pool}", 0)]
            for written in records[self._fetched[pool] :]:
                self._take(written, pool)
            self._fetched[pool] = len(records)

    def _take(self, written: Written, pool: str) -> None:
        given = written.event
        if isinstance(given, JobDispatched) and (given.job.job_id, given.lease) not in self.begun_work:
            self.begun_work.add((given.job.job_id, given.lease))
            if given.worker in self.workers:
                at, constraints = given.writ.issued_at, given.constraints
                verify(given.writ, given.job, trust=TRUST, pool=pool, at=at, constraints=constraints)
                self.executed[given.job.job_id] += 1
                self.work.append(Work(written.meta, given, lives=True))

    # what is judged

    def policy_known(self, owned: Any, given: JobDispatched) -> str:
        """As it was when that was decided."""
        del owned
        return self.policies_known[given.job.job_id, given.lease]

    def note(self, what: str) -> None:
        """For who reads what happened."""
        self.notes.append((self.at, what))

    def _told(self, partition: Partition, batch: Batch, said: list[Written]) -> None:
        """Who appends must not take what we find for a fault of the log: it is raised when the move is over."""
        try:
            self.stepwise.batch(partition, batch, said)
            for written in said:
                self._see(written)
            self.watch(self, None, said)  # type: ignore[arg-type]
        except Exception as error:  # noqa: BLE001 - whatever it is
            self.found = self.found or error


def pool_of(worker: str) -> str:
    """The pool for which it works."""
    return worker.partition("/")[0]
