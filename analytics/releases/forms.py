"""A published table for who works with Parquet or Excel. Pure.

Made from the CSV each time it is asked for: what was frozen and approved stays the only thing that is kept.
"""

import io
from collections.abc import Mapping
from datetime import UTC, datetime

import polars as pl
from xlsxwriter import Workbook

from analytics.disclosure.answer import HIDDEN
from analytics.indicators.engine import COLUMNS
from analytics.reports.spreadsheet import WORDS_AS_WORDS, unguarded

FORMS: Mapping[str, str] = {
    "parquet": "application/vnd.apache.parquet",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
_SOME_DAY = datetime(
    2000, 1, 1, tzinfo=UTC
)  # an Excel file names when it was made; the same table, the same bytes


def table_as(form: str, csv: bytes) -> bytes:
    """The rows of a table, with the types that its description gives them; strata and reasons are text."""
    header = csv.partition(b"\n")[0].decode().split(",")
    types = {name: COLUMNS.get(name, pl.String) for name in header}
    frame = unguarded(pl.read_csv(csv, schema_overrides=types)).with_columns(
        pl.col(name).fill_null("") for name in header if name == HIDDEN
    )
    written = io.BytesIO()
    if form == "parquet":
        frame.write_parquet(written)
        return written.getvalue()
    with Workbook(written, dict(WORDS_AS_WORDS)) as workbook:
        workbook.set_properties({"created": _SOME_DAY})
        frame.write_excel(workbook, autofit=True)
    return written.getvalue()
