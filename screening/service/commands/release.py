"""`screening release make|list|show|files|approve|publish|reject|withdraw|verify`.

Who acts is the operating system's account: making and approving take two. Of whom there is but one account
approves over HTTP, where tokens name people.
"""

import os
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Awaitable, Callable, Mapping, Sequence
from getpass import getuser
from pathlib import Path
from typing import TypeVar

import msgspec

from analytics.disclosure.policy import installed, policy_in
from analytics.disclosure.together import Told
from analytics.extract.dataset import Dataset, open_extract
from analytics.extract.read import read
from analytics.releases.code import code_version
from analytics.releases.commands import decide_release, make_release
from analytics.releases.contents import NUMBERS, USUAL, about_of, spec
from analytics.releases.frozen import told
from analytics.releases.make import freeze
from analytics.releases.queries import File, files_of, release_named, releases
from analytics.releases.reproduce import Reproduction, reproduced
from analytics.releases.states import Record, ReleaseNews
from screening.refusals import Refused
from screening.service.console import in_loop, json_option, print_json, print_line
from screening.service.opening import Installation, opened
from screening.storage.transaction import Actor, Transaction
from screening.vocabulary import Role

if sys.platform != "win32":
    import pwd

T = TypeVar("T")
_DECISIONS = {
    "approve": ReleaseNews.APPROVED,
    "publish": ReleaseNews.PUBLISHED,
    "reject": ReleaseNews.REJECTED,
    "withdraw": ReleaseNews.WITHDRAWN,
}


def arguments(parser: ArgumentParser) -> None:
    what = parser.add_subparsers(dest="what", required=True, metavar="make|list|show|files|approve|publish|…")
    make = what.add_parser("make", help="freeze the indicators of a period")
    make.add_argument("--programme", required=True)
    make.add_argument("--period", required=True, help="2025, 2021-2025, 2025-Q1 or 2025-03")
    make.add_argument(
        "--table", action="append", metavar="STRATUM,…", help="with all its margins; by default one each by "
        + " and by ".join(USUAL),
    )  # fmt: skip
    make.add_argument(
        "--policy", type=Path, metavar="FILE", help="what is hidden; by default the installed policy"
    )
    make.add_argument("--extract", type=Path, metavar="DIR", help="count a written extract, not the database")
    json_option(make)
    json_option(what.add_parser("list", help="every release, the newest first"))
    json_option(_numbered(what.add_parser("show", help="where it comes from, and what became of it")))
    files = _numbered(what.add_parser("files", help="write the files that are, or will be, published"))
    files.add_argument("directory", type=Path, metavar="DIR")
    for name, happened in _DECISIONS.items():
        decide = _numbered(what.add_parser(name, help=f"the release is {happened}"))
        decide.add_argument("--reason", default="", help="needed to reject and to withdraw")
        json_option(decide)
    verify = _numbered(what.add_parser("verify", help="make its files again and compare them byte for byte"))
    verify.add_argument(
        "--extract", type=Path, metavar="DIR", help="count again, too, from an extract of its day"
    )
    json_option(verify)


def _numbered(parser: ArgumentParser) -> ArgumentParser:
    parser.add_argument("release", type=int, metavar="NUMBER")
    return parser


def run(asked: Namespace) -> int:
    match asked.what:
        case "make":
            _show(in_loop(_make(asked)), as_json=asked.json)
        case "list":
            _list(in_loop(_done(releases)), as_json=asked.json)
        case "show":
            _show(in_loop(_done(lambda tx: release_named(tx, asked.release))), as_json=asked.json)
        case "files":
            _write(in_loop(_done(lambda tx: files_of(tx, asked.release))), asked)
        case "verify":
            return _tell(in_loop(_verify(asked)), as_json=asked.json)
        case _:
            _show(in_loop(_done(lambda tx: _decide(tx, asked))), as_json=asked.json)
    return 0


def _actor() -> Actor:
    return Actor(subject=f"account {_account()}", roles=frozenset({Role.SYSTEM}))


