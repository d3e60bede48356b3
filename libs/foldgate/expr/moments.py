"""Times and spans of CEL, without a calendar of our own: the library makes them of numbers, and text of them."""

from functools import lru_cache
from typing import Any

from cel_expr_python import cel

_ENV = cel.NewEnv(variables={"ms": cel.Type.INT, "moment": cel.Type.TIMESTAMP, "span": cel.Type.DURATION})
_MOMENT = _ENV.compile("timestamp(ms / 1000) + duration(string(ms % 1000) + 'ms')")
_TEXT_OF_MOMENT = _ENV.compile("string(moment)")
_TEXT_OF_SPAN = _ENV.compile("string(span)")
Moment: type = type(_MOMENT.eval(data={"ms": 0}).plain_value())
Span: type = type(_ENV.compile("duration('0s')").eval(data={}).plain_value())


@lru_cache(maxsize=256)
def moment(ms: int) -> Any:
    """The time so many milliseconds after the beginning of 1970; text that says why not where CEL has no such time."""
    return _MOMENT.eval(data={"ms": ms}).plain_value()


def text_of_moment(value: object) -> object:
    """RFC 3339."""
    return _TEXT_OF_MOMENT.eval(data={"moment": value}).plain_value()


def text_of_span(value: object) -> object:
    """Seconds: `1.5s`."""
    return _TEXT_OF_SPAN.eval(data={"span": value}).plain_value()
