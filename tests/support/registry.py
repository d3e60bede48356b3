"""A schema registry for tests: the two routes that ours uses, as Confluent's answers them, on a port of its own.

It checks compatibility in both directions as one set to FULL does, and it can be told to misbehave.
"""

import base64
import contextlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import avro.errors
import avro.schema
from avro.compatibility import ReaderWriterCompatibilityChecker, SchemaCompatibilityType

CHECKER: Any = ReaderWriterCompatibilityChecker  # its annotations are wrong


class Answer(Exception):
    """What to answer instead: a status, and a body or a target."""

    def __init__(self, status: int, body: bytes = b"", *, location: str = "") -> None:
        super().__init__(status)
        self.status, self.body, self.location = status, body, location


class TestRegistry(ThreadingHTTPServer):
    """`stored` is by id; `asked` lists the requests; `instead`, where set, is every answer; `cut_short` promises more
    than is sent."""

    __test__ = False
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Conversation)
        self.stored: dict[int, dict[str, Any]] = {}
        self.subjects: dict[str, list[int]] = {}
        self.asked: list[str] = []
        self.login = ""
        self.instead: Answer | None = None
        self.cut_short = False

    def url(self, login: str = "") -> str:
        return f"http://{login + '@' if login else ''}127.0.0.1:{self.server_port}"

    def add(self, schema: Any, **more: Any) -> int:
        """Store what somebody else registered."""
        self.stored[len(self.stored) + 1] = {
            "schema": schema if isinstance(schema, str) else json.dumps(schema),
            **more,
        }
        return len(self.stored)

    def register(self, subject: str, text: str) -> int:
        known = self.subjects.setdefault(subject, [])
        try:
            schema = avro.schema.parse(text)
        except avro.errors.SchemaParseException as error:
            raise Answer(422, _complaint(42201, f"Invalid schema: {error}")) from error
        for number in known:
            if json.loads(self.stored[number]["schema"]) == json.loads(text):
                return number
            if not _agree(schema, avro.schema.parse(self.stored[number]["schema"])):
                raise Answer(409, _complaint(409, f"Schema being registered is incompatible\nwith version {number}."))
        known.append(self.add(text))
        return known[-1]


class _Conversation(BaseHTTPRequestHandler):
    server: TestRegistry

    def do_GET(self) -> None:
        self._answered(lambda: self._schema(self.path.removeprefix("/schemas/ids/")))

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self._answered(lambda: self._registered(body))

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002, ARG002 - as in the base class
        self.server.asked.append(f"{self.command} {self.path}")

    def _registered(self, body: bytes) -> dict[str, Any]:
        _, _, subject, last = self.path.split("/")
        assert last == "versions"
        assert self.headers["Content-Type"] == "application/vnd.schemaregistry.v1+json"
        return {"id": self.server.register(subject, json.loads(body)["schema"])}

    def _schema(self, number: str) -> dict[str, Any]:
        if int(number) not in self.server.stored:
            raise Answer(404, _complaint(40403, f"Schema {number} not found"))
        return self.server.stored[int(number)]

    def _answered(self, ask: Any) -> None:
        try:
            self._allowed()
            if self.server.instead is not None:
                raise self.server.instead
            answer = Answer(200, json.dumps(ask()).encode())
        except Answer as other:
            answer = other
        self.send_response(answer.status)
        self.send_header("Content-Length", str(len(answer.body) + self.server.cut_short))
        if answer.location:
            self.send_header("Location", answer.location)
        self.end_headers()
        self.wfile.write(answer.body)

    def _allowed(self) -> None:
        expected = "Basic " + base64.b64encode(self.server.login.encode()).decode()
        if self.server.login and self.headers["Authorization"] != expected:
            raise Answer(401, _complaint(401, "Unauthorized"))


def _complaint(code: int, message: str) -> bytes:
    return json.dumps({"error_code": code, "message": message}).encode()


def _agree(one: Any, other: Any) -> bool:
    pairs = ((one, other), (other, one))
    found = [CHECKER().get_compatibility(reader, writer).compatibility for reader, writer in pairs]
    return all(compatibility == SchemaCompatibilityType.compatible for compatibility in found)


@contextlib.contextmanager
def running() -> Iterator[TestRegistry]:
    """A registry for as long as the context lasts."""
    with TestRegistry() as registry:
        thread = threading.Thread(target=registry.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield registry
        finally:
            registry.shutdown()
            thread.join()
