"""A view as a file: its picture, or its rows as they were counted."""

import io

import polars as pl

from analytics.reports.gallery import view_named
from analytics.reports.views import Look


def take(look: Look, name: str, form: str, width: int) -> bytes:
    """`form`: svg, csv, xlsx or parquet. The same dataset gives the same rows; figures are not rounded."""
    view = view_named(look, name)
    match form:
        case "svg":
            return view.drawing(width).svg(look.say.locale).encode()
        case "csv":
            return view.frame.write_csv().encode()
        case "xlsx":
            return _excel(view.frame, view.title)
        case _:
            written = io.BytesIO()
            view.frame.write_parquet(written)
            return written.getvalue()


def _excel(frame: pl.DataFrame, title: str) -> bytes:
    written = io.BytesIO()
    name = "".join(letter for letter in title if letter not in "[]:*?/\\")[:31]
    frame.write_excel(written, worksheet=name, autofit=True, float_precision=2)
    return written.getvalue()
