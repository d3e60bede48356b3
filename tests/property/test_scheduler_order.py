"""A pool against lists that are looked through from one end to the other: the same job is next, each time.

The lists are `tests/support/oracle/pool.py`; what happens to both, in the order of a seed, `pool_world.py` beside it.
Among that are other owners, who go on from a checkpoint or from the log. That they bite, `planted.py` shows.
"""

from collections.abc import Callable

import pytest

from tests.support.oracle.planted import PLANTED
from tests.support.oracle.pool import WrongTurn
from tests.support.oracle.pool_world import World
from tests.support.thorough import daily

HISTORIES = daily(100, thorough=5000)
TURNS = 150
MOST = 60
"""Seeds in which a bug must show."""


@pytest.mark.parametrize("seed", range(HISTORIES))
def test_the_same_is_next(seed: int) -> None:
    World(seed).play(TURNS)


@pytest.mark.parametrize("planted", PLANTED, ids=lambda planted: planted.__name__)
def test_it_finds(planted: Callable[[pytest.MonkeyPatch], None]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        planted(patch)
        seed = next((seed for seed in range(MOST) if _is_wrong(seed)), None)
    assert seed is not None, f"{planted.__doc__} Nobody noticed it in {MOST} histories."
    World(seed).play(TURNS)  # without the bug nothing is wrong with it


def _is_wrong(seed: int) -> bool:
    try:
        World(seed).play(TURNS)
    except WrongTurn:
        return True
    return False
