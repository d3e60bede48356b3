"""Lengths of time and instants as people write them, in milliseconds: own arithmetic, since the core has no clock."""

import re

_UNITS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
_PART = re.compile(r"([0-9]{1,15})(?:\.([0-9]{1,9}))?(ms|[smhdw])")
_SHORT = re.compile(rf"(?:{_PART.pattern})+")
_NUMBER = r"[0-9]{1,15}(?:\.[0-9]{1,9})?"
_ISO = re.compile(
    rf"P(?=[0-9T])(?:(?P<w>{_NUMBER})W)?(?:(?P<d>{_NUMBER})D)?"
    rf"(?:T(?=[0-9])(?:(?P<h>{_NUMBER})H)?(?:(?P<m>{_NUMBER})M)?(?:(?P<s>{_NUMBER})S)?)?"
)
_INSTANT = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})[Tt ]([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]{1,9}))?"
    r"(?:[Zz]|([+-])([0-9]{2}):([0-9]{2}))"
)
LONGEST_MS = 100 * 366 * _UNITS["d"]
"""A hundred years: what is longer is a mistake, and all sums stay far within 64 bits."""


class TimeInvalid(ValueError):
    """A text is no length of time, or no instant."""


def milliseconds(text: str) -> int:
    """A length of time: `500ms`, `5s`, `1h30m`, `2d`, or ISO 8601 such as `PT1H30M`."""
    if _SHORT.fullmatch(text):
        total = sum(_times(whole, fraction, _UNITS[unit]) for whole, fraction, unit in _PART.findall(text))
    elif iso := _ISO.fullmatch(text):
        parts = {unit: number.partition(".") for unit, number in iso.groupdict().items() if number}
        total = sum(_times(whole, fraction, _UNITS[unit]) for unit, (whole, _, fraction) in parts.items())
    else:
        raise TimeInvalid(f"Expected a duration such as 500ms, 5s, 1h30m or PT1H, but got '{text[:80]}'.")
    if total > LONGEST_MS:
        raise TimeInvalid(f"Expected a duration of at most 100 years, but got '{text[:80]}'.")
    return total


def instant(text: str) -> int:
    """A time as RFC 3339, in milliseconds since 1970."""
    found = _INSTANT.fullmatch(text)
    if found is None:
        raise TimeInvalid(f"Expected a time such as 2026-01-31T12:00:00Z, but got '{text[:80]}'.")
    year, month, day, hour, minute, second = map(int, found.groups()[:6])
    fraction, sign, zone_hours, zone_minutes = found.groups()[6:]
    if not (_is_date(year, month, day) and hour < 24 and minute < 60 and second <= 60):
        raise TimeInvalid(f"Expected a time that exists, but got '{text[:80]}'.")
    if sign and not (int(zone_hours) < 24 and int(zone_minutes) < 60):
        raise TimeInvalid(f"Expected an offset below 24 hours, but got '{text[:80]}'.")
    offset = (int(zone_hours) * 60 + int(zone_minutes)) * (-1 if sign == "-" else 1) if sign else 0
    minutes = _days(year, month, day) * 1440 + hour * 60 + minute - offset
    return minutes * 60_000 + _times(str(second), fraction or "", 1000)


def _times(whole: str, fraction: str, unit: int) -> int:
    """A decimal number of units, cut to whole milliseconds."""
    return int(whole) * unit + (int(fraction) * unit // 10 ** len(fraction) if fraction else 0)


def _is_date(year: int, month: int, day: int) -> bool:
    if not (year >= 1 and 1 <= month <= 12):
        return False
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    longest = 28 + leap if month == 2 else 30 if month in {4, 6, 9, 11} else 31
    return 1 <= day <= longest


def _days(year: int, month: int, day: int) -> int:
    """Days since 1970: years are counted from March, so that the leap day comes last."""
    year, month = (year, month - 3) if month > 2 else (year - 1, month + 9)
    return 365 * year + year // 4 - year // 100 + year // 400 + (153 * month + 2) // 5 + day - 1 - 719_468
