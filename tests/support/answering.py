"""What the made-up world does about each thing that a run says: workers, policy, people, signals, children, slots."""

import random
from typing import Any

import msgspec

from foldgate.contracts.events import (
    ApprovalExpired,
    ApprovalGranted,
    ApprovalRefused,
    ApprovalRequested,
    ChildCancelRequested,
    ChildEnded,
    ChildRequested,
    Decision,
    Event,
    JobCancelRequested,
    JobDenied,
    JobFailed,
    JobLost,
    JobProgressed,
    JobRequested,
    JobSucceeded,
    Meta,
    RunAdmitted,
    RunCancelRequested,
    RunPauseRequested,
    RunRejected,
    RunResumeRequested,
    RunStarted,
    SignalSent,
    SlotGranted,
    SlotQueued,
    SlotRefused,
    SlotRequested,
    SlotRevoked,
    StepStarted,
    WritRevoked,
)
from tests.support.documents import SIGNALS
from tests.support.outside import PARENT, Outside

WORKER = "w"
NEVER_MS = 900_000
"""When a job that nobody answers is lost."""
OUTPUTS: tuple[Any, ...] = (None, 0, 7, "done", True, [1, 2], {"n": 4}, {"n": {"deep": [None]}})
CODES = ("boom", "flaky", "quota", "boom", "flaky", "worker_lost", "writ_invalid")


def answer(world: Outside, about: Meta, event: Event) -> None:  # noqa: C901 - one line for each
    """Send what comes of an event."""
    match event:
        case RunStarted():
            _policy(world)
            _meddle(world, event.parent_step)
        case JobRequested():
            _job(world, event)
        case JobCancelRequested():
            _call_back(world, event)
        case ApprovalRequested():
            _people(world, event)
        case ChildRequested():
            _child(world, event)
        case ChildCancelRequested():
            ended = ChildEnded(parent_run=world.run, step=event.step, status="cancelled", reason="told to")
            world.send(
                "children", ended, after=world.soon(event.step), name=f"back {event.child_run}", of=event.child_run
            )
        case StepStarted(kind="wait"):
            _signal(world, event)
        case SlotRequested():
            _slot(world, event)
        case _:
            assert about.run_id == world.run


def _policy(world: Outside) -> None:
    """Whether the run may begin: said soon, and before anything of its jobs."""
    decision = Decision(
        decision="deny" if _is_rejected(world) else "allow", policy_snapshot="p", rule="b#r", reason="so"
    )
    said = RunRejected(decision=decision) if _is_rejected(world) else RunAdmitted(decision=decision)
    world.send("decisions", said, after=0 if _is_rejected(world) else world.soon("policy"), name="policy")


def _is_rejected(world: Outside) -> bool:
    return world.luck("policy").random() < world.temper.rejecting


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _meddle(world: Outside, parent: str) -> None:
    """What somebody asks of the run by himself."""
    luck, temper = world.luck("meddle"), world.temper
    if luck.random() < temper.cancelling:
        after = luck.choice([0, 500, 5_000, 60_000])
        world.send("intake", RunCancelRequested(reason="enough"), after=after, name="cancel")
    if parent and luck.random() < temper.cancelling:
        back = ChildCancelRequested(step=parent, child_run=world.run, ending="cancelled", reason="enough")
        world.send("children", back, after=luck.choice([0, 500, 5_000]), name="called back", of=PARENT)
    if luck.random() < temper.pausing:
        for number, at in enumerate(sorted(luck.sample(range(20_000), 2 * luck.randint(1, 2)))):
            asked = RunResumeRequested(reason="go on") if number % 2 else RunPauseRequested(reason="wait")
            world.send("intake", asked, after=at, name=f"pause {number}")
    if luck.random() < temper.meddling:
        world.send("intake", world.request, after=luck.choice([0, 3_000]), name="again")
        other = msgspec.structs.replace(world.request, input='{"other":1}')
        world.send("intake", other, after=luck.choice([0, 3_000]), name="conflict")
        nobody = JobSucceeded(job_id=f"{world.run}:nobody@1", lease=1, worker=WORKER, output="1")
        world.send("reports", nobody, after=100, name="nobody")
        for number in range(luck.randint(0, 3)):
            early = SignalSent(name=luck.choice(SIGNALS), payload=_json({"k": luck.choice([3, 4])}))
            world.send("intake", early, after=luck.choice([0, 2_000]), name=f"early {number}")


def _job(world: Outside, event: JobRequested) -> None:
    job = event.job.job_id
    luck, temper, after = world.luck(job), world.temper, world.soon(job)
    lot = luck.random()
    _leave(world, job, after)
    if _is_rejected(world):
        denied = JobDenied(job_id=job, step=event.job.step, policy_snapshot="p", rule="b#r", reason="so")
        world.send("decisions", denied, after=after, name=job)
    elif lot < temper.losing:
        reason = luck.choice(temper.losses)
        lost = JobLost(job_id=job, step=event.job.step, lease=1, worker=WORKER, reason=reason)
        world.send("jobs", lost, after=after, name=job)
        if luck.random() < 0.3:
            world.send("reports", _success(job, luck), after=after + luck.choice([0, 5_000]), name=f"late {job}")
    elif lot < temper.losing + temper.denying:
        denied = JobDenied(job_id=job, step=event.job.step, policy_snapshot="p", rule="never", reason="not this")
        world.send("decisions", denied, after=after, name=job)
    elif lot < temper.losing + temper.denying + temper.failing:
        world.send("reports", _failure(job, luck), after=after, name=job)
    elif lot < temper.losing + temper.denying + temper.failing + temper.silent:
        lost = JobLost(job_id=job, step=event.job.step, lease=1, worker=WORKER, reason="worker_lost")
        world.send("jobs", lost, after=NEVER_MS, name=job)
    else:
        world.send("reports", _success(job, luck), after=after, name=job)


