"""Lengths of time and instants, as people write them."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foldgate.language.durations import LONGEST_MS, TimeInvalid, instant, milliseconds


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("500ms", 500),
        ("0s", 0),
        ("5s", 5_000),
        ("1.5s", 1_500),
        ("1.2345s", 1_234),
        ("3m", 180_000),
        ("2h", 7_200_000),
        ("1d", 86_400_000),
        ("1w", 604_800_000),
        ("1h30m", 5_400_000),
        ("1m500ms", 60_500),
        ("PT5S", 5_000),
        ("PT0.25S", 250),
        ("P1D", 86_400_000),
        ("P2W", 1_209_600_000),
        ("P1DT2H3M4S", 93_784_000),
        ("36600d", LONGEST_MS),
    ],
)
def test_a_duration_is_milliseconds(text: str, expected: int) -> None:
    assert milliseconds(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "5",
        "s",
        "5 s",
        "-5s",
        "5sec",
        "1,5s",
        "P",
        "PT",
        "P1DT",
        "P1Y",
        "P1M",
        "pt5s",
        "5s\n",
        "\u0665s",
        "1e3s",
        "9" * 30,
    ],
)
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(TimeInvalid, match=r"^Expected a duration such as .*, but got '"):
        milliseconds(text)


@pytest.mark.parametrize("text", ["36600d1ms", "P5229W", "999999999999999d"])
def test_a_duration_is_at_most_a_hundred_years(text: str) -> None:
    with pytest.raises(TimeInvalid, match="at most 100 years"):
        milliseconds(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01t00:00:00.001z", 1),
        ("1969-12-31T23:59:59.999Z", -1),
        ("2000-02-29 12:00:00+00:00", 951_825_600_000),
        ("2026-01-31T12:00:00.5+02:30", 1_769_851_800_500),
        ("2026-01-31T12:00:00-02:30", 1_769_869_800_000),
        ("2016-12-31T23:59:60Z", 1_483_228_800_000),
    ],
)
def test_an_instant_is_milliseconds_since_1970(text: str, expected: int) -> None:
    assert instant(text) == expected


@given(st.datetimes(min_value=datetime(1, 1, 2), max_value=datetime(9999, 12, 30)), st.integers(-1439, 1439))  # noqa: DTZ001
def test_an_instant_is_what_the_calendar_says(naive: datetime, offset: int) -> None:
    moment = naive.replace(tzinfo=timezone(timedelta(minutes=offset)))
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    assert instant(moment.isoformat()) == since // timedelta(milliseconds=1)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-01-31",
        "2026-01-31T12:00:00",
        "2026-01-31T12:00Z",
        "26-01-31T12:00:00Z",
        "2026-01-31T12:00:00.Z",
        "now",
    ],
)
def test_what_is_no_instant_is_refused(text: str) -> None:
    with pytest.raises(TimeInvalid, match="Expected a time such as"):
        instant(text)


@pytest.mark.parametrize(
    "text",
    [
        "2026-02-29T00:00:00Z",
        "2100-02-29T00:00:00Z",
        "2026-04-31T00:00:00Z",
        "2026-13-01T00:00:00Z",
        "2026-00-01T00:00:00Z",
        "0000-01-01T00:00:00Z",
        "2026-01-32T00:00:00Z",
        "2026-01-00T00:00:00Z",
        "2026-01-01T24:00:00Z",
        "2026-01-01T00:60:00Z",
        "2026-01-01T00:00:61Z",
    ],
)
def test_an_instant_that_does_not_exist_is_refused(text: str) -> None:
    with pytest.raises(TimeInvalid, match="Expected a time that exists"):
        instant(text)


@pytest.mark.parametrize("text", ["2026-01-01T00:00:00+24:00", "2026-01-01T00:00:00-01:60"])
def test_an_offset_is_below_a_day(text: str) -> None:
    with pytest.raises(TimeInvalid, match="offset below 24 hours"):
        instant(text)
