"""A plugin for pytest: each worker measures the coverage of the core, while it runs the tests that are to show it.

    python -m pytest -p tests.support.measuring -n 2 && coverage combine && coverage report

The core is pure, so its branches are reached by tests of its own, each with its example. What drives it at length, at
random or through a server proves other things, and would take thrice as long if it were measured.
"""

import os

import coverage
import pytest

MEASURED = ("tests/unit/", *(f"tests/contract/test_{name}.py" for name in ("codec", "codec_hostile", "registry")))


class Measuring:
    """What of this process is measured. It begins at once: the lines of a module are run when it is imported."""

    def __init__(self) -> None:
        self._coverage = coverage.Coverage(data_suffix=True)
        self._coverage.start()
        self._on = True

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> None:
        """Measure the next test, or do not."""
        if (wanted := item.nodeid.startswith(MEASURED)) != self._on:
            self._on = wanted
            (self._coverage.start if wanted else self._coverage.stop)()

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self) -> None:
        """Keep what was seen, in a file beside those of the other workers."""
        self._coverage.stop()
        self._coverage.save()


if "PYTEST_XDIST_WORKER" in os.environ:
    measuring = Measuring()


def pytest_configure(config: pytest.Config) -> None:
    """Take part in a worker's session; who hands out the tests runs none."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        config.pluginmanager.register(measuring)
