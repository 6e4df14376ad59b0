"""Taking a data cut for analysts, and telling them of it."""

import asyncio
from collections.abc import Sequence
from dataclasses import asdict
from datetime import timedelta

from analytics.answers.cut import files_of
from analytics.answers.memory import Judged, row_of
from analytics.answers.queries import KeptCut, current_cut
from analytics.extract.dataset import Dataset
from analytics.releases.code import code_version
from screening.storage.transaction import Transaction

_ADD_CUT = """
insert into analyst_cut (data_cut, until, code, manifest) values ($1, $2, $3, $4) returning id, data_cut, until, manifest
"""
_ADD_TOLD = """
insert into analyst_told (cut_id, programme, indicator, definition, period, words, what, value, hidden, low, high)
select $1, $2, * from unnest($3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::bigint[],
                             $9::boolean[], $10::bigint[], $11::bigint[])
"""


async def take_cut(tx: Transaction, *, dataset: Dataset, days: int) -> KeptCut:
    """The data cut of today; of this dataset where there is none yet.

    Those that ended before today are removed, with all that was told of them.
    """
    await tx.run("select pg_advisory_xact_lock(hashtext('analyst_cut'), 0)")
    there = await current_cut(tx)
    if there is not None:
        return there
    removed = await tx.run("delete from analyst_cut where until < $1", tx.today)
    manifest = dataset.manifest
    told = asdict(manifest) | {"data_cut": manifest.data_cut.isoformat()}
    row = await tx.row(_ADD_CUT, tx.today, tx.today + timedelta(days=days), code_version(), told)
    made = KeptCut(*(row or ()))
    files = files_of(dataset)
    while (one := await asyncio.to_thread(next, files, None)) is not None:
        await tx.run(
            "insert into analyst_cut_file (cut_id, name, content) values ($1, $2, $3)", made.id, *one
        )
    await tx.audit("took a data cut for analysts", facts={"cut": made.id, "removed": removed})
    return made


async def lock_programme(tx: Transaction, *, cut: int, programme: str) -> bool:
    """Until this commits nobody else is told of the programme. False: the data cut is no longer there."""
    await tx.run("select pg_advisory_xact_lock(hashtext('analyst_told'), hashtext($1))", programme)
    return await tx.value("select id from analyst_cut where id = $1 for key share", cut) is not None


async def tell_analyst(
    tx: Transaction, *, cut: int, programme: str, judged: Sequence[Judged], asked: str
) -> None:
    """Remember what is told for the first time, before it is told. `asked`: the question, in words."""
    if not judged:
        return
    columns = [list(column) for column in zip(*map(row_of, judged), strict=True)]
    await tx.run(_ADD_TOLD, cut, programme, *columns)
    facts = {"cut": cut, "programme": programme, "asked": asked, "numbers": len(judged)}
    await tx.audit("told an analyst", facts=facts)
