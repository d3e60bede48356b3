"""Storage: sets, gets or deletes names of the run's ctx."""

from foldgate.contracts.events import ContextChanged
from foldgate.engine.runs.places import Place
from foldgate.engine.runs.turn import MAX_CARRIED_BYTES, Turn, Unfit, encoded, size_of
from foldgate.engine.steps.instant import call_back, progress, wake
from foldgate.expr.template import Template
from foldgate.language.definition import StorageSpec

__all__ = ["begin", "call_back", "progress", "wake"]

MAX_CONTEXT_BYTES = 1024 * 1024
"""What the ctx of a run may have in all."""


def begin(turn: Turn, place: Place, _: str) -> None:
    """Do the one of the three that it says."""
    spec = place.step.spec
    assert isinstance(spec, StorageSpec)
    if spec.set is not None:
        _set(turn, place, spec.set)
    elif spec.get is not None:
        _get(turn, place, spec.get, single=spec.single)
    else:
        _delete(turn, place, spec.delete or ())


def _set(turn: Turn, place: Place, templates: dict[str, Template]) -> None:
    values = {name: encoded(turn.evaluate(template, place)) for name, template in templates.items()}
    if (size := sum(map(size_of, values.values()))) > MAX_CARRIED_BYTES:
        raise Unfit("value_too_large", f"Expected values of at most {MAX_CARRIED_BYTES} bytes, but they have {size}.")
    after = {**turn.run.ctx, **values}
    if (size := sum(size_of(name) + size_of(value) for name, value in after.items())) > MAX_CONTEXT_BYTES:
        raise Unfit("ctx_too_large", f"Expected ctx of at most {MAX_CONTEXT_BYTES} bytes, but it would have {size}.")
    for name, value in values.items():
        turn.say(ContextChanged(step=place.id, name=name, value=value))
    turn.succeed(place, _map(values))


def _get(turn: Turn, place: Place, names: tuple[str, ...], *, single: bool) -> None:
    found = {name: turn.run.ctx.get(name, "null") for name in names}
    turn.succeed(place, found[names[0]] if single else _map(found))


def _delete(turn: Turn, place: Place, names: tuple[str, ...]) -> None:
    gone = [name for name in names if name in turn.run.ctx]
    for name in gone:
        turn.say(ContextChanged(step=place.id, name=name, value=None))
    turn.succeed(place, encoded(gone))


def _map(values: dict[str, str]) -> str:
    return "{" + ",".join(f"{encoded(name)}:{values[name]}" for name in sorted(values)) + "}"
