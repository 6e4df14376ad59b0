"""`screening audit verify`: exit status 1 where the chain does not hold."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

import msgspec

from screening.refusals import Refused, unreadable
from screening.service.console import bar, in_loop, json_option, print_json, print_line
from screening.service.opening import opened
from screening.storage.audit import Verified, verify_audit


def arguments(parser: ArgumentParser) -> None:
    what = parser.add_subparsers(dest="what", required=True, metavar="verify")
    verify = what.add_parser("verify", help="compute every seal again from the records there are")
    verify.add_argument(
        "--kept", type=Path, metavar="FILE", help="JSON of seal numbers and digests kept elsewhere"
    )
    json_option(verify)


def run(asked: Namespace) -> int:
    told = in_loop(_verify(_kept(asked.kept) if asked.kept else None))
    if asked.json:
        print_json(msgspec.to_builtins(told) | {"holds": told.holds})
    else:
        _show(told)
    return 0 if told.holds else 1


def _kept(file: Path) -> dict[int, str]:
    try:
        return msgspec.json.decode(file.read_bytes(), type=dict[int, str], strict=False)
    except OSError as error:
        raise unreadable(file, error) from error
    except msgspec.DecodeError as error:
        raise Refused(
            "file_unreadable", f'{file}: {error}; expected {{"17": "hexadecimal digest"}}'
        ) from error


async def _verify(kept: dict[int, str] | None) -> Verified:
    async with opened() as installation:
        with bar(None, "records") as shown:
            return await verify_audit(
                installation.database, today=installation.clock.today(), kept=kept, progress=shown.update
            )


def _show(told: Verified) -> None:
    for one in told.broken:
        print_line(f"seal {one.seal}: {one.problem} ({one.records:,} records sealed, {one.found:,} found)")
    print_line(f"{_holds(told)}; {told.unsealed:,} records not sealed yet")
    if told.head:
        print_line(f"head {told.head}")


def _holds(told: Verified) -> str:
    if told.broken:
        return f"{len(told.broken)} seals do NOT hold: {told.sealed:,} records in {told.seals:,} seals"
    if not told.seals:
        return "nothing is sealed yet, so there is nothing that could hold"
    return f"the chain holds: {told.sealed:,} records in {told.seals:,} seals"
