"""Reading data cuts, and what was told of them."""

from collections.abc import AsyncIterator
from datetime import date
from typing import NamedTuple, cast

from analytics.answers.memory import Judged, Row, judged_of
from analytics.extract.schema import VERSION, fingerprint
from analytics.releases.code import code_version
from screening.storage.transaction import Transaction

_CURRENT = """
select id, data_cut, until, manifest from analyst_cut
 where data_cut <= $1 and until > $1 and code = $2 and manifest->>'version' = $3 and manifest->>'words' = $4
 order by id desc limit 1
"""
_TOLD = """
select id, indicator, definition, period, words, what, value, hidden, low, high
  from analyst_told where cut_id = $1 and programme = $2 and id > $3 order by id
"""


class KeptCut(NamedTuple):
    id: int
    data_cut: date
    until: date
    manifest: object


async def current_cut(tx: Transaction) -> KeptCut | None:
    """The one that analysts are answered of today by this program: another may count otherwise."""
    row = await tx.row(_CURRENT, tx.today, code_version(), str(VERSION), fingerprint())
    return None if row is None else KeptCut(*row)


async def files_of_cut(tx: Transaction, cut: int) -> AsyncIterator[tuple[str, bytes]]:
    """One after another: together they are as large as the nation's dataset."""
    names = await tx.rows("select name from analyst_cut_file where cut_id = $1 order by name", cut)
    for (name,) in names:
        yield (
            name,
            await tx.value("select content from analyst_cut_file where cut_id = $1 and name = $2", cut, name),
        )


async def told_since(tx: Transaction, *, cut: int, programme: str, upto: int) -> tuple[int, list[Judged]]:
    """What was told after that row; and the last row there is."""
    rows = await tx.rows(_TOLD, cut, programme, upto)
    judged = [judged_of(cast("Row", tuple(row)[1:])) for row in rows]
    return (rows[-1]["id"] if rows else upto), judged
