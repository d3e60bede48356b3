"""What people write about pools, as pydantic models.

A default here is part of what every published document means: it never changes.
"""

from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_core import PydanticCustomError

from foldgate.authority.bundle import Count, Per
from foldgate.contracts.topics import is_pool_name
from foldgate.language.forms import Duration, Labels, Names
from foldgate.language.models import Model

MAX_POOLS = 200
MAX_ROUTES = 500


def _pool_name(text: str) -> str:
    if is_pool_name(text):
        return text
    said = "Expected a pool of at most 100 letters, digits, _ . and -, that begins with a letter or digit."
    raise PydanticCustomError("name_invalid", said)


def _whole_as_float(value: object) -> object:
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


PoolName = Annotated[str, AfterValidator(_pool_name)]
Percent = Annotated[int, Field(ge=1, le=100)]
Pattern = Annotated[str, Field(min_length=1, max_length=400)]


class LimitTerms(Model):
    """How many jobs of one value may be held at once, and may begin in a minute."""

    key: Per
    max_concurrent: Count | None = None
    per_minute: Count | None = None


class PoolDocument(Model):
    """One pool."""

    name: PoolName
    capabilities: Names = []
    tenants: Names = []
    labels: Labels = {}
    max_waiting: Annotated[int, Field(ge=1, le=10_000_000)] = 100_000
    max_cpu_percent: Percent = 95
    max_gpu_percent: Percent = 95
    retry_share: Annotated[float, Field(ge=0, le=1), BeforeValidator(_whole_as_float)] = 0.2
    age_step: Duration = 60_000
    limits: Annotated[list[LimitTerms], Field(max_length=20)] = []


class RouteDocument(Model):
    """Where jobs of these topics go."""

    topics: Annotated[list[Pattern], Field(min_length=1, max_length=100)]
    pools: Annotated[list[PoolName], Field(min_length=1, max_length=50)]


class PoolsDocument(Model):
    """All pools of a suite, as they are written."""

    pools: Annotated[list[PoolDocument], Field(min_length=1, max_length=MAX_POOLS)]
    routes: Annotated[list[RouteDocument], Field(max_length=MAX_ROUTES)] = []
