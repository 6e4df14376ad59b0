"""`screening indicators [ID…] --programme P --period 2025`."""

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from analytics.disclosure.answer import answered
from analytics.disclosure.policy import Audience, Policy, installed, policy_in
from analytics.extract.dataset import Dataset, open_extract
from analytics.extract.read import read
from analytics.indicators.engine import compute, question
from analytics.indicators.kept import Kept
from analytics.indicators.period import last_whole_year, period
from analytics.reports.formats import Format, render
from analytics.reports.page import page
from analytics.reports.words import Language
from screening.refusals import Refused
from screening.service.console import in_loop
from screening.service.opening import opened
from screening.storage.transaction import system_actor


def arguments(parser: ArgumentParser) -> None:
    parser.add_argument("ids", nargs="*", metavar="ID", help="by default all that can be split as asked")
    parser.add_argument("--programme", required=True)
    parser.add_argument(
        "--period", help="2025, 2021-2025, 2025-Q1 or 2025-03; by default the last whole year"
    )
    parser.add_argument(
        "--by", default="", metavar="STRATUM,…", help="county, age_group, year, sample, letter, lab"
    )
    parser.add_argument("--county", help="only this one, by name or number")
    parser.add_argument("--format", default="table", choices=[str(form) for form in Format])
    parser.add_argument("--json", action="store_const", const="json", dest="format", help="as --format json")
    parser.add_argument(
        "--lang", default=Language.ENGLISH, choices=[str(one) for one in Language],
        help="of the page that --format html writes; it shows every split, whatever --by says",
    )  # fmt: skip
    parser.add_argument(
        "--audience", default=Audience.INTERNAL, choices=[str(who) for who in Audience],
        help="who will read it: for others than the programme itself small numbers are hidden",
    )  # fmt: skip
    parser.add_argument("--policy", type=Path, metavar="FILE", help="how; by default the installed policy")
    parser.add_argument(
        "--extract", type=Path, metavar="DIR", help="count a written extract, not the database"
    )
    parser.add_argument("--out", type=Path, metavar="FILE", help="write there; by default stdout")


def run(asked: Namespace) -> int:
    content = _render(_dataset(asked.extract), asked)
    if asked.out is None:
        sys.stdout.buffer.write(content)
        return 0
    try:
        asked.out.write_bytes(content)
    except OSError as error:
        raise Refused("file_unwritable", f"{asked.out}: {error.strerror}") from error
    return 0


def _dataset(extract: Path | None) -> Dataset:
    return open_extract(extract) if extract else in_loop(_read())


async def _read() -> Dataset:
    async with opened() as installation:
        return await read(
            installation.database, actor=system_actor("indicators"), today=installation.clock.today()
        )


def _render(dataset: Dataset, asked: Namespace) -> bytes:
    when = period(asked.period) if asked.period else last_whole_year(dataset.manifest.data_cut)
    form = Format(asked.format)
    measures = _policy(asked.policy).measures(Audience(asked.audience))
    if form == Format.HTML and measures is not None:
        raise Refused(
            "would_disclose", f"the page shows numbers as they are; not for audience {asked.audience}"
        )
    if form == Format.HTML:
        where = question(asked.programme, when, ids=asked.ids, county=asked.county).where
        only = {stratum.value: word for stratum, word in where.items()}
        return page(
            Kept(dataset), asked.programme, when, Language(asked.lang), ids=asked.ids, filters=only
        ).encode()
    by = list(dict.fromkeys(name.strip() for name in asked.by.split(",") if name.strip()))
    wanted = question(asked.programme, when, by=by, ids=asked.ids, county=asked.county)
    told = compute(dataset, wanted) if measures is None else answered(dataset, measures, wanted)
    return render(told, form)


def _policy(file: Path | None) -> Policy:
    return installed() if file is None else policy_in(file)
