"""Waits and their signals: first in, first out, kept until a step takes them."""

from typing import Any

import pytest

from foldgate.contracts.events import SignalReceived, SignalSent
from foldgate.engine.runs.requests import MAX_SIGNAL_BYTES, MAX_SIGNALS
from foldgate.engine.runs.turn import MAX_CARRIED_BYTES
from tests.support.runs import Life, begun, workflow

WAIT = workflow("w: {type: wait, signal: go}")
MATCH = workflow("w: {type: wait, signal: go, match: {to: {name: '${input.name}'}, n: 1}}")
LATER = workflow("""
a: {type: job}
w: {type: wait, signal: go, depends_on: [a]}
v: {type: wait, signal: go, depends_on: [w]}
""")


def kept(life: Life) -> list[str]:
    return [one.payload for one in life.run.signals]


def test_its_payload_is_the_output() -> None:
    life = begun(WAIT)
    assert life.waiting == ["w: signal go"]
    assert life.signal("go", {"b": 1, "a": 2}) == [
        'SignalReceived go {"a":2,"b":1}',
        'StepSucceeded w {"a":2,"b":1}',
        'RunSucceeded {"a":2,"b":1}',
    ]


def test_without_a_signal_of_its_own_it_waits_for_its_name_or_else_its_id() -> None:
    assert begun(workflow("w: {type: wait, name: go}")).waiting == ["w: signal go"]
    assert begun(workflow("w: {type: wait}")).waiting == ["w: signal w"]


def test_signals_that_came_before_are_taken_first_in_first_out() -> None:
    life = begun(LATER)
    for payload in (1, 2, 3):
        assert life.signal("go", payload) == [f"SignalReceived go {payload}"]
    assert life.succeed("a")[1:3] == ["StepSucceeded w 1", "StepSucceeded v 2"]
    assert life.ended


def test_the_step_that_waits_longest_takes_it() -> None:
    life = begun(
        workflow("a: {type: job}\nlate: {type: wait, signal: go, depends_on: [a]}\nz: {type: wait, signal: go}")
    )
    life.now += 5
    life.succeed("a")
    assert life.signal("go")[1] == "StepSucceeded z null"
    assert life.signal("go")[1] == "StepSucceeded late null"


@pytest.mark.parametrize(
    ("payload", "fits"),
    [
        ({"to": {"name": "eve", "more": 1}, "n": 1, "other": 2}, True),
        ({"to": {"name": "eve"}, "n": 1}, True),
        ({"to": {"name": "bob"}, "n": 1}, False),
        ({"to": {"name": "eve"}, "n": 2}, False),
        ({"to": {"name": "eve"}}, False),
        ({"to": "eve", "n": 1}, False),
        ("eve", False),
        (None, False),
    ],
)
def test_a_signal_must_have_every_entry_of_match(payload: Any, fits: bool) -> None:
    life = begun(MATCH, given={"name": "eve"})
    life.signal("go", payload)
    assert life.ended is fits
    assert len(life.run.signals) == (0 if fits else 1), "what does not fit is kept"


def test_what_is_sent_under_another_name_is_kept_for_who_wants_it() -> None:
    life = begun(WAIT)
    assert life.signal("stop", 1) == ["SignalReceived stop 1"]
    assert kept(life) == ["1"]
    assert not life.ended


def test_the_same_signal_again_adds_nothing_also_after_it_was_taken() -> None:
    life = begun(LATER)
    life.signal("go", 1, request_id="s1")
    assert life.signal("go", 2, request_id="s1") == []
    life.succeed("a")
    assert life.statuses["w"] == "succeeded"
    assert life.signal("go", 1, request_id="s1") == []
    assert life.statuses["v"] == "waiting"


def test_a_signal_is_taken_where_the_run_is_paused_and_what_follows_waits() -> None:
    life = begun(LATER)
    life.succeed("a")
    life.pause()
    assert life.signal("go", 1) == ["SignalReceived go 1", "StepSucceeded w 1"]
    assert life.resume() == ["RunResumed", "StepStarted v"]


