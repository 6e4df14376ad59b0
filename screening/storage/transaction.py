"""One unit of work: knows who acts and which civil day it is, commits once with its audit record."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Any, cast

import asyncpg
from sqlalchemy import ClauseElement
from sqlalchemy.dialects.postgresql import asyncpg as sqlalchemy_asyncpg
from sqlalchemy.sql.compiler import SQLCompiler

from screening.vocabulary import Role

Row = asyncpg.Record  # one row of an answer, by column name or position
_DIALECT = sqlalchemy_asyncpg.dialect()


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does or sees something: subject of the token, or the name of a job.

    `areas`: where the people live whose worklists are theirs, as the first figures of municipality codes;
    none: everywhere.
    """

    subject: str
    roles: frozenset[Role]
    organisation: str | None = None
    areas: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Transaction:
    """Handed to every command; opened and committed only by `Database.run`.

    `today` is the civil day the work counts from. Statements are SQLAlchemy Core objects, or, for
    set-based work, SQL text with $1-parameters.
    """

    connection: asyncpg.Connection
    actor: Actor
    today: date

    async def rows(self, statement: ClauseElement | str, *values: object) -> list[asyncpg.Record]:
        text, parameters = compiled(statement, values)
        return await self.connection.fetch(text, *parameters)

    async def row(self, statement: ClauseElement | str, *values: object) -> asyncpg.Record | None:
        text, parameters = compiled(statement, values)
        return await self.connection.fetchrow(text, *parameters)

    async def value(self, statement: ClauseElement | str, *values: object) -> Any:
        """First column of the first row; None where there is no row."""
        text, parameters = compiled(statement, values)
        return await self.connection.fetchval(text, *parameters)

    async def run(self, statement: ClauseElement | str, *values: object) -> int:
        """How many rows the statement touched."""
        text, parameters = compiled(statement, values)
        tag = await self.connection.execute(text, *parameters)
        last = tag.rsplit(" ", 1)[-1]
        return int(last) if last.isdigit() else 0

    async def began_at(self) -> datetime:
        """The instant, by the database's clock."""
        return await self.value("select transaction_timestamp()")

    async def audit(
        self, action: str, *, persons: Sequence[int] = (), facts: Mapping[str, object] | None = None
    ) -> None:
        """Record who did, or saw, what, in this same commit. Facts never hold national identity numbers."""
        await self.connection.execute(
            "insert into audit (today, actor, roles, organisation, action, persons, facts)"
            " values ($1, $2, $3, $4, $5, $6, $7)",
            self.today,
            self.actor.subject,
            sorted(self.actor.roles),
            self.actor.organisation,
            action,
            list(persons),
            dict(facts or {}),
        )


def compiled(statement: ClauseElement | str, values: Sequence[object]) -> tuple[str, Sequence[object]]:
    """SQL text with $1-parameters, and the values in that order."""
    if isinstance(statement, str):
        return statement, values
    compiler = cast(
        "SQLCompiler", statement.compile(dialect=_DIALECT, compile_kwargs={"render_postcompile": True})
    )
    parameters = compiler.construct_params()
    return compiler.string, [parameters[name] for name in compiler.positiontup or ()]


@lru_cache(maxsize=1)
def system_actor(name: str = "system") -> Actor:
    """The platform itself: a job of the scheduler or a command of the operator."""
    return Actor(subject=name, roles=frozenset({Role.SYSTEM}))
