"""`screening failsafe`: exit status 1 where anybody is lost, or what is stored is not what is decided."""

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from datetime import date

import msgspec

from screening.ledger.failsafe import Failsafe, check_failsafe
from screening.protocols.load import family
from screening.service.console import bar, civil_day, in_loop, json_option, print_json, print_line
from screening.service.opening import opened
from screening.service.settings import PROGRAMMES


def arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--as-of", type=civil_day, metavar="DATE", help="the civil day; by default today")
    parser.add_argument("--programme", choices=PROGRAMMES, action="append", help="by default all")
    json_option(parser)


def run(asked: Namespace) -> int:
    told = in_loop(_check(asked.as_of, asked.programme or PROGRAMMES))
    if asked.json:
        print_json(msgspec.to_builtins(told))
    else:
        for name, one in told.items():
            show(name, one)
    return 0 if all(one.holds for one in told.values()) else 1


async def _check(as_of: date | None, programmes: Sequence[str]) -> dict[str, Failsafe]:
    async with opened() as installation:
        day = as_of or installation.clock.today()
        with bar(None, "people") as shown:
            return {
                name: await check_failsafe(
                    installation.database, family=family(name), as_of=day, progress=shown.update
                )
                for name in programmes
            }


def show(name: str, told: Failsafe) -> None:
    """The two questions, answered for people."""
    statuses = ", ".join(
        f"{count:,} {status.replace('_', ' ')}" for status, count in told.by_status.items() if count
    )
    lost = "nobody is lost" if told.lost == 0 else f"{told.lost:,} LOST"
    print_line(f"{name}: {told.population:,} people in the target population, {lost}: {statuses}")
    overdue = ", ".join(f"{count:,} {kind.replace('_', ' ')}" for kind, count in told.overdue.items())
    print_line(f"  overdue: {overdue or 'nothing'}")
    wrong = (
        "all agree"
        if told.disagreements == 0
        else f"{told.disagreements:,} DISAGREE, such as {told.disagreeing[:5]}"
    )
    print_line(f"  decided again for {told.verified:,} of them: {wrong}")
    if told.undecided:
        print_line(f"  {told.undecided:,} CANNOT BE DECIDED; the log names them")
    if told.unreconciled:
        print_line(f"  {told.unreconciled:,} wait to be reconciled; run `screening advance`")
