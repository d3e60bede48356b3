"""Backtests of random histories, counted a second time: each decision once, nothing told of what nobody can know."""

import random
from collections import Counter, defaultdict
from typing import NamedTuple

import pytest

from foldgate.authority.backtest import EVENTS, Backtest, Backtested
from foldgate.authority.deciding import decide
from foldgate.authority.facts import Facts, RunFacts, run_facts
from foldgate.authority.snapshot import Snapshot, snapshot_of
from foldgate.contracts.events import CaseClosed, Decision, Job, JobRequested, RunRejected, RunStarted
from tests.support.governing import World
from tests.support.hosting import Written
from tests.support.policies import version
from tests.support.redeciding import job_id_of
from tests.support.ruling import BUNDLES, bundle
from tests.support.thorough import daily

SEEDS = range(daily(6, thorough=120))
TURNS = 700


class History(NamedTuple):
    """What was asked and what was decided, each in its own order."""

    asked: list[Written]
    decided: list[Written]


def history_of(seed: int) -> History:
    """What happened in a suite whose policy changed all the time."""
    world = World(seed, lambda *_: None)
    world.play(TURNS)
    heard = (*EVENTS, CaseClosed)
    return History(*([one for one in world.streams.of(name) if isinstance(one.event, heard)] for name in STREAMS))


STREAMS = ("runs", "decisions")


def draft(rng: random.Random) -> Snapshot:
    """Some bundles that were never published."""
    return snapshot_of([version(bundle(name, rng)) for name in rng.sample(BUNDLES, rng.randint(1, 3))])


def interleaved(history: History, rng: random.Random) -> list[Written]:
    """The two streams, each in its own order."""
    ours = [list(history.asked), list(history.decided)]
    found: list[Written] = []
    while any(ours):
        found.append(rng.choice([one for one in ours if one]).pop(0))
    return found


def backtested(history: list[Written], snapshot: Snapshot) -> Backtested:
    subject = Backtest(snapshot)
    for one in history:
        subject.add(one.meta, one.event)
    return subject.result()


def counted(history: History, snapshot: Snapshot) -> Counter[str]:
    """The same, run by run, by the words of the design alone."""
    runs, jobs = dict[str, RunFacts](), dict[str, Job]()
    for one in history.asked:
        if isinstance(one.event, RunStarted):
            runs[one.meta.run_id] = run_facts(one.event, one.meta)
        elif isinstance(one.event, JobRequested):
            jobs[one.event.job.job_id] = one.event.job
    firsts: dict[str, dict[str, Written]] = defaultdict(dict)
    for one in history.decided:
        if getattr(one.event, "decision", None) is not None:
            firsts[one.meta.run_id].setdefault(job_id_of(one.event), one)
    found: Counter[str] = Counter(runs=len(firsts))
    for run_id, decided in firsts.items():
        rejected = any(isinstance(one.event, RunRejected) for one in decided.values())
        about = [Facts(runs[run_id], jobs[name] if name and not rejected else None) for name in decided]
        same = [_is_same(one, facts, snapshot) for one, facts in zip(decided.values(), about, strict=True)]
        first = same.index(False) if False in same else len(same)
        found += Counter(same=first)
        if first < len(same):
            found += Counter(changed=1, runs_changed=1, unknown=len(same) - first - 1)
    return found


def _is_same(one: Written, facts: Facts, snapshot: Snapshot) -> bool:
    was, terms = getattr(one.event, "decision", None), getattr(one.event, "terms", None)
    assert isinstance(was, Decision)
    now = decide(snapshot, facts, phase="submit" if facts.job is None else "dispatch")
    as_before = (was.decision, was.constraints) == (now.decision, now.constraints)
    return as_before and (terms is None or now.terms is None or terms == now.terms.text())


def check(seed: int) -> Backtested:
    rng, history = random.Random(seed), history_of(seed)
    snapshot = draft(rng)
    found, wanted = backtested(interleaved(history, rng), snapshot), counted(history, snapshot)
    names = ("same", "changed", "unknown", "runs", "runs_changed")
    assert {name: getattr(found, name) for name in names} == {name: wanted[name] for name in names}
    assert found.aside == 0
    assert sum(change.times for change in found.changes) == found.changed
    again = backtested([*history.decided, *history.asked], snapshot)
    assert (again.same, again.changed, again.unknown) == (found.same, found.changed, found.unknown)
    return found


@pytest.mark.parametrize("part", range(3))
def test_each_decision_is_counted_once_and_nothing_after_a_change_is_known(part: int) -> None:
    seen: Counter[str] = Counter()
    for seed in SEEDS[part::3]:
        try:
            found = check(seed)
        except Exception as error:
            error.add_note(f"seed {seed}")
            raise
        seen.update(same=found.same, changed=found.changed, unknown=found.unknown)
    assert min(seen.values()) > 0, "else this says nothing of it"
