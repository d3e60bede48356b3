"""A client of a schema registry that speaks Confluent's HTTP: ids for our schemas, schemas for others' ids.

It is synchronous, and called from within `Codec.encode` and `Codec.decode`, on the event loop. That is fine because it
is once for each schema in the life of a process: the codec keeps the header of each event it writes and the edition
behind each id it reads, so what blocks is the first event of a type. What is not an event of ours is asked for once,
too: an id that the registry does not know is not asked again for a while, though a record with it may come each
millisecond, and both memories are bounded. A registry that does not answer costs one time limit and an error that ends
the process, as any lost server does.

Subjects are record names (`foldgate.RunRequested`), because a stream carries events of many types.
"""

import base64
import http.client
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Annotated, Any, NamedTuple, TypeVar
from urllib.parse import unquote, urlsplit

import msgspec

MAX_ANSWER_BYTES = 4_000_000
REMEMBERED = 1000
ASK_AGAIN_MS = 60_000
_TYPE = "application/vnd.schemaregistry.v1+json"
_NEVER = -1
_LATER = (http.client.REQUEST_TIMEOUT, http.client.TOO_MANY_REQUESTS)
_MEANINGS: dict[int, str] = {
    http.client.UNAUTHORIZED: "it does not take the user and password of its URL.",
    http.client.FORBIDDEN: "the user of its URL may not.",
    http.client.CONFLICT: "it is incompatible with what is registered there.",
    http.client.UNPROCESSABLE_ENTITY: "it does not understand the schema.",
}

A = TypeVar("A")
V = TypeVar("V")


class RegistryUnavailable(ConnectionError):
    """The registry did not answer, or not as a registry does: it may later."""


class RegistryRefused(Exception):
    """The registry will not do it: somebody has to change something."""


def is_registry_url(url: str) -> bool:
    """Whether this names a place to ask."""
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


class _Registered(msgspec.Struct):
    id: Annotated[int, msgspec.Meta(ge=0, lt=2**32)]


class _Stored(msgspec.Struct, rename="camel"):
    schema: str
    schema_type: str = "AVRO"


class _Complaint(msgspec.Struct):
    message: str = ""


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A redirect would take the password to wherever the answer says."""

    def redirect_request(self, *_: Any) -> None:
        return None


class HttpRegistry:
    """The registry at a URL, which may carry a user and a password. `now_ms` is a clock that never jumps."""

    def __init__(self, url: str, *, now_ms: Callable[[], int], timeout_s: float = 2.0) -> None:
        if not is_registry_url(url):  # which is not shown: it may hold a password
            raise RegistryRefused("Expected a schema registry's URL, such as http://localhost:8081, but it is none.")
        parts = urlsplit(url)
        self.place = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path.rstrip('/')}"
        self._headers = {"Accept": _TYPE, "Content-Type": _TYPE}
        if parts.username is not None:
            login = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
            self._headers["Authorization"] = "Basic " + base64.b64encode(login.encode()).decode()
        self._opener = urllib.request.build_opener(_NoRedirects)
        self._now_ms, self._timeout_s = now_ms, timeout_s
        self._ids: dict[str, int] = {}
        self._schemas: dict[int, dict[str, Any]] = {}
        self._unknown: dict[int, int] = {}

    def id_of(self, event_name: str, schema: dict[str, Any]) -> int:
        """The id of one of our schemas, registered under the name of its event if it was not."""
        if event_name not in self._ids:
            body = msgspec.json.encode({"schema": msgspec.json.encode(schema).decode()})
            answer = self._ask(f"/subjects/foldgate.{event_name}/versions", body)
            if isinstance(answer, _Refusal):
                raise self._refused(f"to take today's schema of {event_name}", answer)
            self._ids[event_name] = self._understood(answer, _Registered).id
        return self._ids[event_name]

    def schema_of(self, schema_id: int) -> dict[str, Any] | None:
        """The schema with that id, or None if the registry has none; {} if it is no Avro record."""
        if schema_id in self._schemas:
            return self._schemas[schema_id]
        if self._unknown.get(schema_id, _NEVER) > self._now_ms():
            return None
        answer = self._ask(f"/schemas/ids/{schema_id}")
        if isinstance(answer, bytes):
            return _remember(self._schemas, schema_id, _record(self._understood(answer, _Stored)))
        if answer.status != http.client.NOT_FOUND:
            raise self._refused(f"to say what schema {schema_id} is", answer)
        _remember(self._unknown, schema_id, self._now_ms() + ASK_AGAIN_MS)
        return None

    def _ask(self, path: str, body: bytes | None = None) -> "bytes | _Refusal":
        request = urllib.request.Request(self.place + path, data=body, headers=self._headers)  # noqa: S310 - http(s) alone
        try:
            with self._opener.open(request, timeout=self._timeout_s) as response:
                return bytes(response.read(MAX_ANSWER_BYTES + 1))
        except urllib.error.HTTPError as error:
            with error:
                return self._refusal(error)
        except (OSError, http.client.HTTPException, UnicodeError) as error:
            raise self._unavailable(str(getattr(error, "reason", "") or error) or type(error).__name__) from error

    def _refusal(self, error: urllib.error.HTTPError) -> "_Refusal":
        if error.code >= http.client.INTERNAL_SERVER_ERROR or error.code in _LATER:
            raise self._unavailable(f"it answered {error.code}")
        try:
            complaint = msgspec.json.decode(error.read(MAX_ANSWER_BYTES), type=_Complaint)
        except (OSError, http.client.HTTPException, msgspec.DecodeError):
            complaint = _Complaint()
        return _Refusal(error.code, " ".join(complaint.message.split())[:300].rstrip("."))

    def _understood(self, answer: bytes, kind: type[A]) -> A:
        try:
            return msgspec.json.decode(answer, type=kind)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise self._unavailable("it answered what no registry would") from error

    def _unavailable(self, why: str) -> RegistryUnavailable:
        return RegistryUnavailable(f"Expected an answer of the schema registry at {self.place}, but {why}.")

    def _refused(self, what: str, refusal: "_Refusal") -> RegistryRefused:
        status, said = refusal
        meaning = _MEANINGS.get(status, "it answered {status}; is this the address of a registry?").format(
            status=status
        )
        quoted = f" It says: {said}." if said else ""
        return RegistryRefused(f"Expected the schema registry at {self.place} {what}, but {meaning}{quoted}")


class _Refusal(NamedTuple):
    status: int
    said: str


def _record(stored: _Stored) -> dict[str, Any]:
    if stored.schema_type != "AVRO":
        return {}
    try:
        schema = msgspec.json.decode(stored.schema)
    except (msgspec.DecodeError, RecursionError):
        return {}
    return schema if isinstance(schema, dict) else {}


def _remember(memory: dict[int, V], key: int, value: V) -> V:
    """Keep the newest, so that what strangers write into records cannot fill the memory."""
    memory.pop(key, None)
    memory[key] = value
    if len(memory) > REMEMBERED:
        del memory[next(iter(memory))]
    return value
