"""Handlers as their authors test them: one job, no server. What they may do, how they fail, how they are stopped."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest

from foldgate.sdk import Cancelled, ConstraintBreach, Environment, Fatal, Job, Retryable, Worker
from foldgate.sdk.testing import Outcome, handle, handle_sync

worker = Worker("tried", cancel_grace_s=0.2, resolver=Environment(["TRIED_*"]))
AS_ASKED = {"attempt": 3, "labels": {"team": "sre"}, "principal": "ada", "tenant": "acme", "step": "fetch[2]"}


@worker.job("tell")
def tell(job: Job) -> dict[str, Any]:
    """What it was given."""
    names = ("id", "run_id", "step", "attempt", "topic", "input", "resume", "tenant", "principal", "idempotency_key")
    return {name: getattr(job, name) for name in names} | {"team": job.labels.get("team")}


@worker.job("report.async")
async def report_async(job: Job) -> int:
    for number in range(3):
        job.progress(40 * number, f"part {number}")
        job.checkpoint({"parts": number})
    return 3


@worker.job("report.sync")
def report_sync(job: Job) -> int:
    for number in range(3):
        job.progress(40 * number, f"part {number}")
        job.checkpoint({"parts": number})
    return 3


@worker.job("raise")
def raises(job: Job) -> None:
    raise RAISED[job.input["what"]]


RAISED: dict[str, BaseException] = {
    "again": Retryable("rate_limited", "Come back later.", retry_after=5),
    "never": Fatal("no_such_host", "It is not there."),
    "other": KeyError("name"),
    "exit": SystemExit(3),
    "itself": asyncio.CancelledError(),
}


@worker.job("wait.async")
async def wait_async(_: Job) -> None:
    await asyncio.Event().wait()


@worker.job("wait.sync")
def wait_sync(job: Job) -> None:
    while not threading.Event().wait(0.005):
        job.raise_if_cancelled()


@worker.job("deaf")
def deaf(_: Job) -> None:
    """Does not look: it is left behind."""
    LET_GO.wait(20)


LET_GO = threading.Event()


@worker.job("uses")
def uses(job: Job) -> str:
    tool, argv, host, usd = (job.input.get(name) for name in ("tool", "argv", "host", "usd"))
    if tool:
        job.tool(tool)
    if argv:
        job.command(argv)
    if host:
        job.network(host)
    if usd:
        job.spend(usd)
    return "used"


@worker.job("stubborn")
def stubborn(job: Job) -> str:
    with pytest.raises(ConstraintBreach, match=r"allowed \(ls\), but it wanted 'rm -rf'"):
        job.command(["rm", "-rf"])
    return "went another way"


@worker.job("secret")
def secret(job: Job) -> Any:
    job.progress(message=f"with {job.input['key']}")
    job.checkpoint([job.input["key"]])
    if job.input.get("fail"):
        raise ValueError(f"no luck with {job.input['key']}")
    return {"length": len(job.input["key"]), "key": job.input["key"]}


def both(topic: str, given: Any = None, **more: Any) -> Outcome:
    """The same from a coroutine and from none."""
    outcome = handle_sync(worker, topic, given, **more)
    assert asyncio.run(handle(worker, topic, given, **more)) == outcome
    return outcome


def test_a_handler_sees_what_is_asked() -> None:
    outcome = both("tell", {"a": [1, None]}, resume={"at": 7}, asked=AS_ASKED)
    assert outcome.output == {
        "id": "run_test:fetch[2]@3",
        "run_id": "run_test",
        "step": "fetch[2]",
        "attempt": 3,
        "topic": "tell",
        "input": {"a": [1, None]},
        "resume": {"at": 7},
        "tenant": "acme",
        "principal": "ada",
        "idempotency_key": "run_test:fetch[2]",
        "team": "sre",
    }
    assert both("tell").output["resume"] is None


@pytest.mark.parametrize("topic", ["report.async", "report.sync"])
def test_what_it_says_is_heard_from_coroutines_and_threads(topic: str) -> None:
    outcome = both(topic)
    assert outcome.output == 3
    assert outcome.progress == [(0, "part 0"), (40, "part 1"), (80, "part 2")]
    assert outcome.checkpoints == [{"parts": 0}, {"parts": 1}, {"parts": 2}]


@pytest.mark.parametrize(
    ("what", "code", "retryable"),
    [
        ("again", "rate_limited", True),
        ("never", "no_such_host", False),
        ("other", "handler_failed", True),
        ("exit", "handler_failed", True),
        ("itself", "handler_failed", True),
    ],
)
def test_whatever_it_raises_is_a_report(what: str, code: str, retryable: bool) -> None:
    outcome = both("raise", {"what": what})
    assert (outcome.code, outcome.retryable) == (code, retryable)
    assert outcome.message


def test_it_may_have_the_next_attempt_wait() -> None:
    assert both("raise", {"what": "again"}).retry_after_ms == 5000
    assert both("raise", {"what": "other"}).retry_after_ms == 0


def test_what_nobody_handles_is_handed_back() -> None:
    assert both("unheard").code == "no_handler"


@pytest.mark.parametrize("topic", ["wait.async", "wait.sync"])
def test_it_is_stopped(topic: str) -> None:
    called_back = both(topic, cancel_after=0.0)
    assert (called_back.code, called_back.retryable) == ("cancelled", False)
    timed_out = both(topic, asked={"attempt_timeout_ms": 20})
    assert (timed_out.code, timed_out.retryable) == ("attempt_timeout", True)
    assert "within 20 ms" in timed_out.message


@pytest.mark.parametrize("topic", ["wait.async", "wait.sync"])
def test_it_runs_no_longer_than_its_constraints_allow(topic: str) -> None:
    outcome = both(topic, constraints={"max_runtime_ms": 20})
    assert (outcome.code, outcome.retryable) == ("constraint_breached", False)
    assert outcome.breaches == ["max_runtime_ms"]


def test_who_does_not_stop_is_left_behind() -> None:
    try:
        assert handle_sync(worker, "deaf", cancel_after=0.0).code == "cancelled"
    finally:
        LET_GO.set()


@pytest.mark.parametrize(
    ("constraints", "given", "broken"),
    [
        ({"allowed_tools": ["fs.*"]}, {"tool": "fs.read"}, ""),
        ({"allowed_tools": ["fs.*"]}, {"tool": "net.read"}, "allowed_tools"),
        ({"allowed_tools": []}, {"tool": "fs.read"}, "allowed_tools"),
        ({"allowed_commands": ["git"]}, {"argv": ["git", "log"]}, ""),
        ({"allowed_commands": ["git log*"]}, {"argv": ["git", "push"]}, "allowed_commands"),
        ({"network_allowlist": ["*.internal"]}, {"host": "db.internal:5432"}, ""),
        ({"network_allowlist": ["*.internal"]}, {"host": "internal.evil"}, "network_allowlist"),
        ({"max_cost_usd": 1.0}, {"usd": 1.0}, ""),
        ({"max_cost_usd": 1.0}, {"usd": 1.01}, "max_cost_usd"),
        ({}, {"tool": "any", "argv": ["any"], "host": "any", "usd": 1e9}, ""),
    ],
)
def test_it_asks_before_it_uses_something(constraints: dict[str, Any], given: dict[str, Any], broken: str) -> None:
    outcome = both("uses", given, constraints=constraints)
    assert outcome.breaches == ([broken] if broken else [])
    assert (outcome.output, outcome.code) == ((None, "constraint_breached") if broken else ("used", ""))
    assert not outcome.retryable


def test_it_may_go_another_way() -> None:
    outcome = both("stubborn", constraints={"allowed_commands": ["ls"]})
    assert (outcome.output, outcome.breaches) == ("went another way", ["allowed_commands"])


def test_it_is_given_secrets_and_nobody_else_hears_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRIED_KEY", 'hunter"2\n and more')
    reference = "secret://env/TRIED_KEY"
    done = both("secret", {"key": reference})
    assert done.output == {"length": len('hunter"2\n and more'), "key": reference}
    assert done.progress == [(-1, f"with {reference}")]
    assert done.checkpoints == [[reference]]
    assert both("tell", resume=[reference]).output["resume"] == [reference], "it had the secret, and says the reference"
    failed = both("secret", {"key": reference, "fail": True})
    assert (failed.code, failed.message) == ("handler_failed", f"no luck with {reference}")


@pytest.mark.parametrize("reference", ["secret://env/TRIED_NONE", "secret://env/PATH", "secret://vault/TRIED_KEY"])
def test_what_the_worker_does_not_know_fails_the_attempt(reference: str) -> None:
    outcome = both("secret", {"key": reference})
    assert (outcome.code, outcome.retryable) == ("secret_missing", True)
    assert reference in outcome.message


def test_what_is_meant_for_the_suite_is_no_secret_of_jobs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOLDGATE_API_KEY", "not for jobs")
    open_handed = Worker("open")
    open_handed.job("secret")(secret)
    assert handle_sync(open_handed, "secret", {"key": "secret://env/FOLDGATE_API_KEY"}).code == "secret_missing"


async def test_it_can_look_whether_it_is_still_wanted() -> None:
    seen: list[bool] = []
    looking = Worker("looking")

    @looking.job("look")
    async def look(job: Job) -> str:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            seen.append(job.is_cancelled)
            with pytest.raises(Cancelled):
                job.raise_if_cancelled()
        return "done all the same"

    outcome = await handle(looking, "look", cancel_after=0.0)
    assert outcome.output == "done all the same", "whoever has an output is believed"
    assert seen == [True]


@pytest.mark.parametrize(
    ("wrong", "error"),
    [(lambda job: job.checkpoint("x" * 300_000), "checkpoint_too_large"), (object, "handler_failed")],
)
def test_what_cannot_be_kept_fails_the_attempt(wrong: Callable[[Job], Any], error: str) -> None:
    trying = Worker("trying")

    @trying.job("try")
    def attempt(job: Job) -> Any:
        return wrong(job) if error == "checkpoint_too_large" else wrong()  # type: ignore[call-arg]

    assert handle_sync(trying, "try").code == error


def test_a_kind_has_a_handler_where_no_topic_of_ours_names_the_job() -> None:
    kinds = Worker("kinds")
    for register, said in (
        (kinds.job("job.own"), "topic"),
        (kinds.kind("http"), "kind"),
        (kinds.job("job.flow.*"), "beginning"),
    ):
        register(lambda _, said=said: said)

    def given_to(topic: str, kind: str) -> Any:
        return handle_sync(kinds, topic, asked={"kind": kind})

    assert given_to("job.own", "http").output == "topic"
    assert given_to("job.flow.call", "http").output == "kind"
    assert given_to("job.flow.call", "script").output == "beginning"
    assert given_to("job.other", "http").output == "kind"
    assert given_to("job.other", "script").code == "no_handler"
    assert given_to("kind:http", "job").code == "no_handler"
    assert kinds.terms(trust=None).hello.topics == ("job.flow.*", "job.own", "kind:http")
