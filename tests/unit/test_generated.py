"""What is generated is fresh, comes out the same twice, and a schema that breaks a rule is refused in one line."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from foldgate.contracts import generate
from foldgate.contracts.schemas import SCHEMAS, SchemaError
from tests.support.checkout import Checkout

ROOT = Path(__file__).parents[2]
GENERATED = [path.relative_to(ROOT).as_posix() for path in generate.outputs()]


@pytest.mark.parametrize("command", [("-m", "foldgate.contracts.generate"), ("docs/generate.py",)], ids=" ".join)
def test_everything_generated_is_fresh(command: tuple[str, ...]) -> None:
    found = subprocess.run([sys.executable, *command, "--check"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (found.returncode, found.stdout) == (0, ""), found.stdout + found.stderr


def test_generating_from_nothing_gives_the_same_and_twice_changes_nothing(tmp_path: Path) -> None:
    copy = Checkout(tmp_path)
    for path in GENERATED:
        (tmp_path / path).unlink(missing_ok=True)
    first = copy.generate()
    assert (first.returncode, sorted(first.stdout.splitlines())) == (0, sorted(f"wrote: {path}" for path in GENERATED))
    for path in GENERATED:
        if not path.endswith("editions.json"):  # it has a past, which cannot be made again
            assert (tmp_path / path).read_text() == (ROOT / path).read_text()
    times = {path: (tmp_path / path).stat().st_mtime_ns for path in GENERATED}
    again = copy.generate()
    assert (again.returncode, again.stdout) == (0, "")
    assert times == {path: (tmp_path / path).stat().st_mtime_ns for path in GENERATED}


def test_what_is_stale_is_named_and_left_alone(tmp_path: Path) -> None:
    copy = Checkout(tmp_path)
    touched = tmp_path / "libs" / "foldgate" / "contracts" / "wire.py"
    touched.write_text(touched.read_text() + "# by hand\n")
    found = copy.generate("--check")
    assert found.returncode == 1
    assert found.stdout.splitlines() == [
        "stale: libs/foldgate/contracts/wire.py",
        "Expected generated files to match schemas/ and topics.py: run `make schemas`.",
    ]
    assert touched.read_text().endswith("# by hand\n")


def test_a_past_edition_is_kept_and_today_comes_last(tmp_path: Path) -> None:
    copy = Checkout(tmp_path)
    before = copy.editions()["RunFailed"]
    copy.edit("RunFailed", lambda schema: schema["fields"].append(field("more", "string", default="")))
    assert copy.generate().returncode == 0
    *past, now = copy.editions()["RunFailed"]
    assert past == before
    assert now["schema"]["fields"][-1] == {"name": "more", "type": "string", "default": ""}
    copy.edit("RunFailed", lambda schema: schema["fields"].pop())
    assert copy.generate().returncode == 0
    assert copy.editions()["RunFailed"] == [*past[:-1], now, past[-1]], "going back makes the old one today's again"


def test_an_event_that_has_editions_stays(tmp_path: Path) -> None:
    copy = Checkout(tmp_path)
    copy.place("RunFailed", stream=None)
    (tmp_path / "schemas" / "RunFailed.avsc").unlink()
    refused(copy.generate(), "RunFailed.avsc: expected it to stay")


def field(name: Any, node: Any, **more: Any) -> dict[str, Any]:
    return {"name": name, "type": node, "doc": "A field.", **more}


def refused(found: "subprocess.CompletedProcess[str]", why: str) -> None:
    """One line for a person, and nothing of where in the code it was found."""
    assert found.returncode == 2
    assert found.stderr == ""
    assert len(found.stdout.splitlines()) == 1
    assert why in found.stdout


def adding(*fields: dict[str, Any]) -> Callable[[dict[str, Any]], Any]:
    return lambda schema: schema["fields"].extend(fields)


def also(**keys: Any) -> Callable[[dict[str, Any]], Any]:
    return lambda schema: schema.update(keys)


IN_ITSELF = {"type": "array", "items": "foldgate.Job"}


@pytest.mark.parametrize(
    ("name", "change", "why"),
    [
        ("Job", also(doc=""), "Job.avsc: expected a 'doc' on the record"),
        ("Job", also(doc=3), "Job.avsc: expected a 'doc' on the record"),
        ("Job", also(doc='Says "no".'), "in one line without backslashes and double quotes"),
        ("Job", also(doc="Two\nlines."), "in one line"),
        ("Job", adding({"name": "more", "type": "string"}), "Job.avsc: expected a 'doc' on field 'more'"),
        ("Job", also(name="Errand"), "Job.avsc: expected one record named foldgate.Job, as its file is"),
        ("Job", also(namespace="elsewhere"), "Job.avsc: expected one record named foldgate.Job"),
        ("Job", also(type="enum"), "Job.avsc: expected one record named"),
        ("Job", also(fields=[]), "Job.avsc: expected one record named foldgate.Job, as its file is, with fields"),
        ("Job", adding({"doc": "A field.", "type": "int"}), "Job.avsc: expected field 26 to have a 'name'"),
        ("Job", adding(field("class", "int")), "that Python can use too"),
        ("Job", adding(field("in put", "int")), "that Python can use too"),
        ("Job", adding(field("more", "strin")), "field 'more': expected a type the generator knows"),
        ("Job", adding(field("more", "double")), 'but got "double"'),
        ("Job", adding(field("more", None)), "but got null"),
        ("Job", adding(field("more", "array")), 'but got "array"'),
        ("Job", adding(field("more", {"type": "array"})), "but got null"),
        ("Job", adding(field("more", {"type": "enum", "name": "E", "symbols": ["a"]})), "expected a type"),
        ("Job", adding(field("more", {"type": "fixed", "name": "F", "size": 0})), "expected a type"),
        ("Job", adding(field("more", {"type": "map", "values": "float"})), 'but got "float"'),
        ("Job", adding(field("more", ["null", "string", "long"])), "expected a type"),
        ("Job", adding(field("more", ["string", "null"])), "expected a type"),
        ("Job", adding(field("more", "foldgate.Nothing")), 'but got "foldgate.Nothing"'),
        ("Job", adding(field("more", "foldgate.RunFailed")), "a record of this folder that is no event"),
        ("RunFailed", adding(field("more", "foldgate.Meta")), 'but got "foldgate.Meta"'),
        ("Job", adding(field("more", IN_ITSELF)), "Job.avsc: expected a record without itself in its parts"),
        ("Job", adding(field("more", "string", default=3)), "field 'more': expected a default of its type"),
        ("Job", adding(field("more", "boolean", default=0)), "expected a default of its type"),
        ("Job", adding(field("more", "bytes", default="𝄞")), "expected a default of its type"),
        ("Job", adding(field("more", "long", default=True)), "expected a default of its type"),
        ("Job", adding(field("more", {"type": "array", "items": "int"}, default=[1])), "of an array or map: empty"),
        ("Job", adding(field("more", {"type": "map", "values": "int"}, default={"a": 1})), "of an array or map: empty"),
        ("Job", adding(field("more", ["null", "int"], default=1)), "expected a default of its type"),
        ("Job", adding(field("more", "foldgate.Writ", default={})), "of a record: none"),
    ],
)
def test_a_schema_that_breaks_a_rule_is_named(
    tmp_path: Path, *, name: str, change: Callable[[dict[str, Any]], Any], why: str
) -> None:
    folder = shutil.copytree(SCHEMAS, tmp_path / "schemas")
    path = folder / f"{name}.avsc"
    schema = json.loads(path.read_text())
    change(schema)
    path.write_text(json.dumps(schema))
    with pytest.raises(SchemaError) as refusal:
        generate.outputs(folder)
    assert why in str(refusal.value)


def test_two_records_within_one_another_are_named(tmp_path: Path) -> None:
    copy = Checkout(tmp_path)
    copy.edit("Job", adding(field("writ", "foldgate.Writ")))
    copy.edit("Writ", adding(field("jobs", IN_ITSELF)))
    refused(copy.generate(), "Job > Writ")


@pytest.mark.parametrize(
    ("files", "why"),
    [
        ({"RunLaughed.avsc": '{"type": "rec'}, "RunLaughed.avsc: expected JSON, but "),
        ({"RunLaughed.avsc": '"string"'}, "RunLaughed.avsc: expected one record named foldgate.RunLaughed"),
        ({"RunLaughed.avsc": "[]"}, "RunLaughed.avsc: expected one record named foldgate.RunLaughed"),
        (
            {"RunLaughed.avsc": (SCHEMAS / "RunFailed.avsc").read_text().replace("RunFailed", "RunLaughed")},
            "RunLaughed.avsc: expected the event in the `events` of a stream of topics.py.",
        ),
        ({"RunFailed.avsc": None}, "topics.py: expected an event in schemas/RunFailed.avsc, but there is none."),
    ],
    ids=["no JSON", "no record", "a list", "in no stream", "gone"],
)
def test_a_folder_that_breaks_a_rule_is_refused_in_one_line(
    tmp_path: Path, files: dict[str, str | None], why: str
) -> None:
    copy = Checkout(tmp_path)
    for name, text in files.items():
        (tmp_path / "schemas" / name).unlink() if text is None else (tmp_path / "schemas" / name).write_text(text)
    refused(copy.generate("--check"), why)
    with pytest.raises(SchemaError) as refusal:
        generate.outputs(tmp_path / "schemas")
    assert why in str(refusal.value)


def test_an_empty_folder_is_no_checkout(tmp_path: Path) -> None:
    with pytest.raises(SchemaError, match="run this from a source checkout"):
        generate.outputs(tmp_path)


@pytest.mark.parametrize(
    ("default", "node", "text"),
    [
        ("𝄞 é", "string", ' = "𝄞 é"'),
        ("\u00ff\u0000", "bytes", r" = b'\xff\x00'"),
        (None, ["null", "string"], " = None"),
        (False, "boolean", " = False"),
        (-7, "long", " = -7"),
        ([], {"type": "array", "items": "int"}, " = ()"),
        ({}, {"type": "map", "values": "int"}, " = msgspec.field(default_factory=dict)"),
    ],
)
def test_a_default_is_the_same_in_python(tmp_path: Path, *, default: Any, node: Any, text: str) -> None:
    folder = shutil.copytree(SCHEMAS, tmp_path / "schemas")
    schema = json.loads((folder / "Job.avsc").read_text())
    schema["fields"].append(field("more", node, default=default))
    (folder / "Job.avsc").write_text(json.dumps(schema))
    lines = generate.outputs(folder)[generate.EVENTS].splitlines()
    [line] = [line for line in lines if line.startswith("    more: ")]
    assert line.endswith(text)
