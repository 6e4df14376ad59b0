"""A view as a file: its picture, or its rows as they were counted; with what they are, where the form has room."""

import io
from collections.abc import Sequence

from analytics.reports.gallery import view_named
from analytics.reports.parts import INTERNAL
from analytics.reports.spreadsheet import as_csv, as_excel
from analytics.reports.views import HALF, Look, View


def take(look: Look, name: str, form: str, width: int | None) -> bytes:
    """`form`: svg, csv, xlsx or parquet. The same dataset gives the same rows; figures are not rounded.

    `width`: of a picture on a page, which tells what it shows; None: one that stands alone, and tells it itself.
    """
    view = view_named(look, name)
    match form:
        case "svg":
            heading = () if width else (view.title, *_subject(view, look))
            return view.drawing(width or HALF).svg(look.say.locale, heading).encode()
        case "csv":
            return as_csv(view.frame)
        case "xlsx":
            return as_excel(view.frame, view.title, look.say("About"), _about(view, look))
        case _:
            written = io.BytesIO()
            view.frame.write_parquet(written)
            return written.getvalue()


def _subject(view: View, look: Look) -> Sequence[str]:
    """Of what, when, of whom; then as of when."""
    say, asked = look.say, look.asked
    of = (
        f"{say(asked.indicator.title)} ({say(asked.indicator.unit_text)})"
        if asked.indicator
        else asked.programme.id
    )
    parts = [of, view.when or asked.period.text, *(say(word) for word in asked.only.values())]
    cut = look.counts.source.data_cut
    return (" · ".join(parts), say("Data as of {day}", day=say.day(cut)))


def _about(view: View, look: Look) -> list[tuple[str, str]]:
    say, of = look.say, look.asked.indicator
    told = [(view.title, ""), *((line, "") for line in _subject(view, look)), (say(INTERNAL), "")]
    if of is None:
        return told
    definition = {
        "Population": of.population, "Of whom": of.denominator, "Counted": of.numerator,
        "Window": say.window(of.window), "Left out": "; ".join(say(text) for text in of.exclusions),
        "Note": of.note, "Id": of.id,
    }  # fmt: skip
    return [*told, *((say(name), say(text)) for name, text in definition.items() if text)]
