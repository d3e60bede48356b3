"""Which workers fit a job, and by what jobs are counted: limits that policy demands of it, and those of its pool."""

from functools import lru_cache

import msgspec

from foldgate.authority.constraints import constraints_of
from foldgate.authority.globs import glob
from foldgate.authority.pools_terms import PoolTerms
from foldgate.contracts.events import Job
from foldgate.contracts.kinds import BUILT_IN, PLAIN, is_kind_topic, kind_topic
from foldgate.scheduler.jobs.state import Gate, Kind, Profile

HELD, BEGUN = "held", "begun"
POLICY, TERMS = "policy", "terms"
_SHARED = ("topic", "capability", "pool")
"""What the jobs of many tenants have in common."""


class Gates(msgspec.Struct, frozen=True, gc=False):
    """The limits that a job is under: those that it shares with many tenants, and those of its own. `counters` are what
    it counts for once it is held."""

    shared: tuple[Gate, ...] = ()
    own: tuple[Gate, ...] = ()
    counters: tuple[str, ...] = ()


NO_GATES = Gates()


def gates_for(job: Job, constraints: str, terms: PoolTerms | None) -> Gates:
    """The limits of a job."""
    is_free = not constraints and (terms is None or not terms.limits)
    return NO_GATES if is_free else gates_of(values_of(job), constraints, terms)


def gates_of(values: dict[str, str], constraints: str, terms: PoolTerms | None) -> Gates:
    """The limits of a job with these values."""
    limits = _limits(constraints, terms.text() if terms is not None and terms.limits else "")
    if not limits:
        return NO_GATES
    gates = [(key in _SHARED, (f"{what}/{whose}/{key}/{values[key]}", limit)) for what, whose, key, limit in limits]
    shared, own = (tuple(gate for shares, gate in gates if shares is wanted) for wanted in (True, False))
    return Gates(shared, own, counters=tuple(name for name, _ in (*shared, *own)))


@lru_cache(maxsize=1024)
def _limits(constraints: str, terms: str) -> tuple[tuple[str, str, str, int], ...]:
    """What is counted, for whom, by which key, and the limit."""
    demanded = constraints_of(constraints)
    limits = [(HELD, POLICY, key, limit) for key, limit in demanded.max_concurrent.items()]
    limits += [(BEGUN, POLICY, key, limit) for key, limit in demanded.rate.items()]
    for one in msgspec.json.decode(terms, type=PoolTerms).limits if terms else ():
        limits += [(HELD, TERMS, one.key, one.max_concurrent)] if one.max_concurrent is not None else []
        limits += [(BEGUN, TERMS, one.key, one.per_minute)] if one.per_minute is not None else []
    return tuple(limit for limit in sorted(limits) if limit[2] in _KEYS)


def values_of(job: Job) -> dict[str, str]:
    """By what a job may be counted."""
    return {
        "tenant": job.tenant,
        "principal": job.principal,
        "workflow": f"{job.tenant}/{job.workflow}",
        "topic": job.topic,
        "capability": job.capability,
        "actor": job.actor_id,
        "pool": "",
    }


_KEYS = ("tenant", "principal", "workflow", "topic", "capability", "actor", "pool")


def told_gate(name: str, limit: int) -> str:
    """A limit that is reached, as people are told."""
    what, _, key, value = name.split("/", 3)
    of = f"{key} '{value}'" if value else "the pool" if key == "pool" else f"no {key}"
    return f"{of} has its {limit} at once" if what == HELD else f"the rate: {of} has begun its {limit} of this minute"


def kind_name(job: Job) -> str:
    """Names what matters of a job for which workers fit."""
    if not job.requires and not job.placement and job.kind == PLAIN:
        return job.topic
    return msgspec.json.encode((job.topic, job.kind, sorted(job.requires), sorted(job.placement.items()))).decode()


def kind_of(job: Job) -> Kind:
    """What matters of it."""
    return Kind(topic=job.topic, kind=job.kind, requires=tuple(sorted(job.requires)), placement=job.placement)


@lru_cache(maxsize=1024)
def section_name(fits: tuple[int, ...], shared: tuple[Gate, ...], *, is_retry: bool) -> str:
    """Names the section of those."""
    return f"{'retry' if is_retry else 'first'} {','.join(map(str, fits))} {_told(shared) if shared else ''}"


def _told(gates: tuple[Gate, ...]) -> str:
    return msgspec.json.encode(gates).decode()


def fits(profile: Profile, kind: Kind) -> bool:
    """Whether the workers of a profile do jobs of a kind."""
    if not _takes(profile, kind) or not set(kind.requires).issubset(profile.capabilities):
        return False
    return not kind.placement or kind.placement.items() <= profile.labels.items()


def misses(profile: Profile, kind: Kind) -> str:
    """Why the workers of a profile do no jobs of a kind, which they do not, in a few words."""
    takes = _told_work(kind)
    if not _takes(profile, kind):
        return takes
    if lacking := [one for one in kind.requires if one not in profile.capabilities]:
        return f"{takes} and has {', '.join(lacking)}"
    name, value = next(one for one in kind.placement.items() if one not in profile.labels.items())
    return f"{takes} and has the label {name}={value}"


def _takes(profile: Profile, kind: Kind) -> bool:
    """Whoever says nothing takes what is not for workers that say so."""
    if not profile.topics:
        return kind.kind not in BUILT_IN
    return kind_topic(kind.kind) in profile.topics or any(
        _pattern(topic)(kind.topic) for topic in profile.topics if not is_kind_topic(topic)
    )


def _told_work(kind: Kind) -> str:
    topic = f"takes topic '{kind.topic}'"
    return f"{topic} or '{kind_topic(kind.kind)}'" if kind.kind in BUILT_IN else topic


_pattern = lru_cache(maxsize=4096)(glob)
