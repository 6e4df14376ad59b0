"""Results as text or bytes. The same results give the same bytes.

Shown figures are rounded to one decimal; Parquet holds them whole.
"""

import io
import json
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any

import polars as pl

from analytics.disclosure.answer import HIDDEN
from analytics.indicators.catalogue import indicator as definition
from analytics.indicators.catalogue import unknown
from analytics.indicators.engine import Results
from analytics.indicators.model import Indicator
from analytics.indicators.reference import HOME, published
from analytics.reports.spreadsheet import as_csv, as_excel
from analytics.reports.words import NO_INTERVAL, Language, Wording
from screening.refusals import Refused

_SHOWN = ("value", "low", "high", "standard")


class Format(StrEnum):
    TABLE = "table"
    CSV = "csv"
    JSON = "json"
    PARQUET = "parquet"
    ARROW = "arrow"
    XLSX = "xlsx"
    HTML = "html"


def format_named(name: str) -> Format:
    if name not in set(Format):
        raise Refused("unknown_format", unknown("format", name, Format), format=name)
    return Format(name)


def render(results: Results, form: Format) -> bytes:
    """The results in that form; HTML is a whole page and comes from `analytics.reports.page`."""
    if form not in _FORMS:
        raise Refused(
            "not_a_result_format", f"{form} shows a programme, not single results; ask for the page"
        )
    return _FORMS[form](results)


def as_objects(results: Results) -> list[dict[str, Any]]:
    """One object per row, as interfaces promise: strata in their own object, figures to one decimal."""
    strata = [stratum.value for stratum in results.question.by]
    return [_object(row, strata) for row in _rounded(results.frame).iter_rows(named=True)]


def _object(row: dict[str, Any], strata: list[str]) -> dict[str, Any]:
    head = {name: row[name] for name in ("id", "programme", "period")}
    stratum = {name: row[name] for name in strata}
    rest = {name: value for name, value in row.items() if name not in head and name not in stratum}
    rest["mature_on"] = rest["mature_on"].isoformat()
    rest["unit"] = definition(row["id"], row["programme"]).unit_text  # also where split by unit, the clinic
    return {**head, "stratum": stratum, **rest}


def _rounded(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(pl.col(_SHOWN).round(1))


def _json(results: Results) -> bytes:
    return (json.dumps(as_objects(results), ensure_ascii=False, indent=1) + "\n").encode()


def _csv(results: Results) -> bytes:
    return as_csv(_rounded(results.frame))


def _parquet(results: Results) -> bytes:
    written = io.BytesIO()
    results.frame.write_parquet(written)
    return written.getvalue()


def _arrow(results: Results) -> bytes:
    """A stream of record batches, with texts as every reader of the format knows them."""
    written = io.BytesIO()
    results.frame.write_ipc_stream(written, compat_level=pl.CompatLevel.oldest())
    return written.getvalue()


def _excel(results: Results) -> bytes:
    """The results, and beside them what was counted and until when."""
    asked = results.question
    about = [
        ("programme", asked.programme),
        ("period", asked.period.text),
        *(("only", f"{stratum}: {word}") for stratum, word in asked.where.items()),
        ("data as of", results.source.data_cut.isoformat()),
        *(
            (of.id, f"{of.title} ({of.unit_text}): {of.numerator}; of {of.denominator}")
            for of in asked.indicators
        ),
    ]
    return as_excel(results.frame, "Indicators", "About", about)


def _table(results: Results) -> bytes:
    """Aligned columns for a terminal; figures to the right, `…` where follow-up is not complete, `:` where hidden."""
    strata = [stratum.value for stratum in results.question.by]
    head = ["indicator", "period", *strata, "count", "of", "value", "95 % interval", "standard", HOME, ""]
    rows = [_cells(row, strata) for row in results.frame.iter_rows(named=True)]
    widths = [max(len(cell) for cell in column) for column in zip(head, *rows, strict=True)]
    left = 2 + len(strata)
    lines = [_line(cells, widths, left) for cells in (head, *rows)]
    return ("\n".join([*lines, *_remarks(results)]) + "\n").encode()


def _cells(row: Mapping[str, Any], strata: list[str]) -> list[str]:
    of = definition(row["id"], row["programme"])
    bare = "" if row["value"] is None else "–"
    limits = bare if row["low"] is None else f"{row['low']:.1f} to {row['high']:.1f}"
    standard = "" if row["standard"] is None else f"{row['standard']:.0f} {of.unit_text}"
    return [
        of.title,
        row["period"],
        *(row[name] or "" for name in strata),
        _whole(row["numerator"]),
        _of_how_many(row["denominator"], of),
        ":" if row.get(HIDDEN) else shown(row["value"], of),
        limits,
        standard,
        "" if strata else _published(of),
        "" if row["mature"] else f"… until {row['mature_on']}",
    ]


def _whole(count: int | None) -> str:
    return ":" if count is None else f"{count:,}"


def _of_how_many(denominator: int | None, of: Indicator) -> str:
    """Time at risk, which is counted in days, is told in the years that its rate is told per."""
    told = Wording(Language.ENGLISH).exposure
    return _whole(None) if denominator is None else told(denominator, of.measure)


def _published(of: Indicator) -> str:
    """The latest value published at home, starred where its definition is another."""
    newest = next(iter(published(of.id, at_home=True)), None)
    if newest is None:
        return ""
    return f"{newest.value:g} {newest.unit} in {newest.year}{'' if newest.comparable else '*'}"


def shown(value: float | None, of: Indicator) -> str:
    """A figure with its unit; a dash where nothing was observed."""
    return "–" if value is None else f"{value:.1f} {of.unit_text}"


def _line(cells: list[str], widths: list[int], left: int) -> str:
    padded = [
        cell.ljust(width) if place < left or place == len(cells) - 1 else cell.rjust(width)
        for place, (cell, width) in enumerate(zip(cells, widths, strict=True))
    ]
    return "  ".join(padded).rstrip()


def _remarks(results: Results) -> list[str]:
    methods = ", ".join(sorted(set(results.frame["method"].to_list())))
    remarks = ["", f"Data as of {results.source.data_cut}. 95 % intervals: {methods}."]
    if not results.frame["mature"].all():
        remarks.append("… follow-up is not complete before the date shown: the figure will still change.")
    if results.frame.select((pl.col("low").is_null() & pl.col("value").is_not_null()).any()).item():
        rounded = ", or withheld where counts are rounded" if HIDDEN in results.frame.columns else ""
        remarks.append(f"– {NO_INTERVAL}{rounded}.")
    remarks += _what_is_hidden(results)
    starred = [r for of in results.question.indicators for r in published(of.id, at_home=True)[:1]]
    if not results.question.by:
        remarks += [
            f"* {definition(r.indicator, r.programme).title}, {HOME} {r.year}: {r.note}."
            for r in starred
            if not r.comparable
        ]
    return remarks


def _what_is_hidden(results: Results) -> list[str]:
    if HIDDEN not in results.frame.columns:
        return []
    why = results.frame.filter(pl.col(HIDDEN) != "")[HIDDEN]
    return [f": hidden in {len(why)} of {results.frame.height} rows: {why.first()}."] if len(why) else []


_FORMS: Mapping[Format, Callable[[Results], bytes]] = {
    Format.TABLE: _table,
    Format.CSV: _csv,
    Format.JSON: _json,
    Format.PARQUET: _parquet,
    Format.ARROW: _arrow,
    Format.XLSX: _excel,
}
