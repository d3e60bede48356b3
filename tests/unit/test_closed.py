"""The keys of aggregates that have ended: remembered, stored and forgotten by the hour."""

from hypothesis import given
from hypothesis import strategies as st

from foldgate.decider.closed import ClosedKeys

HOUR = 3_600_000
ENDED = st.lists(st.tuples(st.sampled_from(["a", "b", "c", "d é"]), st.integers(0, 5 * HOUR)), max_size=12)


def closed(ended: list[tuple[str, int]]) -> ClosedKeys:
    keys = ClosedKeys()
    for key, at in ended:
        keys.add(key, at)
    return keys


def test_a_key_is_known_once_it_has_ended() -> None:
    keys = closed([("run_1", 7)])
    assert "run_1" in keys
    assert "run_2" not in keys
    assert "" not in keys
    assert len(keys) == 1


def test_an_hour_is_forgotten_when_all_of_it_is_over() -> None:
    keys = closed([("early", 0), ("late", HOUR - 1), ("next", HOUR)])
    assert sorted(keys.hours()) == [0, 1]
    assert keys.forget_before(HOUR - 1) == []
    assert keys.forget_before(HOUR) == [0]
    assert "late" not in keys
    assert "next" in keys
    assert keys.forget_before(HOUR) == []


def test_what_is_loaded_is_added_to_what_is_known() -> None:
    keys, more = closed([("a", 0)]), closed([("b", 1)])
    keys.load(0, more.dump(0))
    assert ("a" in keys, "b" in keys, len(keys)) == (True, True, 2)


def test_an_hour_of_which_nothing_is_known_is_no_bytes() -> None:
    assert ClosedKeys().dump(3) == b""


@given(ENDED)
def test_what_is_stored_by_the_hour_is_the_same_when_it_is_loaded(ended: list[tuple[str, int]]) -> None:
    keys, again = closed(ended), ClosedKeys()
    for hour in sorted(keys.hours(), reverse=True):
        again.load(hour, keys.dump(hour))
    assert {key: key in again for key, _ in ended} == dict.fromkeys((key for key, _ in ended), True)
    assert len(again) == len(keys)
    assert sorted(again.hours()) == sorted(keys.hours())
    assert [again.dump(hour) for hour in range(6)] == [keys.dump(hour) for hour in range(6)]


@given(ENDED)
def test_the_bytes_do_not_depend_on_the_order(ended: list[tuple[str, int]]) -> None:
    there, back = closed(ended), closed(list(reversed(ended)))
    assert [there.dump(hour) for hour in range(6)] == [back.dump(hour) for hour in range(6)]


@given(ENDED, st.integers(0, 6 * HOUR))
def test_forgetting_leaves_what_ended_later(ended: list[tuple[str, int]], at: int) -> None:
    keys = closed(ended)
    gone = keys.forget_before(at)
    assert all((hour + 1) * HOUR <= at for hour in gone)
    for key in {key for key, _ in ended}:
        assert (key in keys) == any(key == other and (when // HOUR + 1) * HOUR > at for other, when in ended)
