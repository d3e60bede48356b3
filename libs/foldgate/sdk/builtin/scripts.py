"""The handler of `script` steps: a script out of the worker's folder of scripts, as a process under limits.

A step names a script, and gives it arguments and an input; it gives no text to be run, no variables and no shell. The
script reads the input as JSON from its standard input. What it prints is the output: a value where that is JSON, else a
text. It fails by its exit code; the last line that it writes to its standard error may say more, as JSON:
`{"code": "no_such_row", "message": "…", "retryable": false, "retry_after": 5}`.
"""

import asyncio
import os
import re
import shutil
import signal
import stat
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec

from foldgate.sdk.beats import A_LEASE
from foldgate.sdk.builtin import processes
from foldgate.sdk.builtin.asked import ScriptAsked, asked_in, invalid, seconds
from foldgate.sdk.builtin.processes import Bounds, Ended, Limits, TookTooLong
from foldgate.sdk.errors import Fatal, JobError, Retryable, WorkerUnfit
from foldgate.sdk.job import Job
from foldgate.servers.account import Account

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")
_MOST_ARGUMENTS = 64 * 1024
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_TOLD_CHARACTERS = 1000
_CODE = re.compile("[a-z][a-z0-9_]{0,99}")
_BY_LIMIT: dict[int, tuple[str, str]] = {
    signal.SIGXCPU: ("cpu_limit", "Expected it to use less of the processor, but it went on."),
    signal.SIGXFSZ: ("file_size_limit", "Expected its files to be smaller, but it wrote on."),
}


class ScriptTerms(msgspec.Struct, frozen=True, kw_only=True):
    """What the worker's owner allows. `account` is who runs them; None for whoever the worker is."""

    folder: Path
    account: Account | None = None
    limits: Limits = Limits()
    timeout_s: float = 300.0
    output_bytes: int = 1024 * 1024


class Said(msgspec.Struct, frozen=True):
    """What a script says of its failure."""

    code: str = ""
    message: str = ""
    retryable: bool = True
    retry_after: float | None = None


class Scripts:
    """Does `script` jobs."""

    def __init__(self, terms: ScriptTerms) -> None:
        self._terms, self._folder = terms, terms.folder.resolve()
        if not self._folder.is_dir():
            raise WorkerUnfit(f"Expected a folder of scripts at {terms.folder}, but there is none.")
        if _is_open_to_all(self._folder):
            raise WorkerUnfit(f"Expected {terms.folder} to be written by its owner alone, but anybody may: chmod o-w.")

    async def __call__(self, job: Job) -> Any:
        asked = asked_in(job.input, ScriptAsked)
        script, within_s = self._script(asked.script), seconds(asked.timeout, most=self._terms.timeout_s)
        _check_arguments(asked.args)
        _check_constraints(job)
        job.command([asked.script, *asked.args])
        async with self._own_folder() as folder:
            try:
                ended = await processes.run(
                    [str(script), *asked.args],
                    given=msgspec.json.encode(asked.input),
                    folder=folder,
                    environment=_environment(job, folder),
                    account=self._terms.account,
                    limits=self._terms.limits,
                    bounds=Bounds(within_s, self._terms.output_bytes, silence_ms=_silence_ms(job.lease_ms)),
                )
            except TookTooLong:
                message = f"Expected {asked.script} to end within {within_s:g} s, but it went on."
                raise Retryable("script_timeout", message) from None
        return self._output(asked.script, ended)

    def _script(self, name: str) -> Path:
        """The file of that name: in the folder, also where it is a link."""
        if not _NAME.fullmatch(name):
            raise invalid(f"script: Expected the name of a script, without its folder, but got '{name[:80]}'.")
        path = (self._folder / name).resolve()
        if not (path.is_relative_to(self._folder) and path.is_file()):
            raise Fatal(
                "no_such_script", f"Expected a script named '{name}' in this worker's folder, but there is none."
            )
        if not path.stat().st_mode & 0o111:
            raise Fatal("script_unusable", f"Expected '{name}' to be executable, but it is not: chmod +x.")
        if _is_open_to_all(path):
            raise Fatal("script_unusable", f"Expected '{name}' to be written by its owner alone, but anybody may.")
        return path

    @asynccontextmanager
    async def _own_folder(self) -> AsyncIterator[Path]:
        """A folder that is there while it runs, and its own."""
        folder = Path(tempfile.mkdtemp(prefix="foldgate-script-"))
        try:
            if self._terms.account is not None:
                os.chown(folder, self._terms.account.uid, self._terms.account.gid)
            yield folder
        finally:
            await asyncio.to_thread(_remove, folder)

    def _output(self, name: str, ended: Ended) -> Any:
        match ended.how:
            case "exit" if not ended.number:
                return _value(ended.out)
            case "exit":
                raise _failure(name, ended.number, ended.err)
            case "signal":
                raise _killed(name, ended.number, ended.err)
            case "loud":
                most = self._terms.output_bytes
                raise Fatal("output_too_large", f"Expected {name} to print at most {most} bytes, but there is more.")
            case "begin":
                who = self._terms.account.name if self._terms.account else "the user of this worker"
                why = os.strerror(ended.number)
                raise Fatal("script_unusable", f"Expected {who} to be able to start {name}, but: {why}.")
            case "silent":
                raise Retryable("script_lost", f"Expected this worker to go on, but it was stopped, and so was {name}.")
            case _:
                raise Retryable("script_lost", f"Expected to hear how {name} ended, but its supervisor was ended.")


