"""The transport over HTTP: the door of a gateway, for a worker that reaches no log.

The gateway verifies writs and leases, and signs reports; a worker that has root keys verifies all the same, by the
signed records that come along. A beat's lease counts from before it was sent, here as there.

A gateway that has too much to do (429, 503) says when to come again, and so we do, a few times; but a beat is not sent
again, because the next one says more.
"""

import asyncio
import base64
import re
from collections.abc import Sequence
from typing import Any

import httpx
import msgspec
import structlog

from foldgate.contracts.codec import Codec
from foldgate.contracts.events import (
    ConstraintBreached,
    JobCancelled,
    JobDispatched,
    JobFailed,
    JobProgressed,
    JobStarted,
    JobSucceeded,
    WorkerBeat,
)
from foldgate.sdk.artifacts_over_http import ArtifactsOverHttp
from foldgate.sdk.artifacts_over_http import Held as HandedOut
from foldgate.sdk.transport import Arrival, Hello, Report, SaidTooMuch, Unreachable, Unwelcome, Welcome

WAIT_S = 1.0
MOST_AT_ONCE = 100
TIMEOUT_S = 15.0
MOST_TRIES = 5
MOST_PAUSE_S = 10.0
TOO_FAST = 429
TOO_MUCH = 413
UNFIT = frozenset({400, TOO_MUCH, 422})
MOST_CHARACTERS = 2000
MOST_AFTER_MS = 86_400_000
_CODE = re.compile("[!-~]{1,100}")
NOT_COUNTED = frozenset({"wrong_lease_token", "lease_over"})
"""What the other side does not count is no error of a report."""


class OverHttp:
    """Of one worker instance, through the gateway at that address."""

    vouches = True

    def __init__(self, url: str, *, api_key: str = "", tenant: str = "") -> None:
        headers = {"X-API-Key": api_key} if api_key else {}
        self._headers = {**headers, "X-Tenant-ID": tenant} if tenant else headers
        self._url, self._client = url.rstrip("/"), httpx.AsyncClient(timeout=TIMEOUT_S)
        self._codec = Codec()
        self._worker = self._token = ""
        self._handed_out: dict[int, HandedOut] = {}
        self.artifacts = ArtifactsOverHttp(self._client, self._url, headers=self._headers, held=self._held)
        self._logger: Any = structlog.get_logger()

    async def open(self, hello: Hello) -> Welcome:
        """Register."""
        said = await self._post(
            "workers",
            {
                "name": hello.name,
                "pool": hello.pool,
                "max_parallel": hello.max_parallel,
                "topics": list(hello.topics),
                "capabilities": list(hello.capabilities),
                "labels": hello.labels,
            },
        )
        self._worker, self._token = said["worker"], said["token"]
        self._logger = self._logger.bind(worker=self._worker)
        return Welcome(endpoint=self._worker, lease_ms=said["lease_ms"])

    async def next(self, room: int) -> Sequence[Arrival]:
        """Fetch what is given to this worker."""
        asked = {"token": self._token, "n": min(room, MOST_AT_ONCE), "wait": WAIT_S, "records": True}
        said = await self._post(f"workers/{self._worker}/lease", asked)
        for job in said["jobs"]:
            self._handed_out[job["lease"]] = HandedOut(job["job_id"], job["tenant"], job["lease_token"])
        return [self._arrival(one["record"]) for one in (*said["jobs"], *said["called_back"])]

    async def beat(self, beat: WorkerBeat) -> None:
        """Send a beat."""
        asked = {
            "token": self._token,
            "beat": beat.beat,
            "holding": list(beat.holding),
            "leaving": beat.leaving,
            "max_parallel": beat.max_parallel,
            "cpu_percent": beat.cpu_percent,
            "gpu_percent": beat.gpu_percent,
        }
        await self._post(f"workers/{self._worker}/heartbeat", asked, tries=1)

    async def report(self, reports: Sequence[Report]) -> None:
        """Say these, one after the other."""
        for report in reports:
            held = self._handed_out.get(report.dispatch.lease)
            if held is None or not report.dispatch.token:
                self._logger.warning("not reported: nobody gave us this job", job_id=report.event.job_id)
            else:
                await self._say(report, held.token)
        for report in reports:  # not before all are heard: until then they may be said again
            if isinstance(report.event, JobSucceeded | JobFailed):
                self._handed_out.pop(report.dispatch.lease, None)

    async def close(self) -> None:
        """Hang up."""
        await self._client.aclose()

    def _held(self, tenant: str) -> HandedOut | None:
        """A job of that tenant, whose report has not been heard."""
        return next((one for one in reversed(self._handed_out.values()) if one.tenant == tenant), None)

    async def _say(self, report: Report, token: str) -> None:
        verb, said = _said(report)
        try:
            await self._post(f"jobs/{report.event.job_id}/{verb}", {**said, "token": token})
        except _Refused as refused:
            self._logger.warning("report not counted", job_id=report.event.job_id, reason=str(refused))
        except _Unfit as unfit:
            raise SaidTooMuch(str(unfit), code=unfit.code) from unfit

    def _arrival(self, record: str) -> Arrival:
        meta, event = self._codec.decode(base64.b64decode(record))
        assert isinstance(event, JobDispatched | JobCancelled)
        return Arrival(meta, event)

    async def _post(self, path: str, body: dict[str, Any], *, tries: int = 0) -> Any:
        data, tries = msgspec.json.encode(body), tries or MOST_TRIES
        while True:
            answer, tries = await self._answer(path, data), tries - 1
            if answer.is_success:
                return msgspec.json.decode(answer.content)
            pause_s = _pause_s(answer)
            if pause_s is None or not tries:
                raise _trouble(answer)
            self._logger.warning("the gateway has too much to do", status=answer.status_code, again_after_s=pause_s)
            await asyncio.sleep(pause_s)

    async def _answer(self, path: str, data: bytes) -> httpx.Response:
        try:
            return await self._client.post(f"{self._url}/api/v1/{path}", content=data, headers=self._headers)
        except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
            raise Unwelcome(f"Expected FOLDGATE_URL such as https://example.com, but got '{self._url}'.") from error
        except httpx.HTTPError as error:
            raise Unreachable(f"{self._url}: {str(error) or type(error).__name__}") from error


