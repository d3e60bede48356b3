"""What a run would do, and what a rerun would not do again."""

import pytest

from foldgate.language.compile import compiled
from foldgate.language.definition import Definition
from foldgate.language.plan import PlannedStep, plan
from foldgate.language.publish import prepare
from foldgate.language.upstream import kept, outermost, upstream
from tests.support.wrong import steps


@pytest.fixture(scope="module")
def shop() -> Definition:
    text = """\
  order: {type: job}
  pack: {type: parallel, steps: [box, label], depends_on: [order], on_error: tell}
  box: {type: loop, body: [fold, fill], until: true}
  fold: {type: job}
  fill: {type: job}
  label: {type: http, topic: job.label, route: {pool: printers}}
  tell: {type: notify}
  pay: {type: job, depends_on: [order], compensate: refund}
  refund: {type: job}
  ship: {type: job, name: Ship, depends_on: [pack, pay], when: input.ship, for_each: input.parcels}
  thank: {type: job, depends_on: [label], for_each: [1, 2]}
"""
    return compiled(prepare(steps(text)).canonical)


def ids(planned: tuple[PlannedStep, ...]) -> list[str]:
    return [step.id for step in planned]


def test_a_plan_has_every_step_in_order_with_what_it_waits_for(shop: Definition) -> None:
    planned = plan(shop)
    assert ids(planned) == list(shop.order)
    found = {step.id: step for step in planned}
    assert found["ship"] == PlannedStep(
        id="ship",
        type="job",
        name="Ship",
        kind="job",
        topic="job.x.ship",
        when="${input.ship}",
        waits_for=("pack", "pay"),
        for_each="${input.parcels}",
    )
    assert found["label"] == PlannedStep(
        id="label", type="job", kind="http", topic="job.label", pool="printers", part_of="pack"
    )
    assert found["tell"] == PlannedStep(id="tell", type="notify", handles="pack")
    assert found["refund"].undoes == "pay"
    assert found["thank"].for_each == "[1,2]"


def test_what_is_done_is_not_in_the_plan(shop: Definition) -> None:
    planned = plan(shop, done={"order", "pay"})
    assert "order" not in ids(planned)
    assert {step.id: step.waits_for for step in planned}["ship"] == ("pack",)


def test_upstream_is_what_must_be_over_with_all_that_is_in_it(shop: Definition) -> None:
    pack = {"order", "pack", "box", "fold", "fill", "label", "tell"}
    assert upstream(shop, "order") == set()
    assert upstream(shop, "pay") == {"order"}
    assert upstream(shop, "ship") == pack | {"pay"}
    assert upstream(shop, "thank") == pack


@pytest.mark.parametrize("inside", ["box", "fold", "fill", "label", "tell"])
def test_a_step_inside_a_group_stands_for_the_whole_group(shop: Definition, inside: str) -> None:
    assert outermost(shop, inside) == "pack"
    assert upstream(shop, inside) == upstream(shop, "pack") == {"order"}


def test_what_undoes_a_step_stands_for_it(shop: Definition) -> None:
    assert outermost(shop, "refund") == "pay"
    assert upstream(shop, "refund") == {"order"}


def test_a_rerun_keeps_what_is_upstream_and_succeeded(shop: Definition) -> None:
    done = {"order", "pack", "box", "fold", "fill", "label", "pay", "refund"}
    assert kept(shop, "ship", done) == done - {"refund"}
    assert kept(shop, "pay", done) == {"order"}
    assert kept(shop, "order", done) == set()
    assert kept(shop, "ship", {"order", "pack", "label"}) == {"order", "pack", "label"}


def test_a_group_that_runs_again_runs_its_parts_again(shop: Definition) -> None:
    assert kept(shop, "thank", {"order", "label", "box"}) == {"order"}
    assert ids(plan(shop, from_step="thank", done={"order", "label"})) == [
        step for step in shop.order if step != "order"
    ]


def test_the_plan_of_a_rerun_is_without_what_it_keeps(shop: Definition) -> None:
    done = {"order", "pack", "label", "pay", "ship"}
    planned = plan(shop, from_step="ship", done=done)
    assert {step.id for step in planned} == set(shop.order) - {"order", "pack", "label", "pay"}
    assert {step.id: step.waits_for for step in planned}["ship"] == ()
