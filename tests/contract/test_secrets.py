"""No secret reaches the log: whatever people, programs and workers send, no event of a run holds it, on no stream."""

import asyncio

import msgspec

from foldgate.authority.backtest import Backtest
from foldgate.authority.bundles import prepare
from foldgate.authority.requests import sign_request
from foldgate.authority.snapshot import snapshot_of
from foldgate.cli.backtesting import backtested
from foldgate.cli.reaching import Reached
from foldgate.contracts import ids
from foldgate.contracts.codec import NO_CHAIN, Codec
from foldgate.contracts.events import (
    ApprovalOpened,
    Meta,
    PolicyDrafted,
    PolicyPublished,
    PolicyVersion,
    RunFailed,
    RunRequested,
    RunSucceeded,
    SignalSent,
    VoteRecorded,
    WorkflowPublished,
)
from foldgate.contracts.places import Partition
from foldgate.contracts.topics import STREAMS, stream_of
from foldgate.eventlog.log import Log, Outgoing
from foldgate.eventlog.looking import Seen
from foldgate.eventlog.memory import MemoryLog
from foldgate.sdk.client import Client
from foldgate.sdk.job import Job
from foldgate.sdk.policies import a_bundle, a_publishing
from foldgate.sdk.voting import a_vote, cast
from foldgate.sdk.worker import JobError, Worker
from tests.support.history import history_of, raw
from tests.support.keys import ISSUER, TRUST
from tests.support.planted import EVERYTHING, WORD
from tests.support.suite import running, settings, working
from tests.support.waiting import until

POLICY = """
bundle: team/floor
default_decision: allow
rules:
  - {id: ask, match: {topics: [job.fails]}, decision: require_approval}
"""
DOCUMENT = """
id: planted
steps:
  gate: {type: wait, signal: go}
  ask: {type: approval, depends_on: [gate], input: "${steps.gate.output}"}
  note: {type: notify, depends_on: [ask], message: "${input.note}"}
  keep: {type: storage, depends_on: [note], set: {kept: "${steps.ask.output}"}}
  work: {type: job, topic: job.echo, depends_on: [keep], input: "${input}"}
  fails: {type: job, topic: job.fails, depends_on: [work], input: "${steps.work.output}"}
"""
ECHO = "id: echo\noutput: '${steps.gate.output}'\nsteps: {gate: {type: wait, signal: go}}\n"
SECRETS = {"all": list(EVERYTHING), "password": WORD, "note": " ".join(EVERYTHING), EVERYTHING[0]: 1}


SPELT = [spelt for secret in (*EVERYTHING, WORD) for spelt in (secret.encode(), msgspec.json.encode(secret)[1:-1])]


def planting() -> Worker:
    """A worker whose jobs give away all they know."""
    worker = Worker("careless", beat_every_ms=100, trust=TRUST)

    @worker.job("job.echo")
    async def echo(_: Job) -> object:
        return SECRETS

    @worker.job("job.fails")
    async def fails(_: Job) -> object:
        raise JobError("broken", " ".join(EVERYTHING), retryable=False)

    return worker


async def held(log: Log, streams: list[str]) -> list[str]:
    """The secrets that lie there, as they are or as JSON spells them."""
    found = []
    for name in streams:
        for number in range(stream_of(name).partitions):
            for record in await raw(log, Partition(name, number)):
                found += [f"{name}: {secret[:12]!r}" for secret in SPELT if secret in record.value]
    return found


async def answered(log: Log, client: Client, number: int) -> None:
    """Answer the question with that number, with all there is to tell."""

    async def is_open() -> bool:
        return len((await history_of(log)).of(ApprovalOpened)) >= number

    await until(is_open, what="an open question")
    question = (await history_of(log)).of(ApprovalOpened)[-1].event
    assert isinstance(question, ApprovalOpened)
    vote = a_vote(question.approval_id, approve=True, data=SECRETS, reason=EVERYTHING[1])
    assert isinstance(await cast(client, log, vote), VoteRecorded)


async def test_no_event_of_a_run_holds_a_secret_that_was_planted() -> None:
    log = MemoryLog()
    client = Client(log, principal="bob", signer=ISSUER)
    async with running(log), working(log, planting()), asyncio.timeout(60):
        assert isinstance((await client.decided(a_bundle(POLICY, revision=0))).event, PolicyDrafted)
        published = await client.decided(a_publishing(["team/floor"], reason=f"as in {EVERYTHING[0]}"))
        assert isinstance(published.event, PolicyPublished)
        assert isinstance((await client.publish(DOCUMENT)).event, WorkflowPublished)
        asked = await client.start("planted", SECRETS, labels={"of": EVERYTHING[2]})
        await client.signal(asked.run_id, "go", SECRETS)
        await answered(log, client, 1)
        await answered(log, client, 2)
        end = await client.ended(asked.run_id)
        assert isinstance(end, RunFailed)
        assert (end.step, end.code) == ("fails", "broken")
        assert "[redacted:" in end.message

        await _decided_again(log)
    names = [stream.name for stream in STREAMS if stream.events] + ["dispatch.default"]
    assert await held(log, names) == []


