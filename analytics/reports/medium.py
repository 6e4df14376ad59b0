"""How a page is read: from the server, picture by picture as one scrolls, or as one file that holds everything."""

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime
from itertools import count
from typing import Protocol

from analytics.reports.asked import Asked
from analytics.reports.markup import Markup, joined, tag, void
from analytics.reports.screens import SCREENS
from analytics.reports.style import style, style_version
from analytics.reports.views import HALF, PHONE, WHOLE, Look, View
from analytics.reports.words import Wording

FORMS = ("csv", "xlsx", "parquet", "svg")
_SIZE = re.compile(r'<svg [^>]*?class="marks" width="([\d.]+)" height="[\d.]+"')
_ID = re.compile(r'(\bid="|url\(#|href="#)([A-Za-z_])')
# Pictures in a file: on A4, two of them side by side or one across, their text is still 7 to 8 points.
_HALF_IN_FILE, _WHOLE_IN_FILE = 400, 780
_NO_ICON = void("link", rel="icon", href="data:,")  # so that browsers do not ask for one
SMALL = {"spark": 120, "gauge": 220, **{f"gauge-{screen}": 220 for screen in SCREENS}}


class Medium(Protocol):
    """`served`: whether there is a server behind the page that answers links and forms; `releases`: whether it
    serves what is published too.
    """

    @property
    def served(self) -> bool: ...
    @property
    def releases(self) -> bool: ...
    def styled(self) -> Markup: ...
    def alarm(self, say: Wording) -> Markup: ...
    def cut(self, say: Wording, day: date) -> str: ...
    def rules(self, asked: Asked) -> Markup: ...
    def picture(self, look: Look, view: View) -> Markup: ...
    def downloads(self, look: Look, view: View) -> Markup: ...
    def where(self, asked: Asked) -> str: ...


class Served:
    """Pictures and downloads are links that carry the filters."""

    served = True

    def __init__(
        self, trouble: str | None = None, read_at: datetime | None = None, *, releases: bool = True
    ) -> None:
        """`trouble`: why changed protocol files are refused, where they are. `read_at`: when what is shown was read."""
        self._trouble, self._read_at, self.releases = trouble, read_at, releases

    def cut(self, say: Wording, day: date) -> str:
        if self._read_at is None:
            return say("Data as of {day}", day=say.day(day))
        time = self._read_at.astimezone(UTC).strftime("%H:%M:%S")
        return say("Data as of {day}, read at {time} UTC", day=say.day(day), time=time)

    def alarm(self, say: Wording) -> Markup:
        """What whoever opens a page must be told first."""
        if self._trouble is None:
            return Markup()
        text = say(
            "Changed protocol files are refused, the last good ones stay in use: {trouble}",
            trouble=self._trouble,
        )
        return tag("p", text, class_="refused", role="alert")

    def rules(self, asked: Asked) -> Markup:
        return tag("p", tag("a", asked.say("The rules, as a book"), href=f"/protocols/{asked.programme.id}"))

    def styled(self) -> Markup:
        style_ = void("link", rel="stylesheet", href=f"/dashboard/page.css?{style_version()}")
        return joined(style_, _NO_ICON)

    def picture(self, look: Look, view: View) -> Markup:
        """One picture for a wide screen and paper, another for a narrow one; loaded when it comes into sight."""
        alt = described(view)
        if view.name in SMALL:
            width = SMALL[view.name]
            return void(
                "img", src=_address(look, view, "svg", width), alt=alt, loading="lazy", class_="small",
                width=str(width),
            )  # fmt: skip
        wide = width_of(view)
        narrow = void("source", media="(max-width: 640px)", srcset=_address(look, view, "svg", PHONE))
        image = void("img", src=_address(look, view, "svg", wide), alt=alt, loading="lazy")
        return tag("div", tag("picture", narrow, image), class_="picture")

    def downloads(self, look: Look, view: View) -> Markup:
        say = look.say
        names = {"csv": "CSV", "xlsx": "Excel", "parquet": "Parquet", "svg": "SVG"}
        links = [
            tag("a", names[form], href=_address(look, view, form), download="", aria_label=f"{names[form]}: {titled(view)}")
            for form in FORMS
        ]  # fmt: skip
        return tag("p", tag("span", say("Take away:")), *_spaced(links), class_="downloads")

    def where(self, asked: Asked) -> str:
        return f"/dashboard/{asked.programme.id}?{asked.query()}"


class Whole:
    """One file: pictures inside, links within the page, nothing to load."""

    served = releases = False

    def __init__(self) -> None:
        self._numbers = count(1)

    def alarm(self, say: Wording) -> Markup:  # noqa: ARG002  a file outlives what is wrong with a server
        return Markup()

    def cut(self, say: Wording, day: date) -> str:
        return say("Data as of {day}", day=say.day(day))

    def rules(self, asked: Asked) -> Markup:  # noqa: ARG002  a file leads nowhere else
        return Markup()

    def styled(self) -> Markup:
        return joined(tag("style", Markup(style())), _NO_ICON)

    def picture(self, look: Look, view: View) -> Markup:
        if view.name in SMALL:
            return self._framed(look, view, SMALL[view.name], "small")
        if not view.wide:
            return self._framed(look, view, _HALF_IN_FILE, "picture")
        wide = self._framed(look, view, _WHOLE_IN_FILE, "picture wide")
        return joined(wide, self._framed(look, view, PHONE, "picture narrow"))

    def _framed(self, look: Look, view: View, width: int, kind: str) -> Markup:
        drawn = self._drawn(look, view, width)
        return tag("div", drawn, class_=kind, role="img", aria_label=described(view))

    def _drawn(self, look: Look, view: View, width: int) -> Markup:
        """Ids inside different pictures never meet."""
        prefix = f"f{next(self._numbers)}-"
        svg = view.drawing(width).svg(look.say.locale)
        svg = _ID.sub(lambda found: f"{found[1]}{prefix}{found[2]}", svg)
        return Markup(_SIZE.sub(_scaling, svg, count=1))

    def downloads(self, look: Look, view: View) -> Markup:  # noqa: ARG002
        return Markup()

    def where(self, asked: Asked) -> str:
        return f"#{asked.indicator.id}" if asked.indicator else "#top"


def described(view: View) -> str:
    return f"{titled(view)}. {view.told[0]}" if view.told else titled(view)


def titled(view: View) -> str:
    """With the period, where it is not the one that the page is asked for."""
    return f"{view.title}, {view.when}" if view.when else view.title


def width_of(view: View) -> int:
    return WHOLE if view.wide else HALF


def _address(look: Look, view: View, form: str, width: int | None = None) -> str:
    size = f"&width={width}" if width else ""
    return f"/dashboard/{look.asked.programme.id}/{view.name}.{form}?{look.asked.query()}{size}"


def _scaling(found: re.Match[str]) -> str:
    """As wide as the column, but never so wide that its text outgrows the page's."""
    return f'<svg aria-hidden="true" focusable="false" style="max-width:{float(found[1]) * 1.1:.0f}px"'


def _spaced(links: Sequence[Markup]) -> list[Markup]:
    return [Markup(f" {link}") for link in links]
