"""`screening advance [--as-of DATE] [--everyone]`."""

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from datetime import date

import msgspec

from screening.ledger.advance import Advanced, advance, make_due
from screening.protocols.load import family, installed_families
from screening.service.console import bar, civil_day, in_loop, json_option, print_json, print_line
from screening.service.opening import opened
from screening.service.settings import PROGRAMMES
from screening.storage.transaction import system_actor


def arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--as-of", type=civil_day, metavar="DATE", help="the civil day; by default today")
    parser.add_argument("--programme", choices=PROGRAMMES, action="append", help="by default all")
    parser.add_argument(
        "--everyone", action="store_true", help="decide everyone again, as after a change of the rules"
    )
    json_option(parser)


def run(asked: Namespace) -> int:
    done = in_loop(_advance(asked.as_of, asked.programme or PROGRAMMES, everyone=asked.everyone))
    if asked.json:
        print_json(msgspec.to_builtins(done))
        return 0
    for name, one in done.items():
        print_line(
            f"{name}: {one.people} people reconciled; {one.opened} obligations opened, {one.fulfilled} fulfilled,"
            f" {one.withdrawn} withdrawn"
        )
    return 0


async def _advance(as_of: date | None, programmes: Sequence[str], *, everyone: bool) -> dict[str, Advanced]:
    async with opened() as installation:
        await installation.vouch(installed_families())
        day = as_of or installation.clock.today()
        for name in programmes if everyone else ():
            await make_due(
                installation.database, programme=name, today=day, actor=system_actor("advance --everyone")
            )
        with bar(None, "people") as shown:
            return {
                name: await advance(
                    installation.database, family=family(name), today=day, progress=shown.update
                )
                for name in programmes
            }
