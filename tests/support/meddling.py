"""A world outside that does anything: it succeeds, fails, denies, loses, is late, cancels and pauses, by chance."""

import random

import msgspec

from foldgate.engine.runs.step import Step
from tests.support.obliging import oblige
from tests.support.runs import Life

MOST = 4000
REASONS = ("worker_lost", "writ_expired", "attempt_timeout", "queue_timeout")
ENDINGS = ("succeeded", "failed", "denied", "timed_out", "cancelled")


class Meddling:
    """One life, and the chance that it has."""

    def __init__(self, life: Life, seed: int) -> None:
        self.life, self.chance = life, random.Random(f"meddling {seed}")

    def play(self) -> None:
        """To the end. A run that is due at once must say something then."""
        for _ in range(MOST):
            if self.life.ended:
                return
            if self.life.run.deferred:
                assert self.life.due(), f"due for nothing: {self.life.waiting}"
            elif self.life.run.phase == "pending":
                oblige(self.life)
            else:
                self._act()
        raise AssertionError(f"it does not end: {self.life.waiting}")

    def _act(self) -> None:
        life, luck = self.life, self.chance.random()
        open_ = [(step_id, step) for step_id, step in life.run.steps.items() if step.live and step.parts is None]
        if luck < 0.02:
            life.cancel()
        elif luck < 0.06:
            self._pause()
        elif luck < 0.08 or not open_:
            self._let_pass(self.chance.choice((1000, 60_000, 3_600_000)))
        else:
            self._answer(*self.chance.choice(open_))

    def _answer(self, step_id: str, step: Step) -> None:
        life, choice = self.life, self.chance.choice
        if step.status in ("requested", "cancelling") and step.attempt:
            self._report(step_id)
        elif step.kind == "subworkflow":
            life.child(step_id, choice(ENDINGS), 1)
        elif step.kind in ("approval", "input"):
            answer = choice((life.grant, life.refuse, life.expire))
            answer(step_id)
        elif step.kind == "wait":
            life.signal(step.awaits, msgspec.json.decode(step.input) if step.input else None)
        else:
            self._let_pass(max(0, (step.until or 0) - life.now))

    def _report(self, step_id: str) -> None:
        life, luck = self.life, self.chance.random()
        if luck < 0.55:
            life.succeed(step_id, self.chance.choice((1, None, {"a": 1}, "x" * 1000, "x" * 150_000)))
        elif luck < 0.7:
            life.fail(step_id, retryable=luck < 0.62)
        elif luck < 0.8:
            life.deny(step_id)
        elif luck < 0.9:
            life.lose(step_id, self.chance.choice(REASONS))
        else:
            life.fail(step_id, "writ_spent")

    def _pause(self) -> None:
        if self.life.run.paused:
            self.life.resume()
        else:
            self.life.pause()

    def _let_pass(self, wait_ms: int) -> None:
        if self.life.run.paused:
            self.life.resume()
        self.life.after(wait_ms)
