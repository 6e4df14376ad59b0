"""`async def` marks the shell; a module without it decides, and reaches nothing that must be waited for."""

import ast
import re

import grimp
import pytest

WORLD = {
    "alembic", "apscheduler", "asyncio", "asyncpg", "granian", "httpx", "litestar", "socket", "sqlalchemy", "subprocess",
    "time", "uvloop", "zoneinfo",
}  # fmt: skip
# The composition root and its front door read settings and the clock, and storage starts the database's
# programs: they belong to the shell whole, also where a module of theirs awaits nothing.
SHELL_ROOMS = ("screening.service", "screening.storage", "screening.__main__")


@pytest.fixture(scope="module")
def imports(modules):
    graph = grimp.build_graph(*{name.split(".")[0] for name in modules}, include_external_packages=True)
    return {name: graph.find_modules_directly_imported_by(name) for name in modules}


@pytest.fixture(scope="module")
def shell(modules):
    return {name for name, module in modules.items() if module.awaits or name.startswith(SHELL_ROOMS)}


@pytest.fixture(scope="module")
def tables(modules):
    return {name for name, module in modules.items() if module.declares_tables}


def test_a_pure_module_knows_neither_the_world_nor_the_shell(modules, imports, shell, tables):
    pure = modules.keys() - shell - tables
    assert len(pure) > len(shell)
    reached = {name: imports[name] & (WORLD | shell | tables) for name in pure}
    assert {name: found for name, found in reached.items() if found} == {}


def test_tables_only_declare(imports, modules, shell, tables):
    assert [name for name in tables if modules[name].awaits] == []
    allowed = {"sqlalchemy", "screening.storage.tables"}
    reached = {name: imports[name] & (WORLD | shell) - allowed for name in tables}
    assert {name: found for name, found in reached.items() if found} == {}


def test_no_statement_asks_the_database_what_day_it_is(modules):
    """Storage and the composition root may have it stamp instants: of a record, of a lease."""
    day = re.compile(r"\b(current_date|localtimestamp|now\(\)::date)\b", re.IGNORECASE)
    day_or_instant = re.compile(
        day.pattern + r"|\b(current|clock|statement|transaction)_timestamp\b|\bnow\(\)", re.IGNORECASE
    )
    found = [
        f"{name}:{node.lineno}"
        for name, module in modules.items()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        if (day if name.startswith(SHELL_ROOMS) else day_or_instant).search(node.value)
    ]
    assert found == []
