"""`screening protocol list|check`."""

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path

import msgspec

from screening.protocols.check import check
from screening.protocols.family import CompiledProtocol
from screening.protocols.load import installed_families, load_families
from screening.refusals import Refused
from screening.service.console import json_option, print_json, print_line


def arguments(parser: ArgumentParser) -> None:
    what = parser.add_subparsers(dest="what", required=True, metavar="list|check")
    json_option(what.add_parser("list", help="versions, and from when they are in force"))
    proof = what.add_parser("check", help="prove that no combination of findings is left without an answer")
    proof.add_argument("files", nargs="*", type=Path, help="all that are installed, where none is named")
    json_option(proof)


def run(asked: Namespace) -> int:
    return _list(asked) if asked.what == "list" else _check(asked)


def _list(asked: Namespace) -> int:
    rows = [
        {"family": family.name, "id": one.protocol.id, "title": one.protocol.title,
         "since": one.protocol.in_force.since, "until": one.protocol.in_force.until,
         "laboratories": sorted(one.protocol.in_force.laboratories)}
        for family in installed_families().values()
        for one in family.versions
    ]  # fmt: skip
    if asked.json:
        print_json(rows)
        return 0
    for row in rows:
        print_line(
            f"{row['id']:<36} {row['since']} to {row['until'] or 'further notice'!s:<14}  {row['title']}"
        )
    return 0


def _check(asked: Namespace) -> int:
    faults = [fault for version in _versions(asked.files) for fault in check(version)]
    if asked.json:
        print_json(msgspec.to_builtins(faults))
    else:
        for fault in faults:
            print_line(f"{fault.protocol}: {fault.kind}: {fault.message}")
        print_line(
            f"{len(faults)} faults" if faults else "complete: every combination of findings has one answer"
        )
    return 1 if faults else 0


def _versions(files: Sequence[Path]) -> list[CompiledProtocol]:
    families = load_families({str(file): _text(file) for file in files}) if files else installed_families()
    return [version for family in families.values() for version in family.versions]


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Refused("file_unreadable", f"{file}: {error}") from error
