"""A suite whose pools change at any moment: put, drained, opened, full; and workers in all of them, or in none."""

from collections.abc import Callable
from typing import Any, NamedTuple

from foldgate.contracts import ids
from foldgate.contracts.events import (
    Event,
    JobDispatched,
    JobFailed,
    JobSucceeded,
    Meta,
    PoolDrainRequested,
    PoolsPublished,
    PoolsPutRequested,
    RunCancelRequested,
    RunRequested,
    WorkerBeat,
)
from foldgate.contracts.places import Partition
from tests.support.governed import TENANT, Governed, Watch
from tests.support.hosting import Written
from tests.support.keys import ISSUER, proved
from tests.support.layouts import layout, source

POOLS = ("default", "one", "two", "three")
TOPICS = ("job.a", "job.b", "job.c", "job.nobody")
BEAT_MS, MOST_TURNS = 4_000, 20_000


class Work(NamedTuple):
    """A job that a worker has."""

    meta: Meta
    job: JobDispatched


class PoolsWorld(Governed):
    """All of it, of one seed."""

    def __init__(self, seed: int, watch: Watch) -> None:
        super().__init__(seed, watch, default_decision="allow")
        self.workers: dict[str, str] = {}
        self.beats: dict[str, int] = {}
        self.work: list[Work] = []
        self.revision, self.drained = 0, dict.fromkeys(POOLS, False)
        self._given = dict.fromkeys(POOLS, 0)

    def play(self, turns: int) -> None:
        """Everything at once, and then until all is over."""
        acts: dict[Callable[[], object], int] = {
            self.read: 120,
            self.tick: 10,
            self.wait: 8,
            self.put: 3,
            self.drain: 4,
            self.start: 8,
            self.cancel: 1,
            self.beat: 5,
            self.report: 8,
            self.crash: 1,
            self.look_up: 3,
        }
        for act in self.rng.choices(list(acts), list(acts.values()), k=turns):
            act()
        self.come_to_rest()

    def fill(self, runs: int) -> None:
        """More runs than fit the first pool, once it is known which there are; and nobody works."""
        pools: list[dict[str, Any]] = [{"name": "one", "max_waiting": 1}, {"name": "two"}]
        self._administer(PoolsPutRequested(source=source(layout(pools, ("job.*", ["one", "two"]))), revision=0))
        while self.read():
            pass
        for host in self.hosts:
            for reading in host.readings.values():
                reading.up_to_now()
        for _ in range(runs):
            self.start()

    def come_to_rest(self) -> None:
        """Nobody changes anything any more, but for opening what is drained; and there are workers everywhere."""
        for host in self.hosts:
            host.down_until = 0
        for pool in POOLS:
            self._administer(PoolDrainRequested(pool=pool, draining=False))
        for pool in POOLS:
            self.workers.setdefault(f"{pool}/last", pool)
        for _ in range(MOST_TURNS):
            if self.read() or self.report():
                continue
            if self.begun <= self.over.keys():
                return
            self.pass_time()
        raise AssertionError(f"never over: {sorted(self.begun - self.over.keys())}")

    def pass_time(self) -> None:
        """To whatever is due next; workers go on beating."""
        dues = [due for host in self.hosts for owned in host.owned if (due := owned.due) is not None]
        self.at = max(self.at, min([*dues, self.at + BEAT_MS]))
        for host in self.hosts:
            for reading in host.readings.values():
                reading.up_to_now()
        self.beat()
        self.tick()

    def _see(self, written: Written) -> None:
        super()._see(written)
        if isinstance(written.event, PoolsPublished):
            self.revision = written.event.revision

    # administrators

    def put(self) -> None:
        """Other pools and routes; some so small that they are full at once."""
        names = self.rng.sample(POOLS, self.rng.randint(1, len(POOLS)))
        topics = [topic for topic in TOPICS[:-1] if self.rng.random() < 0.9]
        topics += ["job.*"] if self.rng.random() < 0.2 else []
        routes = [(topic, self.rng.sample(names, self.rng.randint(1, len(names)))) for topic in topics]
        document = layout([self._pool(name) for name in names], *routes)
        self._administer(PoolsPutRequested(source=source(document), revision=self.revision))

    def _pool(self, name: str) -> dict[str, Any]:
        terms: dict[str, Any] = {"name": name, "max_waiting": self.rng.choice([1, 3, 1000])}
        if self.rng.random() < 0.3:
            terms["labels"] = {"zone": self.rng.choice(["eu", "us"])}
        return terms

    def drain(self) -> None:
        """A pool takes no more jobs, or takes them again."""
        pool, draining = self.rng.choice(POOLS), self.rng.random() < 0.5
        self._administer(PoolDrainRequested(pool=pool, draining=draining))

    def _administer(self, asked: Event) -> None:
        self.submit("admin", "pools", asked, principal="root", signer=ISSUER)

    # requesters

    def start(self) -> None:
        """One more run of one step, which may ask for a pool."""
        key, topic = f"k{next(self.numbers)}", self.rng.choice([*TOPICS, *TOPICS[:-1]])
        labels = self.rng.choice([{}, {}, {"pool": self.rng.choice(POOLS)}])
        asked = RunRequested(workflow="job", topic=topic, input="{}", labels=labels, idempotency_key=key)
        self.submit("intake", ids.run_id(TENANT, "job", key), asked, signer=ISSUER)

    def cancel(self) -> None:
        """Somebody wants a run no longer."""
        if live := sorted(self.begun - self.over.keys()):
            self.submit("intake", self.rng.choice(live), RunCancelRequested(reason="why not"), signer=ISSUER)

    # workers

    def beat(self) -> None:
        """Each worker that is there says so; sometimes there is another."""
        if self.rng.random() < 0.3:
            self.workers[f"w/{next(self.numbers)}"] = self.rng.choice(POOLS)
        for name, pool in self.workers.items():
            self.beats[name] = self.beats.get(name, 0) + 1
            holding = tuple(one.job.lease for one in self.work if one.job.worker == name)
            beat = WorkerBeat(worker=name, name="w", max_parallel=2, beat=self.beats[name], holding=holding)
            self.submit("workers", pool, beat, principal=name, pool=pool)

    def report(self) -> bool:
        """One job is done, or cannot be done."""
        self._fetch()
        if not self.work:
            return False
        one = self.work.pop(self.rng.randrange(len(self.work)))
        job_id, lease, worker = one.job.job.job_id, one.job.lease, one.job.worker
        done = JobSucceeded(job_id=job_id, lease=lease, worker=worker, output='"done"')
        broken = JobFailed(job_id=job_id, lease=lease, worker=worker, code="broken", message="It broke.")
        said = proved(done) if self.rng.random() < 0.9 else proved(broken)
        self.submit("reports", one.meta.run_id, said, principal=worker, pool=one.meta.pool)
        return True

    def _fetch(self) -> None:
        for pool, given in self._given.items():
            records = self.streams.records[Partition(f"dispatch.{pool}", 0)]
            for written in records[given:]:
                if isinstance(written.event, JobDispatched):
                    self.work.append(Work(written.meta, written.event))
            self._given[pool] = len(records)
