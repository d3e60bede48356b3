"""What `foldgate demo incident` shows: a run that loses its worker, waits for people twice, and succeeds.

Processes and folder are those of `demonstration.py`, so that an interruption leaves as little.
"""

from collections import Counter
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path

from foldgate.cli.demonstration import Demonstration, expect, is_of
from foldgate.cli.policy_changing import changed
from foldgate.cli.policy_explaining import print_explained
from foldgate.cli.reaching import Reached
from foldgate.cli.reading import Seen
from foldgate.cli.run_history import events_of, in_order
from foldgate.cli.terminal import harmless, progress
from foldgate.contracts.events import (
    ApprovalOpened,
    JobDispatched,
    JobLost,
    PolicyPublished,
    RunSucceeded,
    VoteRecorded,
    WorkerJoined,
    WorkflowConfirmed,
    WorkflowPublished,
    WritIssued,
)
from foldgate.sdk.policies import a_bundle, a_publishing
from foldgate.sdk.voting import a_vote, cast

WORKFLOWS = ("incident-remediation.yaml", "incident_triage_parallel.yaml")
_INSTALLED = Path(__file__).parent / "examples"
_CHECKED_OUT = Path(__file__).parents[3] / "examples"
_BUNDLE = """
bundle: demo/incident
default_decision: allow
rules:
  - id: patches-need-leave
    match: {topics: [job.incident.patch.apply]}
    decision: require_approval
    reason: A patch changes production.
    approval: {required: 1, roles: [sre], exclude_requester: true}
"""
_WHY = "the demonstration"


class Incident(Demonstration):
    """The demonstration of `incident-remediation`."""

    worker = "foldgate.cli.demo_incident_worker"

    async def run(self) -> None:
        async with AsyncExitStack() as stack:
            with progress("Starting a suite in a folder of its own"):
                suite = await stack.enter_async_context(self._suite())
            self._tell("1. A suite runs: five services and a PostgreSQL of its own, in a temporary folder.")
            await self._publish(suite)
            run_id = await self._lose(suite)
            async with self._worker("second"):
                await self._mend(suite, run_id)
            events = in_order(await events_of(suite, run_id))
            self._show(run_id, events)
            if not self._as_json:
                self._tell("\nWhat policy decided, and why:")
                await print_explained(run_id, step="", data=self._folder, as_json=False)
            self._sum_up(events)
        self._tell(f"\n{_NEXT}")

    async def _publish(self, suite: Reached) -> None:
        client = suite.client("default", principal="ada")
        for name in WORKFLOWS:
            said = (await client.publish(_example(name))).event
            expect(said, WorkflowPublished, WorkflowConfirmed)
        await changed(suite, a_bundle(_BUNDLE, revision=0, reason=_WHY), by="pat")
        expect(await changed(suite, a_publishing(["demo/incident"], reason=_WHY), by="pat"), PolicyPublished)
        self._tell("2. Two workflows are published, and a policy: whoever applies a patch needs leave of an sre.")

    async def _lose(self, suite: Reached) -> str:
        async with self._worker("first") as first:
            with progress("Starting a worker"):
                await self._happened(suite, "jobs", lambda seen: isinstance(seen.event, WorkerJoined))
            client = suite.client("default", principal="ada")
            asked = await client.start("incident-remediation", {"incident_id": "INC-7781"})
            with progress("Waiting for a worker to be in the middle of it"):
                await self._happened(suite, "jobs", lambda seen: is_of(seen, JobDispatched, asked.run_id))
                await self._until(lambda: "attempt 1: looked at 2" in first.said(), first)
            await self._kill(first)
        self._tell(f"3. {asked.run_id} has begun. Its worker was killed with SIGKILL in the middle of the first step.")
        return asked.run_id

    async def _mend(self, suite: Reached, run_id: str) -> None:
        with progress("Waiting for its lease to end"):
            await self._happened(suite, "jobs", lambda seen: is_of(seen, JobLost, run_id))
        self._tell("4. The attempt is lost, and another worker does it again.")
        await self._answer(suite, run_id, kind="approval")
        self._tell("5. The workflow asked people whether to go on: bob said yes.")
        await self._answer(suite, run_id, kind="policy")
        self._tell("6. Policy asked an sre for leave to apply the patch: bob gave it.")
        with progress("Waiting for the end"):
            await self._happened(suite, "runs", lambda seen: is_of(seen, RunSucceeded, run_id))
        self._tell("7. The run has succeeded. This is what the log says:")

    async def _answer(self, suite: Reached, run_id: str, *, kind: str) -> None:
        found: list[ApprovalOpened] = []

        def is_asked(seen: Seen) -> bool:
            if isinstance(seen.event, ApprovalOpened) and is_of(seen, ApprovalOpened, run_id):
                found.extend([seen.event] if seen.event.kind == kind else [])
            return bool(found)

        with progress("Waiting for a question"):
            await self._happened(suite, "approvals", is_asked)
        vote = a_vote(
            found[0].approval_id, approve=True, reason="seen", binding=found[0].binding, roles=("approver", "sre")
        )
        client = suite.client("default", principal="bob")
        expect(await cast(client, suite.log, vote, codec=suite.codec), VoteRecorded)

    def _sum_up(self, events: Sequence[Seen]) -> None:
        told = Counter(seen.record.partition.stream for seen in events)
        votes = [seen.event for seen in events if isinstance(seen.event, VoteRecorded)]
        kinds = Counter(type(seen.event) for seen in events)
        self._tell("\nIn all:")
        self._tell(f"  events     {len(events)}: " + ", ".join(f"{count} on {name}" for name, count in told.items()))
        self._tell(f"  attempts   {kinds[JobDispatched]}, of which {kinds[JobLost]} lost with its worker")
        self._tell(f"  authorised {kinds[WritIssued]} times: nothing was done without a writ")
        for vote in votes:
            self._tell(f"  vote       {harmless(vote.step)}: {vote.voter} said {'yes' if vote.approve else 'no'}")


def _example(name: str) -> str:
    return ((_INSTALLED if _INSTALLED.exists() else _CHECKED_OUT) / name).read_text()


_NEXT = """Try next: `foldgate up`, and in another terminal
  foldgate workflow publish examples/incident-remediation.yaml
  foldgate run start incident-remediation; foldgate why RUN; foldgate approvals list; foldgate policy show
Nothing of this is left running."""
