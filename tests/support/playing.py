"""Plays a made-up run to its end; where it fails, finds the smallest document that still does, and shows it."""

import contextlib
from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any, NamedTuple

import msgspec

from foldgate.contracts.events import (
    Ancestor,
    ChildRequested,
    Event,
    JobRequested,
    Meta,
    RunRequested,
    WorkflowPublished,
)
from foldgate.decider.decider import Decider, Tick, fold
from foldgate.engine.runs.decide import runs
from foldgate.language.definition import Definition
from foldgate.language.definitions import Definitions
from foldgate.language.publish import WorkflowInvalid, prepare
from tests.support.answering import answer
from tests.support.documents import CHILD, INPUT, Document, document, written
from tests.support.keeping import kept_again
from tests.support.keys import ANYBODY, from_anybody
from tests.support.oracle.beginning import awaits_policy
from tests.support.oracle.story import must
from tests.support.outside import BEGINNING_MS, CALM, CANCEL_GRACE_MS, MAX_LOST, PARENT, Outside, Temper, request

Also = Callable[["Played"], None]
CHILD_DOCUMENT = f"id: {CHILD}\nsteps: {{only: {{type: transform, output: 1}}}}\n"
MOST_TRIALS = 150
MOST_SHOWN = 12


class Case(NamedTuple):
    """One run: which document, in what world, and with what luck; on its own, or as the child of another."""

    seed: int
    size: int
    temper: Temper = CALM
    steady: bool = False
    timing: int = 0
    is_child: bool = False
    most_events: int = 50_000


class Failed(AssertionError):
    """A run did what it should not: the text has all that is needed to see it again."""


class Played(NamedTuple):
    """A run that has been played to its end."""

    decider: Decider[Any]
    definition: Definition
    outside: Outside

    @property
    def history(self) -> list[tuple[Meta, Event]]:
        return self.outside.told.history

    def ending(self) -> dict[str, Any]:
        """How the run ended, and each of its steps at the top."""
        story, reading = self.outside.oracle.story, self.outside.oracle.reading
        tops = {str(place): (story.of(place).status, _told(reading.output(place))) for place in reading.shape.tops()}
        return {"run": type(story.final).__name__, **tops}