class _Refused(Exception):
    """The report does not count."""


class _Unfit(Unwelcome):
    """The gateway takes no such body, however often it is sent."""

    def __init__(self, text: str, code: str) -> None:
        super().__init__(text)
        self.code = code


def _pause_s(answer: httpx.Response) -> float | None:
    """After how long it says to come again; None where it does not."""
    told = answer.headers.get("retry-after", "")
    return min(float(told), MOST_PAUSE_S) if told.isdecimal() else None


def _trouble(answer: httpx.Response) -> Exception:
    try:
        problem = msgspec.json.decode(answer.content, type=dict[str, Any])
    except msgspec.DecodeError:
        problem = {}
    code, text = problem.get("code"), str(problem.get("detail") or f"the gateway answered {answer.status_code}")
    if code in NOT_COUNTED:
        return _Refused(text)
    if answer.status_code in UNFIT:
        return _Unfit(text, str(code or "output_too_large"))
    if answer.is_server_error or answer.status_code == TOO_FAST or code == "beat_out_of_order":
        return Unreachable(text)
    return Unwelcome(text)


def _said(report: Report) -> tuple[str, dict[str, Any]]:
    """What to say where."""
    match report.event:
        case JobStarted():
            return "start", {}
        case JobProgressed(number=number, percent=percent, message=message, checkpoint=checkpoint):
            said: dict[str, Any] = {"number": number, "message": message}
            said |= {"percent": percent} if percent >= 0 else {}
            return "progress", said | ({"checkpoint": msgspec.Raw(checkpoint.encode())} if checkpoint else {})
        case ConstraintBreached(number=number, constraint=constraint, message=message, was_stopped=stopped):
            said = {"number": number, "constraint": constraint, "message": message}
            return "breach", {**said, "was_stopped": stopped}
        case JobSucceeded(output=output):
            return "complete", {"output": msgspec.Raw(output.encode())}
        case JobFailed() as failed:
            return "fail", _failure(failed)


def _failure(failed: JobFailed) -> dict[str, Any]:
    """Over the log a handler's code may be any text; what the door does not take stands in the message."""
    code, message = failed.code, failed.message
    if not _CODE.fullmatch(code):
        code, message = "handler_failed", f"{code}: {message}"
    return {
        "code": code,
        "message": message[:MOST_CHARACTERS],
        "retryable": failed.retryable,
        "retry_after_ms": min(failed.retry_after_ms, MOST_AFTER_MS),
        "began": failed.began_at > 0,
    }
