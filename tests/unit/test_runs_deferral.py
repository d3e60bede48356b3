"""One decision fits one append: what there is no room for is deferred, is due at once, and is then done."""

from collections.abc import Mapping
from typing import Any

import pytest

from foldgate.contracts.codec import Codec
from foldgate.contracts.events import (
    ChildEnded,
    ChildRequested,
    Event,
    JobRequested,
    RunDeferred,
    RunFailed,
    RunSucceeded,
    StepSkipped,
)
from foldgate.decider.decider import Said, Tick
from foldgate.runtime.recovery import BATCH_BYTES
from tests.support.given import meta
from tests.support.obliging import play
from tests.support.runs import Life, begun, workflow

CODEC = Codec()
LONG = "n" * 255


def weight(life: Life, said: list[Said], about: Mapping[str, Any]) -> int:
    """What a decision has as an append."""
    names = {"stream": "runs", "pool": LONG[:100], "correlation": LONG} | dict(about)
    whole = meta(life.key, **names | {"event_id": f"runs/{life.key}/10000", "causation": about.get("event_id", "")})
    return sum(len(life.key) + len(CODEC.encode(whole, one.event)) for one in said)


class Weighed(Life):
    """A run each of whose decisions must fit an append. Every name in what it answers is as long as may be."""

    def hear(self, event: Event | Tick, **changes: Any) -> list[str]:
        request = {"request_id": f"r{len(self.heard):n<254}"} if not isinstance(event, Tick) else {}
        return super().hear(event, **({"principal": LONG, "event_id": LONG} | request | changes))

    def said(self, event: Event | Tick, *, at: int = 2000, **changes: Any) -> list[Said]:
        said = super().said(event, at=at, **changes)
        assert weight(self, said, changes) <= BATCH_BYTES, f"{len(said)} events"
        return said


def weighed(*documents: str, given: Any = None, **changes: Any) -> Weighed:
    life = Weighed(*documents)
    life.start(given, **changes)
    return life


def test_where_only_the_end_is_deferred_it_comes_with_the_next_tick() -> None:
    life = weighed(workflow("a: {type: job}\nb: {type: transform, depends_on: [a], output: '${steps.a.output}'}"))
    life.succeed("a", "x" * 250_000)
    assert isinstance(life.history[-1], RunDeferred)
    assert life.waiting == ["its next append"]
    assert life.decider.due(life.run) == life.now
    life.due()
    assert isinstance(life.history[-1], RunSucceeded)


def test_groups_in_groups_end_one_append_after_the_other() -> None:
    steps = "\n".join(f"p{number}: {{type: parallel, steps: [p{number + 1}]}}" for number in range(8))
    life = weighed(workflow(f"{steps}\np8: {{type: job}}"))
    life.succeed("p8", "x" * 200_000)
    play(life)
    assert life.statuses["p0"] == "succeeded"
    assert isinstance(life.history[-1], RunSucceeded)


def test_loops_of_large_values_go_on_one_append_after_the_other() -> None:
    steps = "l: {type: loop, body: [t], while: 'loop.index < 10'}\nt: {type: transform, output: '${input.v}'}"
    life = weighed(workflow(steps), given={"v": "x" * 200_000})
    play(life)
    assert life.statuses["t[9]"] == "succeeded"
    assert life.ended


@pytest.mark.parametrize("count", [1, 999])
def test_many_steps_begin_and_are_called_back_in_chunks(count: int) -> None:
    steps = "\n".join(f"{'s' * 90}{number}: {{type: job}}" for number in range(count))
    life = weighed(workflow(steps))
    while life.run.deferred:
        life.due()
    assert len(life.of(JobRequested)) == count
    life.cancel()
    play_back(life)
    assert life.lines[-1] == "RunCancelled"


def play_back(life: Life) -> None:
    """Answer only what is called back."""
    while not life.ended:
        if life.run.deferred:
            life.due()
            continue
        for step, status in list(life.statuses.items()):
            if status == "cancelling":
                life.lose(step, "cancelled")


def test_many_steps_are_skipped_in_chunks() -> None:
    steps = "\n".join(f"{'s' * 90}{number}: {{type: job, depends_on: [a]}}" for number in range(998))
    life = weighed(workflow(f"a: {{type: job}}\n{steps}"))
    life.fail("a")
    play(life)
    assert len(life.of(StepSkipped)) == 998
    life = weighed(workflow(f"a: {{type: job}}\n{steps}"))
    life.cancel()
    play(life)
    assert len(life.of(StepSkipped)) == 998


def test_a_chain_of_steps_is_skipped_in_chunks() -> None:
    name = "s" * 90
    steps = "\n".join(f"{name}{number + 1}: {{type: job, depends_on: [{name}{number}]}}" for number in range(900))
    life = weighed(workflow(f"{name}0: {{type: job}}\n{steps}"))
    life.fail(f"{name}0")
    play(life)
    assert len(life.of(StepSkipped)) == 900


