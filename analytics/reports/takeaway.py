"""A view as a file: its picture, or its rows as they were counted; with what they are, where the form has room."""

import io
from collections.abc import Sequence

from xlsxwriter import Workbook

from analytics.reports.gallery import view_named
from analytics.reports.parts import INTERNAL
from analytics.reports.spreadsheet import as_csv
from analytics.reports.views import HALF, Look, View

_LETTERS_IN_A_SHEETS_NAME = 31


def take(look: Look, name: str, form: str, width: int | None) -> bytes:
    """`form`: svg, csv, xlsx or parquet. The same dataset gives the same rows; figures are not rounded.

    `width`: of a picture on a page, which tells what it shows; None: one that stands alone, and tells it itself.
    """
    view = view_named(look, name)
    match form:
        case "svg":
            heading = () if width else (view.title, *_subject(look))
            return view.drawing(width or HALF).svg(look.say.locale, heading).encode()
        case "csv":
            return as_csv(view.frame)
        case "xlsx":
            return _excel(view, look)
        case _:
            written = io.BytesIO()
            view.frame.write_parquet(written)
            return written.getvalue()


def _subject(look: Look) -> Sequence[str]:
    """Of what, when, of whom; then as of when."""
    say, asked = look.say, look.asked
    of = (
        f"{say(asked.indicator.title)} ({say(asked.indicator.unit_text)})"
        if asked.indicator
        else asked.programme.id
    )
    parts = [of, asked.period.text, *(say(word) for word in asked.only.values())]
    cut = look.counts.source.data_cut
    return (" · ".join(parts), say("Data as of {day}", day=say.day(cut)))


def _excel(view: View, look: Look) -> bytes:
    written = io.BytesIO()
    name = "".join(letter for letter in view.title if letter not in "[]:*?/\\")[:_LETTERS_IN_A_SHEETS_NAME]
    with Workbook(written, {"in_memory": True}) as workbook:
        view.frame.write_excel(workbook, worksheet=name, autofit=True, float_precision=2)
        about = workbook.add_worksheet(look.say("About"))
        for row, cells in enumerate(_about(view, look)):
            about.write_row(row, 0, cells)
        about.autofit()
    return written.getvalue()


def _about(view: View, look: Look) -> list[tuple[str, str]]:
    say, of = look.say, look.asked.indicator
    told = [(view.title, ""), *((line, "") for line in _subject(look)), (say(INTERNAL), "")]
    if of is None:
        return told
    definition = {
        "Population": of.population, "Of whom": of.denominator, "Counted": of.numerator,
        "Window": say.window(of.window), "Left out": "; ".join(say(text) for text in of.exclusions),
        "Note": of.note, "Id": of.id,
    }  # fmt: skip
    return [*told, *((say(name), say(text)) for name, text in definition.items() if text)]
