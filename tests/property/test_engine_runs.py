"""Runs of made-up workflows in a made-up world: whatever happens, they mean what the language says, and end once.

`FOLDGATE_THOROUGH=1` takes many more seeds. A failure shows its seed, the smallest document that still fails, and what
happened; `played(Case(seed=…, size=…, …))` plays it again.
"""

import random

import pytest

from tests.support.outside import CALM, Temper
from tests.support.playing import Case, check, folds_alike, played
from tests.support.thorough import daily

SIZES = (1, 2, 3, 5, 8, 13, 21, 40)
WILD = Temper()
ROUGH = Temper(
    failing=0.4, denying=0.1, losing=0.2, silent=0.1, cancelling=0.3, pausing=0.3, meddling=0.6, rejecting=0.1
)
LOSSY = Temper(failing=0.2, losing=0.8, cancelling=0.05, slowest_ms=2_000)
STEADY = Temper(
    denying=0, cancelling=0, pausing=0, meddling=0, silent=0, rejecting=0, losses=("worker_lost", "writ_expired")
)


def seeds(few: int, many: int) -> list[int]:
    return list(range(daily(few, thorough=many)))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("temper", [CALM, WILD, ROUGH, LOSSY], ids=["calm", "wild", "rough", "lossy"])
def test_whatever_happens_a_run_means_what_the_language_says(size: int, temper: Temper) -> None:
    for seed in seeds(20, 500):
        check(Case(seed=seed, size=size, temper=temper))


@pytest.mark.parametrize("seed", seeds(4, 60))
def test_so_do_large_ones(seed: int) -> None:
    check(Case(seed=seed, size=200, temper=WILD))


def test_so_does_the_child_of_another() -> None:
    for seed in seeds(40, 1000):
        check(Case(seed=4000 + seed, size=random.Random(seed).choice(SIZES), temper=ROUGH, is_child=True))


def test_so_does_one_that_has_more_events_than_it_may() -> None:
    for seed in seeds(30, 500):
        check(Case(seed=5000 + seed, size=40, temper=WILD, most_events=random.Random(seed).randint(5, 100)))


@pytest.mark.parametrize("seed", seeds(25, 400))
def test_a_history_folds_the_same_at_once_and_in_pieces_and_from_any_checkpoint(seed: int) -> None:
    size = random.Random(seed).choice([3, 10, 30])
    check(Case(seed=1000 + seed, size=size, temper=WILD), also=folds_alike)


@pytest.mark.parametrize("echo", ["at_once", "later"])
@pytest.mark.parametrize("seed", seeds(15, 300))
def test_any_message_that_comes_again_adds_nothing(seed: int, echo: str) -> None:
    temper = Temper(repeating=0, echo_at_once=echo == "at_once", echo_later=echo == "later")
    size = random.Random(seed).choice([2, 8, 25])
    check(Case(seed=2000 + seed, size=size, temper=temper))


@pytest.mark.parametrize("seed", seeds(12, 300))
def test_who_is_first_makes_no_difference_where_outcomes_do_not_hang_on_it(seed: int) -> None:
    size = random.Random(seed).choice([3, 8, 20])
    ends = [
        played(Case(seed=3000 + seed, size=size, temper=STEADY, steady=True, timing=timing)).ending()
        for timing in range(4)
    ]
    assert ends[1:] == ends[:-1]
