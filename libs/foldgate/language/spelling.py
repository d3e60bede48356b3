"""Other names of keys, other units and other shapes, brought to the one spelling that the models know.

Works on the tree, so that every value keeps its place, and leaves alone what it does not understand: the models say
what is wrong with that.
"""

from typing import NamedTuple

from foldgate.language.durations import LONGEST_MS
from foldgate.language.nodes import Entry, Node
from foldgate.language.problems import Place, Problem, problem

UNITS = {"_ms": 1, "_sec": 1000}
"""The suffixes of duration keys whose value is a whole number."""
ANY_STEP = {"condition": "when", "retries": "retry"}
STEP_NAMES = {"switch": {"value": "expression"}, "transform": {"transform": "output"}}
"""Other names of keys that only one type of step has."""
TYPES = {"worker": "job"}
RETRY = {"initial_backoff": "backoff"}
STEP_DURATIONS = ("timeout", "attempt_timeout", "queue_timeout")
WORKFLOW_DURATIONS = ("timeout", "compensation_timeout")
FOR_EACH = ("max_parallel", "max_items", "on_item_failure", "min_success")
"""What may be said of a for_each on the step, too."""
_EXPIRY = {"deny": "denied"}
_Map = dict[str, Entry]


class _Found(NamedTuple):
    """What is wrong, and under which key we are."""

    problems: list[Problem]
    path: str = ""

    def under(self, key: str) -> "_Found":
        return _Found(self.problems, self.path + key + ".")

    def add(self, code: str, message: str, *, key: str, place: Place) -> None:
        self.problems.append(problem(code, message, place=place, path=self.path + key))

    def twice(self, entry: Entry, first: Entry) -> None:
        said = f"Expected '{entry.text}' or '{first.text}', but both are given."
        self.add("given_twice", said, key=entry.text, place=entry.place)


def respell(root: Node) -> list[Problem]:
    """Change the tree of a workflow to the one spelling, and say where it says one thing twice."""
    found = _Found([])
    if isinstance(root.value, dict):
        _durations(root.value, WORKFLOW_DURATIONS, found)
        _as_text(root.value, "version")
        _defaults(_map(root.value, "defaults"), found.under("defaults"))
        for key, entry in _map(root.value, "steps").items():
            if isinstance(entry.node.value, dict):
                _step(entry.node.value, found.under("steps").under(key))
    return found.problems


def _step(step: _Map, found: _Found) -> None:
    _word(step, "type", TYPES)
    named = step["type"].node.value if "type" in step else None
    kind = named if isinstance(named, str) else ""
    _rename(step, ANY_STEP, found)
    _rename(step, STEP_NAMES.get(kind, {}), found)
    _durations(step, (*STEP_DURATIONS, *(["delay"] if kind == "delay" else [])), found)
    _retry(_map(step, "retry"), found.under("retry"))
    _for_each(step, kind, found)
    if kind == "subworkflow":
        _as_text(step, "version")
    if kind in {"approval", "input"}:
        _move(step, found, keys=("on_expire",), into="approval")
        _durations(_map(step, "approval"), ("expires_in",), found.under("approval"))
        _word(_map(step, "approval"), "on_expire", _EXPIRY)


def _defaults(defaults: _Map, found: _Found) -> None:
    _rename(defaults, {"retries": "retry"}, found)
    _durations(defaults, ("timeout",), found)
    _retry(_map(defaults, "retry"), found.under("retry"))


def _retry(retry: _Map, found: _Found) -> None:
    _durations(retry, ("initial_backoff", "backoff", "max_backoff"), found)
    _rename(retry, RETRY, found)
    if "max_retries" in retry:
        given = retry["max_retries"].node
        if isinstance(given.value, int) and not isinstance(given.value, bool) and 0 <= given.value <= 99:
            given.value += 1
            _rename(retry, {"max_retries": "max_attempts"}, found)
        else:
            del retry["max_retries"]
            found.add("out_of_range", "Expected a whole number from 0 to 99.", key="max_retries", place=given.place)


def _for_each(step: _Map, kind: str, found: _Found) -> None:
    """What is said of a for_each on the step goes into it; `max_parallel` of a parallel is its own."""
    said = tuple(key for key in FOR_EACH if key in step and not (key == "max_parallel" and kind == "parallel"))
    if "for_each" in step and step["for_each"].node.value is not None:
        node = step["for_each"].node
        if not isinstance(node.value, dict):
            items = Entry(node.place, "", Node(node.place, node.value, node.text))
            step["for_each"] = Entry(step["for_each"].place, "for_each", Node(node.place, {"items": items}))
        _move(step, found, keys=said, into="for_each")
    for key in said:
        if entry := step.pop(key, None):
            told = f"Expected a for_each on this step, since '{key}' is said of one."
            found.add("without_for_each", told, key=key, place=entry.place)


def _move(step: _Map, found: _Found, *, keys: tuple[str, ...], into: str) -> None:
    """Take keys of a step into a map of it, which is made where there is none."""
    for key in keys:
        if entry := step.pop(key, None):
            if into not in step or step[into].node.value is None:
                step[into] = _made(entry, into)
            _put(_map(step, into), found, name=key, entry=entry)


def _made(entry: Entry, key: str) -> Entry:
    return Entry(entry.place, key, Node(entry.place, {}))


def _durations(entries: _Map, names: tuple[str, ...], found: _Found) -> None:
    for name in names:
        for suffix, unit in UNITS.items():
            if entry := entries.get(name + suffix):
                if not _in_unit(entry.node, unit):
                    said = "Expected a whole number, of at most 100 years."
                    found.add("duration_invalid", said, key=entry.text, place=entry.node.place)
                _rename(entries, {name + suffix: name}, found)


def _in_unit(node: Node, unit: int) -> bool:
    """A whole number of units becomes a duration as text; what is none, any duration, once that is told."""
    number = node.value
    whole = isinstance(number, int) and not isinstance(number, bool) and 0 <= number * unit <= LONGEST_MS
    if number is not None:
        node.value = f"{number * unit}ms" if isinstance(number, int) and whole else "1ms"
    return whole or number is None


def _rename(entries: _Map, names: dict[str, str], found: _Found) -> None:
    for other, name in names.items():
        if other in entries:
            _put(entries, found, name=name, entry=entries.pop(other))


def _put(entries: _Map, found: _Found, *, name: str, entry: Entry) -> None:
    if name in entries:
        found.twice(entry, entries[name])
    entries.setdefault(name, entry)


def _word(entries: _Map, key: str, words: dict[str, str]) -> None:
    """Another name of a value."""
    if key in entries and isinstance(given := entries[key].node.value, str):
        entries[key].node.value = words.get(given, given)


def _as_text(entries: _Map, key: str) -> None:
    """What stays as it is written, even if it looks like a number."""
    node = entries[key].node if key in entries else None
    if node is not None and node.value is not None and node.text is not None:
        node.value = node.text


def _map(entries: _Map, key: str) -> _Map:
    """The map under a key; an empty one where it is none."""
    value = entries[key].node.value if key in entries else None
    return value if isinstance(value, dict) else {}
