"""The store of artifacts behind a gateway, for workers over HTTP: by the leases of the jobs that they hold.

Whose artifacts a worker sees depends on the job, which may be another tenant's than the worker: so each request names a
job of that tenant that is held just now, and shows the token of its lease.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import httpx
import msgspec

from foldgate.sdk.artifacts import (
    MAX_BYTES,
    OCTETS,
    ArtifactsUnreachable,
    ArtifactTooLarge,
    checked,
    digest_of,
    missing,
    reference_of,
)

TIMEOUT_S = 60.0
NOT_FOUND, TOO_LARGE = 404, 413


class Held(NamedTuple):
    """A job that was handed out: its id, its tenant, and the token of its lease."""

    job_id: str
    tenant: str
    token: str


class ArtifactsOverHttp:
    """Of one worker. `held` finds a job of a tenant."""

    def __init__(
        self, client: httpx.AsyncClient, url: str, *, headers: dict[str, str], held: Callable[[str], Held | None]
    ) -> None:
        self._client, self._url, self._headers, self._held = client, url, headers, held

    async def put(self, data: bytes, *, tenant: str) -> str:
        """Keep these bytes, and say under which reference."""
        reference = reference_of(data)
        answer = await self._asked("PUT", reference, tenant, content=data)
        if answer.status_code == TOO_LARGE:
            raise ArtifactTooLarge(len(data), int(_problem(answer).get("most", MAX_BYTES)))
        _check(answer)
        return reference

    async def get(self, reference: str, *, tenant: str) -> bytes:
        """The bytes, compared with their reference."""
        answer = await self._asked("GET", reference, tenant)
        if answer.status_code == NOT_FOUND:
            raise missing(reference)
        _check(answer)
        return checked(reference, answer.content)

    async def _asked(self, method: str, reference: str, tenant: str, *, content: bytes | None = None) -> httpx.Response:
        held, digest = self._held(tenant), digest_of(reference)
        if held is None:
            raise ArtifactsUnreachable(f"Expected to hold a job of tenant '{tenant[:100]}', but there is none.")
        headers = {**self._headers, "X-Lease-Token": held.token, "Content-Type": OCTETS}
        path = f"{self._url}/api/v1/jobs/{held.job_id}/artifacts/{digest}"
        try:
            request = self._client.build_request(method, path, content=content, headers=headers, timeout=TIMEOUT_S)
            return await self._client.send(request)
        except httpx.HTTPError as error:
            raise ArtifactsUnreachable(f"{self._url}: {str(error) or type(error).__name__}") from error


def _check(answer: httpx.Response) -> None:
    if not answer.is_success:
        text = _problem(answer).get("detail") or f"the gateway answered {answer.status_code}"
        raise ArtifactsUnreachable(str(text))


def _problem(answer: httpx.Response) -> dict[str, Any]:
    try:
        return msgspec.json.decode(answer.content, type=dict[str, Any])
    except msgspec.DecodeError:
        return {}
