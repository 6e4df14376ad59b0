"""CSV and Excel that a spreadsheet shows as told: words come from laboratories, and one may begin like a formula. Pure.

In Excel every word is written as a word. In CSV, as OWASP advises (CSV Injection), an apostrophe stands before what would
be reckoned; numbers are left alone, also negative ones. Who reads the file by program takes one apostrophe off a word
that begins with some and then such a sign.
"""

import io
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import polars as pl
from xlsxwriter import Workbook

SIGNS = "= + - @, tab, carriage return or line feed"
_LIKE_A_FORMULA = r"^('*[=+\-@\t\r\n])"
_GUARDED = r"^'('*[=+\-@\t\r\n])"
NOTE = f"a word that begins with {SIGNS} stands after an apostrophe that is not part of it"


def guarded(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(pl.col(pl.String).str.replace(_LIKE_A_FORMULA, "'$1"))


def unguarded(frame: pl.DataFrame) -> pl.DataFrame:
    """The words as they are, of a file that was written guarded."""
    return frame.with_columns(pl.col(pl.String).str.replace(_GUARDED, "$1"))


def as_csv(frame: pl.DataFrame) -> bytes:
    return guarded(frame).write_csv().encode()


# Nothing in a cell is reckoned or led anywhere. The file names when it was made: the same rows, the same bytes.
WORDS_AS_WORDS: Mapping[str, Any] = {
    "in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False,
    "nan_inf_to_errors": True,
}  # fmt: skip
_SOME_DAY = datetime(2000, 1, 1, tzinfo=UTC)
_LETTERS_IN_A_SHEETS_NAME = 31


def as_excel(frame: pl.DataFrame, name: str, about_name: str, about: Sequence[Sequence[str]]) -> bytes:
    """The rows on a first sheet, not rounded; on a second what they are."""
    written = io.BytesIO()
    sheet = "".join(letter for letter in name if letter not in "[]:*?/\\")[:_LETTERS_IN_A_SHEETS_NAME]
    with Workbook(written, dict(WORDS_AS_WORDS)) as workbook:
        workbook.set_properties({"created": _SOME_DAY})
        frame.write_excel(workbook, worksheet=sheet, autofit=True, float_precision=2)
        beside = workbook.add_worksheet(about_name)
        for row, cells in enumerate(about):
            beside.write_row(row, 0, cells)
        beside.autofit()
    return written.getvalue()