def _leave(world: Outside, job: str, after: int) -> None:
    """What a worker says of a job before it is over, and after: in order and not, with checkpoints and without."""
    luck = world.luck(f"left {job}")
    for number in range(1, luck.randint(1, 4)) if luck.random() < world.temper.leaving else ():
        text = luck.choice(["", _json(luck.choice(OUTPUTS)), _json({"left": number})])
        said = JobProgressed(job_id=job, lease=1, worker=WORKER, number=number, percent=number, checkpoint=text)
        world.send("reports", said, after=luck.choice([after // 2, after // 4, after + 3_000]), name=f"{number} {job}")


def _success(job: str, luck: random.Random) -> JobSucceeded:
    return JobSucceeded(job_id=job, lease=1, worker=WORKER, output=_json(luck.choice(OUTPUTS)))


def _failure(job: str, luck: random.Random) -> JobFailed:
    code, retryable = luck.choice(CODES), luck.random() < 0.75
    return JobFailed(job_id=job, lease=1, worker=WORKER, code=code, message="it broke", retryable=retryable)


def _call_back(world: Outside, event: JobCancelRequested) -> None:
    """The worker stops, or is gone, or was done, or says nothing."""
    job = event.job_id
    luck, after = world.luck(f"back {job}"), world.soon(f"back {job}", 40_000)
    said: list[Event] = [
        JobFailed(job_id=job, lease=1, worker=WORKER, code="cancelled", message="told to", retryable=False),
        JobLost(job_id=job, step=event.step, lease=1, worker=WORKER, reason="cancelled"),
        _success(job, luck),
        WritRevoked(job_id=job, step=event.step, reason="told to"),
    ]
    lot = 3 if _is_rejected(world) else luck.choice([0, 0, 0, 1, 2, 3, None])
    if lot is not None:
        source = {JobLost: "jobs", WritRevoked: "decisions"}.get(type(said[lot]), "reports")
        world.send(source, said[lot], after=after, name=f"back {job}")


def _people(world: Outside, event: ApprovalRequested) -> None:
    step, asked = event.step, event.approval_id
    luck, temper = world.luck(asked), world.temper
    lot, after = luck.random(), world.soon(asked, 20_000)
    said: Event = ApprovalGranted(approval_id=asked, step=step, by=("ada",), data=_json(luck.choice(OUTPUTS)))
    if lot < temper.denying * 2:
        said = ApprovalRefused(approval_id=asked, step=step, by=("eve",), reason="no")
    elif lot < temper.denying * 3:
        said = ApprovalExpired(approval_id=asked, step=step, on_expire=_on_expire(event))
    world.send("approvals", said, after=after, name=asked)


def _on_expire(event: ApprovalRequested) -> str:
    terms = msgspec.json.decode(event.terms)
    return str(terms.get("on_expire", "denied")) if isinstance(terms, dict) else "denied"


def _child(world: Outside, event: ChildRequested) -> None:
    luck, child = world.luck(event.child_run), event.child_run
    lot, temper = luck.random(), world.temper
    status = "failed" if lot < temper.failing else "denied" if lot < temper.failing + temper.denying else "succeeded"
    ended = ChildEnded(parent_run=world.run, step=event.step, status=status, code="boom", reason="so")
    if status == "succeeded":
        ended = ChildEnded(parent_run=world.run, step=event.step, status=status, output=_json(luck.choice(OUTPUTS)))
    world.send("children", ended, after=world.soon(child, 20_000), name=child, of=child)


def _signal(world: Outside, event: StepStarted) -> None:
    """Somebody sends what is waited for, until it has come; now and then something else before."""
    luck = world.luck(f"signal {event.step}")
    for number in range(6):
        payload = {"k": luck.choice([3, 3, 4]) if number < 5 and world.temper.meddling else 3, "by": event.step}
        sent = SignalSent(name=event.signal, payload=_json(payload))
        after = world.soon(f"signal {event.step}", 10_000) + number * 20_000
        world.send("intake", sent, after=after, name=f"signal {event.step} {number}")


def _slot(world: Outside, event: SlotRequested) -> None:
    luck = world.luck("slot")
    if event.on_conflict == "reject" and luck.random() < 0.4:
        world.send("slots", SlotRefused(slot=event.slot, limit=event.limit, holders=("other",)), after=20, name="slot")
        return
    if luck.random() < 0.5:
        world.send("slots", SlotQueued(slot=event.slot, limit=event.limit, holders=("other",)), after=20, name="queue")
    world.send("slots", SlotGranted(slot=event.slot, limit=event.limit), after=world.soon("slot") + 30, name="slot")
    if event.on_conflict == "cancel_oldest" and luck.random() < 0.4:
        world.send("slots", SlotRevoked(slot=event.slot, by_run="newer"), after=12_000, name="revoked")
