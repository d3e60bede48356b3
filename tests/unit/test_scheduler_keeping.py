"""A pool in a checkpoint: all of it, in pieces, as it was when it was taken."""

import dataclasses
import hashlib

import pytest

from foldgate.contracts.events import JobDispatched
from foldgate.decider.stamp import Held
from foldgate.runtime.parts import PART_BYTES, Cutting, CutUp, Parts, Torn, join, pieces
from foldgate.runtime.saving import decoded_from_pieces, edition, encoded_in_pieces
from foldgate.scheduler.jobs.keeping import AT_ONCE, KEEPING
from foldgate.scheduler.jobs.state import Lane, Pool, Waiting
from tests.support.pool_words import issued
from tests.support.pools import DECIDER, beat, pool, report


def held(state: Pool) -> Held[Pool]:
    return Held(state=state, sequence=1, clock=1, at=1, chain=b"", run_id="", pool="", tenant="", correlation="")


def test_it_is_as_it_was_when_it_was_taken_whatever_comes_meanwhile() -> None:
    subject = pool()
    for number in range(1, AT_ONCE + 20):
        subject.when(issued(number, priority=number % 3))
    subject.when(beat(room=3))
    for number in range(AT_ONCE + 20, AT_ONCE + 30):
        subject.when(issued(number))
    taken = subject.state
    assert taken is not None
    some = encoded_in_pieces(held(taken), KEEPING)
    [_, given] = subject.when(report(2))
    assert isinstance(given, JobDispatched)
    encoded = list(some)
    assert len(encoded) == 3
    again = decoded_from_pieces(encoded, DECIDER, KEEPING)
    assert again.state == taken
    assert again.state != subject.state
    assert DECIDER.due(again.state) == DECIDER.due(taken)


def test_another_shape_of_what_is_kept_is_another_edition() -> None:
    for kind in (Pool, Lane, Waiting):
        assert all(f"{kind.__name__} {name} " in KEEPING.shape for name in kind.__struct_fields__)
    changed = dataclasses.replace(KEEPING, shape=KEEPING.shape.replace("Lane size", "Lane length"))
    assert edition(dataclasses.replace(DECIDER, keeping=changed)) != edition(DECIDER)


def test_a_value_that_comes_in_pieces_lies_in_parts() -> None:
    some = [b"", b"one", b"x" * (2 * PART_BYTES), b"last"]
    cutting = Cutting()
    for piece in some:
        cutting.add(piece)
    cut = cutting.end()
    assert isinstance(cut, CutUp)
    assert cut.digest == hashlib.sha256(b"".join(cut.parts)).digest()
    stored = {name: value for name, value in Parts().split({"a": cut}).items() if value is not None}
    assert max(map(len, stored.values())) <= PART_BYTES
    assert [bytes(piece) for piece in pieces(join(stored)["a"])] == some
    with pytest.raises(Torn):
        join(stored | {"part/0/a": b"another"})


def test_a_small_value_that_comes_in_pieces_lies_in_one() -> None:
    cutting = Cutting()
    cutting.add(b"one")
    cutting.add(b"two")
    value = cutting.end()
    assert isinstance(value, bytes)
    assert [bytes(piece) for piece in pieces(value)] == [b"one", b"two"]
