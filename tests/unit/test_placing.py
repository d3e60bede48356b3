"""Where events stand in their run: causes before effects, whatever clocks say and strangers claim."""

from hypothesis import given
from hypothesis import strategies as st

from foldgate.gateway.projections.placing import LAST_MOMENT, Mark, Place, Settled, Where, places

RUN = "run_1"


def mark(stream: str, offset: int, *, at: int = 0, causation: str = "", name: str = "", run: str = RUN) -> Mark:
    return Mark(run, Where(stream, 0, offset), name or f"{stream}/{offset}", causation, at)


def ordered(*marks: Mark) -> list[str]:
    found = places(marks, [], {})
    return [one.event_id for one in sorted(marks, key=lambda one: (found[one.where], one.where))]


def test_time_orders_what_nothing_else_does() -> None:
    assert ordered(mark("runs", 0, at=5), mark("jobs", 0, at=3), mark("intake", 0, at=4)) == [
        "jobs/0",
        "intake/0",
        "runs/0",
    ]


def test_a_cause_comes_first_whatever_the_clock_of_its_effect_says() -> None:
    marks = [
        mark("reports", 0, at=90, causation="jobs/0"),
        mark("runs", 0, at=80, causation="reports/0"),
        mark("jobs", 0, at=100),
    ]
    assert ordered(*marks) == ["jobs/0", "reports/0", "runs/0"]
    assert places(marks, [], {})[marks[1].where] == Place(100, 2)


def test_a_partition_keeps_its_order() -> None:
    assert ordered(mark("runs", 1, at=1), mark("runs", 0, at=9)) == ["runs/0", "runs/1"]


def test_an_id_that_several_have_is_its_owners_then_the_first() -> None:
    forged = mark("intake", 0, at=50, name="runs/0")
    owned = mark("runs", 0, at=10)
    effect = mark("jobs", 0, at=5, causation="runs/0")
    assert places([forged, owned, effect], [], {})[effect.where] == Place(10, 1)
    first, again = mark("intake", 0, at=20, name="v"), mark("intake", 1, at=70, name="v")
    answer = mark("approvals", 0, at=5, causation="v")
    assert places([first, again, answer], [], {})[answer.where] == Place(20, 1)


def test_another_runs_events_are_no_cause() -> None:
    other, mine = mark("runs", 0, at=50, run="run_2"), mark("jobs", 0, at=5, causation="runs/0")
    assert places([other, mine], [], {})[mine.where] == Place(5, 0)


def test_what_is_settled_is_built_on() -> None:
    mine = mark("runs", 7, at=5, causation="reports/3")
    known = [Settled(RUN, Where("reports", 0, 3), "reports/3", Place(40, 2))]
    assert places([mine], known, {})[mine.where] == Place(40, 3)
    assert places([mine], [], {(RUN, "runs", 0): Place(60, 1)})[mine.where] == Place(60, 2)
    assert places([mine], known, {(RUN, "runs", 0): Place(39, 9)})[mine.where] == Place(40, 3)


def test_a_circle_is_cut_where_strangers_may_write() -> None:
    claims = mark("intake", 0, at=10, causation="runs/1")
    begins = mark("runs", 0, at=20, causation="intake/0")
    goes_on = mark("runs", 1, at=21, causation="runs/0")
    apart = mark("jobs", 0, at=5)
    found = places([claims, begins, goes_on, apart], [], {})
    assert [found[one.where] for one in (claims, begins, goes_on)] == [
        Place(10, 0, circular=True),
        Place(20, 0, circular=True),
        Place(21, 0, circular=True),
    ]
    assert found[apart.where] == Place(5, 0)


def test_nobody_comes_of_himself_and_owners_that_lie_have_an_order_too() -> None:
    own = mark("intake", 0, at=3, causation="intake/0")
    assert places([own], [], {})[own.where] == Place(3, 0, circular=True)
    one, two = mark("runs", 0, at=3, causation="jobs/0"), mark("jobs", 0, at=4, causation="runs/0")
    assert places([one, two], [], {}) == {
        one.where: Place(3, 0, circular=True),
        two.where: Place(4, 0, circular=True),
    }


def test_a_time_that_is_none_is_bounded() -> None:
    far, early = mark("intake", 0, at=2**63 - 1), mark("admin", 0, at=-5)
    assert places([far, early], [], {}) == {far.where: Place(LAST_MOMENT, 0), early.where: Place(0, 0)}


STREAMS = st.sampled_from(["intake", "reports", "runs", "jobs", "decisions"])
DRAWN = st.lists(st.tuples(STREAMS, st.integers(0, 50), st.integers(0, 39)), max_size=40)


@given(DRAWN)
def test_without_circles_every_cause_comes_before_its_effect(drawn: list[tuple[str, int, int]]) -> None:
    """Events as they happen: each may answer any one before it."""
    marks: list[Mark] = []
    for stream, at, back in drawn:
        offset = sum(one.where.stream == stream for one in marks)
        causation = marks[-1 - back].event_id if back < len(marks) else ""
        marks.append(mark(stream, offset, at=at, causation=causation))
    found = places(marks, [], {})
    by_id = {one.event_id: found[one.where] for one in marks}
    for one in marks:
        assert not found[one.where].circular
        if one.causation:
            assert by_id[one.causation] < found[one.where]
        if one.where.offset:
            assert by_id[f"{one.where.stream}/{one.where.offset - 1}"] < found[one.where]


@given(DRAWN, st.randoms())
def test_a_place_does_not_hang_on_what_is_looked_at_first(drawn: list[tuple[str, int, int]], chance) -> None:  # type: ignore[no-untyped-def]
    marks = [
        mark(stream, number, at=at, causation=f"{drawn[back % len(drawn)][0]}/{back % len(drawn)}")
        for number, (stream, at, back) in enumerate(drawn)
    ]
    mixed = chance.sample(marks, len(marks))
    assert places(mixed, [], {}) == places(marks, [], {})
