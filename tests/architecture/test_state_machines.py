"""A state machine is one table: every state is reached, every end is meant, and the database agrees."""

import re
from dataclasses import dataclass
from enum import StrEnum
from importlib import import_module
from itertools import product

import asyncpg
import pytest
from sqlalchemy import CheckConstraint, Column

from analytics.releases.states import RELEASE, ReleaseNews, ReleaseState
from analytics.releases.tables import release
from invitations.kits.states import KIT, KitNews, KitState
from invitations.kits.tables import kit
from invitations.sending.states import SENDING, SendingNews, SendingState
from invitations.sending.tables import sending
from screening.machines import Table, diagram, follow
from screening.refusals import Conflict
from screening.storage.tables import metadata


@dataclass(frozen=True)
class Machine:
    """What the tests know of a machine beside its table: where it is kept and where it may rest for good."""

    table: Table
    states: type[StrEnum]
    news: type[StrEnum]
    ends: set[StrEnum]
    kept_in: Column

    @property
    def first(self):
        return self.states(self.kept_in.server_default.arg)


MACHINES = {
    "analytics.releases.states.RELEASE": Machine(
        RELEASE, ReleaseState, ReleaseNews, {ReleaseState.REJECTED, ReleaseState.WITHDRAWN}, release.c.state
    ),
    "invitations.kits.states.KIT": Machine(
        KIT, KitState, KitNews, {KitState.UNDELIVERABLE, KitState.REJECTED, KitState.ANALYSED}, kit.c.state
    ),
    "invitations.sending.states.SENDING": Machine(
        SENDING,
        SendingState,
        SendingNews,
        {SendingState.UNDELIVERABLE, SendingState.FAILED, SendingState.CANCELLED},
        sending.c.state,
    ),
}


def pytest_generate_tests(metafunc):
    if "machine" in metafunc.fixturenames:
        metafunc.parametrize("machine", MACHINES.values(), ids=MACHINES)


def test_every_machine_of_the_house_is_tested_here(modules):
    found = {
        f"{name}.{constant}"
        for name in modules
        if name.endswith(".states")
        for constant, value in vars(import_module(name)).items()
        if isinstance(value, dict) and all(isinstance(key, tuple) for key in value) and constant.isupper()
    }
    assert found == set(MACHINES)


def test_every_state_can_be_reached_from_the_first(machine):
    reached = {machine.first}
    while more := {to for (state, _), to in machine.table.items() if state in reached} - reached:
        reached |= more
    assert reached == set(machine.states)


def test_only_meant_ends_have_no_way_on(machine):
    assert set(machine.states) - {state for state, _ in machine.table} == machine.ends


def test_every_news_moves_something(machine):
    assert {happened for _, happened in machine.table} == set(machine.news)


def test_what_the_table_does_not_name_is_refused(machine):
    for state, happened in product(machine.states, machine.news):
        if (state, happened) in machine.table:
            assert follow(machine.table, state, happened, what="it") in machine.states
        else:
            with pytest.raises(Conflict, match=f"it is {state}: {happened} cannot happen"):
                follow(machine.table, state, happened, what="it")


def test_the_diagram_shows_every_arrow(machine):
    drawn = diagram(machine.table).splitlines()
    assert drawn[0] == "stateDiagram-v2"
    assert len(drawn) == 1 + len(machine.table)


@pytest.fixture
async def checks(url):
    """The CHECK constraints of the migrated database: their text by name."""
    connection = await asyncpg.connect(url)
    rows = await connection.fetch(
        "select conname, pg_get_constraintdef(oid) as told from pg_constraint"
        " where contype = 'c' and connamespace = 'public'::regnamespace"
    )
    await connection.close()
    return {row["conname"]: row["told"] for row in rows}


@pytest.fixture(scope="module")
def declared(modules):
    """The CHECK constraints of the tables in the code: their text by name."""
    for name, module in modules.items():
        if module.declares_tables:
            import_module(name)
    return {
        str(constraint.name): str(constraint.sqltext)
        for table in metadata.tables.values()
        for constraint in table.constraints
        if isinstance(constraint, CheckConstraint)
    }


async def test_the_database_checks_what_the_tables_declare(checks, declared):
    assert set(checks) == set(declared)


async def test_the_database_admits_exactly_the_words_of_the_code(checks, declared):
    def words(told):
        return set(re.findall(r"'([^']*)'", told))

    assert {name: words(told) for name, told in checks.items()} == {
        name: words(told) for name, told in declared.items()
    }


async def test_the_database_keeps_each_machine_to_its_states(checks, machine):
    column = machine.kept_in
    told = checks[f"ck_{column.table.name}_{column.name}_word"]
    assert set(re.findall(r"'([^']*)'", told)) == set(machine.states)
