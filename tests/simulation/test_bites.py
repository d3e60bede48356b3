"""That the simulator finds what somebody might have done wrong, and says where."""

import pytest

from tests.simulation.bugs import BUGS, Bug
from tests.simulation.simulate import Failed, simulate

MOST = 150
"""Seeds in which a bug must show."""


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.planted.__name__)
def test_it_finds(bug: Bug) -> None:
    with pytest.MonkeyPatch.context() as patch:
        bug.planted(patch)
        failure = _found(bug)
    assert failure.breaks in bug.breaks, str(failure)
    seed = failure.seed
    assert str(failure).startswith(f"seed {seed} breaks {failure.breaks}: ")
    assert f"make simulate SEED={seed}\n" in str(failure)
    simulate(seed, faults=bug.faults)  # without the bug nothing is wrong with it


def _found(bug: Bug) -> Failed:
    for seed in range(bug.first, bug.first + MOST):
        try:
            simulate(seed, faults=bug.faults)
        except Failed as failure:
            return failure
    pytest.fail(f"Expected {bug.planted.__name__} to break {bug.breaks} in one of {MOST} seeds, but nothing broke.")