@pytest.mark.parametrize(
    ("signal", "code"),
    [
        (SignalSent(name="", payload="1"), "invalid_name"),
        (SignalSent(name="n" * 256, payload="1"), "invalid_name"),
        (SignalSent(name="go", payload="{"), "invalid_payload"),
        (SignalSent(name="go", payload='"' + "x" * MAX_CARRIED_BYTES + '"'), "payload_too_large"),
    ],
)
def test_a_signal_that_cannot_be_kept_is_refused_once(signal: SignalSent, code: str) -> None:
    life = begun(WAIT)
    assert life.hear(signal, request_id="s") == [f"RequestRefused SignalSent {code}"]
    assert life.hear(signal, request_id="s") == [], "that request was answered"
    assert not life.of(SignalReceived)


def test_only_so_many_signals_wait_for_their_steps() -> None:
    life = begun(WAIT)
    for number in range(MAX_SIGNALS):
        assert life.signal("other", request_id=f"s{number}") == ["SignalReceived other null"]
    assert life.signal("other") == ["RequestRefused SignalSent too_many_signals"]


def test_only_so_many_bytes_of_signals_wait_for_their_steps() -> None:
    life = begun(WAIT)
    text, count = "x" * (MAX_CARRIED_BYTES - 2), MAX_SIGNAL_BYTES // MAX_CARRIED_BYTES
    for _ in range(count):
        assert life.signal("other", text)[0].startswith("SignalReceived")
    assert life.signal("other", 1) == ["RequestRefused SignalSent too_many_signals"]


def test_a_match_that_is_too_large_fails_the_step() -> None:
    life = begun(workflow("w: {type: wait, match: {a: '${input.a}', b: '${input.a}'}}"), given={"a": "x" * 200_000})
    assert life.lines[1:] == ["StepFailed w expression_too_large", "RunFailed w expression_too_large"]


def test_a_match_that_cannot_be_evaluated_fails_the_step() -> None:
    assert begun(MATCH).lines[-1] == "RunFailed w expression_failed"


def test_out_of_time_it_times_out() -> None:
    life = begun(workflow("w: {type: wait, signal: go, timeout: 10s}"))
    assert life.due() == ["StepTimedOut w timeout", "RunTimedOut w timeout"]


def test_a_payload_that_does_not_fit_the_output_schema_fails_the_step() -> None:
    life = begun(workflow("w: {type: wait, signal: go, output_schema: {type: integer}}"))
    assert life.signal("go", "text")[1:] == ["StepFailed w output_invalid", "RunFailed w output_invalid"]


def test_waits_of_one_loop_take_one_signal_an_iteration() -> None:
    life = begun(workflow("l: {type: loop, body: [w], until: 'loop.index == 1'}\nw: {type: wait, signal: go}"))
    life.signal("go", 1)
    assert life.signal("go", 2)[1:] == ["StepSucceeded w[1] 2", "StepSucceeded l 2", "RunSucceeded 2"]


def test_the_first_that_fits_is_taken_and_the_others_are_kept() -> None:
    life = begun(workflow("a: {type: job}\nw: {type: wait, signal: go, match: {n: 2}, depends_on: [a]}"))
    for name, payload in (("stop", {"n": 2}), ("go", {"n": 1}), ("go", {"n": 2})):
        life.signal(name, payload)
    assert life.succeed("a")[1] == 'StepSucceeded w {"n":2}'
    assert kept(life) == ['{"n":2}', '{"n":1}']


def test_of_those_that_wait_as_long_the_one_that_was_begun_first_takes_it() -> None:
    life = begun(workflow("w: {type: wait, signal: go, for_each: '${input.n}'}"), given={"n": [0] * 12})
    for number in range(12):
        life.signal("go", number)
    assert life.output("w") == list(range(12)), "and not w[10] before w[2]"
