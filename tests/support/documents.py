"""Workflow documents made up at random: valid ones, of up to hundreds of steps, with everything that the language has.

One seed is one document. `steady` leaves out what makes an outcome depend on who is first.
"""

import random
from collections.abc import Callable
from typing import Any, NamedTuple

import yaml

INPUT: dict[str, Any] = {
    "n": 3,
    "yes": True,
    "no": False,
    "text": "x",
    "list": [1, 2, 3],
    "many": list(range(70)),
    "long": "long " * 1400,
}
"""What runs of these documents are given; some of it so large that not all that is ready fits one decision."""
CHILD = "child"
"""The workflow that subworkflow steps run."""
SIGNALS = ("go", "stop")
Document = dict[str, Any]
Terms = dict[str, Any]


class Around(NamedTuple):
    """What is around a step that is being made up: what it may read, and how deep it is in groups and repeats."""

    upstream: tuple[str, ...] = ()
    groups: int = 0
    repeats: int = 0
    in_each: bool = False
    in_loop: bool = False


def document(seed: int, *, size: int, steady: bool = False) -> Document:
    """A document of about so many steps."""
    return _Growing(random.Random(f"document {seed}"), size, steady=steady).document()


def written(made: Document) -> str:
    """A document as people read it."""
    return yaml.dump(made, Dumper=_Plain, sort_keys=False, width=120)


class _Plain(yaml.SafeDumper):
    """Writes every value where it is used, as documents must be."""

    def ignore_aliases(self, _: Any) -> bool:
        return True


