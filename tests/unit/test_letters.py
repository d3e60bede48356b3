"""Dead letters: opened by what a run abandons, settled once, by who may, and retried by the one run that is theirs."""

from typing import Any

import msgspec
import pytest

from foldgate.authority.requests import OfLetter, Vouching, sign_request
from foldgate.contracts import ids
from foldgate.contracts.events import (
    DeadLetterDiscarded,
    DeadLetterDiscardRequested,
    DeadLetterOpened,
    DeadLetterRefused,
    DeadLetterRetried,
    DeadLetterRetryRequested,
    Event,
    Job,
    JobAbandoned,
)
from foldgate.decider.decider import IllegalTransition, Message, Said, SetAside, Tick
from foldgate.engine.letters.decide import REFUSALS_REMEMBERED, letters
from foldgate.engine.letters.evolve import evolve
from foldgate.engine.letters.state import Letters, describe, settles, watches
from tests.support.given import Given, meta
from tests.support.keys import ANYBODY, ISSUER, KERNEL, TRUST

RUN = "run_1"
RETRY = ids.run_id("acme", "w", ids.retry_key(RUN, "a"))


def abandoned(step: str = "a", *, top: str = "", **changes: Any) -> JobAbandoned:
    job = Job(
        job_id=ids.job_id(RUN, step, 3),
        step=step,
        attempt=3,
        kind="job",
        topic="job.x",
        input='{"a":1}',
        tenant="acme",
        principal="ada",
        workflow="w",
    )
    fields: dict[str, Any] = {"status": "failed", "code": "broken", "message": "It broke.", "attempts": 3}
    return JobAbandoned(step=step, job=job, from_step=top or step, **(fields | changes))


def opened(*steps: str, vouching: Vouching = ANYBODY) -> Given[Letters]:
    run = Given(letters(vouching), key=RUN)
    for step in steps or ("a",):
        run.when(abandoned(step, top=step.partition("[")[0]), at=1000)
    return run


def retry(step: str = "a", new_run: str = RETRY, reason: str = "") -> DeadLetterRetryRequested:
    return DeadLetterRetryRequested(step=step, new_run=new_run, reason=reason)


def discard(step: str = "a", reason: str = "") -> DeadLetterDiscardRequested:
    return DeadLetterDiscardRequested(step=step, reason=reason)


def code_of(said: list[Event]) -> str:
    [refused] = said
    assert isinstance(refused, DeadLetterRefused)
    return refused.code


def test_what_is_abandoned_is_a_letter_on_behalf_of_who_asked_for_the_run() -> None:
    run = Given(letters(ANYBODY), key=RUN)
    [said] = run.said(abandoned(), principal="worker", at=1000)
    assert said.principal == "ada"
    assert said.event == DeadLetterOpened(
        step="a",
        job_id="run_1:a@3",
        topic="job.x",
        code="broken",
        workflow="w",
        from_step="a",
        status="failed",
        attempts=3,
    )
    assert run.state is not None
    assert list(watches(run.state)) == [("letter", 1000)]
    assert describe(run.state) == {"open": 1}


def test_what_is_abandoned_again_adds_nothing_but_after_a_new_life() -> None:
    run = opened()
    assert run.when(abandoned(), at=3000) == []
    run.when(discard(), at=4000)
    assert run.when(abandoned(), at=5000) == [], "its own time says that it is known"
    later = Message(key=RUN, at=9000, event=abandoned(), meta=meta(RUN, at=9000))
    [again] = run.decider.decide(run.state, later)
    assert isinstance(again, Said)
    assert isinstance(again.event, DeadLetterOpened)
    assert run.state is not None
    assert list(watches(evolve(run.state, meta(RUN, at=9000), again.event))) == [("letter", 9000)]


def test_a_retry_settles_it_by_the_one_run_that_it_is() -> None:
    run = opened()
    assert code_of(run.when(retry(new_run="run_other"), request_id="r1")) == "wrong_run"
    assert run.when(retry(reason="Again."), request_id="r2") == [
        DeadLetterRetried(step="a", new_run=RETRY, reason="Again.")
    ]
    assert run.when(retry(reason="Again."), request_id="r2") == [], "the same request"
    assert code_of(run.when(retry(), request_id="r3")) == "already_retried"
    assert code_of(run.when(discard(), request_id="r4")) == "already_retried"
    assert run.when(discard(), request_id="r4") == [], "the same request"
    assert run.state is not None
    assert not list(watches(run.state))


def test_what_is_discarded_stays_so() -> None:
    run = opened()
    assert run.when(discard(reason="Known."), request_id="r1") == [DeadLetterDiscarded(step="a", reason="Known.")]
    assert code_of(run.when(retry(), request_id="r2")) == "already_discarded"
    assert code_of(run.when(discard(), request_id="r3")) == "already_discarded"


def test_the_letters_of_one_group_are_tried_again_by_one_run() -> None:
    run = opened("a[0]", "a[1]", "b")
    for step in ("a[0]", "a[1]"):
        assert run.when(retry(step), request_id=step) == [DeadLetterRetried(step=step, new_run=RETRY)]
    assert code_of(run.when(retry("b"), request_id="b")) == "wrong_run"


def test_without_a_request_id_a_request_is_no_repeat_of_another() -> None:
    run = opened("a", "b")
    assert len(run.when(discard("a"), request_id="")) == 1
    assert len(run.when(discard("b"), request_id="")) == 1
    assert code_of(run.when(discard("b"), request_id="")) == "already_discarded"
    assert code_of(run.when(discard("b"), request_id="")) == "already_discarded"


