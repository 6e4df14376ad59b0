"""CSV that a spreadsheet shows as it is told: words come from laboratories, and one may begin like a formula. Pure.

As OWASP advises (CSV Injection): an apostrophe before what would be reckoned. Numbers are left alone, also negative
ones. Who reads the file by program takes one apostrophe off a word that begins with some and then such a sign.
"""

import polars as pl

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
