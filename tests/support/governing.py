"""A suite under a policy that changes, in memory: its four services, and at random what people and workers do with it.

Around the services (`governed.py`) administrators publish, take back and delete bundles, requesters start and cancel
runs, people vote, strangers forge requests, votes, reports and changes of policy, and workers work, or vanish.
"""

from collections.abc import Callable
from typing import NamedTuple

import msgspec

from foldgate.authority.keys import Signer
from foldgate.authority.requests import Signed
from foldgate.contracts import ids
from foldgate.contracts.events import (
    Event,
    JobDispatched,
    JobSucceeded,
    Meta,
    PolicyDeleteRequested,
    PolicyPublishRequested,
    PolicyPutRequested,
    PolicyRollbackRequested,
    RunCancelRequested,
    RunPauseRequested,
    RunRequested,
    VoteCast,
    WorkerBeat,
    WorkflowSubmitted,
)
from foldgate.contracts.places import Partition
from tests.support.governed import TENANT, Governed, Shown, Watch
from tests.support.hosting import CODEC
from tests.support.keys import ISSUER, KERNEL, STRANGER, proved, signer_with
from tests.support.ruling import BUNDLES, TOPICS, bundle

POOL, ADMIN = "default", "root@example.com"
PEOPLE: dict[str, tuple[str, ...]] = {
    "ada": ("sre",),
    "bob": ("sre", "lead"),
    "eve": ("lead",),
    "kim": ("sre", "lead"),
    "lou": ("sre", "lead"),
    "max": ("lead",),
    "pat": ("sre",),
    "sam": (),
    "tom": ("sre", "lead"),
}
"""Who may vote. All that ask for runs are among them."""
DOCUMENTS = {
    "deploy": """
id: deploy
steps:
  look: {type: job, topic: job.read, input: "${input}"}
  apply: {type: job, topic: job.write, input: "${input}", depends_on: [look], meta: {risk_tags: [prod, write]}}
""",
    "announced": """
id: announced
steps:
  tell: {type: notify, channel: ops, message: it begins}
  gate: {type: approval, depends_on: [tell], approval: {required: 1}}
  pay: {type: job, topic: job.pay, input: "${input}", depends_on: [gate], meta: {risk_tags: [write]}}
""",
}
FORGED = "forged"
"""Stands in whatever strangers would have others believe."""
EVIL = signer_with("issuer", tenant="evil")
"""Vouches for another tenant alone."""
DISPATCHED = Partition(f"dispatch.{POOL}", 0)
BEAT_MS, MOST_TURNS = 4_000, 20_000


class Work(NamedTuple):
    """A job that a worker has, and whether it will ever report."""

    meta: Meta
    job: JobDispatched
    lives: bool