def _silence_ms(lease_ms: int) -> int:
    """A worker that stands still has sent its last beat a quarter of a lease ago, at most; two thirds of one after it
    what it held may be another's."""
    return lease_ms * 2 // 3 - lease_ms // A_LEASE


def _killed(name: str, number: int, err: bytes) -> JobError:
    if number in _BY_LIMIT:
        code, message = _BY_LIMIT[number]
        return Fatal(code, _with(message, err))
    return Retryable(f"signal_{number}", _with(f"{name} was ended by signal {number}.", err))


def _check_arguments(args: list[str]) -> None:
    if any("\0" in one for one in args) or sum(len(one.encode(errors="replace")) for one in args) > _MOST_ARGUMENTS:
        raise invalid(f"args: Expected texts of at most {_MOST_ARGUMENTS} bytes together, without NUL.")


def _check_constraints(job: Job) -> None:
    """What nobody here could enforce is not passed over."""
    if job.constraints.network_allowlist is not None:
        raise Fatal(
            "constraint_unenforceable",
            "Expected no network_allowlist, but policy has one for this job, and a script speaks to whom it likes.",
        )


def _environment(job: Job, folder: Path) -> dict[str, str]:
    """Nothing of the worker's own."""
    return {
        "PATH": _PATH,
        "LANG": "C.UTF-8",
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "TRACEPARENT": job.traceparent,
        "FOLDGATE_JOB_ID": job.id,
        "FOLDGATE_RUN_ID": job.run_id,
        "FOLDGATE_STEP": job.step,
        "FOLDGATE_ATTEMPT": str(job.attempt),
        "FOLDGATE_IDEMPOTENCY_KEY": job.idempotency_key,
    }


def _value(out: bytes) -> Any:
    """What it printed."""
    if not out.strip():
        return None
    try:
        value = msgspec.json.decode(out)
        msgspec.json.encode(value)
    except (msgspec.DecodeError, UnicodeError, RecursionError, OverflowError):
        return out.decode(errors="replace")
    return value


def _failure(name: str, code: int, err: bytes) -> JobError:
    lines = err.strip().splitlines()
    said = _said(lines[-1]) if lines else None
    if said is None:
        return Retryable(f"exit_{code}", _with(f"{name} ended with exit code {code}.", err))
    message = said.message or f"{name} ended with exit code {code}."
    if said.retryable:
        return Retryable(said.code, message, retry_after=said.retry_after)
    return Fatal(said.code, message)


def _said(line: bytes) -> Said | None:
    try:
        said = msgspec.json.decode(line, type=Said)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None
    return said if _CODE.fullmatch(said.code) else None


def _with(message: str, err: bytes) -> str:
    told = err.decode(errors="replace").strip()[-_TOLD_CHARACTERS:]
    return f"{message} It said: {told}" if told else message


def _is_open_to_all(path: Path) -> bool:
    return bool(path.stat().st_mode & stat.S_IWOTH)


def _remove(folder: Path) -> None:
    """Also what it has locked itself out of."""
    shutil.rmtree(folder, ignore_errors=True)
    if folder.exists():
        for at, folders, _ in os.walk(folder):
            for name in folders:
                path = Path(at) / name
                if not path.is_symlink():
                    path.chmod(0o700)
        shutil.rmtree(folder, ignore_errors=True)
