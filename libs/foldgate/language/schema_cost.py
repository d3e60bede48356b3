"""What a check against a JSON Schema may cost, judged before it begins.

Every part of a value is checked once for each subschema that applies to it. References make that many out of few lines:
they multiply where a schema applies another one twice to the same part, and do so again at every level of the value
where the schema comes back to itself.
"""

from typing import Any, NamedTuple

MAX_WORK = 2_000_000_000
"""In units of about a nanosecond."""
MAX_FACTOR = 10**15
_SAME_PART = ("allOf", "anyOf", "oneOf", "not", "if", "then", "else", "dependentSchemas", "dependencies", "$ref")
_OTHER_PARTS = (
    "patternProperties",
    "additionalProperties",
    "propertyNames",
    "items",
    "prefixItems",
    "additionalItems",
    "contains",
    "unevaluatedItems",
    "unevaluatedProperties",
)
_MAPS = frozenset(("dependentSchemas", "dependencies", "patternProperties", "properties", "$defs", "definitions"))


class Unsupported(Exception):
    """A reference that is not followed: `reference`, at `path`."""

    def __init__(self, reference: str, keyword: str) -> None:
        super().__init__(f"{keyword}: '{reference[:200]}'")


class Cost(NamedTuple):
    """Units for each byte of the value, and by how much they multiply with each of its levels."""

    units: int
    branching: int

    def of(self, much: int, levels: int) -> int:
        """The units for a value of so many bytes and levels."""
        return self.units * much * min(MAX_FACTOR, self.branching**levels)


def cost(document: Any) -> Cost:
    """What checks against this cost at most."""
    costs = _Costs(document)
    units = costs.units(document)
    branching = 1
    for target in list(costs.recursive):
        branching *= max(1, costs.returns(target, target, ()))
    return Cost(units, min(MAX_FACTOR, branching))


def _subschemas(schema: dict[str, Any], keyword: str) -> list[Any]:
    below = schema.get(keyword)
    if isinstance(below, dict) and keyword in _MAPS:
        return list(below.values())
    return below if isinstance(below, list) else [below]


class _Costs:
    """Goes over a schema and what it refers to. `recursive` are the schemas, by reference, that come back to themselves."""

    def __init__(self, document: Any) -> None:
        self.document = document
        self.recursive: dict[str, None] = {}
        self._known: dict[str, int] = {}
        self._open: list[str] = []

    def units(self, schema: Any) -> int:
        """For one part of a value, and what is below it."""
        if not isinstance(schema, dict):
            return 1
        alike = max((self.units(below) for below in _subschemas(schema, "properties")), default=0)
        return min(
            MAX_FACTOR, _own(schema) + alike + sum(self._of(keyword, below) for keyword, below in _applied(schema))
        )

    def _of(self, keyword: str, below: Any) -> int:
        return self._referred(below) if keyword == "$ref" else self.units(below)

    def _referred(self, reference: str) -> int:
        if reference in self._open:
            self.recursive[reference] = None
            return 0
        if reference not in self._known:
            self._open.append(reference)
            self._known[reference] = self.units(self._target(reference))
            self._open.pop()
        return self._known[reference]

    def returns(self, target: str, reference: str, through: tuple[str, ...]) -> int:
        """How often the target comes up again for one part below one part."""
        return self._returns(target, self._target(reference), (*through, reference))

    def _returns(self, target: str, schema: Any, through: tuple[str, ...]) -> int:
        if not isinstance(schema, dict):
            return 0
        alike = max((self._returns(target, below, through) for below in _subschemas(schema, "properties")), default=0)
        return alike + sum(
            self._comes_up(target, below, through) if keyword == "$ref" else self._returns(target, below, through)
            for keyword, below in _applied(schema)
        )

    def _comes_up(self, target: str, reference: str, through: tuple[str, ...]) -> int:
        if reference == target:
            return 1
        return 0 if reference in through else self.returns(target, reference, through)
