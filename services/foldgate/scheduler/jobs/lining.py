"""Who is next in a pool: its lanes, sections, tenants and counters on the way from one state to the next."""

import msgspec

from foldgate.contracts.events import Job
from foldgate.scheduler.jobs.fitting import fits, gates_of, kind_name, kind_of, section_name, values_of
from foldgate.scheduler.jobs.packing import Authorised
from foldgate.scheduler.jobs.pieces import Order, Pairs, drop, first, moved, put
from foldgate.scheduler.jobs.state import (
    HIGHEST_PRIORITY,
    Counter,
    Gate,
    Kind,
    Lane,
    Pool,
    Section,
    Tenant,
)
from foldgate.scheduler.jobs.turns import age_step_ms, is_shut

replace = msgspec.structs.replace
_NOTHING = Counter()
_NOBODY = Pairs()
_Place = tuple[int, int, int, str]
_NO_LINE: Order[tuple[int, int, str]] = Order()


class Lining(Pool):
    """The order of what waits in a pool."""

    # Kinds and profiles.

    def fits(self, job: Job) -> tuple[int, ...]:
        """The profiles whose workers do such jobs."""
        known = self.kinds.get(kind_name(job))
        return self._fits(kind_of(job)) if known is None else known.fits

    def _fits(self, kind: Kind) -> tuple[int, ...]:
        return tuple(number for number, profile in sorted(self.profiles.items()) if fits(profile, kind))

    def refit(self) -> None:
        """There are workers of another profile, or no more of one."""
        changed = set()
        for name, kind in list(self.kinds.items()):
            if (now := self._fits(kind)) != kind.fits:
                changed.add(name)
                self.kinds = self.kinds.with_(name, replace(kind, fits=now))
        for name, lane in sorted(self.lanes.items()) if changed else ():
            if lane.kind in changed:
                self._reline(name, lane, self._placed(lane))

    # Lanes.

    def open_lane(self, name: str, one: Authorised, *, shape: bytes, entry: tuple[int, str]) -> None:
        """The first of its like waits."""
        job, kind = one.job, kind_name(one.job)
        if (known := self.kinds.get(kind)) is None:
            known = kind_of(job)
            known = replace(known, fits=self._fits(known))
        self.kinds = self.kinds.with_(kind, replace(known, lanes=known.lanes + 1))
        self._count_noted(job.topic, 1)
        self.numbers = {**self.numbers, one.writ.pools_number: self.numbers.get(one.writ.pools_number, 0) + 1}
        lane = Lane(
            shape=shape,
            tenant=job.tenant,
            topic=job.topic,
            priority=job.priority,
            pools_number=one.writ.pools_number,
            kind=kind,
            values=values_of(job),
            constraints=one.constraints,
            is_retry=job.retries > 0,
            queue=put(_NOBODY, entry),
            size=1,
            head=entry[0],
            since=self.at,
        )
        self._reline(name, None, self._placed(lane))

    def leave_lane(self, name: str, entry: tuple[int, str], *, serves: bool = False) -> None:
        """A job of a lane waits no longer; it may be that it was its tenant's turn."""
        lane = self.lanes[name]
        if lane.size == 1:
            self._close_lane(name, lane, serves=serves)
            return
        queue = drop(lane.queue, entry)
        head, job_id = first(queue)
        since = lane.since if head == lane.head else self.waiting[job_id].since
        level, rises_at = self._level(lane.priority, since)
        if 0 < lane.rises_at < rises_at:
            rises_at = lane.rises_at
        rest = replace(lane, queue=queue, size=lane.size - 1, head=head, since=since, level=level, rises_at=rises_at)
        self._reline(name, lane, rest, serves=serves)

    def _close_lane(self, name: str, lane: Lane, *, serves: bool) -> None:
        self._reline(name, lane, None, serves=serves)
        self._count_noted(lane.topic, -1)
        kind = self.kinds[lane.kind]
        rest = replace(kind, lanes=kind.lanes - 1)
        self.kinds = self.kinds.with_(lane.kind, rest) if rest.lanes else self.kinds.without(lane.kind)
        self.numbers = {**self.numbers, lane.pools_number: self.numbers[lane.pools_number] - 1}
        if not self.numbers[lane.pools_number]:
            del self.numbers[lane.pools_number]

    def _count_noted(self, topic: str, lanes: int) -> None:
        """So many lanes more of a topic, if people were told of it."""
        if (noted := self.noted.get(topic)) is not None:
            self.noted = {**self.noted, topic: replace(noted, lanes=noted.lanes + lanes)}

    def raise_lane(self, name: str) -> None:
        """The first of a lane may have waited for long enough to be raised."""
        lane = self.lanes[name]
        level, rises_at = self._level(lane.priority, lane.since)
        self._reline(name, lane, replace(lane, level=level, rises_at=rises_at))

    def line_up_anew(self) -> None:
        """Limits are others, or how long it takes to be raised."""
        for name, lane in sorted(self.lanes.items()):
            self._reline(name, lane, self._placed(lane))

    def _level(self, priority: int, since: int) -> tuple[int, int]:
        """The level of who has waited since then as of now, and when it rises; 0 if it is the highest."""
        step = age_step_ms(self)
        steps = max(0, self.at - since) // step
        level = max(priority, min(HIGHEST_PRIORITY, priority + steps))
        return level, since + (level - priority + 1) * step if level < HIGHEST_PRIORITY else 0

    def _placed(self, lane: Lane) -> Lane:
        """The lane where it belongs as of now."""
        gates, fits = gates_of(lane.values, lane.constraints, self.terms), self.kinds[lane.kind].fits
        level, rises_at = self._level(lane.priority, lane.since)
        return replace(
            lane,
            section=section_name(fits, gates.shared, is_retry=lane.is_retry),
            shared=gates.shared,
            own=gates.own,
            shut=is_shut(self, gates.own),
            level=level,
            rises_at=rises_at,
        )

    def _reline(self, name: str, old: Lane | None, new: Lane | None, *, serves: bool = False) -> None:
        """The lane is another in all that is kept beside it; none before, or after, is a new one, or one that goes."""
        one = new or old
        assert one is not None
        self.lanes = self.lanes.without(name) if new is None else self.lanes.with_(name, new)
        was, now = (old.rises_at if old else 0), (new.rises_at if new else 0)
        if was != now:
            self.rises = moved(self.rises, (was, name) if was else None, (now, name) if now else None)
        if old is None or new is None or old.since != new.since:
            self.head(one.topic, (old.since, name) if old else None, (new.since, name) if new else None)
        if (before := old.own if old else ()) != (after := new.own if new else ()):
            self._mind(name, before, after)
        if new is not None and not new.shut and new.section not in self.sections:
            section = Section(self.kinds[new.kind].fits, new.is_retry, new.shared)
            self.sections = {**self.sections, new.section: section}
        self._line_up(name, old, new, serves=serves)

    def _mind(self, name: str, before: tuple[Gate, ...], after: tuple[Gate, ...]) -> None:
        """A lane minds these limits, and those before no longer."""
        for counter, _ in before:
            known = self.counters[counter]
            rest = {lane: limit for lane, limit in known.lanes.items() if lane != name}
            self._set_counter(counter, replace(known, lanes=rest))
        for counter, limit in after:
            known = self.counters.get(counter) or _NOTHING
            self._set_counter(counter, replace(known, lanes={**known.lanes, name: limit}))

    def head(self, topic: str, before: tuple[int, str] | None, after: tuple[int, str] | None) -> None:
        """The first of a lane waits since then, and no longer since when it did before."""
        if topic in self.noted:
            self.known_heads = moved(self.known_heads, before, after)
        else:
            self.heads = moved(self.heads, before, after)

    # Tenants.

    def serve(self, name: str) -> None:
        """It was a tenant's turn: whatever of him waits, waits behind one of each other."""
        if (tenant := self.tenants.get(name)) is not None:
            self._set_tenant(name, _places(name, tenant), replace(tenant, turn=self._last()))

    def _newcomer(self) -> Tenant:
        """Somebody of whom nothing waited."""
        return Tenant(turn=self._last())

    def _last(self) -> int:
        """A place in the ring behind all others."""
        self.turn += 1
        return self.turn

    def _line_up(self, lane: str, old: Lane | None, new: Lane | None, *, serves: bool) -> None:
        """A lane of a tenant is another; if it is his first, he begins to wait, and after his last he waits no more."""
        one = new or old
        assert one is not None
        name = one.tenant
        tenant = self.tenants.get(name) or self._newcomer()
        turn = self._last() if serves else tenant.turn
        before = _places(name, tenant)
        if new is None and tenant.lanes == 1:
            self.tenants = self.tenants.without(name)
            self._stands(before, {})
            return
        lines = tenant.lines.copy()
        was, now = _stand(lane, old), _stand(lane, new)
        of, then = old.section if old else "", new.section if new else ""
        if was is not None and now is not None and of == then:
            lines[of] = moved(lines[of], was, now)
        else:
            if was is not None:
                line = drop(lines.pop(of), was)
                if line:
                    lines[of] = line
            if now is not None:
                lines[then] = put(lines.get(then, _NO_LINE), now)
        lanes = tenant.lanes + (old is None) - (new is None)
        self._set_tenant(name, before, Tenant(turn, lanes, lines))

    def _set_tenant(self, name: str, before: dict[str, _Place], tenant: Tenant) -> None:
        """He is another, and was at those places in sections."""
        self.tenants = self.tenants.with_(name, tenant)
        self._stands(before, _places(name, tenant))

    def _stands(self, before: dict[str, _Place], after: dict[str, _Place]) -> None:
        """A tenant is at other places in sections; a section where nobody is left is none."""
        if before == after:
            return
        sections = self.sections.copy()
        for of in before | after:
            was, now = before.get(of), after.get(of)
            if was != now:
                section = sections[of]
                if order := moved(section.order, was, now):
                    sections[of] = Section(section.fits, section.is_retry, section.shared, order)
                else:
                    del sections[of]
        self.sections = sections

    # Counters.

    def count(self, counter: str, by: int) -> None:
        """One more, or one less; the lanes that mind stand in line again, or no longer."""
        known = self.counters.get(counter) or _NOTHING
        count = known.count + by
        self._set_counter(counter, replace(known, count=count))
        for name in [name for name, limit in known.lanes.items() if limit == max(count, known.count)]:
            lane = self.lanes[name]
            self._reline(name, lane, replace(lane, shut=is_shut(self, lane.own)))

    def _set_counter(self, counter: str, known: Counter) -> None:
        keep = known.count or known.lanes
        self.counters = self.counters.with_(counter, known) if keep else self.counters.without(counter)


def _stand(name: str, lane: Lane | None) -> tuple[int, int, str] | None:
    """Where a lane stands in its line, who is next is smaller; None if it does not."""
    return None if lane is None or lane.shut else (-lane.level, lane.head, name)


def _places(name: str, tenant: Tenant) -> dict[str, _Place]:
    """Where a tenant stands in each section: by the first of his line there."""
    places = {}
    for of, line in tenant.lines.items():
        level, place, _ = first(line)
        places[of] = level, tenant.turn, place, name
    return places
