"""The bytes of events: the only file that knows Avro.

A record value is a header that names the writer's schema, then the event: its Meta first, then its own fields. So the
type is known from the first bytes, and Meta can be read without the rest. Two framings, told apart by the first byte:

    C3 01 + CRC-64-AVRO of the schema (8 bytes)     Avro single-object encoding; written without a registry
    00    + registry id of the schema (4 bytes)     Confluent wire format; written when a registry is configured

Readers take both. `Meta.chain` is the first field of Meta and of fixed size, so an event is encoded once and its chain
hash, which covers the bytes after it, is set in place.
"""

import hashlib
import json
from importlib import resources
from io import BytesIO
from typing import Any, NamedTuple, Protocol

import fastavro
import msgspec
from fastavro.schema import fingerprint, to_parsing_canonical_form

from foldgate.contracts import foreign
from foldgate.contracts.events import EVENT_TYPES, Event, Meta
from foldgate.contracts.varint import Malformed
from foldgate.contracts.wire import PUT, TAKE, put_Meta, take_Meta

CHAIN_SIZE = 32
NO_CHAIN = bytes(CHAIN_SIZE)
_UNREADABLE = (Malformed, IndexError, UnicodeDecodeError)
_MISFITTING = (TypeError, AttributeError, ValueError, LookupError)
_SINGLE_OBJECT, _CONFLUENT, _NAMESPACE = b"\xc3\x01", b"\x00", "foldgate."


class Undecodable(Exception):
    """These bytes are not an event that this suite can read. `code` is stable, the text is for people."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code


class Unencodable(Exception):
    """An event does not fit its schema."""


class Registry(Protocol):
    """A schema registry: ids for schemas and schemas for ids."""

    def id_of(self, event_name: str, schema: dict[str, Any]) -> int: ...

    def schema_of(self, schema_id: int) -> dict[str, Any] | None: ...


class Decoded(NamedTuple):
    """An event as it was written, whatever the edition of its schema."""

    meta: Meta
    event: Event


class Peeked(NamedTuple):
    """What the header tells."""

    name: str
    body_at: int


class _Edition:
    """One schema under which events were or are written."""

    def __init__(self, name: str, schema: dict[str, Any], current: dict[str, Any] | None) -> None:
        self.name = name
        self.fingerprint = bytes.fromhex(fingerprint(to_parsing_canonical_form(schema), "CRC-64-AVRO"))
        self.raw = schema
        self.parsed: Any = fastavro.parse_schema(schema, named_schemas={})
        self.reader = None if current is None else fastavro.parse_schema(current, named_schemas={})


def editions() -> dict[str, list[dict[str, Any]]]:
    """Every schema ever released, by event name, oldest first; the last of each is the current one."""
    text = resources.files("foldgate.contracts").joinpath("editions.json").read_text()
    known: dict[str, list[dict[str, Any]]] = json.loads(text)
    return known


class Codec:
    """Encodes with the current edition, decodes any edition in either framing. `known` stands in for `editions()`."""

    def __init__(
        self, registry: Registry | None = None, *, known: dict[str, list[dict[str, Any]]] | None = None
    ) -> None:
        self._registry = registry
        self._current: dict[str, _Edition] = {}
        self._by_fingerprint: dict[bytes, _Edition] = {}
        self._by_registry_id: dict[bytes, _Edition] = {}
        self._headers: dict[str, bytes] = {}
        self._peeked: dict[bytes, Peeked] = {}
        for name, all_editions in (known or editions()).items():
            self._add(name, [edition["schema"] for edition in all_editions])

    def encode(self, meta: Meta, event: Event) -> bytes:
        """The bytes of a submission."""
        name = type(event).__name__
        out = [self._headers.get(name) or self._header(name)]
        try:
            put_Meta(out, meta)
            PUT[name](out, event)
            return b"".join(out)
        except _MISFITTING as error:
            why = _misfit(meta, "meta") or _misfit(event, "event") or str(error)
            raise Unencodable(f"Expected a {name} that fits its schema, but: {why}") from error

    def seal(self, meta: Meta, event: Event, previous: bytes) -> tuple[bytes, bytes]:
        """The chain hash of an event of an owned stream (INV-03), and its bytes with that hash in them."""
        data = bytearray(self.encode(meta, event))
        start = len(self._headers[type(event).__name__])
        chain = _link(previous, self._current[type(event).__name__], memoryview(data)[start + CHAIN_SIZE :])
        data[start : start + CHAIN_SIZE] = chain
        return chain, bytes(data)

    def chain_holds(self, value: bytes, previous: bytes) -> bool:
        """Whether these bytes follow the event whose chain hash is `previous`."""
        edition, start = self._edition(value)
        found = value[start : start + CHAIN_SIZE]
        return found == _link(previous, edition, memoryview(value)[start + CHAIN_SIZE :])

    def peek(self, value: bytes) -> Peeked:
        """The name of the event, from its header alone."""
        return self._peeked.get(value[:10]) or self._peek(value)

    def _peek(self, value: bytes) -> Peeked:
        edition, start = self._edition(value)
        return Peeked(edition.name, start)

    def meta(self, value: bytes) -> Meta:
        """The Meta alone: the event's own fields stay undecoded."""
        edition, start = self._edition(value)
        if edition.reader is not None:
            return self._resolve(value, start, edition).meta
        try:
            meta, end = take_Meta(value, start)
        except _UNREADABLE as error:
            raise _undecodable(edition.name, error) from error
        if end > len(value):
            raise _undecodable(edition.name, EOFError())
        return meta

    def decode(self, value: bytes) -> Decoded:
        """The event in these bytes."""
        edition, start = self._edition(value)
        if edition.reader is not None:
            return self._resolve(value, start, edition)
        try:
            meta, at = take_Meta(value, start)
            event, end = TAKE[edition.name](value, at)
        except _UNREADABLE as error:
            raise _undecodable(edition.name, error) from error
        if end != len(value):
            raise _undecodable(edition.name, _wrong_end(value, end))
        return Decoded(meta, event)

    def _resolve(self, value: bytes, start: int, edition: _Edition) -> Decoded:
        """Read a record of another edition: by the library, under the writer's schema, into today's."""
        source = BytesIO(value)
        source.seek(start)
        try:
            fields: Any = fastavro.schemaless_reader(source, edition.parsed, edition.reader)
            if source.tell() != len(value):
                raise _wrong_end(value, source.tell())
            meta = msgspec.convert(fields.pop("meta"), Meta)
            event = msgspec.convert(fields, EVENT_TYPES[edition.name])
            PUT[edition.name]([], event)  # the library lets numbers through that we could not write again
        except Exception as error:  # any exception: the library lets struct, index, key and memory errors out
            raise _undecodable(edition.name, error) from error
        return Decoded(meta, event)

    def _edition(self, value: bytes) -> tuple[_Edition, int]:
        edition = self._by_fingerprint.get(value[2:10]) if value[:2] == _SINGLE_OBJECT else None
        if edition is not None:
            return edition, 10
        if value[:1] == _CONFLUENT and len(value) >= 5:
            return self._by_registry_id.get(value[1:5]) or self._from_registry(value[1:5]), 5
        if value[:2] == _SINGLE_OBJECT and len(value) >= 10:
            raise Undecodable(
                "unknown_schema",
                f"Expected a schema of this suite, but {value[2:10].hex()} is none it knows: it may be of a newer one.",
            )
        raise Undecodable(
            "undecodable",
            f"Expected an Avro header (C3 01 and 8 bytes, or 00 and 4), but found {value[:10].hex(' ') or 'nothing'}.",
        )

    def _from_registry(self, schema_id: bytes) -> _Edition:
        number = int.from_bytes(schema_id, "big")
        schema = self._registry.schema_of(number) if self._registry is not None else None
        if schema is None:
            where = "no registry is configured" if self._registry is None else "the registry does not know it"
            raise Undecodable("unknown_schema", f"Expected a known schema id, but {where}: {number}.")
        edition = self._foreign_edition(schema, number)
        self._by_registry_id[schema_id] = edition = self._by_fingerprint.get(edition.fingerprint, edition)
        return edition

    def _foreign_edition(self, schema: dict[str, Any], number: int) -> _Edition:
        full_name = _full_name(schema)
        name = full_name.removeprefix(_NAMESPACE)
        if name not in self._current or name == full_name:
            found = f"schema id {number} is " + (f"'{full_name[:100]}'" if full_name else "no record")
            raise Undecodable("unknown_schema", f"Expected an event of this suite, but {found}.")
        try:
            edition = _Edition(name, schema, self._current[name].raw)
            foreign.check(edition.parsed)
        except Exception as error:  # any exception: the schema is foreign input
            found = f"id {number} is not: {_short(error)}"
            raise Undecodable("unknown_schema", f"Expected a usable schema, but {found}.") from error
        return edition

    def _add(self, name: str, schemas: list[dict[str, Any]]) -> None:
        *past, current = schemas
        self._current[name] = _Edition(name, current, None)
        for edition in (*(_Edition(name, schema, current) for schema in past), self._current[name]):
            self._by_fingerprint[edition.fingerprint] = edition
            self._peeked[_SINGLE_OBJECT + edition.fingerprint] = Peeked(name, 10)

    def _header(self, name: str) -> bytes:
        if name not in self._current:
            raise Unencodable(f"Expected an event, but got a {name}.")
        current = self._current[name]
        if self._registry is None:
            header = _SINGLE_OBJECT + current.fingerprint
        else:
            header = _CONFLUENT + self._registry.id_of(name, current.raw).to_bytes(4, "big")
        self._headers[name] = header
        return header