class _Growing:
    """A document while it grows."""

    def __init__(self, rng: random.Random, size: int, *, steady: bool) -> None:
        self._rng, self._left, self._steady = rng, size, steady
        self._steps: dict[str, Terms] = {}
        self._tops: list[str] = []
        self._upstream: dict[str, tuple[str, ...]] = {}
        self._numbers = 0

    def document(self) -> Document:
        while self._left > 0:
            self._top()
        made: Document = {"id": "made", "steps": self._steps}
        if self._often(0.4):
            made["output"] = {"last": "${" + _read(self._rng.choice(self._tops)) + ".output}"}
        if self._often(0.1):
            made["defaults"] = {"retry": {"max_retries": 1, "initial_backoff_sec": 1}}
        if not self._steady:
            made |= self._terms_of_the_run()
        return made

    def _terms_of_the_run(self) -> Terms:
        terms: Terms = {}
        if self._often(0.25):
            terms["fail_fast"] = True
        if self._often(0.1):
            terms["timeout"] = self._rng.choice(["30s", "2m"])
        if self._often(0.2):
            terms["compensate_on"] = self._rng.sample(["failed", "denied", "timed_out", "cancelled"], 2)
        if self._often(0.1):
            terms["compensation_timeout"] = "20s"
        if self._often(0.07):
            on_conflict = self._rng.choice(["queue", "reject", "cancel_oldest"])
            terms["concurrency"] = {"key": "k-${input.n}", "limit": 1, "on_conflict": on_conflict}
        return terms

    def _top(self) -> None:
        """One more step at the top, after some of those there are."""
        recent = self._tops[-8:] if self._often(0.8) else self._tops
        after = self._rng.sample(recent, min(len(recent), self._rng.choice([0, 1, 1, 1, 2, 3])))
        if self._often(0.12):
            self._switch_at_top(after)
        else:
            self._add_top(self._step(self._around(after)), after)

    def _around(self, after: list[str]) -> Around:
        return Around(tuple(dict.fromkeys(name for one in after for name in (one, *self._upstream[one]))))

    def _add_top(self, name: str, after: list[str]) -> None:
        if after:
            self._steps[name]["depends_on"] = after
        upstream = self._around(after).upstream
        terms = self._steps[name]
        parts = terms["steps"] if terms["type"] == "parallel" and "for_each" not in terms and not self._steady else []
        for one in [name, *(parts if self._often(0.5) else [])]:
            self._tops.append(one)
            self._upstream[one] = upstream

    def _switch_at_top(self, after: list[str]) -> None:
        around = self._around(after)
        name = self._new("switch")
        self._upstream[name] = around.upstream
        inside = around._replace(upstream=(name, *around.upstream))
        targets = [self._step(inside) for _ in range(self._rng.randint(1, 3))]
        self._steps[name] |= self._cases(around, targets)
        self._decorate(name, around)
        self._add_top(name, after)
        for target in targets:
            other = [one for one in self._tops if one in around.upstream]
            more = self._rng.sample(other, 1) if other and self._often(0.2) else []
            self._add_top(target, [*([name] if self._often(0.5) else []), *more])
            self._upstream[target] = (name, *around.upstream)

    def _cases(self, around: Around, targets: list[str]) -> Terms:
        terms: Terms = {"cases": []}
        if self._often(0.4):
            terms["expression"] = "${input.n}"
            terms["cases"] = [{"match": self._rng.choice([1, 3]), "next": one} for one in targets]
        else:
            terms["cases"] = [{"when": self._truth(around), "next": one} for one in targets]
        if self._often(0.2):
            terms["cases"][0]["next"] = targets
        if self._often(0.7):
            terms["default"] = self._rng.choice([targets, targets[-1]])
        return terms

    def _step(self, around: Around, kinds: tuple[str, ...] = ()) -> str:
        """A step of some type, with all that is a part of it; its name."""
        kind = self._rng.choice(kinds or self._kinds(around))
        name = self._new(kind)
        each = self._each(around, kind)
        self._steps[name] |= each
        inside = around._replace(repeats=around.repeats + 1, in_each=True) if each else around
        self._steps[name] |= _TERMS[kind](self, inside)
        if kind == "job":
            self._steps[name] |= self._job_terms(inside)
        self._decorate(name, around)
        return name

    def _kinds(self, around: Around) -> tuple[str, ...]:
        leaves = tuple(kind for kind in _LEAVES if not (self._steady and kind == "wait" and around.repeats))
        groups = ("parallel", "loop") if around.groups < 3 and self._left > 2 else ()
        return ("job",) * 8 + leaves + groups

    def _new(self, kind: str) -> str:
        self._numbers, self._left = self._numbers + 1, self._left - 1
        name = f"{kind[:2]}{self._numbers}" + self._rng.choice(["", "", "", ".x", "-y"])
        self._steps[name] = {"type": kind}
        return name

    def _each(self, around: Around, kind: str) -> Terms:
        if (
            around.repeats >= 2
            or (self._steady and kind == "wait")
            or not self._often(0.12 if kind in {"job", "parallel"} else 0.03)
        ):
            return {}
        many = around.repeats == 0 and kind == "job" and self._often(0.15)
        items = "${input.many}" if many else self._rng.choice(["${input.list}", [], ["a", {"b": 1}], [1, 2, 3, 4]])
        each: Terms = {"items": items}
        if self._often(0.4):
            each["max_parallel"] = self._rng.randint(1, 3)
        if self._often(0.4):
            each["on_item_failure"] = "collect"
            each["min_success"] = self._rng.randint(0, 2)
        if isinstance(items, str) and self._often(0.05):
            each["max_items"] = 2
        return {"for_each": each}

    def _decorate(self, name: str, around: Around) -> None:
        """What any step may have besides."""
        terms = self._steps[name]
        if self._often(0.12):
            terms["when"] = self._truth(around)
        if not self._steady and self._often(0.15):
            terms["timeout"] = self._rng.choice(["1s", "2s", "15s", "60s"])
        inside = around._replace(upstream=(name, *around.upstream), groups=around.groups + 1)
        if self._left > 0 and self._often(0.15):
            terms["on_error"] = self._step(inside, ("job", "job", "job", "transform", "parallel", "approval"))
        if self._left > 0 and self._often(0.12):
            terms["compensate"] = self._step(inside, ("job", "job", "job", "transform", "notify"))

    def _job_terms(self, around: Around) -> Terms:
        terms: Terms = {}
        if self._often(0.5):
            terms["input"] = self._value(around)
        if around.in_loop and self._often(0.3):
            terms["input"] = "${loop.previous_output}"
        if self._often(0.06):
            terms["input"] = "${input.long}"
        if self._often(0.06):
            terms["output_schema"] = {"type": self._rng.choice(["object", "integer"])}
        if self._often(0.4):
            terms["retries"] = {"max_attempts": self._rng.randint(1, 4), "backoff_ms": self._rng.choice([0, 100, 3000])}
            if self._often(0.2):
                terms["retries"]["retry_on"] = ["flaky", "attempt_timeout"]
            if self._often(0.5):
                terms["retries"] |= {"multiplier": 2, "jitter": 0.5, "non_retryable": ["boom"]}
        return terms

    def parallel(self, around: Around) -> Terms:
        inside = around._replace(groups=around.groups + 1)
        parts = [self._step(inside) for _ in range(self._rng.randint(1, 4))]
        terms: Terms = {"steps": parts}
        if not self._steady and self._often(0.5):
            terms["strategy"] = self._rng.choice(["any", "n_of_m"])
            if terms["strategy"] == "n_of_m":
                terms["required"] = self._rng.randint(1, len(parts))
        if self._often(0.3):
            terms["max_parallel"] = self._rng.randint(1, 2)
        return terms

    def loop(self, around: Around) -> Terms:
        inside = around._replace(groups=around.groups + 1, repeats=around.repeats + 1, in_loop=True)
        body: list[str] = []
        for _ in range(self._rng.randint(1, 3)):
            body += self._turn(inside._replace(upstream=(*body, *around.upstream)))
        terms: Terms = {"body": body if len(body) > 1 or self._often(0.5) else body[0]}
        times = self._rng.randint(0, 3)
        if self._often(0.5):
            terms["while"] = f"loop.index < {times}"
        else:
            terms["until"] = f"loop.index >= {times}"
        if self._often(0.3):
            terms["max_iterations"] = self._rng.randint(1, 3)
        return terms

    def _turn(self, around: Around) -> list[str]:
        """A step of a loop's body, or a switch and where it leads."""
        if self._left < 3 or not self._often(0.15):
            return [self._step(around)]
        name = self._new("switch")
        inside = around._replace(upstream=(name, *around.upstream))
        targets = [self._step(inside) for _ in range(self._rng.randint(1, 2))]
        self._steps[name] |= self._cases(around, targets)
        return [name, *targets]

    def approval(self, _: Around) -> Terms:
        return {"approval": {"on_expire": "timed_out"}} if self._often(0.3) else {}

    def wait(self, _: Around) -> Terms:
        if self._steady:
            return {"signal": f"signal-{self._numbers}"}
        match = {"match": {"k": "${input.n}"}} if self._often(0.3) else {}
        return {"signal": self._rng.choice(SIGNALS), **match}

    def delay(self, _: Around) -> Terms:
        told: list[Terms] = [
            {"delay": "2s"},
            {"delay_ms": 50},
            {"until": "2023-11-14T22:13:25Z"},
            {"delay": "${input.n}s"},
        ]
        return self._rng.choice(told)

    def condition(self, around: Around) -> Terms:
        return {"expression": self._truth(around)}

    def transform(self, around: Around) -> Terms:
        return {"output": {"made": self._value(around)}}

    def storage(self, around: Around) -> Terms:
        if self._steady:
            return {"set": {f"own{self._numbers}": self._value(around)}}
        name = self._rng.choice(["a", "b"])
        if self._often(0.2):
            return {"get": self._rng.choice([name, ["a", "c"]])}
        return self._rng.choice([{"set": {name: self._value(around)}}, {"set": {"c": 1, "d": 2}}, {"delete": name}])

    def notify(self, _: Around) -> Terms:
        return {"channel": "ops", "message": "n is ${input.n}", "level": "warning"}

    def subworkflow(self, around: Around) -> Terms:
        return {"workflow": CHILD if self._often(0.95) else "unheard-of", "input": self._value(around)}

    def nothing(self, _: Around) -> Terms:
        return {}

    def _truth(self, around: Around) -> str:
        """An expression that is true or false; seldom one that has no value."""
        told = ["input.yes", "input.yes", "${input.n > 2}", "size(input.list) == 3", "input.no"]
        told += [f"{_read(name)}.status == 'succeeded'" for name in around.upstream[:3]]
        told += ["index < 2"] if around.in_each else []
        told += ["loop.index < 1"] if around.in_loop else []
        told += [] if self._steady else ["has(ctx.a)", "input.missing == 1"]
        return self._rng.choice(told)

    def _value(self, around: Around) -> Any:
        told: list[Any] = ["${input.n}", 7, {"text": "is ${input.text}", "n": "${input.n + 1}"}, ["${input.list[0]}"]]
        told += ["${" + _read(name) + ".output}" for name in around.upstream[:3]]
        told += ["${item}", {"at": "${index}"}] if around.in_each else []
        told += ["${loop.index}", "${loop.previous_output}"] if around.in_loop else []
        told += [] if self._steady else ["${has(ctx.a) ? ctx.a : 0}", "${run.id}"]
        return self._rng.choice(told)

    def _often(self, share: float) -> bool:
        return self._rng.random() < share


def _read(name: str) -> str:
    return f"steps.{name}" if name.isidentifier() else f"steps['{name}']"


_TERMS: dict[str, Callable[[_Growing, Around], Terms]] = {
    "job": _Growing.nothing,
    "approval": _Growing.approval,
    "input": _Growing.nothing,
    "wait": _Growing.wait,
    "delay": _Growing.delay,
    "condition": _Growing.condition,
    "transform": _Growing.transform,
    "storage": _Growing.storage,
    "notify": _Growing.notify,
    "subworkflow": _Growing.subworkflow,
    "parallel": _Growing.parallel,
    "loop": _Growing.loop,
}
_LEAVES = tuple(kind for kind in _TERMS if kind not in {"job", "parallel", "loop"})
