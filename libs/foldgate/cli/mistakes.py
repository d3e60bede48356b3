"""What went wrong, in one line: nobody who uses the command line is shown a stack trace unless he asks for it.

Exceptions of this project are written for people, so their text is the line. Anything else is a fault of ours, and the
line says so. Exit codes: 1 the world or the run failed, 2 what was asked cannot be done as asked.
"""

import os
import sys
import traceback

from foldgate.cli.terminal import complain

FAILED, UNUSABLE = 1, 2


class CannotGoOn(Exception):
    """The text says what was expected, what was found, and what to do."""

    exit_code = FAILED


class AskedWrongly(CannotGoOn):
    """What was asked makes no sense, or cannot be done so."""

    exit_code = UNUSABLE


def report(error: Exception, *, debug: bool) -> int:
    """Say what went wrong; returns the exit code."""
    if isinstance(error, BrokenPipeError):
        return _nobody_reads()
    if debug:
        traceback.print_exception(error)
    complain(explained(error))
    return exit_code(error)


def explained(error: Exception) -> str:
    """The error as a line for people."""
    if type(error).__module__.partition(".")[0] == "foldgate" or isinstance(error, OSError):
        return str(error)
    kind = f"{type(error).__name__}: {error}".rstrip(": ")
    return f"A fault of Foldgate itself: {kind}. `foldgate --debug …` shows where; please report it."


def exit_code(error: Exception) -> int:
    """The exit code that goes with the error."""
    if isinstance(error, CannotGoOn):
        return error.exit_code
    return UNUSABLE if type(error).__name__ in _UNUSABLE else FAILED


_UNUSABLE = frozenset({"SettingsInvalid", "PortInUse", "FolderInUse", "FolderUnusable", "UnknownStream", "RunGoesOn"})
"""By name: an import of each would make every command slow to start."""


def _nobody_reads() -> int:
    """The other end of a pipe is closed (`| head`): no reason to complain, now or when the interpreter ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0