def _link(previous: bytes, edition: _Edition, rest: memoryview) -> bytes:
    # The schema's fingerprint stands for the header, so the chain survives a change of framing.
    return hashlib.sha256(b"".join((previous, edition.fingerprint, rest))).digest()


def _full_name(schema: dict[str, Any]) -> str:
    """The record's name with its namespace; one of the suite begins with ours."""
    name, namespace = schema.get("name"), schema.get("namespace")
    if not isinstance(name, str):
        return ""
    return name if "." in name or not isinstance(namespace, str) else f"{namespace}.{name}"


def _undecodable(name: str, error: Exception) -> Undecodable:
    why = "it ends too early" if isinstance(error, (IndexError, EOFError)) else _short(error)
    return Undecodable("undecodable", f"Expected an Avro {name}, but reading it failed: {why}.")


def _wrong_end(value: bytes, end: int) -> Exception:
    return EOFError() if end > len(value) else Malformed(f"{len(value) - end} bytes follow its end")


def _misfit(value: Event | Meta, what: str) -> str | None:
    """Which field is of the wrong type: for the error alone, where time does not matter."""
    try:
        msgspec.convert(msgspec.to_builtins(value, builtin_types=(bytes,)), type(value), builtin_types=(bytes,))
    except (msgspec.ValidationError, TypeError) as error:
        return f"{error} ({what})"
    return None


def _short(error: Exception) -> str:
    return (str(error) or type(error).__name__)[:300].rstrip(".")
