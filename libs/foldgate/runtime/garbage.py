"""How often this process looks for garbage that counting references does not find.

Python looks after every 700 new objects, and now and then through all there are: what a service has loaded and folded,
which stays to the end. At work that was 8 % of a suite's processor time, with pauses of up to 0.1 s. Hardly anything
refers to itself; so what is there once a service is ready is left out, and the rest is looked at more rarely.
"""

import gc

_YOUNG = 20_000


def look_rarely() -> None:
    """For the rest of this process's life; called once all is loaded."""
    gc.freeze()
    gc.set_threshold(_YOUNG, *gc.get_threshold()[1:])
