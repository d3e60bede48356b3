"""Reading one's own writes: a list or a row may wait, for a bounded time, for what it is to reflect.

`?after=` takes the position from the answer to a write. A read model that is fed from that stream waits until it has
shown that record; any other, until it has shown what was on the log when it was asked.
"""

import asyncio

from foldgate.gateway.http.operations import Parameter
from foldgate.gateway.http.places import FORM, place_of, text_of
from foldgate.gateway.http.problems import Problem
from foldgate.readmodel.projector import Projector

WITHIN_S = 2.0
AFTER = Parameter("after", "query", "The position from the answer to a write, which is to be reflected.", FORM)


async def reflected(after: str | None, projector: Projector) -> None:
    """Return when the read model reflects this; a problem if that takes too long."""
    if after is None:
        return
    place = place_of(after, field="after")
    try:
        async with asyncio.timeout(WITHIN_S):
            if place.partition.stream in projector.reads:
                await projector.reached(place.partition, place.offset)
            else:
                await projector.caught_up()
    except TimeoutError:
        what = f"Expected the read model to reflect {text_of(place)} within {WITHIN_S:g} s, but it does not"
        raise Problem("not_yet", f"{what} yet: ask again.", field="after") from None
