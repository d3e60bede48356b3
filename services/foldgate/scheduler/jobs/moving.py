"""A pool on its way from one state to the next: what each event, and the time that passes, does to it.

`evolve` makes one of the state before, does what the event says, and takes the state after. `decide` makes one of the
state as it is, and does at once what it is about to say, to know what to say next. So both see the same pool, and what
is next is always the first of an order.
"""

import msgspec

from foldgate.authority.pools_terms import PoolTerms
from foldgate.scheduler.jobs.fitting import BEGUN, HELD, TERMS, gates_of
from foldgate.scheduler.jobs.lining import Lining
from foldgate.scheduler.jobs.packing import Authorised, body_of, lane_of, shape_of, unpacked
from foldgate.scheduler.jobs.pieces import drop, first, moved, put
from foldgate.scheduler.jobs.state import MOST_TOKENS, TOKEN, Counter, Hold, Known, Noted, Pool, Profile, Waiting
from foldgate.scheduler.jobs.turns import retry_share

MINUTE_MS = 60_000
replace = msgspec.structs.replace


class Moving(Lining):
    """The fields of a pool, each replaced as it changes."""

    @staticmethod
    def of(pool: Pool) -> "Moving":
        """One that may change, beside that one, which does not."""
        return replace(pool) if isinstance(pool, Moving) else Moving(*msgspec.structs.astuple(pool))

    def pass_time(self, at: int) -> None:
        """Let leases lapse, limits open and levels rise as of then."""
        if at <= self.at:
            return
        self.at = at
        while self.leases and first(self.leases)[0] <= self.at:
            _, worker = first(self.leases)
            self.leases = drop(self.leases, first(self.leases))
            self.lapsed = (*self.lapsed, worker)
            self._set_worker(worker, replace(self.workers[worker], lapsed=True))
        while self.leaves and first(self.leaves)[0] <= self.at:
            *_, counter = first(self.leaves)
            self.leaves = drop(self.leaves, first(self.leaves))
            self.count(counter, -1)
        while self.rises and first(self.rises)[0] <= self.at:
            _, name = first(self.rises)
            self.raise_lane(name)

    # Workers.

    def profile(self, topics: tuple[str, ...], capabilities: tuple[str, ...], labels: dict[str, str]) -> int:
        """The number of what a worker is and has; it may be a new one."""
        same = Profile(topics=tuple(sorted(topics)), capabilities=tuple(sorted(capabilities)), labels=labels)
        for number, known in self.profiles.items():
            if (known.topics, known.capabilities, known.labels) == (same.topics, same.capabilities, same.labels):
                return number
        number = max(self.profiles, default=0) + 1
        self.profiles = {**self.profiles, number: same}
        return number

    def join(self, worker: str, known: Known) -> None:
        """A worker is known; it may have been known before, as it was."""
        before = self.workers.get(worker)
        if before is None:
            self.names = {**self.names, known.name: (*self.names.get(known.name, ()), worker)}
            profile = self.profiles[known.profile]
            self.profiles = {**self.profiles, known.profile: replace(profile, workers=profile.workers + 1)}
            if not profile.workers:
                self.refit()
        elif before.lapsed:
            self.lapsed = tuple(one for one in self.lapsed if one != worker)
        else:
            self.leases = drop(self.leases, (before.expires_at, worker))
        self.leases = put(self.leases, (known.expires_at, worker))
        self._set_worker(worker, known)

    def lose(self, worker: str) -> None:
        """A worker is gone, if it was known."""
        known = self.workers.get(worker)
        if known is None:
            return
        if known.lapsed:
            self.lapsed = tuple(one for one in self.lapsed if one != worker)
        else:
            self.leases = drop(self.leases, (known.expires_at, worker))
        self._set_worker(worker, None)
        others = tuple(one for one in self.names[known.name] if one != worker)
        self.names = {**self.names, known.name: others}
        if not others:
            del self.names[known.name]
        profile = self.profiles[known.profile]
        self.profiles = {**self.profiles, known.profile: replace(profile, workers=profile.workers - 1)}
        if profile.workers == 1:
            del self.profiles[known.profile]
            self.refit()

    def _set_worker(self, worker: str, known: Known | None) -> None:
        before = self.workers.get(worker)
        self.workers = self.workers.without(worker) if known is None else self.workers.with_(worker, known)
        said = known or before
        assert said is not None
        profile = self.profiles[said.profile]
        was, now = before and before.place(worker), known and known.place(worker)
        if was != now:
            self.profiles = {**self.profiles, said.profile: replace(profile, free=moved(profile.free, was, now))}

    # Jobs.

    def queue(self, one: Authorised, *, place: int) -> None:
        """A job waits."""
        job_id, shape = one.job.job_id, shape_of(one)
        name = lane_of(shape)
        waiting = Waiting(place, self.at, one.ends, name, body_of(one))
        self.waiting = self.waiting.with_(job_id, waiting)
        self.ends = put(self.ends, (waiting.ends, job_id))
        lane = self.lanes.get(name)
        if lane is None:
            self.open_lane(name, one, shape=shape, entry=(place, job_id))
        else:
            queue = put(lane.queue, (place, job_id))
            self.lanes = self.lanes.with_(name, replace(lane, queue=queue, size=lane.size + 1))

    def found(self, job_id: str) -> Authorised:
        """A waiting job as it was."""
        waiting = self.waiting[job_id]
        return unpacked(job_id, self.lanes[waiting.lane].shape, waiting.body)

    def leave(self, job_id: str, *, answered: bool | None = None) -> None:
        """Whatever is known of a job is known no longer, whether it waited or was held; and whether its worker
        answered, where that says something of it."""
        if (waiting := self.waiting.get(job_id)) is not None:
            self.ends = drop(self.ends, (waiting.ends, job_id))
            self._wait_no_longer(job_id, waiting)
        elif (hold := self.held.get(job_id)) is not None:
            if (end := hold.ends) is not None:
                self.ends = drop(self.ends, (end, job_id))
            self.held = self.held.without(job_id)
            if (known := self.workers.get(hold.worker)) is not None:
                holds = known.holds.copy()
                del holds[hold.lease]
                missed = known.unanswered if answered is None else 0 if answered else known.unanswered + 1
                self._set_worker(hold.worker, replace(known, holds=holds, unanswered=missed))
            for counter in hold.counters:
                self.count(counter, -1)

    def _wait_no_longer(self, job_id: str, waiting: Waiting, *, serves: bool = False) -> None:
        self.waiting = self.waiting.without(job_id)
        self.leave_lane(waiting.lane, (waiting.place, job_id), serves=serves)

    def give(self, one: Authorised, hold: Hold) -> None:
        """A worker has the job."""
        job, known = one.job, self.workers[hold.worker]
        job_id, before, end = job.job_id, None, hold.ends
        if (waiting := self.waiting.get(job_id)) is None:
            self.serve(job.tenant)
        else:
            before = waiting.ends, job_id
            self._wait_no_longer(job_id, waiting, serves=True)
        counters = []
        for counter in gates_of(hold.values, one.constraints, self.terms).counters:
            self.count(counter, 1)
            if counter.startswith(BEGUN):
                self.leaves = put(self.leaves, (self.at + MINUTE_MS, hold.lease, counter))
            else:
                counters.append(counter)
        holds = known.holds.copy()
        holds[hold.lease] = job_id
        self._set_worker(hold.worker, replace(known, holds=holds))
        self.held = self.held.with_(job_id, replace(hold, counters=tuple(counters)) if counters else hold)
        self.ends = moved(self.ends, before, None if end is None else (end, job_id))
        self.lease = hold.lease
        self._spend(is_retry=job.retries > 0)

    def set_hold(self, job_id: str, hold: Hold) -> None:
        """What is known of a held job is another."""
        was, now = self.held[job_id].ends, hold.ends
        if was != now:
            gone, come = None if was is None else (was, job_id), None if now is None else (now, job_id)
            self.ends = moved(self.ends, gone, come)
        self.held = self.held.with_(job_id, hold)

    # Terms, and what people are told.

    def _spend(self, *, is_retry: bool) -> None:
        if (share := retry_share(self)) is not None:
            self.tokens = min(MOST_TOKENS, self._tokens_now() + (-TOKEN if is_retry else share))
            self.tokens_at = self.at

    def _tokens_now(self) -> int:
        return min(MOST_TOKENS, self.tokens + self.at - self.tokens_at)

    def take_terms(self, terms: PoolTerms | None, *, closed: int, why: str) -> None:
        """Go by these terms: what waits and what is held is counted anew if they are others."""
        self.closed, self.why_closed = closed, why
        if terms != self.terms:
            self.tokens, self.tokens_at = MOST_TOKENS if self.terms is None else self._tokens_now(), self.at
            self.terms = terms
            self._count_anew()
            self.line_up_anew()

    def _count_anew(self) -> None:
        """What the pool limits may be another than before."""
        mine = f"{HELD}/{TERMS}/"
        for counter, known in list(self.counters.items()):
            if counter.startswith(mine):
                self._set_counter(counter, replace(known, count=0))
        for job_id, hold in list(self.held.items()):
            counters = [name for name in hold.counters if not name.startswith(mine)]
            for name in gates_of(hold.values, "", self.terms).counters:
                if name.startswith(mine):
                    known = self.counters.get(name) or Counter()
                    self._set_counter(name, replace(known, count=known.count + 1))
                    counters.append(name)
            self.held = self.held.with_(job_id, replace(hold, counters=tuple(counters)))

    def note(self, topic: str, reason: str) -> None:
        """People were told why jobs of a topic wait; or, without a reason, that they do no longer."""
        entries = [(lane.since, name) for name, lane in self.lanes.items() if lane.topic == topic]
        for entry in entries:
            self.head(topic, entry, None)
        self.noted = {**self.noted, topic: Noted(reason, len(entries))}
        if not reason:
            del self.noted[topic]
        for entry in entries:
            self.head(topic, None, entry)
