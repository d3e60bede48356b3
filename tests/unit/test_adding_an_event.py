"""The recipe in docs/adding-an-event.md works: it is walked here, in a copy, with the example of the page."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from tests.support.checkout import ROOT, Checkout

PAGE = (ROOT / "docs" / "adding-an-event.md").read_text()
ROUND_TRIP = """
from foldgate.contracts.codec import Codec
from foldgate.contracts.events import EVENT_TYPES, RunPostponed
from tests.support.avro import sample

meta, _ = sample("RunFailed")
for until in (None, 0, 2**40):
    paused = RunPostponed(reason="somebody asked", until=until)
    value = Codec().encode(meta, paused)
    assert Codec().decode(value) == (meta, paused)
assert EVENT_TYPES["RunPostponed"] is RunPostponed
print("read back")
"""


@pytest.fixture
def walked(tmp_path: Path) -> Checkout:
    """A copy in which steps 1 to 3 were taken."""
    copy = Checkout(tmp_path, "tests/support", "tests/contract")
    [example] = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    (tmp_path / "schemas" / f"{json.loads(example)['name']}.avsc").write_text(example)
    copy.place("RunPostponed", stream="runs")
    done(copy.generate())
    assert "added: RunPostponed." in done(copy.python("-m", "tests.contract.golden"))
    return copy


def done(found: "subprocess.CompletedProcess[str]") -> str:
    assert found.returncode == 0, found.stdout + found.stderr
    return found.stdout


def compatibility(copy: Checkout) -> "subprocess.CompletedProcess[str]":
    return copy.python("-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/contract/test_compatibility.py")


def test_the_new_event_is_written_and_read(walked: Checkout) -> None:
    assert done(walked.python("-c", ROUND_TRIP)) == "read back\n"
    assert (
        "| until | `int \\| None` | When it goes on by itself" in (walked.root / "docs/generated/events.md").read_text()
    )
    assert "RunPostponed" in (walked.root / "docs/generated/streams.md").read_text()
    done(compatibility(walked))


def test_a_field_may_be_added_with_a_default_alone(walked: Checkout) -> None:
    more = {"name": "more", "type": "string", "doc": "More.", "default": "none"}
    walked.edit("RunPostponed", lambda schema: schema["fields"].append(more))
    done(walked.generate())
    done(walked.python("-m", "tests.contract.golden"))
    assert len(walked.editions()["RunPostponed"]) == 2
    assert len(list(walked.root.glob("tests/contract/golden/RunPostponed.*.json"))) == 2
    done(compatibility(walked))
    walked.edit("RunPostponed", lambda schema: schema["fields"][-1].pop("default"))
    done(walked.generate())
    refused = compatibility(walked)
    assert refused.returncode == 1
    assert "today's RunPostponed cannot read what" in refused.stdout


def test_unreleased_editions_can_be_taken_back(walked: Checkout) -> None:
    walked.edit("RunPostponed", lambda schema: schema["fields"].pop())
    done(walked.generate())
    done(walked.python("-m", "tests.contract.golden"))
    done(walked.python("-m", "tests.contract.golden", "--reset"))
    assert {len(known) for known in walked.editions().values()} == {1}
    assert len(list(walked.root.glob("tests/contract/golden/*.json"))) == len(walked.editions())
    done(compatibility(walked))
    assert walked.python("-m", "tests.contract.golden", "--rest").returncode == 2
