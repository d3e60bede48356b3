"""`script` steps that start others: nothing of them is left, whoever ends them."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from foldgate.sdk.builtin import processes
from foldgate.sdk.builtin.processes import Limits
from tests.support.script_steps import Write, folder, run, write
from tests.support.waiting import tick, until

__all__ = ["folder", "write"]

FAMILY = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
def spawn(leave):
    if os.fork() == 0:
        if leave:
            os.setsid()
            if os.fork():
                os._exit(0)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        with open({place!r}, 'a') as file:
            file.write(f"{{os.getpid()}}\\n")
        time.sleep(600)
spawn(False)
spawn(True)
with open({place!r}, 'a') as file:
    file.write(f"{{os.getpid()}}\\n")
while len(open({place!r}).read().split()) < 3:
    time.sleep(0.01)
{then}
"""


@pytest.fixture
def family(folder: Path, write: Write) -> Callable[[str], Path]:
    """A script with a child, and one that has left its group; all three write down who they are."""

    def written(then: str) -> Path:
        place = folder / "pids"
        place.touch()
        write(FAMILY.format(place=str(place), then=then))
        return place

    return written


def pids(place: Path) -> list[int]:
    return [int(line) for line in place.read_text().split()]


def alive(place: Path) -> list[int]:
    """Who has written there and still runs."""

    def runs(pid: int) -> bool:
        with contextlib.suppress(psutil.NoSuchProcess):
            return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
        return False

    return [pid for pid in pids(place) if runs(pid)]


async def test_what_it_leaves_behind_ends_with_it(folder: Path, family: Callable[[str], Path]) -> None:
    place = family("print('done')")
    assert (await run(folder)).output == "done\n"
    assert len(pids(place)) == 3
    assert alive(place) == []


async def test_what_takes_too_long_ends_with_all_it_began(folder: Path, family: Callable[[str], Path]) -> None:
    place = family("time.sleep(600)")
    done = await run(folder, {"script": "it", "timeout": "2s"})
    assert (done.code, done.retryable) == ("script_timeout", True)
    assert alive(place) == []


def running_it(folder: Path) -> asyncio.Task[processes.Ended]:
    """`it`, begun in the next turn of the loop."""
    running = processes.run(
        [str(folder / "it")],
        given=b"null",
        folder=folder,
        environment={},
        account=None,
        limits=Limits(),
        bounds=processes.Bounds(600, 1000),
    )
    return asyncio.create_task(running)


async def called_back(folder: Path, *, once: Callable[[], bool]) -> None:
    """Run `it`, and call it back once that is so."""
    working = running_it(folder)
    await until(once, what="it to begin")
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working


async def test_what_is_called_back_ends_with_all_it_began(folder: Path, family: Callable[[str], Path]) -> None:
    place = family("time.sleep(600)")
    await called_back(folder, once=lambda: len(pids(place)) == 3)
    assert alive(place) == []


@pytest.mark.parametrize("turns", range(2, 12))
async def test_what_is_called_back_while_it_begins_ends_with_all_it_began(
    folder: Path, family: Callable[[str], Path], turns: int
) -> None:
    """The loop is held up after so many turns, which are few, until all of the family is there."""
    place = family("time.sleep(600)")
    working = running_it(folder)
    await tick(turns)
    while len(pids(place)) < 3:
        os.sched_yield()
    working.cancel()
    async with asyncio.timeout(30):
        with pytest.raises(asyncio.CancelledError):
            await working
    assert alive(place) == []


async def test_who_is_asked_to_end_may_tidy_up(folder: Path, write: Write) -> None:
    begun, tidied = folder / "begun", folder / "tidied"
    write(
        "import signal, sys, time\n"
        f"def tidy(*_):\n    open({str(tidied)!r}, 'w').write('yes')\n    sys.exit(0)\n"
        f"signal.signal(signal.SIGTERM, tidy)\nopen({str(begun)!r}, 'w').close()\ntime.sleep(600)"
    )
    await called_back(folder, once=begun.exists)
    assert tidied.read_text() == "yes"


async def test_a_job_that_is_called_back_is_cancelled(folder: Path, write: Write) -> None:
    write("import time\ntime.sleep(600)")
    done = await run(folder, cancel_after=0.1)
    assert (done.code, done.retryable) == ("cancelled", False)


async def test_a_worker_that_is_killed_leaves_nothing(folder: Path, family: Callable[[str], Path]) -> None:
    place = family("time.sleep(600)")
    program = (
        "import asyncio, sys; from pathlib import Path; from foldgate.sdk import Worker;"
        " from foldgate.sdk.builtin.scripts import Scripts, ScriptTerms; from foldgate.sdk.testing import handle_sync;"
        " w = Worker('w'); w.kind('script')(Scripts(ScriptTerms(folder=Path(sys.argv[1]))));"
        " handle_sync(w, 't', {'script': 'it'}, asked={'kind': 'script'})"
    )
    environment = {**os.environ, "TMPDIR": str(folder)}  # whoever is killed tidies nothing up
    worker = await asyncio.create_subprocess_exec(sys.executable, "-c", program, str(folder), env=environment)
    await until(lambda: len(alive(place)) == 3, what="the family to be there", within_s=30)
    worker.send_signal(signal.SIGKILL)
    await worker.wait()
    await until(lambda: not alive(place), what="all of it to end")


async def test_a_worker_that_is_stopped_leaves_nothing(folder: Path, family: Callable[[str], Path]) -> None:
    """Its job is soon given to another, which must not do it at the same time."""
    place = family("time.sleep(600)")
    program = (
        "import asyncio, sys; from pathlib import Path; from foldgate.sdk.builtin.processes import Bounds, Limits, run;"
        " at = Path(sys.argv[1]);"
        " print(asyncio.run(run([str(at / 'it')], given=b'', folder=at, environment={}, account=None, limits=Limits(),"
        " bounds=Bounds(600, 9, silence_ms=1500))).how)"
    )
    worker = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", program, str(folder)), stdout=asyncio.subprocess.PIPE
    )
    await until(lambda: len(alive(place)) == 3, what="the family to be there", within_s=30)
    worker.send_signal(signal.SIGSTOP)
    await until(lambda: not alive(place), what="all of it to end")
    worker.send_signal(signal.SIGCONT)
    said, _ = await worker.communicate()
    assert said == b"silent\n"


async def test_a_silence_that_is_broken_ends_nothing(folder: Path, write: Write) -> None:
    write("import time\ntime.sleep(1)")
    ended = await processes.run(
        [str(folder / "it")],
        given=b"",
        folder=folder,
        environment={},
        account=None,
        limits=Limits(),
        bounds=processes.Bounds(600, 9, silence_ms=800),
    )
    assert (ended.how, ended.number) == ("exit", 0)


async def test_a_supervisor_that_is_killed_is_a_lost_script(folder: Path, write: Write) -> None:
    write("import os, time\nos.kill(os.getppid(), 9)\ntime.sleep(600)")
    done = await run(folder)
    assert (done.code, done.retryable) == ("script_lost", True)


async def test_policy_says_how_long(folder: Path, family: Callable[[str], Path]) -> None:
    place = family("time.sleep(600)")
    done = await run(folder, constraints={"max_runtime_ms": 2000})
    assert (done.code, done.breaches) == ("constraint_breached", ["max_runtime_ms"])
    await until(lambda: not alive(place), what="all of it to end")
