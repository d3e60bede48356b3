"""What a check against a JSON Schema may cost, judged before it begins.

Every part of a value is checked once for each subschema that applies to it. References make that many out of few lines:
they multiply where a schema applies another one twice to the same part, and do so again at every level of the value
where the schema comes back to itself.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

from foldgate.expr.patterns import weight
from foldgate.expr.results import size

MAX_WORK = 300_000_000
"""In units of a few nanoseconds."""
MAX_REFERENCES = 500
_LIMIT = 10**15
_OVERHEAD = 4
_NAMED = frozenset(("dependentSchemas", "dependencies", "patternProperties"))
_OTHERS = _NAMED | frozenset(
    (
        "additionalItems",
        "additionalProperties",
        "allOf",
        "anyOf",
        "contains",
        "else",
        "if",
        "items",
        "not",
        "oneOf",
        "prefixItems",
        "propertyNames",
        "then",
        "unevaluatedItems",
        "unevaluatedProperties",
    )
)
_UNFOLLOWED = frozenset(("$dynamicRef", "$recursiveRef", "$id"))


class Unsupported(Exception):
    """A schema uses what checks here do without; the text goes on after "but"."""


class Cost(NamedTuple):
    """Units for each byte of a value, and by how much they multiply from level to level of it."""

    units: int
    branching: int

    def of(self, value: Any) -> int:
        """The units for this value."""
        return self.units * (size(value) if self.branching == 1 else _multiplied(value, self.branching))


def _multiplied(value: Any, branching: int) -> int:
    """About the bytes of a value, where each level counts so many times what the one above it does."""
    if isinstance(value, dict):
        below = sum(_multiplied(entry, branching) for entry in value.values())
        return _OVERHEAD + sum(map(len, value)) + branching * below
    if isinstance(value, list):
        return _OVERHEAD + branching * sum(_multiplied(item, branching) for item in value)
    return _OVERHEAD + len(value) if isinstance(value, str) else _OVERHEAD


def cost(document: Any) -> Cost:
    """What a check against this costs at most. Unsupported, if it refers to what is not in it."""
    if isinstance(document, dict):
        if "draft-04" in document.get("$schema", ""):
            raise Unsupported("it is of draft 4, and they begin with 6 here")
        document = {keyword: below for keyword, below in document.items() if keyword != "$id"}
    targets = _targets(document)
    inner = {name: _references(target) for name, target in targets.items()}
    branching = 1
    for name in targets:
        again = sum(count for other, count in inner[name].items() if name in _reached(other, inner))
        branching = min(_LIMIT, branching * max(1, again))
    return Cost(_units(document, targets, inner), branching)


def _targets(document: Any) -> dict[str, Any]:
    """All schemas that are referred to, by the reference."""
    found: dict[str, Any] = {}
    open_references = list(_references(document))
    while open_references:
        reference = open_references.pop()
        if reference not in found:
            found[reference] = _at(document, reference)
            open_references.extend(_references(found[reference]))
        if len(found) > MAX_REFERENCES:
            raise Unsupported(f"it refers to more than {MAX_REFERENCES} schemas")
    return found


def _at(document: Any, reference: str) -> Any:
    if reference != "#" and not reference.startswith("#/"):
        raise Unsupported(f"it refers to '{reference[:200]}', and only '#/…' is followed")
    at = document
    for step in reference.split("/")[1:]:
        key = step.replace("~1", "/").replace("~0", "~")
        try:
            at = at[int(key)] if isinstance(at, list) else at[key]
        except (LookupError, TypeError, ValueError):
            raise Unsupported(f"there is no '{reference[:200]}' in it, as it is written there") from None
    return at


def _references(schema: Any) -> Counter[str]:
    """How often it refers to what, for one part of a value; properties are different parts."""
    if not isinstance(schema, dict):
        return Counter()
    for keyword in schema.keys() & _UNFOLLOWED:
        raise Unsupported(f"it has '{keyword}' inside, which is not followed")
    found: Counter[str] = Counter([schema["$ref"]] if "$ref" in schema else [])
    for below in _alike(schema):
        found |= _references(below)
    for below in _applied(schema):
        found += _references(below)
    return found


def _reached(reference: str, inner: dict[str, Counter[str]]) -> set[str]:
    reached = {reference}
    ahead = [reference]
    while ahead:
        new = inner[ahead.pop()].keys() - reached
        reached |= new
        ahead.extend(new)
    return reached


def _alike(schema: dict[str, Any]) -> Iterator[Any]:
    """The subschemas of which only one applies to a part."""
    yield from schema.get("properties", {}).values()


def _applied(schema: dict[str, Any]) -> Iterator[Any]:
    """The other subschemas."""
    for keyword in schema.keys() & _OTHERS:
        below = schema[keyword]
        if isinstance(below, dict) and keyword in _NAMED:
            yield from below.values()
        else:
            yield from below if isinstance(below, list) else [below]


def _units(document: Any, targets: dict[str, Any], inner: dict[str, Counter[str]]) -> int:
    """What applies to one part. What a schema comes back to belongs to the next level, and is left out."""
    known: dict[str, int] = {}
    for name in _inner_first(inner):
        known[name] = _with_references(targets[name], inner[name], known)
    return _with_references(document, _references(document), known)


def _with_references(schema: Any, references: Counter[str], known: dict[str, int]) -> int:
    return min(_LIMIT, _own_units(schema) + sum(count * known.get(name, 0) for name, count in references.items()))


def _inner_first(inner: dict[str, Counter[str]]) -> Iterator[str]:
    """All references, each behind those inside what it refers to. Not by recursion: a chain of them may be long."""
    begun: set[str] = set()
    ahead = list(inner)
    while ahead:
        name = ahead[-1]
        begun.add(name)
        below = next((other for other in inner[name] if other not in begun), None)
        if below is None:
            yield ahead.pop()
        else:
            ahead.append(below)


def _own_units(schema: Any) -> int:
    if not isinstance(schema, dict):
        return 1
    return _own(schema) + max(map(_own_units, _alike(schema)), default=0) + sum(map(_own_units, _applied(schema)))


def _own(schema: dict[str, Any]) -> int:
    """What it says itself: lists of values and of names are gone through, patterns are searched for."""
    listed = sum(len(schema.get(keyword, ())) for keyword in ("enum", "required", "properties"))
    patterns = [*schema.get("patternProperties", ()), *([schema["pattern"]] if "pattern" in schema else [])]
    return len(schema) + listed + sum(map(weight, patterns))
