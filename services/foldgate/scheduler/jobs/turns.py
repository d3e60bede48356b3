"""Whose turn it is in a pool, read off its orders; and when it next has something to do."""

from typing import NamedTuple

from foldgate.authority.pools_terms import OVERLOADED
from foldgate.scheduler.jobs.pieces import first, least
from foldgate.scheduler.jobs.state import AGE_STEP_MS, FULL, TOKEN, Counter, Gate, Pool, Section

_NOTHING = Counter()


class Turn(NamedTuple):
    """A job whose turn it is, and the profiles of the workers that fit it."""

    job_id: str
    fits: tuple[int, ...]


def next_turn(pool: Pool) -> Turn | None:
    """Whose turn it is among those for whom there is room; None if it is nobody's."""
    best: tuple[int, int, int, str] | None = None
    of = ""
    for name, section in pool.sections.items():
        if _is_open(pool, section):
            leading = first(section.order)
            if best is None or leading < best:
                best, of = leading, name
    if best is None:
        return None
    lane = pool.lanes[first(pool.tenants[best[3]].lines[of])[2]]
    return Turn(first(lane.queue)[1], pool.sections[of].fits)


def _is_open(pool: Pool, section: Section) -> bool:
    if not has_room(pool, section.fits) or (section.is_retry and not may_retry(pool)):
        return False
    return not section.shared or not is_shut(pool, section.shared)


def has_room(pool: Pool, fits: tuple[int, ...]) -> bool:
    """Whether a worker of these profiles has room."""
    for profile in fits:  # noqa: SIM110 - asked for with every message, and a generator costs more than what it asks
        if pool.profiles[profile].free:
            return True
    return False


def is_shut(pool: Pool, gates: tuple[Gate, ...]) -> bool:
    """Whether one of these limits is reached."""
    for counter, limit in gates:  # noqa: SIM110 - so is this
        if (pool.counters.get(counter) or _NOTHING).count >= limit:
            return True
    return False


def best_worker(pool: Pool, wanted: str, fits: tuple[int, ...]) -> str:
    """The one that is wanted, by its endpoint or its name, if it fits, has room and answers; else the least loaded that
    does. Somebody has room."""
    if wanted and (named := _places_of(pool, wanted, fits)):
        return min(named)[-1]
    free = [first(profile.free) for number in fits if (profile := pool.profiles[number]).free]
    return min(free)[-1]


def _places_of(pool: Pool, wanted: str, fits: tuple[int, ...]) -> list[tuple[int, float, int, int, str]]:
    """Those of that name that fit, have room and answer."""
    endpoints = (wanted,) if wanted in pool.workers else pool.names.get(wanted, ())
    known = [(pool.workers[endpoint], endpoint) for endpoint in endpoints]
    return [
        place
        for one, endpoint in known
        if one.profile in fits and not one.unanswered and (place := one.place(endpoint)) is not None
    ]


def age_step_ms(pool: Pool) -> int:
    """Waiting so long raises a job by one level."""
    return AGE_STEP_MS if pool.terms is None else max(1, pool.terms.age_step_ms)


def retry_share(pool: Pool) -> int | None:
    """What a first attempt gives for retries, in thousandths of a token; None where they need none."""
    return None if pool.terms is None else round(pool.terms.retry_share * TOKEN)


def may_retry(pool: Pool) -> bool:
    """Whether there is a token for a retry, or none is needed."""
    return retry_share(pool) is None or token_at(pool) <= pool.at


def token_at(pool: Pool) -> int:
    """When there is a token for a retry."""
    return pool.tokens_at + TOKEN - pool.tokens


def goes_back(pool: Pool) -> bool:
    """Whether jobs wait that were sent here before it was closed, and that are to leave."""
    return empties(pool) and bool(pool.numbers) and min(pool.numbers) < pool.closed


def empties(pool: Pool) -> bool:
    """Whether what waits is to leave, and not only what comes. Where there is merely too much it stays: if it left, the
    pool would be open again at once, and get it all back."""
    return bool(pool.closed) and pool.why_closed != OVERLOADED


def is_overfull(pool: Pool) -> bool:
    """Whether more wait than its terms allow."""
    return pool.terms is not None and len(pool.waiting) > pool.terms.max_waiting


def is_relieved(pool: Pool) -> bool:
    """Whether what it was overloaded with is less than half of what its terms allow; of how busy its workers are they
    speak themselves."""
    return pool.overloaded == FULL and (pool.terms is None or 2 * len(pool.waiting) < pool.terms.max_waiting)


def due(pool: Pool, *, noted_after_ms: int) -> int | None:
    """When there is something to do next, as of its last event; a time that has passed means at once."""
    changed = is_relieved(pool) if pool.overloaded else is_overfull(pool)
    if pool.lapsed or changed or (pool.closed and goes_back(pool)) or (pool.noted and not_waiting(pool)):
        return 0
    if next_turn(pool) is not None:
        return 0
    times = [time for time in (least(pool.leases), least(pool.ends)) if time is not None]
    if (since := least(pool.heads)) is not None:
        times.append(since + noted_after_ms)
    if len(pool.waiting) and (opens := least(pool.leaves)) is not None:
        times.append(opens)
    if not may_retry(pool) and any(section.is_retry for section in pool.sections.values()):
        times.append(token_at(pool))
    return min(times, default=None)


def not_waiting(pool: Pool) -> list[str]:
    """Topics of which people were told that they wait, and of which nothing waits."""
    return [topic for topic, noted in pool.noted.items() if not noted.lanes]
