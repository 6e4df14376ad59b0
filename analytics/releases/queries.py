"""Reading releases and their files."""

from collections.abc import Sequence
from datetime import date

import msgspec

from analytics.releases.contents import NUMBERS
from analytics.releases.states import TOLD, Record, ReleaseState
from screening.refusals import NotFound
from screening.storage.transaction import Row, Transaction

_RECORD = """
select id, programme, period, data_cut, state, made_by, made_on, approved_by, approved_on, published_by,
       published_on, ended_by, ended_on, ended_reason, manifest, encode(digest, 'hex') as digest
  from release
"""
_EARLIER = """
select r.id, r.period, r.data_cut, f.content
  from release r join release_file f on f.release_id = r.id and f.name = $2
 where r.programme = $1 and r.state = any($3) order by r.id
"""
_FILES = "select name, open, encode(sha256, 'hex') as sha256, content from release_file where release_id = $1"


class Earlier(msgspec.Struct, frozen=True):
    """A release that was published once, and its true numbers."""

    id: int
    period: str
    data_cut: date
    numbers: bytes


class File(msgspec.Struct, frozen=True):
    name: str
    open: bool
    sha256: str
    content: bytes


async def releases(tx: Transaction) -> list[Record]:
    """All of them, the newest first."""
    return [_record(row) for row in await tx.rows(f"{_RECORD} order by id desc")]


async def published_releases(tx: Transaction) -> list[Record]:
    statement = f"{_RECORD} where state = $1 order by id desc"
    return [_record(row) for row in await tx.rows(statement, ReleaseState.PUBLISHED.value)]


async def release_named(tx: Transaction, number: int, *, lock: bool = False) -> Record:
    """Refuses a number that no release has."""
    row = await tx.row(f"{_RECORD} where id = $1 {'for update' if lock else ''}", number)
    if row is None:
        raise NotFound("unknown_release", f"there is no release {number}; see /releases", release=number)
    return _record(row)


def _record(row: Row) -> Record:
    return msgspec.convert(dict(row), Record)


async def earlier_releases(tx: Transaction, *, programme: str) -> list[Earlier]:
    """Those whose numbers anybody may have read."""
    return [Earlier(*row) for row in await tx.rows(_EARLIER, programme, NUMBERS, [s.value for s in TOLD])]


async def told_ids(tx: Transaction, *, programme: str) -> Sequence[int]:
    statement = "select id from release where programme = $1 and state = any($2) order by id"
    return [row["id"] for row in await tx.rows(statement, programme, [s.value for s in TOLD])]


async def files_of(tx: Transaction, number: int) -> dict[str, File]:
    """By name, the true ones too."""
    return {row["name"]: File(*row) for row in await tx.rows(_FILES, number)}


async def sizes_of(tx: Transaction, number: int) -> dict[str, int]:
    """Of the open files, in bytes."""
    statement = "select name, octet_length(content) as size from release_file where release_id = $1 and open"
    return {row["name"]: row["size"] for row in await tx.rows(statement, number)}


async def open_file(tx: Transaction, number: int, name: str, *, published: bool) -> File:
    """One file; `published`: only of a release that is."""
    record = await release_named(tx, number)
    if published and record.state != ReleaseState.PUBLISHED:
        raise NotFound(
            "unknown_release", f"release {number} is not published; see /published", release=number
        )
    files = {one.name: one for one in (await files_of(tx, number)).values() if one.open}
    if name not in files:
        raise NotFound(
            "unknown_file", f"release {number} has no file of that name; it has {', '.join(files)}"
        )
    return files[name]
