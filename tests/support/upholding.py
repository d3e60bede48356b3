"""What holds of a suite under a policy that changes, judged at each thing that is appended and of all of it in the end.

What policy says of a job is read a second time, by `ruling.py`.
"""

from collections import Counter, defaultdict

from foldgate.authority.writ import job_hash, verify
from foldgate.contracts.events import (
    ApprovalRequested,
    Decision,
    JobDenied,
    JobDispatched,
    JobLost,
    JobReportIgnored,
    Meta,
    NotificationRaised,
    RequestRefused,
    RunAdmitted,
    RunFailed,
    RunRefused,
    RunRejected,
    StepSucceeded,
    VoteRecorded,
    WorkflowRefused,
    WritIssued,
    WritRevoked,
)
from foldgate.contracts.ids import parse_job_id
from tests.support.governed import Governed, named
from tests.support.governing import FORGED, PEOPLE
from tests.support.hosting import Owned, Written
from tests.support.keys import TRUST
from tests.support.redeciding import decided_again
from tests.support.ruling import judged, suffices

BENIGN = frozenset({"allow", "allow_with_constraints"})


class Watching:
    """What must hold of each thing that is appended, and of all of it in the end."""

    def __init__(self) -> None:
        self.writs: dict[str, WritIssued] = {}
        self.last: dict[str, WritIssued] = {}
        self.wanted: Counter[tuple[str, str]] = Counter()
        self.votes: dict[str, dict[str, set[str]]] = defaultdict(dict)
        self.admitted: set[str] = set()
        self.rejected: set[str] = set()
        self.seen: Counter[str] = Counter()

    def __call__(self, world: Governed, owned: Owned, said: list[Written]) -> None:
        for written in said:
            self.seen[type(written.event).__name__] += 1
            self._begin(written)
            match written.event:
                case WritIssued() as issued:
                    assert written.meta.run_id not in self.rejected
                    self._issue(written.meta.run_id, issued)
                case VoteRecorded() as vote:
                    self._vote(world, vote)
                case JobLost(reason="writ_stale") as lost:
                    self._send_back(written.meta.run_id, lost)
                case JobDispatched() as dispatched:
                    self._dispatch(world, owned, dispatched, meta=written.meta)
                case _:
                    pass

    def _begin(self, written: Written) -> None:
        match written.event:
            case RunAdmitted():
                self.admitted.add(written.meta.run_id)
            case RunRejected():
                self.rejected.add(written.meta.run_id)
            case NotificationRaised() | ApprovalRequested():
                assert written.meta.run_id in self.admitted, "what needs no writ waits for the word on its run"
            case _:
                pass

    def _issue(self, run_id: str, issued: WritIssued) -> None:
        """Once, and after a job went back, by a kernel that has read what it was sent back for."""
        assert issued.writ.writ_id not in self.writs
        assert issued.writ.policies_offset >= self.wanted[run_id, issued.job.step]
        self.writs[issued.writ.writ_id], self.last[issued.job.job_id] = issued, issued

    def _send_back(self, run_id: str, lost: JobLost) -> None:
        """Each time for a later policy, so that nothing goes round in a circle."""
        assert lost.policies_offset > self.last[lost.job_id].writ.policies_offset
        self.wanted[run_id, lost.step] = lost.policies_offset
        self.seen["writ_stale"] += 1

    def _vote(self, world: Governed, vote: VoteRecorded) -> None:
        assert (vote.approval_id, vote.voter, vote.approve) in world.honest, "nobody has said so"
        assert vote.roles == PEOPLE[vote.voter]
        if vote.approve:
            self.votes[vote.approval_id][vote.voter] = set(vote.roles)

    def _dispatch(self, world: Governed, owned: Owned, given: JobDispatched, *, meta: Meta) -> None:
        """Only under a writ for exactly this that lives, and only as the policy says that the scheduler knows."""
        issued = self.writs[given.writ.writ_id]
        assert (issued.writ, issued.job) == (given.writ, given.job)
        assert given.writ.job_hash == job_hash(given.job)
        verify(given.writ, given.job, trust=TRUST, pool=meta.pool, at=meta.at, constraints=given.constraints)
        active = world.policy_known(owned, given)
        told = judged(world.snapshots.get(active, ()), given.job, default=world.settings.default_decision)
        assert told.decision in BENIGN or told.decision == "require_approval", f"{active} says {told} of {given.job}"
        yes = self.votes[f"{parse_job_id(given.job.job_id).run_id}:{given.job.step}#{job_hash(given.job).hex()[:16]}"]
        for terms in told.terms if told.decision == "require_approval" else ():
            assert suffices(terms, yes, requester=given.job.principal), f"{terms} of {yes}"

    def at_rest(self, world: Governed) -> None:
        """Whatever was denied is denied and never failed; what strangers say counts for nothing."""
        decisions, runs = list(world.streams.of("decisions")), list(world.streams.of("runs"))
        denied = {one.meta.run_id for one in named(decisions, JobDenied, RunRejected)}
        assert not denied & {one.meta.run_id for one in named(runs, RunFailed)}
        said = [getattr(one.event, "decision", None) for one in decisions]
        assert not [one for one in said if isinstance(one, Decision) and one.rule == "internal_error"]
        assert FORGED not in str([one.event for one in runs if isinstance(one.event, StepSucceeded)])
        refusals = RunRefused | RequestRefused | WorkflowRefused | JobReportIgnored
        said_of = [one.event for stream in ("runs", "workflows") for one in world.streams.of(stream)]
        assert FORGED not in str([one for one in said_of if not isinstance(one, refusals)]), "nobody may ask for that"
        assert world.asked <= world.begun, "no stranger stands in the way of who may"
        assert FORGED not in str(world.snapshots), "policy that nobody vouches for"
        assert not [one for one in world.streams.aside if one.code == "internal_error"]
        assert not world.questions, "what nobody waits for is asked no longer"
        self._revoked(world)
        history = [one for stream in ("policies", "runs", "decisions") for one in world.streams.of(stream)]
        decisions_made = decided_again(history, default=world.settings.default_decision)
        assert decisions_made or not world.begun, "where something is begun, something is decided"

    def _revoked(self, world: Governed) -> None:
        """No writ of a job after one was revoked."""
        revoked: set[str] = set()
        for one in world.streams.of("decisions"):
            if isinstance(one.event, WritRevoked):
                revoked.add(one.event.job_id)
            assert not isinstance(one.event, WritIssued) or one.event.job.job_id not in revoked
