"""Artifacts over HTTP: put and fetched under their own digests, as they come, and verified on their way.

People and programs do so for their own tenant. A worker does so for a job that it holds, by the token of the job's
lease: in the tenant of the job, whichever the worker's own is. What is put is received into a file beside, and is an
artifact only once all of it has come and is what its name says; of what is fetched the last part is held back until the
rest was compared with the name. So nobody is ever left with something else that looks whole.
"""

import asyncio
import contextlib
import hashlib
import re
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import msgspec
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from foldgate.gateway.http.callers import caller_of
from foldgate.gateway.http.operations import Operation, Parameter, Said
from foldgate.gateway.http.problems import Problem
from foldgate.gateway.http.reports import PARAMETERS as OF_LEASE
from foldgate.gateway.http.reports import lease_shown
from foldgate.gateway.http.seats import Seats
from foldgate.runtime.context import Context
from foldgate.sdk.artifact_stores import Store
from foldgate.sdk.artifacts import OCTETS, ArtifactMissing, ArtifactsUnreachable, ArtifactTooLarge

WITHIN_S = 30.0
"""How long the next piece of a body is waited for."""
AT_ONCE = 8
"""How many are received at the same time; more are told to come again."""
_PIECE = 1024 * 1024
_DIGEST = re.compile("[0-9a-f]{64}")
_WHICH = Parameter("sha256", "path", "The SHA-256 of its bytes, hexadecimal.", f"^{_DIGEST.pattern}$")
_PUTTING = ("artifact_too_large", "artifact_mismatch", "too_slow", "unsupported_encoding", "artifacts_unreachable")
_GETTING = ("artifact_missing", "artifacts_unreachable")
_LEASE = ("wrong_lease_token", "lease_over", "no_keys")


class ArtifactAnswer(BaseModel):
    """What is kept."""

    model_config = ConfigDict(title="Artifact")

    reference: str = Field(title="Reference", description="sha256:… as it stands in `$artifact`.")
    size: int = Field(title="Size")


