"""The second opinion bites on groups: parallels, for_each and loops that do what they should not."""

from typing import Any

import msgspec
import pytest

from foldgate.contracts import ids
from foldgate.contracts.events import (
    JobCancelRequested,
    RunDenied,
    RunFailed,
    RunSucceeded,
    StepCancelled,
    StepCancelRequested,
    StepStarted,
)
from tests.support.oracle import Wrong
from tests.support.telling import GO, RUN, broke, denied, doc, done, failed, job, no, skipped, told, well

FAILED = RunFailed(code="boom", message="m")
OVER = RunSucceeded(output="{}")


PARALLEL = doc(p={"type": "parallel", "steps": ["a", "b", "c"], "max_parallel": 2}, a={}, b={}, c={})
GROUP = StepStarted(step="p", kind="parallel")


def test_a_parallel_takes_its_parts_in_order_and_not_too_many() -> None:
    with pytest.raises(Wrong, match="a comes before it"):
        told(PARALLEL, GROUP, job("b", parent="p"))
    with pytest.raises(Wrong, match="takes 2 at once"):
        told(PARALLEL, GROUP, *(job(part, parent="p") for part in "abc"))
    with pytest.raises(Wrong, match="b is left behind"):
        told(PARALLEL, GROUP, job("a", parent="p"))
    with pytest.raises(Wrong, match="a part of ''"):
        told(PARALLEL, GROUP, job("a"))
    with pytest.raises(Wrong, match="is not live"):
        told(PARALLEL, job("a", parent="p"))


def test_the_first_failure_of_all_calls_the_others_back() -> None:
    begun = (GROUP, job("a", parent="p"), job("b", parent="p"))
    called = StepCancelRequested(step="p", ending="failed", code="boom", reason="a failed")
    back = JobCancelRequested(job_id=ids.job_id(RUN, "b", 1), step="b", ending="cancelled", reason="r", until=2000)
    stopped = StepCancelled(step="b", reason="r", parent="p")
    run = told(PARALLEL, *begun)
    with pytest.raises(Wrong, match="p has failed"):
        run.tell(broke("a"), failed("a", parent="p"), job("c", parent="p"))
    run = told(PARALLEL, *begun)
    with pytest.raises(Wrong, match="b is left behind: it should be called back"):
        run.tell(broke("a"), failed("a", parent="p"), called)
    run = told(PARALLEL, *begun)
    first = (failed("a", parent="p"), called, back, skipped("c", "not_needed", parent="p"))
    run.tell(broke("a"), *first)
    with pytest.raises(Wrong, match=r"b .job. ends as cancelled, but expected it to go on"):
        run.tell(GO, stopped, failed("p"), FAILED, at=1999)
    run = told(PARALLEL, *begun)
    run.tell(broke("a"), *first)
    with pytest.raises(Wrong, match="ends as denied"):
        run.tell(GO, stopped, denied("p"), at=2000)
    run = told(PARALLEL, *begun)
    run.tell(broke("a"), *first)
    run.tell(broke("b", code="cancelled"), stopped, failed("p"), FAILED)


def test_the_output_of_a_parallel() -> None:
    run = told(doc(p={"type": "parallel", "steps": ["a"]}, a={}), GROUP, job("a", parent="p"))
    with pytest.raises(Wrong, match="its parts with"):
        run.tell(done("a"), well("a", parent="p"), well("p", '{"a":2}'), OVER)


def test_a_quorum_out_of_reach() -> None:
    document = doc(p={"type": "parallel", "steps": ["a", "b"], "strategy": "any"}, a={}, b={})
    begun = (GROUP, job("a", parent="p"), job("b", parent="p"))
    run = told(document, *begun)
    with pytest.raises(Wrong, match=r"p .parallel. ends as failed"):
        run.tell(broke("a"), failed("a", parent="p"), failed("p"), FAILED)
    run = told(document, *begun)
    run.tell(broke("a"), failed("a", parent="p"))
    run.tell(no("b"), denied("b", parent="p"), denied("p"), RunDenied(rule="r", reason="no"))


EACH = doc(s={"for_each": {"items": "${input.list}", "max_parallel": 1}, "input": "${item}"})


def test_the_items_of_a_for_each_in_order_with_their_inputs_and_outputs() -> None:
    started = StepStarted(step="s", kind="for_each", items=("5", "6"))
    given: dict[str, Any] = {"list": [5, 6]}
    with pytest.raises(Wrong, match="has the items"):
        told(EACH, msgspec.structs.replace(started, items=("5",)), job("s[0]", parent="s"), given=given)
    with pytest.raises(Wrong, match="is given 7"):
        told(EACH, started, job("s[0]", parent="s", given="7"), given=given)
    with pytest.raises(Wrong, match="takes 1 at once"):
        told(EACH, started, job("s[0]", parent="s", given="5"), job("s[1]", parent="s", given="6"), given=given)
    run = told(EACH, started, job("s[0]", parent="s", given="5"), given=given)
    run.tell(done("s[0]", "10"), well("s[0]", "10", parent="s"), job("s[1]", parent="s", given="6"))
    with pytest.raises(Wrong, match="stands in the list"):
        run.tell(done("s[1]", "12"), well("s[1]", "12", parent="s"), well("s", "[12,10]"), OVER)


def test_a_loop_goes_on_as_long_as_its_condition_says() -> None:
    document = doc(l={"type": "loop", "body": ["a"], "until": "loop.previous_output == 2", "max_iterations": 2}, a={})
    started = StepStarted(step="l", kind="loop")
    with pytest.raises(Wrong, match="comes 0"):
        told(document, started, job("a[1]", parent="l"))
    run = told(document, started, job("a[0]", parent="l"))
    with pytest.raises(Wrong, match="expected it to go on"):
        run.tell(done("a[0]"), well("a[0]", parent="l"), well("l"), OVER)
    run = told(document, started, job("a[0]", parent="l"))
    run.tell(done("a[0]"), well("a[0]", parent="l"), job("a[1]", parent="l"))
    run.tell(done("a[1]", "2"), well("a[1]", "2", parent="l"), well("l", "2"), OVER)
    run = told(document, started, job("a[0]", parent="l"))
    run.tell(done("a[0]"), well("a[0]", parent="l"), job("a[1]", parent="l"))
    with pytest.raises(Wrong, match="takes 2 iterations"):
        run.tell(done("a[1]"), well("a[1]", parent="l"), job("a[2]", parent="l"))
