"""The application's role works on every table, changes no schema, and rewrites nothing that happened."""

import asyncpg
import pytest

HISTORY = {"event", "audit", "audit_seal", "lab_message", "lab_judgement", "release_file"}
APPEND = {"SELECT", "INSERT"}
CHANGE = APPEND | {"UPDATE"}
PASSING = {"job_run", "lab_pending", "residence", "analyst_cut", "analyst_cut_file", "analyst_told"}
ROLE = "screening_application"


@pytest.fixture
async def owner(url):
    connection = await asyncpg.connect(url)
    yield connection
    await connection.close()


@pytest.fixture
async def granted(owner):
    """What the role may do with each table; Alembic's own note of the revision is not the application's."""
    rows = await owner.fetch(
        "select relname, array_agg(may) filter (where has_table_privilege($1, c.oid, may)) as rights"
        " from pg_class c, unnest($2::text[]) as may"
        " where relkind in ('r', 'p', 'v', 'm') and relnamespace = 'public'::regnamespace"
        " group by relname",
        ROLE,
        ["SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER", "MAINTAIN"],
    )
    return {row["relname"]: set(row["rights"] or ()) for row in rows if row["relname"] != "alembic_version"}


@pytest.fixture
async def guarded(owner):
    """Tables whose rows no role can change, not even their owner."""
    rows = await owner.fetch(
        "select c.relname from pg_trigger t join pg_class c on c.oid = t.tgrelid join pg_proc p on p.oid = t.tgfoid"
        " where p.proname = 'refuse_rewriting' and t.tgenabled = 'O'"
    )
    return {row["relname"] for row in rows}


async def test_what_happened_is_guarded_against_everybody(guarded):
    assert guarded >= HISTORY


async def test_the_application_changes_every_table_but_those_of_what_happened(granted, guarded):
    assert {table: rights - {"DELETE"} for table, rights in granted.items()} == {
        table: APPEND if table in guarded else CHANGE for table in granted
    }


async def test_the_application_removes_only_what_is_a_record_of_nothing(granted):
    assert {table for table, rights in granted.items() if "DELETE" in rights} == PASSING


async def test_the_application_works_as_its_own_role(database):
    assert await database.pool.fetchval("select current_user") == ROLE


async def test_the_application_may_not_change_the_schema(owner):
    role = await owner.fetchrow("select * from pg_roles where rolname = $1", ROLE)
    assert not any(
        role[power] for power in ("rolsuper", "rolcreaterole", "rolcreatedb", "rolbypassrls", "rolcanlogin")
    )
    assert not await owner.fetchval("select has_schema_privilege($1, 'public', 'CREATE')", ROLE)
    assert await owner.fetchval("select count(*) from pg_class where relowner = $1::regrole", ROLE) == 0


async def test_the_application_may_number_what_it_inserts(owner):
    refused = await owner.fetch(
        "select sequencename from pg_sequences where schemaname = 'public'"
        " and not has_sequence_privilege($1, quote_ident(sequencename), 'USAGE')",
        ROLE,
    )
    assert refused == []
