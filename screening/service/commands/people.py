"""`screening people load FILE` and `screening people search`."""

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import IO

import msgspec

from screening.people.commands import FeedReport, Source, load_feed
from screening.people.feed import FeedFormat
from screening.people.queries import find_person, found
from screening.refusals import Refused, unreadable
from screening.service.console import bar, in_loop, json_option, print_json, print_line
from screening.service.opening import Installation, opened
from screening.service.settings import PROGRAMMES
from screening.storage.transaction import system_actor

_FORMATS = {
    ".csv": FeedFormat.CSV, ".ndjson": FeedFormat.NDJSON, ".jsonl": FeedFormat.NDJSON, ".parquet": FeedFormat.PARQUET,
}  # fmt: skip
_ACTOR = system_actor("people load")
_SHOWN = 20


def arguments(parser: ArgumentParser) -> None:
    what = parser.add_subparsers(dest="what", required=True, metavar="load|search")
    load = what.add_parser("load", help="take in a file of the register: CSV, NDJSON or Parquet")
    load.add_argument("file", type=Path)
    load.add_argument(
        "--format", choices=[str(one) for one in FeedFormat], help="where the name does not tell"
    )
    json_option(load)
    search = what.add_parser("search", help="the id of the person whose national number stands on stdin")
    search.add_argument("--country", default="NO")
    json_option(search)


def run(asked: Namespace) -> int:
    return in_loop(_load(asked) if asked.what == "load" else _search(asked))


async def _load(asked: Namespace) -> int:
    file: Path = asked.file
    form = FeedFormat(asked.format) if asked.format else _FORMATS.get(file.suffix.lower())
    if form is None:
        raise Refused("format_unknown", f"{file}: cannot tell the format; name it with --format")
    try:
        content = file.open("rb")
    except OSError as error:
        raise unreadable(file, error) from error
    with content:
        async with opened() as installation:
            report = await _load_content(installation, file.name, content, form)
    _show(report, as_json=asked.json)
    return 0


async def _load_content(
    installation: Installation, name: str, content: IO[bytes], form: FeedFormat
) -> FeedReport:
    source = Source(name=name, programmes=PROGRAMMES, accept_synthetic=installation.accept_synthetic)
    with bar(None, "people") as shown:
        return await load_feed(
            installation.database, file=content, form=form, source=source, actor=_ACTOR,
            today=installation.clock.today(), progress=shown.update,
        )  # fmt: skip


def _show(report: FeedReport, *, as_json: bool) -> None:
    if as_json:
        counts = {name: getattr(report, name) for name in ("received", "applied", "unchanged", "rejected")}
        rejections = [
            {"line": one.line, "code": one.code, "message": one.message} for one in report.rejections
        ]
        print_json({**counts, "rejections": rejections})
        return
    print_line(
        f"{report.received} lines: {report.applied} applied, {report.unchanged} unchanged, {report.rejected} rejected"
    )
    for one in report.rejections[:_SHOWN]:
        print_line(f"  {one.message}")
    if report.rejected > _SHOWN:
        print_line(f"  … and {report.rejected - _SHOWN} more; --json lists all")


async def _search(asked: Namespace) -> int:
    number = sys.stdin.readline().strip()
    async with opened() as installation:
        person = await installation.database.run(
            lambda tx: find_person(tx, number=number, country=asked.country),
            actor=system_actor("people search"),
            today=installation.clock.today(),
        )
    person = found(person)
    if asked.json:
        print_json(msgspec.to_builtins({"person": person}))
    else:
        print_line(str(person))
    return 0
