"""What must be over before a step begins: what a rerun from that step need not run again."""

from collections.abc import Collection, Iterator

from foldgate.language.definition import Definition, LoopSpec, ParallelSpec


def upstream(definition: Definition, step: str) -> frozenset[str]:
    """The steps before this one, with their parts and on_error handlers. A step inside a group stands for the whole
    group, and a handler for the step it handles."""
    found: set[str] = set()
    ahead = [outermost(definition, step)]
    while ahead:
        for other in definition.steps[ahead.pop()].depends_on:
            whole = outermost(definition, other)
            if whole not in found:
                found |= set(_with_all_inside(definition, whole))
                ahead.append(whole)
    return frozenset(found)


def kept(definition: Definition, step: str, done: Collection[str]) -> frozenset[str]:
    """What a rerun from this step takes over, given what succeeded: the steps upstream, each only with all of the
    groups around it, since a group that runs again runs its parts again."""
    before = upstream(definition, step)
    return frozenset(each for each in done if each in before and set(_around(definition, each)) <= set(done))


def outermost(definition: Definition, step: str) -> str:
    """The step at the top that this one is in or belongs to; itself where it is one."""
    return [step, *_around(definition, step)][-1]


def _around(definition: Definition, step: str) -> Iterator[str]:
    while step := definition.steps[step].parent or definition.steps[step].handles or definition.steps[step].undoes:
        yield step


def _with_all_inside(definition: Definition, step: str) -> Iterator[str]:
    ahead = [step]
    while ahead:
        found = definition.steps[ahead.pop()]
        yield found.id
        spec = found.spec
        parts = spec.steps if isinstance(spec, ParallelSpec) else spec.body if isinstance(spec, LoopSpec) else ()
        ahead += [*parts, *filter(None, [found.on_error])]
