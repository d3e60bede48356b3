"""The store of artifacts in a folder: a folder for each tenant in it, and there a file for each, named by its digest.

The time of a file is when its artifact was used last. One that is to go has a mark beside it, `.condemned.DIGEST`. It
is moved aside before it is removed, and looked at once more there: who puts it meanwhile finds no file and writes it
again, and one that was used at the last moment goes back. A crash leaves a file aside, which the next look brings back.
"""

import asyncio
import contextlib
import hashlib
import os
import secrets
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import TypeVar, TypeVarTuple

from foldgate.runtime.clock import SystemClock
from foldgate.sdk.artifacts import (
    MAX_BYTES,
    ArtifactsUnreachable,
    Idle,
    Reading,
    Settled,
    checked,
    digest_of,
    fitting,
    fitting_size,
    missing,
    reference_of,
    whole,
)

PART_BYTES = 1024 * 1024
_DIGITS = 64
_OF_TENANT = "t-"
T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class FolderArtifacts:
    """Artifacts in a folder that everybody shares."""

    def __init__(self, folder: Path, *, most: int = MAX_BYTES) -> None:
        self._folder, self._most = folder, most

    async def put(self, data: bytes, *, tenant: str) -> str:
        """Keep these bytes, and say under which reference."""
        reference = reference_of(fitting(data, self._most))
        await _told(self._write, [data], reference, tenant)
        return reference

    async def put_file(self, file: Path, *, tenant: str) -> str:
        """Keep what is in a file, part by part."""
        reference, size = await asyncio.to_thread(_reference_of, file), await asyncio.to_thread(os.path.getsize, file)
        fitting_size(size, self._most)
        await _told(self._write, _parts_of(file), reference, tenant)
        return reference

    async def get(self, reference: str, *, tenant: str) -> bytes:
        """The bytes, compared with their reference."""
        return checked(reference, await _told(_used, self._place(tenant, digest_of(reference))))

    async def read(self, reference: str, *, tenant: str) -> Reading:
        """Its size, and its parts, which are compared with the reference as they come."""
        place = self._place(tenant, digest_of(reference))
        size = await _told(_size, place)
        if size is None:
            raise missing(reference)
        return Reading(size, whole(reference, self._parts(place)))

    async def idle(self, idle: timedelta, *, most: int) -> list[Idle]:
        """Those that were not used for so long, the idlest first."""
        return await _told(self._idle, idle, most)

    async def settle(self, one: Idle, *, idle: timedelta, grace: timedelta) -> Settled:
        """Condemn it, or remove it if it was condemned for long enough; unless it was used meanwhile."""
        return await _told(_settle, self._place(one.tenant, digest_of(one.reference)), idle, grace)

    async def spare(self, one: Idle) -> None:
        """Something names it: it counts as used."""
        await _told(_touch, self._place(one.tenant, digest_of(one.reference)))

    async def close(self) -> None:
        """There is nothing to close."""

    def _place(self, tenant: str, digest: str) -> Path:
        """No name of a tenant leads out of the folder."""
        return self._folder / f"{_OF_TENANT}{tenant.encode().hex()}" / digest[:2] / digest

    def _write(self, parts: Iterable[bytes], reference: str, tenant: str) -> None:
        place = self._place(tenant, digest_of(reference))
        if _is_whole(place, reference) and _touch(place):
            return  # and a file that was damaged is replaced
        place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        _written(place, parts)
        _mark(place).unlink(missing_ok=True)

    async def _parts(self, place: Path) -> AsyncIterator[bytes]:
        parts = _parts_of(place)
        while part := await _told(next, parts, b""):
            yield part

    def _idle(self, idle: timedelta, most: int) -> list[Idle]:
        before, found = _now() - idle.total_seconds(), []
        for file in self._folder.glob(f"{_OF_TENANT}*/??/*"):
            if file.name.startswith(".aside."):
                _brought_back(file)
            elif len(file.name) == _DIGITS and (at := _time_of(file)) is not None and at < before:
                tenant = bytes.fromhex(file.parent.parent.name.removeprefix(_OF_TENANT)).decode()
                found.append((at, Idle(tenant, f"sha256:{file.name}")))
        return [one for _, one in sorted(found)[:most]]


def _settle(place: Path, idle: timedelta, grace: timedelta) -> Settled:
    now, at, mark = _now(), _time_of(place), _mark(place)
    condemned = _time_of(mark)
    if at is None or at >= now - idle.total_seconds():
        return "kept"
    if condemned is None:
        mark.touch(0o600)
        return "condemned"
    if condemned > now - grace.total_seconds():
        return "kept"
    return _removed(place, before=now - idle.total_seconds())


def _removed(place: Path, *, before: float) -> Settled:
    aside = place.with_name(f".aside.{place.name}")
    try:
        place.rename(aside)
    except FileNotFoundError:  # somebody else does the same
        return "kept"
    if (_time_of(aside) or before) >= before:
        _brought_back(aside)
        return "kept"
    aside.unlink(missing_ok=True)
    _mark(place).unlink(missing_ok=True)
    return "removed"


def _brought_back(aside: Path) -> None:
    place = aside.with_name(aside.name.removeprefix(".aside."))
    with contextlib.suppress(FileExistsError, FileNotFoundError):  # somebody has put it again, or brought it back
        os.link(aside, place)
    aside.unlink(missing_ok=True)


def _used(place: Path) -> bytes | None:
    return place.read_bytes() if _touch(place) else None


def _size(place: Path) -> int | None:
    return place.stat().st_size if _touch(place) else None


def _touch(place: Path) -> bool:
    """It is used; whether it is there."""
    try:
        os.utime(place)
    except FileNotFoundError:
        return False
    _mark(place).unlink(missing_ok=True)
    return True


def _mark(place: Path) -> Path:
    return place.with_name(f".condemned.{place.name}")


def _time_of(place: Path) -> float | None:
    try:
        return place.stat().st_mtime
    except FileNotFoundError:
        return None


def _now() -> float:
    return SystemClock().now_ms() / 1000


def _is_whole(place: Path, reference: str) -> bool:
    try:
        return _reference_of(place) == reference
    except FileNotFoundError:
        return False


def _reference_of(file: Path) -> str:
    with file.open("rb") as opened:
        return f"sha256:{hashlib.file_digest(opened, 'sha256').hexdigest()}"


def _parts_of(file: Path) -> Iterator[bytes]:
    with file.open("rb") as opened:
        while part := opened.read(PART_BYTES):
            yield part


def _written(place: Path, parts: Iterable[bytes]) -> None:
    scratch = place.with_name(f".{place.name}.{secrets.token_hex(6)}")
    try:
        with os.fdopen(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            for part in parts:
                file.write(part)
            file.flush()
            os.fsync(file.fileno())
        scratch.replace(place)
    finally:
        scratch.unlink(missing_ok=True)


async def _told(work: Callable[[*Ts], T], *given: *Ts) -> T:
    """Do this in a thread, and say in our own words if the folder is not there."""
    try:
        return await asyncio.to_thread(work, *given)
    except OSError as error:
        raise ArtifactsUnreachable(f"Expected the folder of artifacts to be there, but: {error}.") from error