def _told(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def played(case: Case, made: Document | None = None) -> Played:
    """Play a case to its end, of its own document or of another."""
    made = document(case.seed, size=case.size, steady=case.steady) if made is None else made
    outside = _outside(case, made)
    outside.play(answer)
    story, definition = outside.oracle.story, outside.oracle.reading.definition
    must(story.final is not None, "the run is over, but has no end")
    waits = story.start is not None and story.start.awaits_admission
    must(waits == awaits_policy(definition), f"the run says that it waits for policy: {waits}")
    return Played(outside.decider, outside.oracle.reading.definition, outside)


def _outside(case: Case, made: Document) -> Outside:
    definitions, definition = published(written(made))
    decider = runs(
        definitions,
        max_lost=MAX_LOST,
        cancel_grace_ms=CANCEL_GRACE_MS,
        wait_noted_after_ms=60_000,
        max_events=case.most_events,
        genuine=from_anybody,
        vouching=ANYBODY,
    )
    asked = request(definition.workflow, INPUT)
    outside = Outside(decider, definition, request=asked, seed=case.seed, timing=case.timing, temper=case.temper)
    if case.is_child:
        outside.send("children", _asked_by_parent(outside.run, definition, asked), after=0, name="start", of=PARENT)
    else:
        outside.send("intake", asked, after=0, name="start")
    return outside


def _asked_by_parent(run: str, definition: Definition, asked: RunRequested) -> ChildRequested:
    return ChildRequested(
        step="above",
        child_run=run,
        workflow=definition.workflow,
        version=definition.version,
        digest=definition.digest,
        input=asked.input,
        ancestors=(Ancestor(run_id=PARENT, workflow="parent"),),
    )


def published(source: str) -> tuple[Definitions, Definition]:
    """A table with that workflow and the one that its children run, and its definition."""
    definitions = Definitions()
    for text in (CHILD_DOCUMENT, source):
        prepared = prepare(text)
        definitions.add(
            "acme",
            WorkflowPublished(
                workflow=prepared.workflow,
                version=prepared.version,
                digest=prepared.digest,
                definition=prepared.canonical,
            ),
        )
    definition = definitions.latest("acme", "made")
    assert definition is not None
    return definitions, definition


def check(case: Case, also: Also | None = None) -> None:
    """Play a case; where it fails, say so with the smallest document that does."""
    made = document(case.seed, size=case.size, steady=case.steady)
    failure = _failure(case, made, also)
    if failure is None:
        return
    small = smallest(case, made, also)
    raise Failed(shown(case, small, _failure(case, small, also) or failure))


def _failure(case: Case, made: Document, also: Also | None) -> Exception | None:
    try:
        done = played(case, made)
        if also is not None:
            also(done)
    except Exception as error:  # noqa: BLE001 - whatever it was, it is what is looked for
        return error
    return None


def smallest(case: Case, made: Document, also: Also | None) -> Document:
    """The document without all that it fails without."""
    trials = MOST_TRIALS
    again = True
    while again and trials > 0:
        again = False
        for smaller in _smaller(made):
            trials -= 1
            error = _failure(case, smaller, also)
            if error is not None and not isinstance(error, WorkflowInvalid):
                made, again = smaller, True
                break
            if trials <= 0:
                break
    return made


def _smaller(made: Document) -> Iterator[Document]:
    """Each document that has a step, or something about a step, less."""
    for name in reversed(made["steps"]):
        if len(made["steps"]) > 1:
            yield _without(made, name)
    for key in [key for key in made if key not in {"id", "steps"}]:
        yield {other: value for other, value in made.items() if other != key}
    for name, terms in made["steps"].items():
        for key in [key for key in terms if key not in {"type", "steps", "body", "cases"}]:
            smaller = deepcopy(made)
            del smaller["steps"][name][key]
            yield smaller


def _without(made: Document, name: str) -> Document:
    """The document without a step, and without the mention of it."""
    smaller = deepcopy(made)
    gone = smaller["steps"].pop(name)
    for terms in smaller["steps"].values():
        _forget(terms, name, instead=gone.get("depends_on", []))
    if name in str(smaller.get("output")):
        del smaller["output"]
    return smaller


def _forget(terms: dict[str, Any], name: str, *, instead: list[str]) -> None:
    for key in ("on_error", "compensate", "default"):
        if terms.get(key) == name:
            del terms[key]
    for key in ("steps", "body", "depends_on", "default"):
        if name in terms.get(key, ()) and isinstance(terms[key], list):
            more = [one for one in instead if one not in terms[key]] if key == "depends_on" else []
            terms[key] = [one for one in terms[key] if one != name] + more
    for case in terms.get("cases", ()):
        if isinstance(case["next"], list):
            case["next"] = [one for one in case["next"] if one != name]


def shown(case: Case, made: Document, failure: Exception) -> str:
    """A failure with its seed, its document and what happened."""
    lines = [f"{type(failure).__name__}: {failure}", f"{case}", written(made).rstrip(), *_events(case, made)]
    return "\n".join(lines)


def _events(case: Case, made: Document) -> Iterator[str]:
    """What happened, one line a decision: the time since the beginning, what was heard, what was said."""
    outside = _outside(case, made)
    with contextlib.suppress(Exception):
        outside.play(answer)
    for decision in outside.told.decisions[-60:]:
        yield f"{decision.at - BEGINNING_MS:>8} {brief(decision.message)}"
        for _, event in decision.said[:MOST_SHOWN]:
            yield f"           -> {brief(event)}"
        if len(decision.said) > MOST_SHOWN:
            yield f"           -> and {len(decision.said) - MOST_SHOWN} more"


def brief(event: Any) -> str:
    """An event in a few words: its name, and what it says besides long texts."""
    if isinstance(event, Tick):
        return "Tick"
    if isinstance(event, JobRequested):
        return f"JobRequested {event.job.job_id} {event.after} {event.job.input[:60]}"
    told = {name: value for name, value in msgspec.structs.asdict(event).items() if value and name not in _LEFT_OUT}
    return f"{type(event).__name__} " + " ".join(f"{name}={str(value)[:80]}" for name, value in told.items())


_LEFT_OUT = frozenset({"worker", "lease", "message", "policy_snapshot", "request_hash", "by", "binding"})


def folds_alike(done: Played) -> None:
    """A history gives the same state folded at once, piece by piece, and on from what a checkpoint kept."""
    decider, history = done.decider, done.history
    state: Any = None
    kept: Any = None
    for number, (meta, event) in enumerate(history):
        state = decider.evolve(state, meta, event)
        kept = kept_again(decider, decider.evolve(kept, meta, event))
        must(kept == state, f"after event {number}, {type(event).__name__}, a checkpoint is another state")
    must(fold(decider, history) == state, "folded at once, the history gives another state")
    half = len(history) // 2
    must(fold(decider, history[half:], fold(decider, history[:half])) == state, "folded in pieces, another state")
