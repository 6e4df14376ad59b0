"""`screening extract DIR`."""

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any

from analytics.extract.read import Extracted, extract
from analytics.extract.schema import dictionary
from screening.refusals import Refused
from screening.service.console import bar, civil_day, in_loop, json_option, print_json, print_line
from screening.service.opening import opened
from screening.storage.transaction import system_actor


def arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "directory", type=Path, nargs="?", metavar="DIR", help="a new folder, or one that holds an extract"
    )
    parser.add_argument(
        "--full", action="store_true", help="read everything again, not only what has changed"
    )
    parser.add_argument(
        "--known-on", type=civil_day, metavar="DATE", help="as known on that day; by default now"
    )
    parser.add_argument(
        "--dictionary", action="store_true", help="print what the tables and columns mean, and read nothing"
    )
    json_option(parser)


def run(asked: Namespace) -> int:
    if asked.dictionary:
        print_line(dictionary())
        return 0
    if asked.directory is None:
        raise Refused("no_folder", "name the folder to write to, or ask for --dictionary")
    done = in_loop(_extract(asked))
    if asked.json:
        print_json(_told(asked.directory, done))
    else:
        _show(asked.directory, done)
    return 0


def _told(directory: Path, done: Extracted) -> dict[str, Any]:
    return {
        "directory": str(directory),
        "data_cut": done.manifest.data_cut,
        "watermark": done.manifest.watermark,
        "people_read": done.read_again,
        "in_full_because": done.because or None,
        "rows": dict(done.manifest.rows),
    }


def _show(directory: Path, done: Extracted) -> None:
    rows = ", ".join(f"{count:,} {table}" for table, count in done.manifest.rows.items())
    print_line(f"{directory}: {rows}; data as of {done.manifest.data_cut}")
    if done.because:
        print_line(f"  read in full: {done.because}")
    else:
        print_line(f"  carried on: {done.read_again:,} people read again")


async def _extract(asked: Namespace) -> Extracted:
    with bar(None, "buckets of people") as progress:
        async with opened() as installation:
            return await extract(
                installation.database,
                asked.directory,
                actor=system_actor("extract"),
                today=installation.clock.today(),
                known_on=asked.known_on,
                in_full=asked.full,
                progress=progress.update,
            )