class World(Governed):
    """All of it, of one seed."""

    def __init__(self, seed: int, watch: Watch) -> None:
        super().__init__(seed, watch)
        self.documents = dict(DOCUMENTS)
        self.workers: dict[str, int] = {}
        self.work: list[Work] = []
        self._given = 0

    # what happens, in any order

    def play(self, turns: int) -> None:
        """Everything at once, and then until all is over that can be."""
        self.publish()
        acts = self.acts()
        for act in self.rng.choices(list(acts), list(acts.values()), k=turns):
            act()
        self.come_to_rest()

    def publish(self) -> None:
        """The workflows, of which people will ask for runs."""
        for workflow, source in self.documents.items():
            name = ids.workflow_key(TENANT, workflow)
            self.submit("admin", name, WorkflowSubmitted(workflow=workflow, source=source), signer=ISSUER)
        while self.read():
            pass

    def acts(self) -> dict[Callable[[], object], float]:
        """What may happen next, and how often it does."""
        return {
            self.read: 120,
            self.tick: 10,
            self.wait: 8,
            self.change_policy: 4,
            self.start: 4,
            self.cancel: 1,
            self.vote: 8,
            self.forge: 5,
            self.beat: 6,
            self.report: 6,
            self.crash: 1,
            self.look_up: 3,
        }

    def come_to_rest(self) -> None:
        """Nothing new is asked for, and everybody answers what is."""
        for host in self.hosts:
            host.down_until = 0
        for _ in range(MOST_TURNS):
            if self.read() or self.answer_all() or self.report():
                continue
            if self.begun <= self.over.keys():
                return
            self.pass_time()
        raise AssertionError(f"never over: {sorted(self.begun - self.over.keys())}, open: {self.questions}")

    def pass_time(self) -> None:
        """To whatever is due next; workers go on beating."""
        dues = [due for host in self.hosts for owned in host.owned if (due := owned.due) is not None]
        self.at = max(self.at, min([*dues, self.at + BEAT_MS]))
        for host in self.hosts:
            for reading in host.readings.values():
                reading.up_to_now()
        self.beat()
        self.tick()

    # administrators

    def change_policy(self) -> None:
        """A new draft that is published, an earlier snapshot, or one bundle less."""
        change = self.rng.random()
        if change < 0.7 or not self.snapshots:
            name = self.rng.choice(BUNDLES)
            source = bundle(name, self.rng)
            self._administer(PolicyPutRequested(bundle=name, source=source, revision=self.drafts.get(name, 0)))
            self._administer(PolicyPublishRequested(bundles=(name,)))
        elif change < 0.85:
            self._administer(PolicyRollbackRequested(policy_snapshot=self.rng.choice(sorted(self.snapshots))))
        else:
            self._administer(PolicyDeleteRequested(bundle=self.rng.choice(BUNDLES)))

    def _administer(self, asked: Event) -> None:
        self.submit("admin", "policies", asked, principal=ADMIN, signer=ISSUER)

    # requesters

    def start(self) -> None:
        """One more run, of one step or of several."""
        key, workflow = f"k{next(self.numbers)}", self.rng.choice(["job", "job", *self.documents])
        given = self.rng.choice(['{"n":1}', '{"n":5}', "{}"])
        labels = self.rng.choice([{}, {"env": "prod"}, {"env": "test"}])
        topic = self.rng.choice(TOPICS) if workflow == "job" else ""
        asked = RunRequested(
            workflow=workflow,
            topic=topic,
            input=given,
            labels=labels,
            idempotency_key=key,
            workflows_offset=self.workflows_known(),
        )
        run = ids.run_id(TENANT, workflow, key)
        self.asked.add(run)
        self.submit("intake", run, asked, principal=self.somebody(), signer=ISSUER)

    def workflows_known(self) -> int:
        """How far the workflows reach that who asks for a run knows of; here the services are not behind."""
        return 0

    def cancel(self) -> None:
        """Somebody wants a run no longer."""
        if live := sorted(self.begun - self.over.keys()):
            self.submit("intake", self.rng.choice(live), RunCancelRequested(reason="why not"), signer=ISSUER)

    # people

    def somebody(self) -> str:
        return self.rng.choice(list(PEOPLE))

    def vote(self) -> None:
        """Somebody answers what they see; two of them perhaps at once, and perhaps twice."""
        if self.questions:
            shown = self.rng.choice(list(self.questions.values()))
            for _ in range(self.rng.choice([1, 1, 2])):
                self._cast(shown, self.somebody(), approve=self.rng.random() < 0.93)

    def _cast(self, shown: Shown, name: str, *, approve: bool) -> None:
        cast = VoteCast(
            approval_id=shown.approval_id, approve=approve, binding=shown.binding, roles=tuple(PEOPLE[name])
        )
        self.honest.add((shown.approval_id, name, approve))
        self.submit("intake", shown.run_id, cast, principal=name, signer=ISSUER)

    def answer_all(self) -> bool:
        """Everybody says yes to everything."""
        open_now = list(self.questions.values())
        for shown in open_now:
            for name in PEOPLE:
                self._cast(shown, name, approve=True)
        while self.read():
            pass
        return any(self.questions.get(one.approval_id) != one for one in open_now)

    # strangers

    def forge(self) -> None:
        """Somebody without a key writes where anybody may: requests, votes, changes of policy and reports, and sends
        again."""
        asks = [self._forge_run, self._forge_control, self._forge_workflow]
        votes = [self._forge_vote, self._vote_stale]
        self.rng.choice([*asks, *votes, self._forge_policy, self._forge_report, self._repeat])()

    def _forge_run(self) -> None:
        """Under a key that somebody else may yet use."""
        key = f"k{next(self.numbers) + self.rng.randint(1, 40)}"
        asked = RunRequested(workflow="job", topic=FORGED, idempotency_key=key)
        self.submit("intake", ids.run_id(TENANT, "job", key), asked, principal="mallory", signer=self._nobody())

    def _forge_control(self) -> None:
        """Also of another tenant, whose own issuer vouches for it."""
        if live := sorted(self.begun - self.over.keys()):
            either: list[Event] = [RunCancelRequested(reason=FORGED), RunPauseRequested(reason=FORGED)]
            asked = self.rng.choice(either)
            run, name, tenant = self.rng.choice(live), self.somebody(), self.rng.choice([TENANT, "evil"])
            self.submit("intake", run, asked, principal=name, tenant=tenant, signer=self._nobody())

    def _forge_workflow(self) -> None:
        workflow = self.rng.choice([FORGED, *self.documents])
        source = f"id: {workflow}\nversion: {FORGED}\nsteps:\n  one: {{type: job, topic: job.read}}\n"
        key, asked = ids.workflow_key(TENANT, workflow), WorkflowSubmitted(workflow=workflow, source=source)
        self.submit("admin", key, asked, principal=ADMIN, signer=self._nobody())

    def _nobody(self) -> Signer | None:
        """Who may not vouch for this tenant."""
        return self.rng.choice([None, STRANGER, KERNEL, EVIL])

    def _forge_vote(self) -> None:
        if self.questions:
            shown = self.rng.choice(list(self.questions.values()))
            cast = VoteCast(
                approval_id=shown.approval_id, approve=True, binding=shown.binding, roles=("sre", "lead", "admin")
            )
            signer = self.rng.choice([None, STRANGER])
            self.submit("intake", shown.run_id, cast, principal=f"mallory{next(self.numbers)}", signer=signer)

    def _vote_stale(self) -> None:
        """On what was asked before, or elsewhere."""
        if self.questions:
            shown = self.rng.choice(list(self.questions.values()))
            before = self.rng.choice(self.bindings)
            cast = VoteCast(approval_id=shown.approval_id, approve=True, binding=before or "no", roles=("sre", "lead"))
            if before != shown.binding:
                name = f"stale{next(self.numbers)}"
                self.submit("intake", shown.run_id, cast, principal=name, signer=ISSUER)

    def _forge_policy(self) -> None:
        name = self.rng.choice(BUNDLES)
        source = f"bundle: {name}\nrules: [{{id: {FORGED}, decision: allow}}]\n"
        asked = PolicyPutRequested(bundle=name, source=source, revision=self.drafts.get(name, 0))
        self.submit("admin", "policies", asked, principal=ADMIN, signer=self.rng.choice([None, STRANGER]))

    def _forge_report(self) -> None:
        """Of a lease that somebody else has: who sends it has not got its secret."""
        given = [one for one in self.streams.records[DISPATCHED][-4:] if isinstance(one.event, JobDispatched)]
        for written in given:
            assert isinstance(written.event, JobDispatched)
            job_id, lease, worker = written.event.job.job_id, written.event.lease, written.event.worker
            said = JobSucceeded(job_id=job_id, lease=lease, worker=worker, output=f'"{FORGED}"', mac=b"x" * 32)
            self.submit("reports", written.meta.run_id, said, principal="mallory")

    def _repeat(self) -> None:
        """What was sent once comes again, as it was or as another's."""
        if self.sent:
            stream, key, meta, event = self.rng.choice(self.sent)
            if isinstance(event, Signed) and self.rng.random() < 0.5:
                meta = msgspec.structs.replace(meta, principal=f"thief{next(self.numbers)}")
            self.streams.put(stream, key.encode(), CODEC.encode(meta, event))

    # workers

    def beat(self) -> None:
        """Each worker that is there says so; there is always one."""
        if len(self.workers) < 2:
            self.workers[f"w/{next(self.numbers)}"] = 0
        for name in self.workers:
            self.workers[name] += 1
            beat = WorkerBeat(worker=name, name="w", max_parallel=2, beat=self.workers[name])
            self.submit("workers", POOL, beat, principal=name, pool=POOL)

    def report(self) -> bool:
        """Workers take what is addressed to them; one job is done, or its worker is gone for ever."""
        self._fetch()
        self.work = [one for one in self.work if one.job.worker in self.workers]
        if not self.work:
            return False
        one = self.work.pop(self.rng.randrange(len(self.work)))
        if not one.lives:
            del self.workers[one.job.worker]
            return True
        said = JobSucceeded(job_id=one.job.job.job_id, lease=one.job.lease, worker=one.job.worker, output='"done"')
        self.submit("reports", one.meta.run_id, proved(said), principal=one.job.worker, pool=POOL)
        return True

    def _fetch(self) -> None:
        records = self.streams.records[DISPATCHED]
        for written in records[self._given :]:
            if isinstance(written.event, JobDispatched):
                self.work.append(Work(written.meta, written.event, lives=self.rng.random() < 0.95))
        self._given = len(records)
