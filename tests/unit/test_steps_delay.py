"""Delays: so long, or until a time; the timer is in the state."""

import pytest

from foldgate.contracts.events import StepStarted
from tests.support.runs import BEGINNING, Life, begun, workflow

DAY = 86_400_000


def delayed(terms: str, value: object = None) -> Life:
    return begun(workflow(f"d: {{type: delay, {terms}}}"), given={"v": value})


@pytest.mark.parametrize(
    ("terms", "value", "until"),
    [
        ("delay: 5s", None, BEGINNING + 5000),
        ("delay_sec: 7", None, BEGINNING + 7000),
        ("delay_ms: 1", None, BEGINNING + 1),
        ("delay: PT1M", None, BEGINNING + 60_000),
        ("delay: '${input.v}'", "2h", BEGINNING + 7_200_000),
        ("delay: '${input.v}'", 1500, BEGINNING + 1500),
        ("delay: '${input.v}'", 1.5, BEGINNING + 1),
        ("until: 1970-01-02T00:00:00Z", None, DAY),
        ("until: '${input.v}'", "1970-01-01T02:00:00+01:00", 3_600_000),
    ],
)
def test_it_waits_until_then(terms: str, value: object, until: int) -> None:
    life = delayed(terms, value)
    assert life.of(StepStarted)[0].until == until
    assert life.waiting == ["d: its time"]
    life.now = until - 1
    assert "StepSucceeded d null" not in life.after(0), "not a millisecond before"
    assert life.after(1) == ["StepSucceeded d null", "RunSucceeded null"]


@pytest.mark.parametrize(
    ("terms", "value"),
    [
        ("delay: 0s", None),
        ("delay: '${input.v}'", 0),
        ("until: 1970-01-01T00:00:01Z", None),
        ("until: 1969-07-20T20:17:40Z", None),
    ],
)
def test_a_time_that_has_come_is_not_waited_for(terms: str, value: object) -> None:
    assert delayed(terms, value).lines[1:] == ["StepSucceeded d null", "RunSucceeded null"]


@pytest.mark.parametrize(
    ("terms", "value"),
    [
        ("delay: '${input.v}'", "soon"),
        ("delay: '${input.v}'", -1),
        ("delay: '${input.v}'", True),
        ("delay: '${input.v}'", None),
        ("delay: '${input.v}'", [1]),
        ("delay: '${input.v}'", 2**53),
        ("until: '${input.v}'", "tomorrow"),
        ("until: '${input.v}'", 5000),
        ("until: '${input.v}'", "2170-01-01T00:00:00Z"),
    ],
)
def test_what_is_no_time_fails_the_step(terms: str, value: object) -> None:
    life = delayed(terms, value)
    assert life.lines[1:] == ["StepFailed d no_time", "RunFailed d no_time"]
    failed = life.run.steps.get("d")
    assert failed is not None
    assert failed.reason.startswith("Expected ")


def test_far_is_within_a_hundred_years() -> None:
    assert delayed("delay: 36500d").waiting == ["d: its time"]
    assert delayed("until: 2069-12-31T00:00:00Z").waiting == ["d: its time"]


def test_a_time_that_comes_in_a_pause_acts_when_the_run_goes_on() -> None:
    life = delayed("delay: 5s")
    life.pause()
    assert life.after(10_000) == []
    assert life.resume() == ["RunResumed"]
    assert life.due() == ["StepSucceeded d null", "RunSucceeded null"]


def test_the_first_of_its_time_and_its_time_out_counts() -> None:
    assert delayed("delay: 5s, timeout: 10s").due()[0] == "StepSucceeded d null"
    assert delayed("delay: 10s, timeout: 5s").due()[0] == "StepTimedOut d timeout"


def test_many_timers_fire_in_the_order_of_their_times() -> None:
    delays = [(index * 7919) % 400 + 1 for index in range(400)]
    steps = "\n".join(f"d{index}: {{type: delay, delay: {delay}s}}" for index, delay in enumerate(delays))
    life = begun(workflow(steps))
    ends: list[str] = []
    while not life.ended:
        ends += [line for line in life.due() if line.startswith("StepSucceeded")]
    assert ends == [f"StepSucceeded d{index} null" for index in sorted(range(400), key=lambda one: delays[one])]


def test_timers_that_are_late_all_act_at_once() -> None:
    life = begun(workflow("\n".join(f"d{index}: {{type: delay, delay: {index + 1}s}}" for index in range(5))))
    life.now += 60_000
    assert life.after(0)[:5] == [f"StepSucceeded d{index} null" for index in range(5)]
    assert life.ended
