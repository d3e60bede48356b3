"""What a story means by the language: which steps are satisfied, dead or failed, and what expressions see of them."""

from collections.abc import Iterator
from typing import Any, Literal

from foldgate.expr.faults import ExpressionFailed
from foldgate.expr.template import Template
from foldgate.language.definition import Definition, LoopSpec, ParallelSpec, SwitchSpec
from tests.support.oracle.places import Place, Shape
from tests.support.oracle.story import Story, parsed, same

Outcome = Literal["open", "satisfied", "dead", "failed"]
Verdict = Literal["open", "ready", "upstream_failed", "branch_not_taken"]
FAILINGS = ("failed", "denied", "timed_out")
GRAVEST = ("failed", "denied", "timed_out", "cancelled")
_SKIPS: dict[str, Outcome] = {"when_false": "satisfied", "branch_not_taken": "dead"}


class Reading:
    """A definition and a story, read together."""

    def __init__(self, definition: Definition, *, max_lost: int) -> None:
        self.definition, self.max_lost = definition, max_lost
        self.shape = Shape(definition)
        self.story = Story()

    def outcome(self, place: Place) -> Outcome:
        """What those that depend on it see."""
        part = self.story.of(place)
        if not part.status:
            return self._never_begun(place)
        if part.status == "succeeded":
            return "satisfied"
        if part.status == "skipped":
            return _SKIPS.get(part.reason, "failed")
        handler = self.shape.on_error(place)
        if part.status == "cancelled" or handler is None:
            return "failed"
        return self._handled(handler)

    def _never_begun(self, place: Place) -> Outcome:
        """Open; but a part of a group that is over without it shares the group's fate."""
        group = self.shape.group(place)
        if group is None or self.story.known(place) or not self.story.of(group).status:
            return "open"
        return "failed" if self.story.of(group).began is not None else self.outcome(group)

    def _handled(self, handler: Place) -> Outcome:
        part = self.story.of(handler)
        if part.status == "skipped":
            return "failed"
        if part.status:
            return self.outcome(handler)
        return "open" if part.began is not None or not self.called_back(handler) else "failed"

    def called_back(self, place: Place) -> bool:
        """Whether nothing may begin there any more: the run is halted, or a group around it is over or called back."""
        if self.story.halts and not self.shape.is_undoing(place):
            return True
        return any(self.story.of(group).status or self.story.of(group).called for group in self.shape.above(place))

    def verdict(self, place: Place) -> Verdict:
        """What its dependencies say."""
        step = self.shape.step(place)
        seen = [self._seen(name, place) for name in step.depends_on]
        if "open" in seen:
            return "open"
        if "failed" in seen:
            return "upstream_failed"
        chosen = any(self._leads(name, place) for name in step.switches)
        dead = bool(seen) and set(seen) == {"dead"}
        return "branch_not_taken" if dead or (step.switches and not chosen) else "ready"

    def _seen(self, name: str, place: Place) -> Outcome:
        there = self.shape.seen_from(place, name)
        outcome = self.outcome(there)
        is_switch = name in self.shape.step(place).switches and self.story.of(there).status == "succeeded"
        return "dead" if is_switch and not self._leads(name, place) else outcome

    def _leads(self, name: str, place: Place) -> bool:
        return place.step in self.story.of(self.shape.seen_from(place, name)).chosen

    def members(self, group: Place) -> list[Place]:
        """The parts of a group: of a loop those of its latest iteration, of a for_each all of its items."""
        items = len(self.story.of(group).items)
        return self.shape.members(group, items=items, iteration=max(0, self.iteration(group)))

    def iteration(self, loop: Place) -> int:
        """The latest iteration of which anything is known; -1 before the first."""
        spec, latest = self.shape.step(loop).spec, -1
        while isinstance(spec, LoopSpec) and any(
            self.story.known(Place(name, (*loop.at, latest + 1))) for name in spec.body
        ):
            latest += 1
        return latest

    def every_member(self, group: Place) -> Iterator[Place]:
        """The parts of a group, of all iterations."""
        for iteration in range(max(1, self.iteration(group) + 1)):
            yield from self.shape.members(group, items=len(self.story.of(group).items), iteration=iteration)
            if self.shape.kind(group) != "loop":
                return

    def busy(self, group: Place) -> list[Place]:
        """Its parts that are under way, the handlers of parts among them."""
        return [member for member in self.every_member(group) if self.is_busy(member)]

    def is_busy(self, place: Place) -> bool:
        """Whether it, or who handles it, is under way."""
        handler = self.shape.on_error(place)
        return self.story.of(place).live or (handler is not None and self.is_busy(handler))

    def decisive(self, group: Place) -> Place | None:
        """The part whose failure fails the group; None if it has not failed."""
        spec = self.shape.step(group).spec
        failed = [place for place in self.story.failed if self.shape.group(place) == group]
        spare = 0
        if not self.shape.is_whole(group) and isinstance(spec, ParallelSpec):
            spare = len(spec.steps) - spec.required
        if self.collects(group):
            return None
        return failed[spare] if len(failed) > spare else None

    def failing_as(self, group: Place) -> set[str]:
        """How a group ends whose parts have failed it: as the first that did; of a quorum, as any that did."""
        if self.decisive(group) is None:
            return set()
        failed = [place for place in self.story.failed if self.shape.group(place) == group]
        strict = self.shape.is_whole(group) or getattr(self.shape.step(group).spec, "strategy", "all") == "all"
        return {self.story.of(place).status for place in (failed[:1] if strict else failed)}

    def collects(self, group: Place) -> bool:
        """Whether it is a for_each that takes failures for results."""
        each = self.shape.step(group).for_each
        return self.shape.is_whole(group) and each is not None and each.on_item_failure == "collect"

    def chosen(self, place: Place) -> tuple[str, ...] | None:
        """Where a switch leads now; None where it leads nowhere."""
        spec = self.shape.step(place).spec
        assert isinstance(spec, SwitchSpec)
        subject = self.value(spec.subject, place) if spec.subject is not None else None
        for case in spec.cases:
            if case.when is not None and self.value(case.when, place) is True:
                return case.next
            if case.match is not None and same(subject, self.value(case.match, place)):
                return case.next
        return spec.default

    def when(self, place: Place) -> bool:
        """Whether its own condition holds now; of a for_each, it is asked once."""
        when = self.shape.step(place).when
        if when is None or self.shape.is_item(place):
            return True
        return self.value(when, place) is True

    def value(self, template: Template, place: Place) -> Any:
        """What a template of that step says now."""
        return template.evaluate(self._scope(template, place, self._loop(place)))

    def at_end(self, template: Template) -> Any:
        """What a template says of the run as a whole."""
        return template.evaluate(self._scope(template, None, None))

    def turn(self, template: Template, loop: Place, iteration: int, *, over: bool) -> Any:
        """What a loop's condition says of an iteration, before it or when it is over."""
        around = {"index": iteration, "previous_output": self.last_output(loop, iteration if over else iteration - 1)}
        return template.evaluate(self._scope(template, loop, around))

    def fails(self, template: Template | None, place: Place) -> bool:
        """Whether it cannot be evaluated now."""
        if template is None:
            return False
        try:
            self.value(template, place)
        except ExpressionFailed:
            return True
        return False

    def _scope(self, template: Template, place: Place | None, loop: dict[str, Any] | None) -> dict[str, Any]:
        story, start = self.story, self.story.start
        assert start is not None
        assert story.opened is not None
        run = {"id": story.key, "workflow": start.workflow, "tenant": story.opened.tenant, "attempt_of": ""}
        scope = {"input": parsed(start.input), "ctx": story.ctx, "run": run, "now": story.now}
        scope["steps"] = {name: self._step(self.shape.seen_from(place or Place(name), name)) for name in template.steps}
        item = self._item(place) if place is not None else {}
        return scope | item | ({} if loop is None else {"loop": loop})

    def _step(self, place: Place) -> dict[str, Any]:
        part = self.story.of(place)
        known = {"output": self.output(place), "status": part.status or "pending", "error": None}
        if part.status in FAILINGS:
            known["error"] = {"code": part.code, "message": part.message}
        return known

    def output(self, place: Place) -> Any:
        """Its output; that of its handler where one made up for it."""
        part, handler = self.story.of(place), self.shape.on_error(place)
        if part.status == "succeeded":
            return part.output
        if part.status in FAILINGS and handler is not None and self.outcome(place) == "satisfied":
            return self.output(handler)
        return None

    def default_input(self, place: Place) -> Any:
        """What a step is given that says nothing of it: the item it is about, else what the run was given."""
        assert self.story.start is not None
        return self._item(place).get("item", parsed(self.story.start.input))

    def _item(self, place: Place) -> dict[str, Any]:
        for here in self.shape.around(place):
            if self.shape.is_item(here):
                items = self.story.of(Place(here.step, here.at[:-1])).items
                return {"item": items[here.at[-1]], "index": here.at[-1]}
        return {}

    def _loop(self, place: Place) -> dict[str, Any] | None:
        for here in self.shape.around(place):
            loop = self.shape.up(here)
            if loop is not None and self.shape.kind(loop) == "loop":
                index = here.at[len(loop.at)]
                return {"index": index, "previous_output": self.last_output(loop, index - 1)}
        return None

    def last_output(self, loop: Place, iteration: int) -> Any:
        """The output of an iteration's last step."""
        return self.output(self.shape.members(loop, iteration=iteration)[-1]) if iteration >= 0 else None
