"""Documents that are put: which revision they change, and what is wrong with them."""

from collections.abc import Sequence

import msgspec

from foldgate.gateway.http.paging import Given
from foldgate.gateway.http.problems import Mistake, Problem
from foldgate.language.problems import Problem as Found


def revision_in(given: Given) -> int:
    """The revision that was changed; 0 for the first."""
    text = given.one("revision")
    if text is None or not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise Problem("invalid_parameter", "Expected the `revision` that was changed, or 0.", field="revision")
    return int(text)


def unfit(code: str, found: Sequence[Found]) -> Problem:
    """Every mistake in a document, with its place."""
    mistakes = [Mistake(one.path, str(one)) for one in found]
    problems = [msgspec.structs.asdict(one) for one in found]
    first = mistakes[0]
    return Problem(code, first.detail, field=first.field, more={"problems": problems}, mistakes=mistakes)
