"""Where expressions may stand in a document, what they may read there, and what they must give."""

from collections.abc import Iterator
from functools import singledispatch
from typing import Any, NamedTuple

from foldgate.language.findings import Path
from foldgate.language.graph import Graph
from foldgate.language.models import (
    NOT_GIVEN,
    AnyStep,
    ConditionStep,
    DelayStep,
    LoopStep,
    NotifyStep,
    StorageStep,
    SwitchStep,
    TransformStep,
    WaitStep,
    WorkflowDocument,
)

START = frozenset(("input", "run", "now"))
RUN = START | {"ctx", "steps"}
ITEM = frozenset(("item", "index"))
LOOP = frozenset(("loop",))
TRUTH = frozenset(("BOOL", "DYN"))
LIST = frozenset(("LIST", "DYN"))
LENGTH = frozenset(("STRING", "INT", "DURATION", "DYN"))
TIME = frozenset(("STRING", "INT", "TIMESTAMP", "DYN"))
SAID = {TRUTH: "true or false", LIST: "a list", LENGTH: "a duration", TIME: "a time"}


class Written(NamedTuple):
    """A value that may have expressions. `step` is empty where it belongs to the run; `gives` the types one of them
    may have, where it is nothing but one, and `whole` that it must be. `body`: it sees the body of its own loop."""

    path: Path
    source: Any
    names: frozenset[str]
    step: str = ""
    gives: frozenset[str] | None = None
    whole: bool = False
    body: bool = False


class _Own(NamedTuple):
    """A value that only one type of step has."""

    path: Path
    source: Any
    gives: frozenset[str] | None = None
    whole: bool = False
    body: bool = False


def written(document: WorkflowDocument, graph: Graph, *, whole: bool) -> Iterator[Written]:
    """Every such value. Where the document is not whole, nobody knows what is around a step."""
    if document.concurrency is not None:
        yield Written(("concurrency", "key"), document.concurrency.key, START)
    yield Written(("output",), document.output, RUN)
    for name, step in document.steps.items():
        outside = RUN | (_around(graph, name) if whole else ITEM | LOOP)
        yield from _of_step(name, step, outside)


def _around(graph: Graph, name: str) -> frozenset[str]:
    """What the groups around a step add to its scope. What undoes a step with for_each undoes one item."""
    names: frozenset[str] = frozenset()
    while above := graph.parent.get(name) or graph.owner(name):
        if graph.steps[above].for_each is not None and name not in graph.handles:
            names |= ITEM
        if graph.is_loop(above) and name in graph.parent:
            names |= LOOP
        name = above
    return names


def _of_step(name: str, step: AnyStep, outside: frozenset[str]) -> Iterator[Written]:
    at: Path = ("steps", name)
    inside = outside | (ITEM if step.for_each else frozenset())
    yield Written((*at, "when"), step.when, outside, name, TRUTH, whole=True)
    yield Written((*at, "input"), step.input, inside, name)
    if step.for_each is not None:
        yield Written((*at, "for_each", "items"), step.for_each.items, outside, name, LIST, whole=True)
    for own in _own(step):
        names = inside | LOOP if own.body else inside
        yield Written((*at, *own.path), own.source, names, name, own.gives, own.whole, own.body)


@singledispatch
def _own(step: AnyStep) -> Iterator[_Own]:
    """The values that only this type of step has: most have none."""
    del step
    return iter(())


@_own.register
def _wait(step: WaitStep) -> Iterator[_Own]:
    yield _Own(("match",), step.match)


@_own.register
def _delay(step: DelayStep) -> Iterator[_Own]:
    yield _Own(("delay",), step.delay, LENGTH)
    yield _Own(("until",), step.until, TIME)


@_own.register
def _condition(step: ConditionStep) -> Iterator[_Own]:
    yield _Own(("expression",), step.expression, TRUTH, whole=True)


@_own.register
def _switch(step: SwitchStep) -> Iterator[_Own]:
    yield _Own(("expression",), step.expression, None, whole=True)
    for index, case in enumerate(step.cases):
        yield _Own(("cases", index, "when"), case.when, TRUTH, whole=True)
        yield _Own(("cases", index, "match"), None if case.match is NOT_GIVEN else case.match)


@_own.register
def _loop(step: LoopStep) -> Iterator[_Own]:
    """Its conditions see the iteration that is over."""
    yield _Own(("while",), step.while_, TRUTH, whole=True, body=True)
    yield _Own(("until",), step.until, TRUTH, whole=True, body=True)


@_own.register
def _transform(step: TransformStep) -> Iterator[_Own]:
    yield _Own(("output",), step.output)


@_own.register
def _storage(step: StorageStep) -> Iterator[_Own]:
    for name, value in (step.set or {}).items():
        yield _Own(("set", name), value)


@_own.register
def _notify(step: NotifyStep) -> Iterator[_Own]:
    yield _Own(("channel",), step.channel)
    yield _Own(("message",), step.message)
    yield _Own(("level",), step.level)
