"""Ids: the same thing has the same one, and no two things share one, however their parts are cut."""

from collections.abc import Callable

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from foldgate.contracts import ids

RUNS = st.from_regex(r"\Arun_[0-9a-f]{24}\Z")
STEPS = st.text(min_size=1).filter(lambda step: step.isprintable())
ATTEMPTS = st.integers(1, 10**9 - 1)
STREAMS = st.sampled_from(["runs", "jobs", "dispatch.default"])
PARTS = st.text(alphabet="ab/%@:25F", max_size=6)


def test_ids_are_what_they_were() -> None:
    """They are in every log there is: another rule would make new runs of old requests."""
    assert ids.run_id("acme", "triage", "ticket-7") == "run_eaebc476b3e4a0146299e1d5"
    assert ids.job_id("run_1f", "ask", 2) == "run_1f:ask@2"
    assert ids.writ_id("run_1f:ask@2", "snapshot_1") == "writ_90d1e8fda5f432e049e167af"
    assert ids.workflow_key("acme", "triage") == "acme/triage"
    assert ids.workflow_key("a/b%", "c/d") == "a%2Fb%25/c%2Fd"
    assert ids.owned_event_id("runs", "run_1f", 3) == "runs/run_1f/3"
    assert ids.open_event_id("cli-host", "req_9") == "cli-host/req_9"
    assert ids.digest().hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@given(st.lists(PARTS, max_size=4), st.lists(PARTS, max_size=4))
def test_parts_do_not_run_into_one_another(some: list[str], others: list[str]) -> None:
    assert (ids.digest(*some) == ids.digest(*others)) == (some == others)


@pytest.mark.parametrize(
    ("some", "others"), [(["ab", "c"], ["a", "bc"]), (["a", ""], ["a"]), (["", "a"], ["a", ""]), (["a\0b"], ["a", "b"])]
)
def test_known_ways_to_run_together_do_not(some: list[str], others: list[str]) -> None:
    assert ids.digest(*some) != ids.digest(*others)


@given(st.tuples(PARTS, PARTS, PARTS), st.tuples(PARTS, PARTS, PARTS))
def test_a_run_is_of_one_tenant_workflow_and_key(one: tuple[str, str, str], other: tuple[str, str, str]) -> None:
    assert (ids.run_id(*one) == ids.run_id(*other)) == (one == other)


def test_kinds_of_ids_are_apart() -> None:
    assert ids.run_id("a", "b", "")[4:] != ids.writ_id("a", "b")[5:]
    assert ids.writ_id("a", "b") != ids.writ_id("b", "a")


@given(RUNS, STEPS, ATTEMPTS)
def test_a_job_id_is_parsed_into_its_parts(run: str, step: str, attempt: int) -> None:
    assert ids.parse_job_id(ids.job_id(run, step, attempt)) == (run, step, attempt)


@given(st.text(alphabet="ra:@10٣ \n", max_size=8))
def test_what_is_parsed_is_written_the_same(text: str) -> None:
    try:
        name = ids.parse_job_id(text)
    except ids.MalformedId:
        return
    assert ids.job_id(*name) == text


@pytest.mark.parametrize(
    "text",
    [
        *("", "run", "run:step", "run@1", ":step@1", "run:@1", "run:step@", "run:step@x", "run:step@-1", "run:step@1 "),
        *("run:step@0", "run:step@01", "run:step@٣", "run:step@²", "run:step@1234567890", "run:step@" + "9" * 5000),
    ],
)
def test_what_is_no_job_id_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ids.MalformedId, match=r"Expected a job id such as 'run_1f:step@1', but got ") as refusal:
        ids.parse_job_id(text)
    assert len(str(refusal.value)) < 300


def test_a_step_may_have_any_character() -> None:
    assert ids.parse_job_id("run_1f:each[3]@home:a@12") == ("run_1f", "each[3]@home:a", 12)


@given(st.tuples(STREAMS, PARTS, ATTEMPTS), st.tuples(STREAMS, PARTS, ATTEMPTS))
def test_an_event_of_an_owned_stream_is_named_by_its_place(
    one: tuple[str, str, int], other: tuple[str, str, int]
) -> None:
    assert (ids.owned_event_id(*one) == ids.owned_event_id(*other)) == (one == other)


@given(st.tuples(PARTS, PARTS), st.tuples(PARTS, PARTS))
def test_no_writer_can_take_anothers_event_id(one: tuple[str, str], other: tuple[str, str]) -> None:
    assume(one != other)
    assert ids.open_event_id(*one) != ids.open_event_id(*other)


@given(st.tuples(PARTS, PARTS), st.tuples(PARTS, PARTS))
def test_no_two_workflows_share_a_key(one: tuple[str, str], other: tuple[str, str]) -> None:
    assert (ids.workflow_key(*one) == ids.workflow_key(*other)) == (one == other)


@pytest.mark.parametrize("make", [lambda half: ids.run_id("acme", "w", half), lambda half: ids.writ_id(half, "s")])
def test_half_a_character_makes_no_id(make: Callable[[str], str]) -> None:
    with pytest.raises(ids.MalformedId, match="Expected text, but got half a character"):
        make("key \ud800")
