"""`screening extract DIR`."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from analytics.extract.dataset import Manifest
from analytics.extract.read import extract
from screening.service.console import in_loop, json_option, print_json, print_line
from screening.service.opening import opened
from screening.storage.transaction import system_actor


def arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "directory", type=Path, metavar="DIR", help="a new folder, or one that holds an extract"
    )
    json_option(parser)


def run(asked: Namespace) -> int:
    manifest = in_loop(_extract(asked.directory))
    if asked.json:
        print_json(
            {"directory": str(asked.directory), "data_cut": manifest.data_cut, "rows": dict(manifest.rows)}
        )
    else:
        rows = ", ".join(f"{count:,} {table}" for table, count in manifest.rows.items())
        print_line(f"{asked.directory}: {rows}; data as of {manifest.data_cut}")
    return 0


async def _extract(directory: Path) -> Manifest:
    async with opened() as installation:
        return await extract(
            installation.database, directory, actor=system_actor("extract"), today=installation.clock.today()
        )
