"""The answer to a request: its body, unpacked within bounds, and what its status means for the job."""

import base64
import codecs
import zlib
from collections.abc import AsyncIterable, Mapping
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import msgspec

from foldgate.sdk.artifacts import Parts
from foldgate.sdk.builtin.asked import invalid
from foldgate.sdk.errors import Fatal, JobError, Retryable

TOLD_BYTES = 4096
"""How much of the body of a failure is looked at."""
_TOLD_CHARACTERS = 300
_AGAIN = frozenset({408, 425, 429})
_FOR_GOOD = frozenset({501, 505})
_SERVER = 500
_GZIP = 31
"""For zlib: gzip alone."""
_KEPT_BACK = frozenset({"set-cookie", "set-cookie2"})
"""What is for whoever asked, and not for a log."""


def is_expected(status: int, expected: list[int | str]) -> bool:
    """Whether that status is a success: one of these, where `2xx` stands for all from 200 to 299."""
    return any(_stands_for(one, status) for one in expected)


def check_expected(expected: list[int | str]) -> None:
    """Raises Fatal where these are no statuses."""
    for one in expected:
        text = str(one).lower()
        if len(text) != 3 or text[0] not in "12345" or not (text[1:].isdecimal() or text[1:] == "xx"):
            raise invalid(f"expect: Expected a status such as 200 or 2xx, but got '{text[:40]}'.")


def _stands_for(one: int | str, status: int) -> bool:
    text = str(one).lower()
    return int(text[0]) == status // 100 if text.endswith("xx") else text == str(status)


async def body_of(answer: httpx.Response, chunks: AsyncIterable[bytes], *, most: int) -> bytes:
    """The whole body, unpacked; never more than so many bytes of it. Raises a JobError."""
    unpacked, packed = bytearray(), 0
    unpack = _Unpacking(answer.headers.get("content-encoding", ""))
    async for chunk in chunks:
        packed += len(chunk)
        unpacked += unpack.take(chunk, most - len(unpacked) + 1)
        if max(len(unpacked), packed) > most:
            raise Fatal("response_too_large", f"Expected an answer of at most {most} bytes, but there is more.")
    unpack.end()
    return bytes(unpacked)


async def beginning_of(answer: httpx.Response, chunks: AsyncIterable[bytes]) -> str:
    """The beginning of the body of a failure, for people; empty if it cannot be read."""
    found = bytearray()
    try:
        unpack = _Unpacking(answer.headers.get("content-encoding", ""))
        async for chunk in chunks:
            found += unpack.take(chunk, TOLD_BYTES - len(found))
            if len(found) >= TOLD_BYTES:
                break
    except (JobError, httpx.HTTPError):
        pass
    return " ".join(found.decode(errors="replace").split())[:_TOLD_CHARACTERS]


class _Unpacking:
    """Of `gzip`, or of nothing: we ask for no other."""

    def __init__(self, encoding: str) -> None:
        name = encoding.strip().lower()
        if name not in ("", "identity", "gzip", "x-gzip"):
            raise Fatal("unknown_encoding", f"Expected an answer as it is or as gzip, but it is '{name[:80]}'.")
        self._of = zlib.decompressobj(_GZIP) if name.endswith("gzip") else None
        self._is_begun = False

    def take(self, chunk: bytes, most: int) -> bytes:
        """What is in it; not much more than so many bytes."""
        if self._of is None:
            return chunk
        found = bytearray()
        try:
            while chunk and len(found) < most:
                if self._of.eof:  # one may follow another
                    self._of = zlib.decompressobj(_GZIP)
                found += self._of.decompress(chunk, most - len(found))
                self._is_begun = True
                chunk = self._of.unconsumed_tail or self._of.unused_data
        except zlib.error as error:
            raise Retryable("invalid_response", f"Expected an answer as gzip, but: {error}.") from None
        return bytes(found)

    def end(self) -> None:
        """All has come."""
        if self._of is not None and self._is_begun and not self._of.eof:
            raise Retryable("invalid_response", "Expected a whole answer, but its gzip breaks off.")


def output_of(answer: httpx.Response, body: bytes) -> Parts:
    """What the step gives. The body is a value where it is JSON, else a text, else base64, which `encoding` says."""
    headers: dict[str, str] = {}
    for name, value in answer.headers.multi_items():
        if name not in _KEPT_BACK:
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
    found = Parts(status=answer.status_code, headers=headers, body=None)
    if not body:
        return found
    if _is_json(answer.headers) and (value := _json(body)) is not msgspec.UNSET:
        found["body"] = value
        return found
    try:
        found["body"] = body.decode(_charset(answer))
    except UnicodeError:
        found["body"], found["encoding"] = base64.b64encode(body).decode(), "base64"
    return found


def _charset(answer: httpx.Response) -> str:
    """What it says, if there is such a one."""
    try:
        return codecs.lookup(answer.charset_encoding or "utf-8").name
    except LookupError:
        return "utf-8"


def _is_json(headers: Mapping[str, str]) -> bool:
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    return kind == "application/json" or kind.endswith("+json")


def _json(body: bytes) -> Any:
    """The value; UNSET where it is none that can be said again as JSON."""
    try:
        value = msgspec.json.decode(body)
        msgspec.json.encode(value)
    except (msgspec.DecodeError, UnicodeError, RecursionError, OverflowError):
        return msgspec.UNSET
    return value


def failure_of(answer: httpx.Response, told: str, *, now_ms: int) -> JobError:
    """What a status that nobody expected means: whether another attempt may help, and when."""
    status = answer.status_code
    what = f"Expected another status, but the answer is {status} {answer.reason_phrase}".rstrip()
    message = f"{what}: {told}" if told else f"{what}."
    if status in _AGAIN or (status >= _SERVER and status not in _FOR_GOOD):
        return Retryable(f"http_{status}", message, retry_after=_after_s(answer.headers.get("retry-after"), now_ms))
    return Fatal(f"http_{status}", message)


def _after_s(text: str | None, now_ms: int) -> float | None:
    """In seconds, or until a time; what is neither is as if it had not been said."""
    if text is None:
        return None
    if text.strip().isascii() and text.strip().isdecimal():
        return float(text.strip()[:9])
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - now_ms / 1000)
    except (ValueError, OverflowError):
        return None
