"""A process that looks for garbage rarely still finds it."""

import subprocess
import sys

SCRIPT = """
import gc, weakref
from foldgate.runtime.garbage import look_rarely

class Knot:
    def __init__(self):
        self.itself = self

look_rarely()
assert gc.get_freeze_count() > 1_000, "what is loaded is left out"
knots = [weakref.ref(Knot()) for _ in range(100_000)]
print(sum(knot() is not None for knot in knots))
"""


def test_what_refers_to_itself_goes_in_time() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True, timeout=60)
    assert int(done.stdout) < 50_000