async def _decided_again(log: Log) -> None:
    """The run was admitted, and two of its jobs were decided on: nobody would be asked about one of them."""
    suite = Reached(log, Codec(), settings(), Seen("here", "", "", {}, {}))
    for policy, counts in ((POLICY, (3, 0)), (POLICY.replace("[job.fails]", "[job.other]"), (2, 1))):
        made = prepare(policy)
        version = PolicyVersion(bundle=made.bundle, version=2, digest=made.digest, definition=made.canonical)
        found = await backtested(suite, Backtest(snapshot_of([version])))
        assert (found.same, found.changed, found.unknown, found.aside) == (*counts, 0, 0)


OPAQUE = "A1b2C3d4" * 4
"""What only looks like a secret."""
CAREFUL = """
bundle: team/floor
default_decision: allow
rules:
  - {id: careful, match: {topics: ["job.careful.*"]}, decision: allow_with_constraints, constraints: {redaction: high}}
"""


async def test_a_worker_takes_out_as_much_as_the_policy_of_its_job_demands() -> None:
    worker = Worker("careless", beat_every_ms=100, trust=TRUST)

    @worker.job("job.*")
    async def tell(job: Job) -> object:
        if job.topic.endswith("fails"):
            raise JobError("broken", f"It was {OPAQUE}.", retryable=False)
        return {"was": OPAQUE, "token": EVERYTHING[0]}

    log = MemoryLog()
    client = Client(log, principal="bob", signer=ISSUER)
    async with running(log), working(log, worker), asyncio.timeout(60):
        assert isinstance((await client.decided(a_bundle(CAREFUL, revision=0))).event, PolicyDrafted)
        assert isinstance((await client.decided(a_publishing(["team/floor"]))).event, PolicyPublished)
        ends = {
            topic: await client.ended((await client.run_job(topic)).run_id)
            for topic in ("job.careful.tells", "job.careful.fails", "job.tells", "job.fails")
        }
    told, failed, plain, plainly = ends.values()
    assert isinstance(told, RunSucceeded)
    assert msgspec.json.decode(told.output) == {"was": "[redacted:opaque]", "token": "[redacted:field]"}
    assert isinstance(failed, RunFailed)
    assert failed.message == "It was [redacted:opaque]."
    assert isinstance(plain, RunSucceeded)
    assert msgspec.json.decode(plain.output) == {"was": OPAQUE, "token": "[redacted:field]"}
    assert isinstance(plainly, RunFailed)
    assert OPAQUE in plainly.message


async def test_what_strangers_send_past_every_client_is_on_no_stream_of_ours() -> None:
    log = MemoryLog()
    async with running(log), asyncio.timeout(60):
        client = Client(log, signer=ISSUER)
        assert isinstance((await client.publish(ECHO)).event, WorkflowPublished)
        text = msgspec.json.encode(SECRETS).decode()
        run = ids.run_id("default", "echo", "once")
        labels = {"of": EVERYTHING[2]}
        await _submitted(log, run, RunRequested(workflow="echo", input=text, labels=labels, idempotency_key="once"))
        await _submitted(log, run, SignalSent(name="go", payload=text))
        await log.submit("intake", [Outgoing(run.encode(), "\n".join(EVERYTHING).encode())])
        end = await client.ended(run)
        assert isinstance(end, RunSucceeded)
        assert '"[redacted:field]"' in end.output
    assert await held(log, ["intake"]), "what they sent lies where they put it"
    assert await raw(log, Partition("quarantine", 0))
    owned = [stream.name for stream in STREAMS if stream.events and stream.kind == "owned"]
    assert await held(log, [*owned, "quarantine"]) == []


async def _submitted(log: Log, run: str, event: RunRequested | SignalSent) -> None:
    name = type(event).__name__
    meta = Meta(
        chain=NO_CHAIN,
        event_id=ids.open_event_id("eve", name),
        stream="intake",
        key=run,
        run_id=run,
        at=1,
        request_id="once" if name == "RunRequested" else name,
        tenant="default",
        principal="eve",
    )
    await log.submit("intake", [Outgoing(run.encode(), Codec().encode(meta, sign_request(ISSUER, meta, event)))])