def _account() -> str:
    """Whose the process is, whatever its environment says."""
    if sys.platform == "win32":
        return getuser()
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # an account without a name, as containers give
        return str(os.getuid())


async def _done(work: Callable[[Transaction], Awaitable[T]]) -> T:
    async with opened() as installation:
        return await installation.database.run(work, actor=_actor(), today=installation.clock.today())


async def _make(asked: Namespace) -> Record:
    wanted = spec(asked.programme, asked.period, asked.table or USUAL)
    rules = policy_in(asked.policy) if asked.policy else installed()
    async with opened() as installation:
        data, today = await _dataset(installation, asked.extract), installation.clock.today()
        frozen = await freeze(installation.database, data, wanted, rules, actor=_actor(), today=today)

        async def made(tx: Transaction) -> Record:
            return await release_named(tx, await make_release(tx, frozen=frozen))

        return await installation.database.run(made, actor=_actor(), today=today)


async def _dataset(installation: Installation, extract: Path | None) -> Dataset:
    if extract is not None:
        return open_extract(extract)
    return await read(installation.database, actor=_actor(), today=installation.clock.today())


async def _decide(tx: Transaction, asked: Namespace) -> Record:
    happened = _DECISIONS[asked.what]
    return await decide_release(tx, release=asked.release, happened=happened, reason=asked.reason)


async def _verify(asked: Namespace) -> Reproduction:
    held, before = await _done(lambda tx: _frozen(tx, asked.release))
    data = open_extract(asked.extract) if asked.extract else None
    return reproduced(asked.release, held, code=code_version(), before=before, dataset=data)


async def _frozen(tx: Transaction, number: int) -> tuple[dict[str, bytes], Told | None]:
    """All its files, and what the release told that it is compared with."""
    record = await release_named(tx, number)
    held = {name: file.content for name, file in (await files_of(tx, number)).items()}
    previous = about_of(record.manifest).previous
    if previous is None:
        return held, None
    return held, told((await files_of(tx, previous))[NUMBERS].content)


def _list(records: Sequence[Record], *, as_json: bool) -> None:
    if as_json:
        print_json(msgspec.to_builtins(records))
        return
    for one in records:
        print_line(f"{one.id:>4}  {one.state:<10} {one.programme} {one.period}, data as of {one.data_cut}")


def _show(record: Record, *, as_json: bool) -> None:
    if as_json:
        print_json(msgspec.to_builtins(record))
        return
    _list([record], as_json=False)
    print_line(f"made by {record.made_by} on {record.made_on} with {record.manifest['code']}")
    for done, who, day in (
        ("approved", record.approved_by, record.approved_on),
        ("published", record.published_by, record.published_on),
        (f"ended ({record.ended_reason})", record.ended_by, record.ended_on),
    ):
        if who is not None:
            print_line(f"{done} by {who} on {day}")
    for name, table in record.manifest["contents"].items():
        print_line(f"  {name}: {table['rows']} rows, figures hidden in {table['hidden']}")
    print_line(f"manifest {record.digest}")


def _write(files: Mapping[str, File], asked: Namespace) -> None:
    """Only the open ones."""
    folder: Path = asked.directory
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, file in files.items():
            if file.open:
                (folder / name).write_bytes(file.content)
    except OSError as error:
        raise Refused("file_unwritable", f"{folder}: {error.strerror}") from error


def _tell(again: Reproduction, *, as_json: bool) -> int:
    if as_json:
        print_json(msgspec.to_builtins(again) | {"same": again.same})
        return 0 if again.same else 1
    for what, names in (
        ("damaged", again.damaged),
        ("made otherwise by this program", again.differing),
        ("counted otherwise from this data", again.recounted or []),
        ("defined otherwise now", again.redefined),
    ):
        if names:
            print_line(f"{what}: {', '.join(names)}")
    code = (
        ""
        if again.made_by_code == again.this_code
        else f"; made with {again.made_by_code}, this is {again.this_code}"
    )
    print_line(("the same, byte for byte" if again.same else "NOT the same") + code)
    return 0 if again.same else 1
