"""Bugs that somebody might have made in a pool: each is in the real code, and takes away one of its rules."""

from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from foldgate.decider.keeping import Keeping
from foldgate.scheduler.jobs import decide, keeping, moving, turns
from foldgate.scheduler.jobs.lining import Lining
from foldgate.scheduler.jobs.moving import Moving
from foldgate.scheduler.jobs.pieces import Table
from foldgate.scheduler.jobs.state import Known, Pool, Tenant

Patch = pytest.MonkeyPatch


def no_turns(patch: Patch) -> None:
    """A tenant who had a turn keeps his place."""
    reline = Lining._reline
    patch.setattr(Lining, "_reline", lambda *lane, **_serves: reline(*lane))


def first_come_goes_first(patch: Patch) -> None:
    """Who begins to wait stands before all others."""
    patch.setattr(Lining, "_newcomer", lambda self: Tenant(turn=-self._last()))


def nobody_is_raised(patch: Patch) -> None:
    """A level stays what it was when its lane came."""
    patch.setattr(
        Lining, "raise_lane", lambda self, name: self._reline(name, self.lanes[name], _never(self.lanes[name]))
    )


def _never(lane: Any) -> Any:
    return replace(lane, rises_at=0)


def one_too_many(patch: Patch) -> None:
    """A limit is passed by one."""

    def shut(pool: Any, gates: Any) -> bool:
        return any((pool.counters.get(name) or turns._NOTHING).count > limit for name, limit in gates)

    for module in (turns, decide, "foldgate.scheduler.jobs.lining"):
        patch.setattr(f"{module}.is_shut" if isinstance(module, str) else f"{module.__name__}.is_shut", shut)


def short_minutes(patch: Patch) -> None:
    """A rate forgets what began in the last second of its minute."""
    patch.setattr(moving, "MINUTE_MS", 59_000)


def free_retries(patch: Patch) -> None:
    """A retry takes no token."""
    spend = Moving._spend
    patch.setattr(Moving, "_spend", lambda self, *, is_retry: None if is_retry else spend(self, is_retry=False))


def lost_tokens(patch: Patch) -> None:
    """With new terms, what came since the last job is forgotten."""
    patch.setattr(Moving, "_tokens_now", lambda self: self.tokens)


def limits_anew(patch: Patch) -> None:
    """New limits count only what is given from now on."""
    patch.setattr(Moving, "_count_anew", lambda _self: None)


def unlike_workers(patch: Patch) -> None:
    """That a worker of another kind has come, nobody is told."""
    patch.setattr(Lining, "refit", lambda _self: None)


def who_never_answers(patch: Patch) -> None:
    """A worker that never answers looks idle."""
    place = Known.place
    patch.setattr(Known, "place", lambda self, name: place(replace(self, unanswered=0), name))


def the_fullest(patch: Patch) -> None:
    """Workers are filled one after the other."""

    def best(pool: Pool, _wanted: str, fits: tuple[int, ...]) -> str:
        known = [(one, name) for name, one in pool.workers.items() if one.profile in fits]
        return max(place for one, name in known if (place := one.place(name)) is not None)[-1]

    patch.setattr(decide, "best_worker", best)


def drained_pools(patch: Patch) -> None:
    """What waits in a pool that is drained stays."""
    for module in (turns, decide):
        patch.setattr(module, "goes_back", lambda _pool: False)


def forgetful_checkpoints(patch: Patch) -> None:
    """A checkpoint forgets who has had a turn."""
    whole = keeping.whole

    def forgets(small: Any, pieces: Any) -> Any:
        pool = whole(small, pieces)
        pool.tenants = Table({name: replace(one, turn=1) for name, one in pool.tenants.items()})
        return pool

    patch.setattr(decide, "KEEPING", _with(keeping.KEEPING, forgets))


def _with(known: Keeping[Any], whole: Callable[[Any, Any], Any]) -> Keeping[Any]:
    return Keeping(
        plain=known.plain,
        from_plain=known.from_plain,
        shape=known.shape,
        parted=known.parted,
        piece=known.piece,
        whole=whole,
    )


PLANTED = (
    no_turns,
    first_come_goes_first,
    nobody_is_raised,
    one_too_many,
    short_minutes,
    free_retries,
    lost_tokens,
    limits_anew,
    unlike_workers,
    who_never_answers,
    the_fullest,
    drained_pools,
    forgetful_checkpoints,
)
