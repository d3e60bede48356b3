"""What was decided once is decided again: the same snapshot and the same job come to the same for ever."""

from foldgate.authority.bundles import prepare
from foldgate.authority.deciding import STRICTNESS
from foldgate.authority.snapshot import name_of, snapshot_of
from tests.support import recorded


def test_recorded_decisions_are_made_again() -> None:
    found = recorded.read()
    snapshot = snapshot_of(found.versions)
    assert snapshot.name == found.name
    for case in found.cases:
        assert recorded.decided(snapshot, case.run, case.job) == case.outcome


def test_every_decision_is_among_them() -> None:
    assert {case.outcome.decision for case in recorded.read().cases} >= {*STRICTNESS}


def test_recorded_bundles_keep_their_form_and_digest() -> None:
    found = recorded.read()
    for version in found.versions:
        ready = prepare(version.definition)
        assert (ready.bundle, ready.digest, ready.canonical) == (version.bundle, version.digest, version.definition)
    assert name_of((version.bundle, version.digest) for version in found.versions) == found.name
