"""Queries of the read models, for a bounded time."""

import asyncio
from typing import TYPE_CHECKING, TypeAlias, TypeVar

import asyncpg

from foldgate.database.connections import Connection, DatabaseUnavailable, Work
from foldgate.gateway.http.problems import Problem
from foldgate.readmodel.postgres import ReadModels

if TYPE_CHECKING:
    Row: TypeAlias = asyncpg.Record
else:
    Row = asyncpg.Record

T = TypeVar("T")
QUERY_WITHIN_S = 2.0


class Conditions:
    """Conditions of a query, and their arguments by number."""

    def __init__(self, *arguments: object) -> None:
        self.arguments = list(arguments)
        self.also = ""

    def add(self, condition: str, *arguments: object) -> None:
        """One more; `{0}` and `{1}` in it are its arguments."""
        first = len(self.arguments) + 1
        self.arguments += arguments
        self.also += " AND " + condition.format(*(f"${first + number}" for number in range(len(arguments))))


async def row_of(models: ReadModels, sql: str, *arguments: object) -> Row | None:
    """The one row that is asked for, if it is there."""

    async def work(connection: Connection) -> Row | None:
        return await connection.fetchrow(sql, *arguments)

    return await _in_time(models, work)


async def rows_of(models: ReadModels, sql: str, *arguments: object) -> list[Row]:
    """The rows that are asked for."""

    async def work(connection: Connection) -> list[Row]:
        return await connection.fetch(sql, *arguments)

    return await _in_time(models, work)


async def _in_time(models: ReadModels, work: Work[T]) -> T:
    try:
        async with asyncio.timeout(QUERY_WITHIN_S):
            return await models.run(work)
    except TimeoutError:
        raise DatabaseUnavailable(f"Expected an answer within {QUERY_WITHIN_S:g} s.") from None
    except asyncpg.CharacterNotInRepertoireError:
        raise Problem("invalid_parameter", "Expected text, but there is a zero character in it.") from None
    except (asyncpg.UndefinedTableError, asyncpg.UndefinedColumnError):
        raise Problem("not_yet", "Expected a read model, but it is being made: ask again.") from None
