"""Who is next in a pool: its lanes, sections, tenants and counters on the way from one state to the next."""

import msgspec

from foldgate.contracts.events import Job
from foldgate.scheduler.jobs.fitting import fits, gates_of, kind_name, kind_of, section_name, values_of
from foldgate.scheduler.jobs.packing import Authorised
from foldgate.scheduler.jobs.pieces import Order, Pairs, drop, first, moved, put
from foldgate.scheduler.jobs.state import (
    HIGHEST_PRIORITY,
    Counter,
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
_Entry = tuple[int, int, int, str]
_NO_LINE: Order[tuple[int, int, str]] = Order()


class Lining(Pool):
    """The order of what waits in a pool."""

    def lane(self, name: str) -> Lane:
        """The lane of that name, which is there."""
        lane = self.lanes.get(name)
        assert lane is not None
        return lane

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
        self.topics = self.topics.with_(job.topic, (self.topics.get(job.topic) or 0) + 1)
        self.numbers = {**self.numbers, lane.pools_number: self.numbers.get(lane.pools_number, 0) + 1}
        self._reline(name, None, self._placed(lane))

    def leave_lane(self, name: str, entry: tuple[int, str]) -> None:
        """A job of a lane waits no longer."""
        lane = self.lane(name)
        queue = drop(lane.queue, entry)
        if not queue:
            self._close_lane(name, lane)
        elif entry[0] != lane.head:
            self.lanes = self.lanes.with_(name, replace(lane, queue=queue, size=lane.size - 1))
        else:
            head, job_id = first(queue)
            since = self.waiting[job_id].since
            rest = replace(lane, queue=queue, size=lane.size - 1, head=head, since=since)
            self._reline(name, lane, self._raised(rest))

    def _close_lane(self, name: str, lane: Lane) -> None:
        self._reline(name, lane, None)
        kind, lanes = self.kinds[lane.kind], self.topics.get(lane.topic)
        assert lanes is not None
        rest = replace(kind, lanes=kind.lanes - 1)
        self.kinds = self.kinds.with_(lane.kind, rest) if rest.lanes else self.kinds.without(lane.kind)
        self.numbers = {**self.numbers, lane.pools_number: self.numbers[lane.pools_number] - 1}
        self.topics = self.topics.with_(lane.topic, lanes - 1) if lanes > 1 else self.topics.without(lane.topic)
        if not self.numbers[lane.pools_number]:
            del self.numbers[lane.pools_number]

    def raise_lane(self, name: str) -> None:
        """The first of a lane has waited for long enough to be raised."""
        lane = self.lane(name)
        self._reline(name, lane, self._raised(lane))

    def line_up_anew(self) -> None:
        """Limits are others, or how long it takes to be raised."""
        for name, lane in sorted(self.lanes.items()):
            self._reline(name, lane, self._placed(lane))

    def _raised(self, lane: Lane) -> Lane:
        """The lane at the level that its first has as of now."""
        return replace(lane, **self._level(lane))

    def _level(self, lane: Lane) -> dict[str, int]:
        step, priority = age_step_ms(self), lane.priority
        steps = max(0, self.at - lane.since) // step
        level = max(priority, min(HIGHEST_PRIORITY, priority + steps))
        rises_at = lane.since + (level - priority + 1) * step if level < HIGHEST_PRIORITY else 0
        return {"level": level, "rises_at": rises_at}

    def _placed(self, lane: Lane) -> Lane:
        """The lane where it belongs as of now."""
        gates, fits = gates_of(lane.values, lane.constraints, self.terms), self.kinds[lane.kind].fits
        section = section_name(fits, gates.shared, is_retry=lane.is_retry)
        shut = is_shut(self, gates.own)
        return replace(lane, section=section, shared=gates.shared, own=gates.own, shut=shut, **self._level(lane))

    def _reline(self, name: str, old: Lane | None, new: Lane | None) -> None:
        """The lane is another in all that is kept beside it; none before, or after, is a new one, or one that goes."""
        self.lanes = self.lanes.without(name) if new is None else self.lanes.with_(name, new)
        if new is not None and old is None:
            self._stand(new.tenant, 1)
        was, now = (old.rises_at if old else 0), (new.rises_at if new else 0)
        if was != now:
            self.rises = moved(self.rises, (was, name) if was else None, (now, name) if now else None)
        if old is None or new is None or old.since != new.since:
            of = old or new
            assert of is not None
            self.head(of.topic, (old.since, name) if old else None, (new.since, name) if new else None)
        if old is not None:
            self._out(name, old, new)
        if new is not None:
            self._in(name, new, old)
        else:
            assert old is not None
            self._stand(old.tenant, -1)

    def _out(self, name: str, old: Lane, new: Lane | None) -> None:
        if new is None or new.own != old.own:
            for counter, _ in old.own:
                known = self.counters.get(counter)
                assert known is not None
                rest = {lane: limit for lane, limit in known.lanes.items() if lane != name}
                self._set_counter(counter, replace(known, lanes=rest))
        if not old.shut and new is not None and not new.shut and new.section == old.section:
            self._move(old.section, old.tenant, before=(*old.entry, name), after=(*new.entry, name))
        elif not old.shut:
            self._move(old.section, old.tenant, before=(*old.entry, name), after=None)

    def _in(self, name: str, new: Lane, old: Lane | None) -> None:
        if old is None or old.own != new.own:
            for counter, limit in new.own:
                known = self.counters.get(counter) or _NOTHING
                self._set_counter(counter, replace(known, lanes={**known.lanes, name: limit}))
        if not new.shut and (old is None or old.shut or old.section != new.section):
            if new.section not in self.sections:
                section = Section(self.kinds[new.kind].fits, new.is_retry, new.shared)
                self.sections = {**self.sections, new.section: section}
            self._move(new.section, new.tenant, before=None, after=(*new.entry, name))

    def head(self, topic: str, before: tuple[int, str] | None, after: tuple[int, str] | None) -> None:
        """The first of a lane waits since then, and no longer since when it did before."""
        if topic in self.noted:
            self.known_heads = moved(self.known_heads, before, after)
        else:
            self.heads = moved(self.heads, before, after)

    # Tenants.

    def _stand(self, name: str, lanes: int) -> None:
        """So many lanes of a tenant more; who had none stands last in the ring."""
        tenant = self.tenants.get(name) or Tenant(turn=self._last())
        rest = replace(tenant, lanes=tenant.lanes + lanes)
        self.tenants = self.tenants.with_(name, rest) if rest.lanes else self.tenants.without(name)

    def _last(self) -> int:
        """A place in the ring behind all others."""
        self.turn += 1
        return self.turn

    def _move(
        self, of: str, name: str, *, before: tuple[int, int, str] | None, after: tuple[int, int, str] | None
    ) -> None:
        """One lane of a tenant's line in a section is at another place in it."""
        if before == after:
            return
        tenant = self._tenant(name)
        old = tenant.lines.get(of, _NO_LINE)
        line = moved(old, before, after)
        lines = {**tenant.lines, of: line}
        if not line:
            del lines[of]
        self.tenants = self.tenants.with_(name, replace(tenant, lines=lines))
        self._reorder(of, before=_entry(old, tenant.turn, name), after=_entry(line, tenant.turn, name))

    def serve(self, name: str) -> None:
        """It was a tenant's turn; what waits of him, waits behind one of each other."""
        if (tenant := self.tenants.get(name)) is None:
            return
        turn = self._last()
        self.tenants = self.tenants.with_(name, replace(tenant, turn=turn))
        for of, line in tenant.lines.items():
            self._reorder(of, before=_entry(line, tenant.turn, name), after=_entry(line, turn, name))

    def _tenant(self, name: str) -> Tenant:
        tenant = self.tenants.get(name)
        assert tenant is not None
        return tenant

    def _reorder(self, of: str, *, before: _Entry | None, after: _Entry | None) -> None:
        """A tenant is at another place in a section; a section where nobody is left is none."""
        if before == after:
            return
        section = self.sections[of]
        order = moved(section.order, before, after)
        self.sections = {**self.sections, of: replace(section, order=order)}
        if not order:
            del self.sections[of]

    # Counters.

    def count(self, counter: str, by: int) -> None:
        """One more, or one less; the lanes that mind stand in line again, or no longer."""
        known = self.counters.get(counter) or _NOTHING
        count = known.count + by
        self._set_counter(counter, replace(known, count=count))
        for name in [name for name, limit in known.lanes.items() if limit == max(count, known.count)]:
            lane = self.lane(name)
            self._reline(name, lane, replace(lane, shut=is_shut(self, lane.own)))

    def _set_counter(self, counter: str, known: Counter) -> None:
        keep = known.count or known.lanes
        self.counters = self.counters.with_(counter, known) if keep else self.counters.without(counter)


def _entry(line: Order[tuple[int, int, str]], turn: int, name: str) -> _Entry | None:
    """Where a tenant with that line stands in a section."""
    if not line:
        return None
    level, place, _ = first(line)
    return level, turn, place, name
