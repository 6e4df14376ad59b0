"""`screening advance --as-of DATE`."""

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from datetime import date

import msgspec

from screening.ledger.advance import Advanced, advance
from screening.protocols.load import family, installed_families
from screening.service.console import bar, civil_day, in_loop, json_option, print_json, print_line
from screening.service.opening import opened
from screening.service.settings import PROGRAMMES


def arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--as-of", type=civil_day, metavar="DATE", help="the civil day; by default today")
    parser.add_argument("--programme", choices=PROGRAMMES, action="append", help="by default all")
    json_option(parser)


def run(asked: Namespace) -> int:
    done = in_loop(_advance(asked.as_of, asked.programme or PROGRAMMES))
    if asked.json:
        print_json(msgspec.to_builtins(done))
        return 0
    for name, one in done.items():
        print_line(
            f"{name}: {one.people} people reconciled; {one.opened} obligations opened, {one.fulfilled} fulfilled,"
            f" {one.withdrawn} withdrawn"
        )
    return 0


async def _advance(as_of: date | None, programmes: Sequence[str]) -> dict[str, Advanced]:
    async with opened() as installation:
        await installation.vouch(installed_families())
        day = as_of or installation.clock.today()
        with bar(None, "people") as shown:
            return {
                name: await advance(
                    installation.database, family=family(name), today=day, progress=shown.update
                )
                for name in programmes
            }
