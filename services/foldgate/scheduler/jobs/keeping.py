"""How a checkpoint keeps a pool: what waits is kept apart, in pieces; what is only the order of it is made anew."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from copy import copy
from itertools import islice

from msgspec.structs import fields

from foldgate.authority.pools_terms import PoolLimit, PoolTerms
from foldgate.decider.keeping import Keeping
from foldgate.scheduler.jobs.moving import replace
from foldgate.scheduler.jobs.pieces import Pairs, Table, from_plain, plain
from foldgate.scheduler.jobs.state import (
    Counter,
    Hold,
    Kind,
    Known,
    Lane,
    Noted,
    Pool,
    Profile,
    Section,
    Tenant,
    Waiting,
)

AT_ONCE = 500
"""Waiting jobs of a piece."""

Piece = list[tuple[str, Waiting]]


def parted(pool: Pool) -> tuple[Pool, Iterator[Piece]]:
    """A pool without what waits, and that."""
    small = copy(pool)
    lanes = {name: replace(lane, queue=Pairs()) for name, lane in pool.lanes.items()}
    small.waiting, small.ends, small.lanes = Table(), Pairs(), Table(lanes)
    return small, _pieces(iter(pool.waiting.plain().items()))


def _pieces(waiting: Iterator[tuple[str, Waiting]]) -> Iterator[Piece]:
    while some := list(islice(waiting, AT_ONCE)):
        yield some


def whole(small: Pool, pieces: Iterable[Piece]) -> Pool:
    """The pool again."""
    lanes, waiting = small.lanes.plain(), dict[str, Waiting]()
    names = {name: name for name in lanes}
    queues: defaultdict[str, list[tuple[int, str]]] = defaultdict(list)
    ends = [(hold.ends, job_id) for job_id, hold in small.held.items() if hold.ends is not None]
    for piece in pieces:
        for job_id, read in piece:
            one = waiting[job_id] = replace(read, lane=names[read.lane])
            queues[one.lane].append((one.place, job_id))
            ends.append((one.ends, job_id))
    pool = copy(small)
    lined: dict[str, Lane] = {name: replace(lane, queue=Pairs(queues[name])) for name, lane in lanes.items()}
    pool.waiting, pool.ends, pool.lanes = Table(waiting), Pairs(ends), Table(lined)
    return pool


def _shape() -> str:
    """What is kept of what. The pool's terms are in it, and what those are made of."""
    kinds = (Pool, Waiting, Profile, Known, Hold, Lane, Kind, Section, Tenant, Counter, Noted, PoolTerms, PoolLimit)
    return "\n".join(f"{kind.__name__} {one.encode_name} {one.type}" for kind in kinds for one in fields(kind))


KEEPING: Keeping[Pool] = Keeping(
    plain=plain, from_plain=from_plain, shape=_shape(), parted=parted, piece=Piece, whole=whole
)
