"""What every test gets: coroutine tests run, and the servers of `foldgate.testing` are offered as fixtures.

A coroutine test gets an event loop of its own, made before it and closed after it, so that no task, no connection
and no timer of one test reaches the next. A plugin for that would be one more dependency with modes of its own:
the whole of what we need is the hook below.
"""

import asyncio
import inspect
import sys

import pytest
from hypothesis import settings

from tests.support.thorough import THOROUGH

pytest_plugins = ["foldgate.testing.plugin"]

_broken: list[str] = []

# No deadline: the machine may have other things to do, and pytest-timeout bounds every test. The same examples every
# day, so that what fails can be made again and the coverage of the core is no matter of luck; others if there is time.
settings.register_profile("foldgate", deadline=None, derandomize=not THOROUGH)
settings.load_profile("foldgate")


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run `async def` tests to their end; leave all others to pytest."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    wanted = pyfuncitem._fixtureinfo.argnames
    asyncio.run(pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in wanted}))
    return True


def pytest_internalerror(excrepr: object) -> None:
    """Remember what broke pytest itself, or one of its processes: it is told where it happened, far up the page."""
    _broken.append(str(excrepr))


@pytest.hookimpl(trylast=True)
def pytest_unconfigure() -> None:
    """Tell the first of it again, as the last thing there is to read: the others follow from it."""
    for error in _broken[:1]:
        sys.stdout.write(f"\nWhat broke pytest first:\n{error}\n")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """How long what failed took to go on, where a test recorded that (`record_property`); nothing is judged by it."""
    passed = terminalreporter.getreports("passed")
    took = [(test.nodeid, *said) for test in passed for said in test.user_properties if isinstance(said[1], float)]
    if took:
        terminalreporter.section("seconds until things went on")
    for test, name, value in took:
        terminalreporter.line(f"{value:8.2f}  {name}  ({test})")
