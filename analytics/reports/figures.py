"""A chart on the page: the picture, a sentence for who cannot see it, and the table it was drawn from."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import count
from typing import Any

from analytics.reports.charts import Drawing
from analytics.reports.markup import Markup, joined, tag

# A phone's column is as wide as a third of a desk's, so one picture serves both.
COLUMN = 350
HALF, WHOLE = 520, 1080
_SIZE = re.compile(r'<svg [^>]*?class="marks" width="([\d.]+)" height="[\d.]+"')
_ID = re.compile(r'(\bid="|url\(#|href="#)([A-Za-z_])')


class Figures:
    """Numbers the pictures of one page, so that ids inside different pictures never meet."""

    def __init__(self) -> None:
        self._numbers = count(1)

    def picture(self, drawing: Drawing, label: str, *, only: str = "") -> Markup:
        """The drawing as SVG that scales with its column. `only`: `wide` or `narrow` screens."""
        prefix = f"f{next(self._numbers)}-"
        svg = _ID.sub(lambda found: f"{found[1]}{prefix}{found[2]}", drawing.svg())
        svg = _SIZE.sub(_scaling, svg, count=1)
        return tag("div", Markup(svg), class_=f"picture {only}".strip(), role="img", aria_label=label)

    def both(self, drawing: Callable[[int], Drawing], label: str, *, wide: int) -> Markup:
        """One picture of that width for a wide screen and paper, another for a narrow one."""
        large = self.picture(drawing(wide), label, only="wide")
        return joined(large, self.picture(drawing(COLUMN), label, only="narrow"))


def _scaling(found: re.Match[str]) -> str:
    """As wide as the column, but never so wide that its text outgrows the page's."""
    return f'<svg aria-hidden="true" focusable="false" style="max-width:{float(found[1]) * 1.15:.0f}px"'


def figure(title: str, picture: Markup, table: Markup) -> Markup:
    """Title, picture, and behind a fold the numbers it was drawn from."""
    details = tag("details", tag("summary", "Show the numbers"), table)
    return tag("figure", tag("figcaption", title), picture, details)


def table(head: Sequence[str], rows: Iterable[Sequence[str]], caption: str) -> Markup:
    """First column names the row; the others are figures."""
    top = tag("tr", *(tag("th", cell, scope="col") for cell in head))
    body = [tag("tr", tag("th", first, scope="row"), *(tag("td", c) for c in rest)) for first, *rest in rows]
    inner = joined(tag("caption", caption), tag("thead", top), tag("tbody", *body))
    return tag("div", tag("table", inner), class_="scroll", tabindex="0", role="region", aria_label=caption)


def result_rows(rows: Iterable[Mapping[str, Any]], stratum: str) -> list[list[str]]:
    """Stratum, count, of how many, value, interval."""
    return [
        [
            str(row[stratum]),
            f"{row['numerator']:,}",
            f"{row['denominator']:,}",
            _one(row["value"]),
            limits(row),
        ]
        for row in rows
    ]


def limits(row: Mapping[str, Any]) -> str:
    return "" if row["low"] is None else f"{row['low']:.1f}–{row['high']:.1f}"


def _one(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f}"
