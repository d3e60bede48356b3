"""How a checkpoint keeps a state that is not plain data, or so large that nobody may wait until it is encoded."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

S = TypeVar("S")


@dataclass(frozen=True, kw_only=True)
class Keeping(Generic[S]):
    """What a checkpoint must know of a state.

    plain       plain data in place of what is none
    from_plain  what that was, given its type
    shape       names and types of all that is kept: checkpoints of another shape are not read
    parted      the state without what is large in it, and that in pieces, which are encoded one after the other. They
                are as of now, whatever comes of the state until then
    piece       the type of a piece
    whole       the state again
    """

    plain: Callable[[Any], Any]
    from_plain: Callable[[Any, Any], Any]
    shape: str
    parted: Callable[[S], tuple[S, Iterator[Any]]]
    piece: Any
    whole: Callable[[S, Iterable[Any]], S]
