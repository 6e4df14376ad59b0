"""`screening migrate`."""

from argparse import ArgumentParser, Namespace

from screening.service.console import in_loop, json_option, print_json, print_line
from screening.service.opening import database_at
from screening.service.settings import settings_from_environment
from screening.storage.migrate import migrate


def arguments(parser: ArgumentParser) -> None:
    json_option(parser)


def run(asked: Namespace) -> int:
    revision = in_loop(_migrate())
    if asked.json:
        print_json({"revision": revision})
    else:
        print_line(f"the database is at schema {revision}")
    return 0


async def _migrate() -> str:
    async with database_at(settings_from_environment()) as url:
        return await migrate(url)
