"""Policy changes at any moment, people and strangers do what they like, clocks differ by minutes: nothing is done
without a live writ of the policy that holds, nothing that it denies or that too few have allowed, and nobody waits for
ever.

The services are the real ones (`tests/support/governing.py`). What policy says of a job is read a second time, by
`tests/support/ruling.py`. A failure shows its seed.
"""

from collections import Counter

import pytest

from tests.support.governing import World
from tests.support.thorough import daily
from tests.support.upholding import Watching

SEEDS = range(daily(40, thorough=3000))
TURNS = 900
MUST_HAPPEN = (
    "ApprovalGranted",
    "JobDenied",
    "JobLost",
    "JobReportIgnored",
    "PolicyRefused",
    "RunCancelled",
    "RunRejected",
    "VoteRefused",
    "WritRevoked",
    "writ_stale",
)


@pytest.mark.parametrize("part", range(2))
def test_whatever_happens_policy_holds(part: int) -> None:
    seen: Counter[str] = Counter()
    for seed in SEEDS[part::2]:
        watching = Watching()
        world = World(seed, watching)
        try:
            world.play(TURNS)
            watching.at_rest(world)
        except Exception as error:
            error.add_note(f"seed {seed}")
            raise
        seen += watching.seen
    assert not [name for name in MUST_HAPPEN if not seen[name]], "else this says nothing of it"
