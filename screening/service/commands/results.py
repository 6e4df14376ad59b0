"""`screening results load FILE`: laboratory results from a file, the same way as over the wire."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

import msgspec

from labs.contents import FileFormat
from labs.files import LoadReport, load_results
from screening.refusals import Refused, unreadable
from screening.service.console import bar, in_loop, json_option, print_json, print_line
from screening.service.laboratories import laboratories_of
from screening.service.opening import opened
from screening.service.settings import PROGRAMMES
from screening.storage.transaction import system_actor

_FORMATS = {
    ".hl7": FileFormat.HL7, ".json": FileFormat.FHIR, ".ndjson": FileFormat.FHIR, ".csv": FileFormat.CSV,
}  # fmt: skip
_SHOWN = 20


def arguments(parser: ArgumentParser) -> None:
    what = parser.add_subparsers(dest="what", required=True, metavar="load")
    load = what.add_parser("load", help="take in a file of messages: HL7 v2, FHIR or CSV")
    load.add_argument("file", type=Path)
    load.add_argument(
        "--format", choices=[str(one) for one in FileFormat], help="where the name does not tell"
    )
    load.add_argument("--laboratory", metavar="CODE", help="whose file it is; FHIR does not tell")
    json_option(load)


def run(asked: Namespace) -> int:
    file: Path = asked.file
    form = FileFormat(asked.format) if asked.format else _FORMATS.get(file.suffix.lower())
    if form is None:
        raise Refused("format_unknown", f"{file}: cannot tell the format; name it with --format")
    try:
        content = file.read_bytes()
    except OSError as error:
        raise unreadable(file, error) from error
    told = in_loop(_load(content, form, asked.laboratory))
    if asked.json:
        print_json(msgspec.to_builtins(told))
    else:
        _show(told)
    return 0


async def _load(content: bytes, form: FileFormat, laboratory: str | None) -> LoadReport:
    async with opened() as installation:
        laboratories = laboratories_of(
            installation.database, programmes=PROGRAMMES, today=installation.clock.today,
            processing=installation.settings.processing,
        )  # fmt: skip
        await laboratories.intake.start()
        try:
            with bar(None, "messages") as shown:
                return await load_results(
                    laboratories, content=content, form=form, laboratory=laboratory,
                    actor=system_actor("results load"), progress=shown.update,
                )  # fmt: skip
        finally:
            await laboratories.intake.stop()


def _show(told: LoadReport) -> None:
    print_line(
        f"{told.received} messages: {told.applied} applied, {told.known} known, {told.quarantined} quarantined,"
        f" {told.refused} refused"
    )
    odd = [one for one in told.messages if one.outcome in ("quarantined", "refused")]
    for one in odd[:_SHOWN]:
        print_line(
            f"  line {one.line}, {one.control_id or 'without an id'}: {one.outcome}: {'; '.join(one.notes)}"
        )
    if len(odd) > _SHOWN:
        print_line(f"  … and {len(odd) - _SHOWN} more; --json lists all")