def test_labels_and_terms_are_a_part_of_what_a_decision_has() -> None:
    labels = {f"l{number}": "x" * 500 for number in range(400)}
    life = weighed(workflow("a: {type: job, for_each: [1, 2, 3, 4, 5, 6, 7, 8, 9]}"), labels=labels)
    play(life)
    assert isinstance(life.history[-1], RunSucceeded)


def test_questions_of_many_words_are_asked_in_chunks() -> None:
    roles = ", ".join(f"{'r' * 190}{number}" for number in range(100))
    steps = f"a: {{type: approval, for_each: '${{input.n}}', approval: {{roles: [{roles}]}}}}"
    life = weighed(workflow(steps), given={"n": list(range(200))})
    play(life)
    assert isinstance(life.history[-1], RunSucceeded)


@pytest.mark.parametrize("how", ["collect", "fail"])
def test_many_failures_are_told_in_chunks(how: str) -> None:
    values = ", ".join("é" * 40 + str(one) for one in range(40))
    schema = f"{{type: object, properties: {{v: {{enum: [{values}]}}}}}}"
    each = f"a: {{type: job, for_each: '${{input.n}}', on_item_failure: {how}, input_schema: {schema}}}"
    life = weighed(workflow(each), given={"n": [{"v": "é" * 200}] * 600})
    play(life)
    assert life.ended


def test_a_run_that_is_paused_defers_nothing_and_goes_on_when_it_is_resumed() -> None:
    life = weighed(
        workflow("a: {type: job}\nb: {type: job, for_each: '${input.n}', depends_on: [a]}"), given={"n": [0] * 900}
    )
    life.pause()
    life.succeed("a")
    assert life.resume()[0] == "RunResumed"
    assert life.run.deferred
    life.pause()
    assert "its next append" not in life.waiting
    assert life.decider.due(life.run) == life.now + 60_000, "only to note that it waits"
    life.resume()
    play(life)
    assert life.output("b") == [1] * 900


def test_a_message_between_two_chunks_does_not_stop_them() -> None:
    life = weighed(workflow("b: {type: job, for_each: '${input.n}'}"), given={"n": [0] * 900})
    assert life.run.deferred
    begun_ = len(life.of(JobRequested))
    life.succeed("b[3]", 1)
    assert len(life.of(JobRequested)) > begun_
    play(life)
    assert isinstance(life.history[-1], RunSucceeded)


def test_items_are_called_back_in_chunks() -> None:
    life = weighed(workflow("b: {type: job, for_each: '${input.n}'}"), given={"n": [0] * 900})
    while life.run.deferred:
        life.due()
    life.fail("b[0]")
    assert "its next append" in life.waiting, "too many to be called back at once"
    play(life)
    assert isinstance(life.history[-1], RunFailed)
    assert set(life.statuses.values()) == {"failed", "cancelled"}


def test_a_list_of_outputs_that_has_no_room_is_given_next() -> None:
    each = "a: {type: transform, for_each: [1, 2], output: '${input.v}'}"
    life = weighed(workflow(each), given={"v": "x" * 120_000})
    assert life.of(RunDeferred)
    play(life)
    assert life.statuses["a"] == "succeeded"


def test_many_branches_that_are_not_taken_are_skipped_in_chunks() -> None:
    names = [f"x{number}" for number in range(900)]
    switch = f"s: {{type: switch, cases: [{{when: 'false', next: [{', '.join(names)}]}}], default: z}}"
    steps = "\n".join(f"{name}: {{type: job}}" for name in names)
    loop = f"l: {{type: loop, body: [s, {', '.join(names)}, z], until: 'true'}}"
    life = weighed(workflow(f"{loop}\n{switch}\n{steps}\nz: {{type: transform, output: 1}}"))
    assert isinstance(life.history[-1], RunDeferred)
    play(life)
    assert life.lines[-1] == "RunSucceeded 1"


def test_what_a_document_says_of_a_step_is_a_part_of_it_too() -> None:
    tags = ", ".join(f"'{'é' * 190}{number}'" for number in range(100))
    each = f"for_each: '${{input.n}}', input: '${{input.v}}', meta: {{risk_tags: [{tags}], requires: [{tags}]}}"
    life = weighed(workflow(f"a: {{type: job, {each}}}"), given={"n": [0] * 6, "v": "x" * 200_000})
    play(life)
    assert life.output("a") == [1] * 6


def test_the_end_of_a_child_is_told_twice() -> None:
    above = begun(workflow("s: {type: subworkflow, workflow: child}"), workflow("a: {type: job}", name="child"))
    child = Weighed(workflow("a: {type: job}", name="child"))
    child.key = above.of(ChildRequested)[0].child_run
    child.hear(above.of(ChildRequested)[0], run_id=above.run_id)
    child.succeed("a", "x" * 250_000)
    play(child)
    assert [len(one.output) > 250_000 for one in child.of(ChildEnded)] == [True]
    assert isinstance(child.history[-1], RunSucceeded)
