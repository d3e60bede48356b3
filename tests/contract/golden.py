"""Golden records: the bytes of each edition of each event as they were first written, and what they mean, for ever.

`python -m tests.contract.golden` adds the files of editions that have none, and never changes one. With `--reset`, and
before the first release only, the editions are forgotten but for today's, and all files are made anew.
"""

import sys
from pathlib import Path
from typing import Any

import msgspec

from foldgate.contracts import generate
from foldgate.contracts.codec import Decoded, editions
from foldgate.contracts.events import EVENT_TYPES, Meta
from foldgate.contracts.schemas import Schema
from tests.support.avro import empty, ordinary, written

FOLDER = Path(__file__).parent / "golden"
SINGLE_OBJECT = "c301"


class Record(msgspec.Struct, frozen=True):
    """One value: its bytes in hexadecimal, and what was put into them, as JSON (bytes in Base64)."""

    value: str
    meta: msgspec.Raw
    event: msgspec.Raw

    def bytes(self) -> bytes:
        return bytes.fromhex(self.value)

    def meaning(self, name: str) -> Decoded:
        """What was put in, in today's classes: fields added since have their defaults."""
        return Decoded(
            msgspec.json.decode(self.meta, type=Meta), msgspec.json.decode(self.event, type=EVENT_TYPES[name])
        )


class Golden(msgspec.Struct, frozen=True):
    """The golden records of one edition."""

    name: str
    fingerprint: str
    records: list[Record]


def path_of(name: str, fingerprint: str) -> Path:
    return FOLDER / f"{name}.{fingerprint}.json"


def goldens() -> list[Golden]:
    """Every golden file."""
    return [msgspec.json.decode(path.read_bytes(), type=Golden) for path in sorted(FOLDER.glob("*.json"))]


def main(arguments: list[str]) -> int:
    if arguments == ["--reset"]:
        _forget()
    elif arguments:
        sys.stdout.write("Expected nothing or --reset.\n")
        return 2
    for name, known in editions().items():
        for edition in known:
            path = path_of(name, edition["fingerprint"])
            if not path.exists():
                path.write_bytes(_made(name, edition["fingerprint"], edition["schema"]))
                sys.stdout.write(f"added: {path.name}\n")
    return 0


def _forget() -> None:
    generate.EDITIONS.unlink()
    generate.main([])
    for path in FOLDER.glob("*.json"):
        path.unlink()


def _made(name: str, fingerprint: str, schema: Schema) -> bytes:
    records = [_record(fingerprint, schema, datum) for datum in (ordinary(schema), empty(schema))]
    return msgspec.json.format(msgspec.json.encode(Golden(name, fingerprint, records)), indent=1) + b"\n"


def _record(fingerprint: str, schema: Schema, datum: dict[str, Any]) -> Record:
    value = SINGLE_OBJECT + fingerprint + written(schema, datum).hex()
    meta = datum.pop("meta")
    return Record(value, msgspec.Raw(msgspec.json.encode(meta)), msgspec.Raw(msgspec.json.encode(datum)))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
