"""The schema goes up and down, on a filled database, and is what the tables say."""

from importlib import import_module

import asyncpg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy.dialects.postgresql.base import ischema_names
from sqlalchemy.ext.asyncio import create_async_engine

from screening.refusals import Refused
from screening.storage.migrate import downgrade, migrate, schema_revision
from screening.storage.tables import Xid8, metadata
from screening.storage.urls import for_sqlalchemy

ROOMS_WITH_TABLES = (
    "analytics.answers", "analytics.extract", "analytics.releases", "invitations.kits", "invitations.sending", "labs",
    "screening.history", "screening.ledger", "screening.people", "screening.rulebook",
)  # fmt: skip
for room in ROOMS_WITH_TABLES:
    import_module(f"{room}.tables")
import_module("screening.storage.audit_tables")
import_module("screening.storage.job_tables")
ischema_names["xid8"] = Xid8  # so that reflection recognises the column


async def test_the_migrated_schema_is_what_the_tables_say(url):
    engine = create_async_engine(for_sqlalchemy(url))
    async with engine.connect() as connection:
        differences = await connection.run_sync(
            lambda sync: compare_metadata(MigrationContext.configure(sync), metadata)
        )
    await engine.dispose()
    assert differences == []


async def test_what_corrects_an_event_is_found_without_reading_the_whole_history(database):
    async with database.pool.acquire() as connection, connection.transaction():
        await connection.execute("set local enable_seqscan = off")
        plan = await connection.fetch("explain select id from event where supersedes = 17")
    assert "ix_event_supersedes" in "".join(row[0] for row in plan)


async def test_migrations_go_down_and_up_on_a_filled_database(url):
    connection = await asyncpg.connect(url)
    await connection.execute(
        "insert into person (id, holder_id, born, sex, name) values (1, 1, '1980-01-01', 'female', 'A')"
    )
    await connection.execute(
        "insert into analyst_cut (data_cut, until, code, manifest) values ('2025-01-06', '2025-01-13', 'any', '{}')"
    )
    await connection.execute("insert into analyst_cut_file values (1, 'events/0000', '')")
    await connection.close()
    await downgrade(url)
    assert await schema_revision(url) is None
    await migrate(url)
    assert await schema_revision(url) is not None


async def test_a_standing_of_before_the_watermark_bears_one_from_its_next_change_on(url):
    await downgrade(url, to="0004")
    connection = await asyncpg.connect(url)
    await connection.execute(
        "insert into person (id, holder_id, born, sex, name) values (1, 1, '1980-01-01', 'female', 'A')"
    )
    await connection.execute(
        "insert into standing (person_id, programme, status, reason, protocol, rule)"
        " values (1, 'no-cervical', 'outside', 'not_decided', '', '')"
    )
    await migrate(url)
    stamped = "select xid is not null from standing"
    assert await connection.fetchval(stamped) is False
    await connection.execute("update standing set reason = 'too_young'")
    assert await connection.fetchval(stamped) is True
    await connection.close()


async def test_migrating_twice_changes_nothing(url):
    assert await migrate(url) == await migrate(url)


async def test_a_database_of_a_newer_version_is_refused(url):
    connection = await asyncpg.connect(url)
    await connection.execute("update alembic_version set version_num = '9999'")
    await connection.close()
    with pytest.raises(Refused, match="9999") as refused:
        await migrate(url)
    assert refused.value.code == "database_newer"


@pytest.mark.parametrize("table", ["event", "audit", "audit_seal"])
@pytest.mark.parametrize("statement", ["delete from {}", "truncate {} cascade"])
async def test_not_even_the_owner_rewrites_what_happened(url, table, statement):
    connection = await asyncpg.connect(url)
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="append-only"):
        await connection.execute(statement.format(table))
    await connection.close()


async def test_the_application_may_not_change_the_history(database):
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await database.pool.execute("update event set kind = 'died'")
