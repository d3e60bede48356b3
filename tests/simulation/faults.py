"""What may go wrong in one simulation, and how often: one value, drawn from the seed."""

import random
from typing import NamedTuple


class Faults(NamedTuple):
    """Weights of what happens beside the work, and chances of what happens in it. All zero: nothing goes wrong."""

    crash: float = 0
    """A process dies between any two steps of whatever it is about."""
    pause: float = 0
    """A process stands still in the middle of things, and goes on as if nothing had been."""
    outage: float = 0
    """All processes of one service are gone for a while."""
    rebalance: float = 0
    """A partition is given to another process; who had it hears of it late."""
    lost_checkpoint: float = 0
    """A checkpoint is gone, or an older one is there again."""
    stall: float = 0
    """One source reaches one reader late, while others go on."""
    unavailable: float = 0
    """The log refuses an operation, before it took effect or after."""
    duplicate: float = 0
    """What is submitted lies there twice, at once or later."""
    noise: float = 0
    """What a replaced owner appends lies on the log, and does not count."""
    liars: float = 0
    """A worker says what is not so: twice, of another's lease, late, or that it failed."""
    lost_work: float = 0
    """A worker is gone with what it had."""
    failing: float = 0
    """A job fails."""
    skew_ms: int = 0
    """How far clocks differ."""

    @classmethod
    def drawn(cls, rng: random.Random) -> "Faults":
        """Each kind of fault is there in most seeds, and missing in some: what hides behind one is found without it."""

        def some(most: float) -> float:
            return rng.choice([0.0, most / 4, most / 2, most])

        return cls(
            crash=some(3),
            pause=some(3),
            outage=some(1),
            rebalance=some(5),
            lost_checkpoint=some(3),
            stall=some(4),
            unavailable=some(0.004),
            duplicate=some(0.1),
            noise=some(1),
            liars=some(0.4),
            lost_work=some(0.1),
            failing=some(0.2),
            skew_ms=rng.choice([0, 100, 5_000, 60_000]),
        )


NONE = Faults()
"""How a simulation ends: what is over then is over for good."""
