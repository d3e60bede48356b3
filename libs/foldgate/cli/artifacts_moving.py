"""Moves artifacts between files and the suite's store. What arrives in a file is whole, or is not there."""

import contextlib
import mimetypes
import os
import secrets
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import BinaryIO

from foldgate.cli.finding import settings_of_suite
from foldgate.cli.mistakes import AskedWrongly, CannotGoOn
from foldgate.cli.reaching import opened
from foldgate.cli.terminal import console, progress, say, say_json
from foldgate.runtime.settings import Settings
from foldgate.sdk.artifact_stores import Store, store_of
from foldgate.sdk.artifact_sweeping import sweep
from foldgate.sdk.artifacts import OCTETS, ArtifactMissing, stands_for

STDIO = "-"
WORTH_A_BAR = 8 * 1024 * 1024
Advance = Callable[[int], None]


async def put_file(file: str, content_type: str, *, tenant: str, data: Path | None) -> None:
    """Keep a file, and print what stands for it."""
    with _readable(file) as (path, name):
        kind = content_type or mimetypes.guess_type(name)[0] or OCTETS
        try:
            stands_for("", 0, content_type=kind)
        except ValueError as error:
            raise AskedWrongly(str(error)) from None
        async with _store(settings_of_suite(data)) as store:
            with progress(f"Putting {name}") if path.stat().st_size >= WORTH_A_BAR else contextlib.nullcontext():
                reference = await store.put_file(path, tenant=tenant)
        say_json(stands_for(reference, path.stat().st_size, content_type=kind))


async def get_file(reference: str, output: Path, *, force: bool, tenant: str, data: Path | None) -> None:
    """Fetch an artifact into a file."""
    _check_free(output, force=force)
    async with _store(settings_of_suite(data)) as store:
        try:
            size, parts = await store.read(reference, tenant=tenant)
            with _arriving(output, force=force) as file, _bar("Fetching", size) as advance:
                async for part in parts:
                    file.write(part)
                    advance(len(part))
        except ArtifactMissing as error:
            raise CannotGoOn(str(error)) from error


def _check_free(output: Path, *, force: bool) -> None:
    if str(output) != STDIO and output.exists() and not force:
        raise AskedWrongly(f"Expected no file at {output}, but there is one: use --force to put this in its place.")


async def sweep_store(idle_days: int | None, *, data: Path | None, as_json: bool) -> None:
    """Condemn and remove what nothing names."""
    async with opened(data) as suite, _store(suite.settings) as store:
        days = idle_days or suite.settings.artifact_idle_days
        with _bar("Reading the log", None) as advance:
            seen = 0

            def told(read: int, of: int) -> None:
                nonlocal seen
                del of
                advance(read - seen)
                seen = read

            swept = await sweep(store, suite.log, suite.seen.streams, idle=timedelta(days=days), told=told)
    if as_json:
        say_json(swept)
    else:
        say(
            f"{swept.idle} idle for {days} days: {swept.named} named by events, {swept.condemned} condemned,"
            f" {swept.removed} removed, {swept.kept} left as they are."
        )


@contextlib.asynccontextmanager
async def _store(settings: Settings) -> AsyncIterator[Store]:
    store = store_of(settings)
    if store is None:
        raise CannotGoOn("Expected to know where artifacts lie, but nothing says so: set FOLDGATE_ARTIFACTS.")
    try:
        yield store
    finally:
        await store.close()


@contextlib.contextmanager
def _readable(file: str) -> Iterator[tuple[Path, str]]:
    """A file that can be read twice, and how it is called."""
    if file != STDIO:
        if not Path(file).is_file():
            raise AskedWrongly(f"Expected a file at {file}, but there is none.")
        yield Path(file), file
        return
    with tempfile.NamedTemporaryFile(prefix="foldgate-artifact-") as scratch:
        shutil.copyfileobj(sys.stdin.buffer, scratch)
        scratch.flush()
        yield Path(scratch.name), "standard input"


@contextlib.contextmanager
def _arriving(output: Path, *, force: bool) -> Iterator[BinaryIO]:
    """Where it is written to: beside its place, until it is whole."""
    if str(output) == STDIO:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    scratch = output.with_name(f".{output.name}.{secrets.token_hex(6)}")
    try:
        with scratch.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if force:
            scratch.replace(output)
        else:
            _linked(scratch, output)
    finally:
        scratch.unlink(missing_ok=True)


def _linked(scratch: Path, output: Path) -> None:
    try:
        os.link(scratch, output)
    except FileExistsError:
        raise AskedWrongly(f"Expected no file at {output}, but there is one by now: use --force.") from None


@contextlib.contextmanager
def _bar(what: str, size: int | None) -> Iterator[Advance]:
    """How far it is: a bar on a terminal, where it may take a while."""
    if not console(stderr=True).is_terminal or (size is not None and size < WORTH_A_BAR):
        yield lambda _: None
        return
    from rich.progress import BarColumn, DownloadColumn, MofNCompleteColumn, Progress, TextColumn, TransferSpeedColumn

    columns = (DownloadColumn(), TransferSpeedColumn()) if size else (MofNCompleteColumn(),)
    with Progress(TextColumn("{task.description}"), BarColumn(), *columns, console=console(stderr=True)) as shown:
        task = shown.add_task(what, total=size)
        yield lambda more: shown.advance(task, more)