def test_a_run_or_a_step_without_a_letter() -> None:
    assert code_of(opened().when(discard("x"))) == "unknown_letter"
    with pytest.raises(SetAside, match="has none") as caught:
        Given(letters(ANYBODY), key=RUN).when(discard())
    assert caught.value.code == "unknown_letter"


@pytest.mark.parametrize("name", ["principal", "request_id"])
def test_names_that_fit_no_index_are_set_aside(name: str) -> None:
    changes: dict[str, Any] = {name: "n" * 256}
    with pytest.raises(SetAside, match="at most 255"):
        opened().when(discard(), **changes)


def signed(request: OfLetter, **changes: Any) -> OfLetter:
    return sign_request(ISSUER, meta(RUN, **changes), request)


def test_only_what_somebody_vouches_for_counts() -> None:
    run = opened(vouching=Vouching(TRUST))
    assert code_of(run.when(discard(), request_id="r1")) == "unsigned"
    assert run.when(discard(), request_id="r1") == [], "once"
    forged = sign_request(KERNEL, meta(RUN, request_id="r2"), discard())
    assert code_of(run.when(forged, request_id="r2")) == "wrong_purpose"
    foreign = signed(discard(), request_id="r3", tenant="evil")
    assert code_of(run.when(foreign, request_id="r3", tenant="evil")) == "wrong_tenant"
    assert len(run.when(signed(discard(), request_id="r1"), request_id="r1")) == 1, "a stranger takes nobody's id"


def test_who_asks_much_is_set_aside_and_stands_in_nobodys_way() -> None:
    run = opened("a", "b", vouching=Vouching(TRUST))
    for number in range(REFUSALS_REMEMBERED[False]):
        assert code_of(run.when(discard(), request_id=f"s{number}")) == "unsigned"
    with pytest.raises(SetAside) as caught:
        run.when(discard(), request_id="more")
    assert caught.value.code == "unsigned"
    for number in range(REFUSALS_REMEMBERED[True]):
        request = signed(discard("x"), request_id=f"v{number}")
        assert code_of(run.when(request, request_id=f"v{number}")) == "unknown_letter"
    with pytest.raises(SetAside) as caught:
        run.when(signed(discard("x"), request_id="more"), request_id="more")
    assert caught.value.code == "unknown_letter"
    assert len(run.when(signed(discard("a"), request_id="good"), request_id="good")) == 1


def test_secrets_in_a_reason_are_not_kept_and_long_ones_are_cut() -> None:
    run = opened("a", "b")
    [said] = run.when(discard("a", reason="it had AKIAIOSFODNN7EXAMPLE in it"), request_id="r1")
    assert isinstance(said, DeadLetterDiscarded)
    assert "AKIAIOSFODNN7EXAMPLE" not in said.reason
    [said] = run.when(discard("b", reason="x" * 5000), request_id="r2")
    assert isinstance(said, DeadLetterDiscarded)
    assert len(said.reason) == 2000


def test_others_events_say_nothing() -> None:
    assert opened().when(Tick()) == []


def test_after_a_fault_of_ours_whoever_asked_hears_of_it() -> None:
    run = opened()
    asked = Message(key=RUN, at=2000, event=discard(), meta=meta(RUN))
    assert code_of([*run.decider.fail(run.state, asked, "KeyError")]) == "internal_error"  # type: ignore[list-item]
    assert not [*run.decider.fail(None, asked, "KeyError")]
    told = Message(key=RUN, at=2000, event=abandoned(), meta=meta(RUN))
    assert not [*run.decider.fail(run.state, told, "KeyError")]


def test_what_is_counted_and_what_is_measured() -> None:
    run = opened()
    count = run.decider.counts
    ended: list[Event] = [DeadLetterRetried(step="a", new_run=RETRY), DeadLetterDiscarded(step="a")]
    assert [count(event) for event in ended] == ["retried", "discarded"]
    assert count(DeadLetterOpened(step="a", job_id="j", topic="t", code="c", status="denied")) == "denied"
    assert count(DeadLetterRefused(request="r", step="a", code="c", reason="r")) == ""
    assert [settles(run.state, event) for event in ended] == [1000, 1000]
    assert settles(run.state, DeadLetterDiscarded(step="x")) is None
    assert settles(None, ended[0]) is None
    assert settles(run.state, DeadLetterRefused(request="r", step="a", code="c", reason="r")) is None


def test_events_that_do_not_fit_are_faults_of_ours() -> None:
    run = opened()
    wrong: list[tuple[Letters | None, Event]] = [
        (None, DeadLetterDiscarded(step="a")),
        (None, DeadLetterRetried(step="a", new_run=RETRY)),
        (None, DeadLetterRefused(request="r", step="a", code="c", reason="r")),
        (run.state, DeadLetterDiscarded(step="x")),
        (run.state, DeadLetterOpened(step="a", job_id="j", topic="t", code="c")),
        (run.state, discard()),
    ]
    for state, event in wrong:
        with pytest.raises(IllegalTransition):
            evolve(state, meta(RUN), event)
    run.when(discard())
    with pytest.raises(IllegalTransition):
        evolve(run.state, meta(RUN), DeadLetterDiscarded(step="a"))


def test_a_checkpoint_keeps_them_and_ten_thousand_are_found_by_name() -> None:
    state: Letters | None = None
    for number in range(2000):
        event = DeadLetterOpened(step=f"a[{number}]", job_id="j", topic="t", code="c", workflow="w", from_step="a")
        state = evolve(state, meta(RUN, at=number), event)
    assert state is not None
    assert len(list(watches(state))) == 2000
    kept = msgspec.msgpack.decode(msgspec.msgpack.encode(state), type=Letters)
    assert kept == state
    assert all(kept.get(f"a[{number}]") for number in range(2000))
    assert max(map(len, kept.shards.values())) < 60, "an event copies a piece, not all"
