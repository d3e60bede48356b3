"""What a worker believes: dispatches that the scheduler gave to this very instance, each once, for what the kernel
allowed, while its lease lasts.

A lease ends `lease_ms` after this instance sent the beat that the scheduler had seen last, by its own clock: always
earlier than the scheduler's, whatever the clocks say. So leases need to be remembered no longer than that: a dispatch
that comes again later is refused by its beat.

Which beat the scheduler had seen when it gave a lease, the dispatch says. Of later ones it notes those alone that find
the lease with two thirds of its time or less to go: so after any beat that is on the log the lease lasts two thirds of
its time, and for so long more is begun, and goes on. Once no beat got there for so long, what was held may have been
given to others, whatever becomes durable from then on: it is stopped, before anybody else can begin it.

When a writ ends the scheduler has judged by its clock. Here it lasts a minute longer, by as much as clocks may differ:
else an instance whose clock is fast would refuse what waited long, and be taken for one that is unfit.
"""

from foldgate.authority.keys import SignatureInvalid, Trust
from foldgate.authority.lease import verify_cancel, verify_lease
from foldgate.authority.writ import WritInvalid, verify
from foldgate.contracts.events import JobCancelled, JobDispatched, Meta
from foldgate.runtime.clock import Clock

LEASE_OVER = "lease_over"
"""The code of what came too late: the scheduler was behind, or this instance was."""
CLOCKS_DIFFER_MS = 60_000
"""How far the clocks of a suite may be apart."""
_REMEMBERED = 10_000


class Repeated(Exception):
    """That lease was taken, or refused, before: nothing is done and nothing is said."""


class Refused(WritInvalid):
    """The job is not begun. `is_ours`: the scheduler did give it to this instance, and hears why not."""

    def __init__(self, code: str, reason: str, *, is_ours: bool) -> None:
        super().__init__(code, reason)
        self.is_ours = is_ours


class Believing:
    """What one instance has seen of its leases."""

    def __init__(self, trust: Trust | None, *, endpoint: str, pool: str, clock: Clock) -> None:
        """Without trust, somebody who is trusted has looked at signatures before."""
        self._trust, self._endpoint, self._pool, self._clock = trust, endpoint, pool, clock
        self._sent: dict[int, int] = {}
        self._durable = 0
        self._kept_from = clock.monotonic_ms()
        self._seen: dict[int, None] = {}

    def note_beat(self, number: int) -> None:
        """Note a beat that is about to be sent."""
        self._sent[number] = self._clock.monotonic_ms()
        _forget_oldest(self._sent)

    def note_durable(self, number: int) -> None:
        """Note a beat that is known to be on the log."""
        if number > self._durable and number in self._sent:
            self._durable, self._kept_from = number, self._sent[number]

    def lasts(self, beat: int, lease_ms: int) -> bool:
        """Whether something may begin, or go on, under a lease that was given after this beat."""
        return self.left_ms(beat, lease_ms) > 0

    def left_ms(self, beat: int, lease_ms: int) -> int:
        """For how long it may."""
        sent = self._sent.get(beat)
        kept = self._kept_left_ms(lease_ms)
        return kept if sent is None else max(kept, sent + lease_ms - self._clock.monotonic_ms())

    def lapsed(self, lease_ms: int) -> bool:
        """Whether leases of that length may have ended: for two thirds of it no beat was durable."""
        return self._kept_left_ms(lease_ms) <= 0

    def _kept_left_ms(self, lease_ms: int) -> int:
        return self._kept_from + lease_ms * 2 // 3 - self._clock.monotonic_ms()

    def check(self, meta: Meta, event: JobDispatched) -> None:
        """Raise Refused or Repeated unless this is to be done."""
        self._check_lease(meta, event)
        if event.lease in self._seen:
            raise Repeated
        self._seen[event.lease] = None
        _forget_oldest(self._seen)
        try:
            self._check_beat(event)
            if self._trust is not None:
                at = max(self._clock.now_ms() - CLOCKS_DIFFER_MS, event.writ.issued_at)
                verify(event.writ, event.job, trust=self._trust, pool=self._pool, at=at, constraints=event.constraints)
        except WritInvalid as error:
            raise Refused(error.code, str(error), is_ours=True) from None

    def check_cancel(self, event: JobCancelled) -> None:
        """Raise SignatureInvalid unless the scheduler calls this back, from this very instance."""
        if event.worker != self._endpoint:
            reason = f"Expected what is addressed to {self._endpoint}, but it is for {event.worker[:200]}."
            raise SignatureInvalid("other_worker", reason)
        if self._trust is not None:
            verify_cancel(self._trust, event, at=self._clock.now_ms())

    def _check_lease(self, meta: Meta, event: JobDispatched) -> None:
        if event.worker != self._endpoint:
            reason = f"Expected what is addressed to {self._endpoint}, but it is for {event.worker[:200]}."
            raise Refused("other_worker", reason, is_ours=False)
        if self._trust is None:
            return
        try:
            verify_lease(self._trust, event, issued_at=meta.at, at=self._clock.now_ms())
        except SignatureInvalid as error:
            raise Refused(error.code, str(error), is_ours=False) from None

    def _check_beat(self, event: JobDispatched) -> None:
        sent = self._sent.get(event.beat)
        if sent is None or self._clock.monotonic_ms() - sent >= event.lease_ms:
            since = f"it is counted from beat {event.beat}, more than {event.lease_ms} ms ago"
            raise WritInvalid(LEASE_OVER, f"Expected a lease that lasts, but {since}.")
        self.note_durable(event.beat)


def _forget_oldest(numbers: dict[int, int] | dict[int, None]) -> None:
    if len(numbers) > _REMEMBERED:
        del numbers[next(iter(numbers))]
