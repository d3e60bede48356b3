"""Made-up workflows: what is accepted can run to its end, and only what cannot is called a cycle."""

import graphlib
import json
from collections.abc import Iterable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from foldgate.language.compile import compiled
from foldgate.language.definition import Definition, LoopSpec, ParallelSpec, StepDef
from foldgate.language.publish import WorkflowInvalid, prepare
from foldgate.language.upstream import kept, outermost, upstream

NAMES = [f"s{index}" for index in range(7)]
SOME = st.lists(st.sampled_from(NAMES), max_size=3, unique=True)
ONE_OR_MORE = st.lists(st.sampled_from(NAMES), min_size=1, max_size=3, unique=True)
MAYBE = st.none() | st.none() | st.sampled_from(NAMES)
WITH = {"depends_on": SOME, "on_error": MAYBE, "compensate": MAYBE}
STEP = st.one_of(
    st.fixed_dictionaries({"type": st.just("job"), **WITH}),
    st.fixed_dictionaries({"type": st.just("job"), "depends_on": SOME}),
    st.fixed_dictionaries({"type": st.just("job")}),
    st.fixed_dictionaries({"type": st.just("parallel"), "steps": ONE_OR_MORE, **WITH}),
    st.fixed_dictionaries({"type": st.just("loop"), "body": ONE_OR_MORE, "until": st.just(True), **WITH}),
    st.fixed_dictionaries(
        {
            "type": st.just("switch"),
            "cases": st.lists(
                st.fixed_dictionaries({"when": st.just(True), "next": ONE_OR_MORE}), min_size=1, max_size=2
            ),
            "depends_on": SOME,
        }
    ),
)


@st.composite
def sound(draw: st.DrawFn) -> dict[str, Any]:
    """Steps that fit together: parts and handlers are taken from what is free, and the rest depends on earlier ones."""
    steps: dict[str, Any] = {name: {"type": "job"} for name in NAMES}
    free, tops = list(NAMES), list[str]()
    for name in NAMES:
        owned = name not in free
        if not owned:
            free.remove(name)
        step = steps[name]
        step |= made(draw, draw(st.sampled_from(["job", "parallel", "loop", "job" if owned else "switch"])), free)
        for key in draw(st.lists(st.sampled_from(["on_error", "compensate"]), unique=True)):
            if handler := take(draw, free, 1):
                step[key] = handler[0]
        if not owned:
            step["depends_on"] = draw(st.lists(st.sampled_from(tops), max_size=2, unique=True)) if tops else []
            tops.append(name)
    return steps


def made(draw: st.DrawFn, kind: str, free: list[str]) -> dict[str, Any]:
    """What a step of that type says; one that has nothing to work on is a job."""
    if kind == "switch" and free:
        return {"type": "switch", "cases": [{"when": True, "next": [draw(st.sampled_from(free))]}]}
    if kind == "parallel" and (inside := take(draw, free, 3)):
        return {"type": "parallel", "steps": inside}
    if kind == "loop" and (inside := take(draw, free, 3)):
        return {"type": "loop", "body": inside, "until": True}
    return {"type": "job"}


def take(draw: st.DrawFn, free: list[str], most: int) -> list[str]:
    """Some of what is free, which it is no longer."""
    taken = draw(st.lists(st.sampled_from(free), max_size=most, unique=True)) if free else []
    free[:] = [name for name in free if name not in taken]
    return taken


GRAPHS = st.dictionaries(st.sampled_from(NAMES), STEP, min_size=1) | sound() | sound()


def codes(steps: dict[str, Any]) -> set[str] | Definition:
    """What the document means, or what is wrong with it."""
    try:
        return compiled(prepare(json.dumps({"id": "x", "steps": steps})).canonical)
    except WorkflowInvalid as invalid:
        return {problem.code for problem in invalid.problems}


def parts(step: StepDef) -> tuple[str, ...]:
    spec = step.spec
    return spec.steps if isinstance(spec, ParallelSpec) else spec.body if isinstance(spec, LoopSpec) else ()


def began(definition: Definition) -> set[str]:
    """The steps that begin when every one of them is needed and none stands still: a judge of its own."""
    over: set[str] = set()
    started: set[str] = set()
    while True:
        ready = {
            name for name in definition.steps if name not in started and may_begin(definition, name, started, over)
        }
        ended = {name for name in started - over if set(parts(definition.steps[name])) <= over}
        if not ready and not ended:
            return started
        started |= ready
        over |= ended


def may_begin(definition: Definition, name: str, *done: set[str]) -> bool:
    step, (started, over) = definition.steps[name], done
    if step.handles or step.undoes:
        return (step.handles or step.undoes) in over
    if step.parent:
        group = definition.steps[step.parent]
        before = parts(group)[: parts(group).index(name)] if isinstance(group.spec, LoopSpec) else ()
        return step.parent in started and {*before, *step.depends_on} <= over
    return set(step.depends_on) <= over


@given(GRAPHS)
def test_what_is_accepted_can_run_to_its_end(steps: dict[str, Any]) -> None:
    found = codes(steps)
    if isinstance(found, Definition):
        assert began(found) == set(found.steps)
        place = {name: index for index, name in enumerate(found.order)}
        for step in found.steps.values():
            before = [*step.depends_on, *filter(None, (step.parent, step.handles, step.undoes))]
            assert all(place[other] < place[step.id] for other in before)
            assert set(step.dependents) == {name for name, each in found.steps.items() if step.id in each.depends_on}


@given(st.dictionaries(st.sampled_from(NAMES), SOME, min_size=1))
def test_dependencies_are_refused_exactly_where_they_go_round(dependencies: dict[str, list[str]]) -> None:
    known = {name: [other for other in others if other in dependencies] for name, others in dependencies.items()}
    found = codes({name: {"type": "job", "depends_on": others} for name, others in known.items()})
    try:
        graphlib.TopologicalSorter(known).prepare()
    except graphlib.CycleError:
        assert isinstance(found, set)
        assert "cycle" in found
        assert found <= {"cycle", "unreachable"}
    else:
        assert isinstance(found, Definition)


@given(
    st.dictionaries(st.sampled_from(NAMES), STEP, min_size=1), st.sets(st.sampled_from(NAMES)), st.sampled_from(NAMES)
)
def test_a_rerun_keeps_nothing_that_may_depend_on_what_runs_again(
    steps: dict[str, Any], done: set[str], name: str
) -> None:
    found = codes(steps)
    if isinstance(found, Definition) and name in found.steps:
        before = upstream(found, name)
        assert outermost(found, name) not in before
        assert kept(found, name, done) <= before & done
        assert all(upstream(found, other) <= before for other in before)
        assert not set(after(found, [outermost(found, name)])) & before


def after(definition: Definition, names: Iterable[str]) -> list[str]:
    """What depends on these, directly or not."""
    ahead = list(names)
    for name in ahead:
        ahead += [other for other in definition.steps[name].dependents if other not in ahead]
    return ahead