class Artifacts:
    """Puts and fetches artifacts."""

    def __init__(self, context: Context, seats: Seats, store: Store | None) -> None:
        self._context, self._seats, self._kept = context, seats, store
        self._most = context.settings.artifact_max_bytes
        self._receiving = 0

    def operations(self, prefix: str) -> tuple[Operation, ...]:
        """What is served."""
        own, of_job = f"{prefix}/artifacts/{{sha256}}", f"{prefix}/jobs/{{job}}/artifacts/{{sha256}}"
        kept, found = Said(ArtifactAnswer, "It is kept."), Said(None, "Its bytes.")
        put = Operation(
            method="PUT",
            path=own,
            endpoint=self.put,
            summary="Put an artifact: the body is its bytes",
            area="artifacts",
            role="operator",
            takes_bytes=True,
            parameters=(_WHICH,),
            answers={201: kept},
            problems=("invalid_parameter", *_PUTTING),
        )
        get = Operation(
            method="GET",
            path=own,
            endpoint=self.get,
            summary="Fetch an artifact",
            area="artifacts",
            role="viewer",
            parameters=(_WHICH,),
            answers={200: found},
            problems=("invalid_parameter", *_GETTING),
            immutable=True,
        )
        put_of_job = Operation(
            method="PUT",
            path=of_job,
            endpoint=self.put_of_job,
            summary="Put an artifact of a job that is held",
            area="workers",
            role="worker",
            takes_bytes=True,
            parameters=(*OF_LEASE, _WHICH),
            answers={201: kept},
            problems=("invalid_parameter", *_PUTTING, *_LEASE),
            counts_itself=True,
        )
        get_of_job = Operation(
            method="GET",
            path=of_job,
            endpoint=self.get_of_job,
            summary="Fetch an artifact for a job that is held",
            area="workers",
            role="worker",
            parameters=(*OF_LEASE, _WHICH),
            answers={200: found},
            problems=("invalid_parameter", *_GETTING, *_LEASE),
            counts_itself=True,
            immutable=True,
        )
        return put, get, put_of_job, get_of_job

    async def put(self, request: Request) -> Response:
        """Keep the body, for the caller's tenant."""
        return await self._put(request, caller_of(request).tenant)

    async def get(self, request: Request) -> Response:
        """Give it, to the caller's tenant."""
        return await self._get(request, caller_of(request).tenant)

    async def put_of_job(self, request: Request) -> Response:
        """Keep the body, for the tenant of the job."""
        return await self._put(request, self._tenant_of_job(request))

    async def get_of_job(self, request: Request) -> Response:
        """Give it, to who holds the job."""
        return await self._get(request, self._tenant_of_job(request))

    def _tenant_of_job(self, request: Request) -> str:
        lease = lease_shown(self._context, request)
        seat = self._seats.known(lease.worker)
        if seat is not None and not seat.lasts(lease):
            raise Problem(
                "lease_over", "Expected a lease that lasts, but it has ended: this job is not yours any more."
            )
        return lease.tenant

    async def _put(self, request: Request, tenant: str) -> Response:
        wanted = _wanted(request)
        self._check(request)
        if self._receiving >= AT_ONCE:
            raise Problem("overloaded", f"Expected at most {AT_ONCE} artifacts at once, but there are: wait a second.")
        self._receiving += 1
        try:
            with tempfile.NamedTemporaryFile(prefix="foldgate-artifact-") as file:
                size, found = await self._received(request, Path(file.name))
                if found != wanted:
                    what = f"Expected bytes whose SHA-256 is {wanted}, but it is {found}: nothing was kept."
                    raise Problem("artifact_mismatch", what, field="sha256")
                with self._told():
                    reference = await self._store.put_file(Path(file.name), tenant=tenant)
        finally:
            self._receiving -= 1
        return _json({"reference": reference, "size": size}, 201)

    async def _get(self, request: Request, tenant: str) -> Response:
        wanted = _wanted(request)
        with self._told():
            size, parts = await self._store.read(f"sha256:{wanted}", tenant=tenant)
        headers = {"ETag": f'"{wanted}"', "Content-Disposition": "attachment"}
        if f'"{wanted}"' in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        headers["Content-Length"] = str(size)
        if request.method == "HEAD":
            return Response(headers=headers, media_type=OCTETS)
        return StreamingResponse(parts, headers=headers, media_type=OCTETS)

    def _check(self, request: Request) -> None:
        """What is too large or encoded is refused before any of it is read."""
        encoding, declared = (request.headers.get(f"content-{name}", "") for name in ("encoding", "length"))
        if encoding.lower() not in ("", "identity"):
            what = f"Expected the bytes as they are, but their Content-Encoding is '{encoding[:40]}'."
            raise Problem("unsupported_encoding", what, field="Content-Encoding")
        if declared.isdecimal() and int(declared[:20]) > self._most:
            raise self._too_large(int(declared[:20]))

    async def _received(self, request: Request, file: Path) -> tuple[int, str]:
        """Size and digest of the body, which is in the file then."""
        digest, size = hashlib.sha256(), 0
        async for piece in _pieces(request):
            digest.update(piece)
            size += len(piece)
            if size > self._most:
                raise self._too_large(size)
            await asyncio.to_thread(_add, file, piece)
        return size, digest.hexdigest()

    def _too_large(self, size: int) -> Problem:
        return Problem("artifact_too_large", str(ArtifactTooLarge(size, self._most)), more={"most": self._most})

    @property
    def _store(self) -> Store:
        if self._kept is None:
            what = "Expected this gateway to know where artifacts lie, but it does not: set FOLDGATE_ARTIFACTS."
            raise Problem("artifacts_unreachable", what)
        return self._kept

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except ArtifactMissing as error:
            raise Problem("artifact_missing", str(error)) from error
        except ArtifactTooLarge as error:
            raise Problem("artifact_too_large", str(error), more={"most": self._most}) from error
        except ArtifactsUnreachable as error:
            self._context.logger.warning("artifacts unreachable", reason=str(error))
            what = "Expected the store of artifacts to answer, but it did not: try again soon."
            raise Problem("artifacts_unreachable", what) from error


def _wanted(request: Request) -> str:
    text: str = request.path_params["sha256"]
    digest = text.removeprefix("sha256:")
    if not _DIGEST.fullmatch(digest):
        raise Problem("invalid_parameter", f"Expected 64 hexadecimal digits, but got '{text[:80]}'.", field="sha256")
    return digest


async def _pieces(request: Request) -> AsyncIterator[bytes]:
    """The body in pieces that are worth writing. Who sends nothing for long is sent away."""
    chunks, piece = aiter(request.stream()), bytearray()
    try:
        while True:
            async with asyncio.timeout(WITHIN_S):
                chunk = await anext(chunks, None)
            if chunk is None:
                break
            piece += chunk
            if len(piece) >= _PIECE:
                yield bytes(piece)
                piece.clear()
    except TimeoutError:
        what = f"Expected more of the body within {WITHIN_S:g} s, but nothing has come: send it again, and faster."
        raise Problem("too_slow", what) from None
    if piece:
        yield bytes(piece)


def _add(file: Path, piece: bytes) -> None:
    with file.open("ab") as opened:
        opened.write(piece)


def _json(document: dict[str, object], status: int) -> Response:
    return Response(msgspec.json.encode(document), status, media_type="application/json")
