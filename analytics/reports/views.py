"""What can be looked at: each view is a picture, what it says in words, its table, and its rows to take away."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import polars as pl

from analytics.indicators.model import Indicator, Stratum
from analytics.indicators.period import Period, period
from analytics.places import UNKNOWN
from analytics.reports import charts
from analytics.reports.asked import Asked
from analytics.reports.before import FEW, few
from analytics.reports.charts import Drawing, Line, Row
from analytics.reports.complete import judged_on, to_judge, told_whole
from analytics.reports.counts import Counts
from analytics.reports.trend import told_trend
from analytics.reports.words import NO_INTERVAL, Wording

HALF, WHOLE, PHONE = 520, 940, 340
_YEARS_BACK = 10
_COUNTED = ("n", "of", "value", "95 % interval")


@dataclass(frozen=True, slots=True)
class Table:
    """First column names the row, the others are figures."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """`told`: what the picture shows, the first sentence in its place for who cannot see it.

    `when`: what it shows, where that is another period than the one asked for.
    """

    name: str
    title: str
    told: Sequence[str]
    table: Table
    frame: pl.DataFrame
    drawing: Callable[[int], Drawing]
    wide: bool = False
    when: str = ""


@dataclass(frozen=True, slots=True)
class Look:
    """Who looks at what."""

    counts: Counts
    asked: Asked

    @property
    def say(self) -> Wording:
        return self.asked.say

    @property
    def of(self) -> Indicator:
        if self.asked.indicator is None:
            raise AssertionError("only asked for where there is an indicator")
        return self.asked.indicator

    def about(self, of: Indicator | None) -> "Look":
        return replace(self, asked=self.asked.about(of))

    def at(self, period_: Period) -> "Look":
        """The same at another time."""
        return replace(self, asked=replace(self.asked, period=period_))

    def frame(self, *by: str, when: Period | None = None, free: Sequence[str] = ()) -> pl.DataFrame:
        """Results of the indicator. `free`: filters that do not hold here, so that its words can be compared."""
        where = {name: word for name, word in self.asked.where.items() if name not in free}
        asked = self.asked
        return self.counts.frame(
            asked.programme.id, when or asked.period, by=by, ids=[self.of.id], where=where
        )

    def years(self) -> Period:
        """Up to ten years to the period's last; none that has not begun at the data cut."""
        last = min(self.asked.period.years()[-1].start.year, self._begun)
        return period(f"{last - _YEARS_BACK + 1}-{last}")

    @property
    def _begun(self) -> int:
        """The last year that has begun at the data cut, which is the first day of which nothing is known."""
        cut = self.counts.source.data_cut
        return cut.year - (cut.month == cut.day == 1)

    def recorded_years(self) -> range:
        """Those in which something of the programme was recorded; where nothing was, the last that has begun."""
        first = self.since.year if self.since else self._begun
        return range(min(first, self._begun), self._begun + 1)

    def to_judge(self) -> "Look | None":
        """The same at the time at which it may be judged; None where its follow-up is complete of no year yet."""
        found = to_judge(
            self.of,
            self.asked.period,
            self.years().years(),
            cut=self.counts.source.data_cut,
            since=self.since,
        )
        return None if found is None else self.at(found)

    @property
    def judged_on(self) -> date:
        """From which day on it can be judged, where it cannot be yet."""
        return judged_on(self.of, self.asked.period, self.years().years(), self.since)

    @property
    def since(self) -> date | None:
        """The day of the programme's first record."""
        return self.counts.recorded_since(self.asked.programme.id)

    def told_whole(self, year: str) -> bool:
        """Whether the programme's own records tell all of the year."""
        return told_whole(int(year), self.since)

    def other_than(self, asked: Period) -> str:
        """Its period, where it is not the one asked for."""
        return "" if self.asked.period == asked else self.asked.period.text

    def splits(self, stratum: Stratum) -> bool:
        return stratum in self.of.strata

    @property
    def standards(self) -> list[Line]:
        """Those that hold for all screens together."""
        return self.standards_of("")

    def standards_of(self, screen: str) -> list[Line]:
        """Those that hold for `screen` (initial, subsequent) alone; without one, those for all together."""
        held = [standard for standard in self.of.standards if standard.screen == screen]
        return [Line(standard.value, desirable=standard.level == "desirable") for standard in held]


def result_table(rows: Iterable[Row], stratum: str, head: str, look: Look) -> Table:
    """Stratum, count, of how many, value, interval."""
    say = look.say
    told = [
        [
            say(str(row[stratum])),
            say.count(row["numerator"]),
            say.exposure(row["denominator"], look.of.measure),
            say.number(row["value"]),
            say.interval(row),
        ]
        for row in rows
    ]
    return Table([say(head), *(say(word) for word in _COUNTED)], told)


def from_to(rows: Sequence[Row], look: Look, stratum: str) -> list[str]:
    """Lowest and highest and whose they are, of those with enough to tell; then who has too few.

    Of figures whose follow-up is not complete, or of which archives may tell but a part, nobody is lowest or highest.
    """
    say = look.say
    if not rows:
        return [say("Nothing was observed.")]
    whole = [row for row in rows if (judged_year(row, look) if stratum == "year" else row["mature"])]
    known = [row for row in whole if not few(row)]
    told = [_lowest_and_highest(known, look, stratum)] if known else [] if whole else [not_yet(look)]
    tiny = [f"{say(str(row[stratum]))} ({counts_of(row, look)})" for row in rows if few(row)]
    if any(row["low"] is None and row["value"] is not None for row in rows):
        told.append(f"–: {say(NO_INTERVAL)}.")
    if tiny:
        told.append(say("Too few to be told apart, fewer than {n}: {who}.", n=FEW, who=say.listed(tiny)))
    return told


def not_yet(look: Look) -> str:
    return look.say("Not judged yet: follow-up is complete on {day}.", day=look.say.day(look.judged_on))


def _lowest_and_highest(rows: Sequence[Row], look: Look, stratum: str) -> str:
    say = look.say
    low, high = (pick(rows, key=lambda row: row["value"]) for pick in (min, max))
    if len(rows) == 1:
        return f"{say(str(low[stratum]))}: {with_counts(low, look)}."
    if low["value"] == high["value"]:
        return say("All have {value}.", value=say.figure(low["value"], look.of.unit_text))
    return say(
        "From {low} to {high}.", low=_one(low, look, stratum), high=_one(high, look, stratum)
    )  # fmt: skip


def _one(row: Row, look: Look, stratum: str) -> str:
    say, of = look.say, look.of
    return f"{say.figure(row['value'], of.unit_text)} ({say(str(row[stratum]))}, {counts_of(row, look)})"


def with_counts(row: Row, look: Look) -> str:
    return f"{look.say.figure(row['value'], look.of.unit_text)} ({counts_of(row, look)})"


def counts_of(row: Row, look: Look) -> str:
    return look.say.counts(row["numerator"], row["denominator"], look.of.measure)


def _split_by(
    look: Look, name: str, title: str, stratum: Stratum, drawn: Callable[..., Drawing]
) -> View | None:
    """A view of one split at the time that can be judged, where there is one; its own filter does not hold."""
    at = look.to_judge() or look
    frame = at.frame(stratum.value, free=[stratum.value])
    view = _simple(at, name, title, stratum.value, frame, drawn)
    return view and replace(view, when=at.other_than(look.asked.period))


def _simple(
    look: Look, name: str, title: str, stratum: str, frame: pl.DataFrame, drawn: Callable[..., Drawing]
) -> View | None:
    """None where nothing was observed."""
    some = charts.drawable(frame)
    known = [row for row in some if row[stratum] != UNKNOWN] or some  # of whom nobody knows it: in the table
    rows = [row | {stratum: look.say(str(row[stratum]))} for row in known]
    if not rows:
        return None
    return View(
        name=name,
        title=look.say(title),
        told=from_to(rows, look, stratum),
        table=result_table(frame.to_dicts(), stratum, _HEADS[stratum], look),
        frame=frame,
        drawing=lambda width: drawn(rows, width, look.standards),
    )


_HEADS = {
    "year": "year", "age_group": "age", "sex": "sex", "county": "county", "sample": "sample", "lab": "laboratory",
    "unit": "unit", "reader": "reader", "municipality": "municipality", "letter": "letter", "round": "round",
    "screen": "screen", "attendance": "earlier attendance", "cutoff": "cut-off", "arm": "arm", "month": "month",
}  # fmt: skip


def head_of(stratum: str) -> str:
    return _HEADS[stratum]


def years(look: Look) -> View | None:
    frame = look.frame("year", when=look.years()).filter(pl.col("denominator") > 0)
    view = _simple(look, "years", "Over the years", "year", frame, charts.over_years)
    trend = told_trend(look.of, [row for row in frame.to_dicts() if judged_year(row, look)], look.say)
    return view and replace(view, told=[*view.told, *trend, *_from_archives(frame, look)])


def judged_year(row: Row, look: Look) -> bool:
    """Whether it has a figure whose follow-up is complete and of which the programme's own records tell all."""
    return row["mature"] and row["value"] is not None and look.told_whole(row["year"])


def _from_archives(frame: pl.DataFrame, look: Look) -> list[str]:
    """Said of years in which nothing was recorded yet: archives may tell only a part, such as normal tests."""
    if look.since is None or all(map(look.told_whole, frame["year"])):
        return []
    return [
        look.say(
            "What happened before {day} was recorded afterwards, from archives: those years may be told in part only.",
            day=look.say.day(look.since),
        )
    ]


def ages(look: Look) -> View | None:
    if not look.splits(Stratum.AGE_GROUP):
        return None
    return _split_by(look, "ages", "By age", Stratum.AGE_GROUP, _across("age_group"))


def sexes(look: Look) -> View | None:
    if not look.splits(Stratum.SEX):
        return None
    return _split_by(look, "sexes", "By sex", Stratum.SEX, _across("sex"))


def _across(stratum: str) -> Callable[..., Drawing]:
    return lambda rows, width, standards: charts.across(rows, stratum, width, standards)


def counties(look: Look) -> View | None:
    title = "By county of residence; the band is the whole country"
    return _ranked(look, "counties", Stratum.COUNTY, title) if look.splits(Stratum.COUNTY) else None


def senders(look: Look) -> list[View]:
    """By laboratory and by unit, where there are several that are known."""
    found = [_ranked(look, f"by-{s.value}", s, title) for s, title in _SENDERS.items() if look.splits(s)]
    return [view for view in found if view is not None and len(view.table.rows) > 1]


_SENDERS: Mapping[Stratum, str] = {
    Stratum.LAB: "By laboratory; the band is all together",
    Stratum.UNIT: "By unit; the band is all together",
}


def _ranked(look: Look, name: str, stratum: Stratum, title: str) -> View | None:
    """From highest to lowest, over the interval of the whole."""
    whole = charts.drawable((look.to_judge() or look).frame(free=[stratum.value]))

    def drawn(rows: Sequence[Row], width: int, standards: Sequence[Line]) -> Drawing:
        return charts.down(rows, stratum.value, width, standards, whole[0] if whole else None)

    return _split_by(look, name, title, stratum, drawn)


def other_splits(look: Look) -> list[View]:
    """By whatever else the indicator can be split: who took the sample, which letter, first or later screen."""
    found = [_split(look, stratum) for stratum in _OTHERS if look.splits(stratum)]
    return [view for view in found if view is not None and len(view.table.rows) > 1]


_OTHERS: Mapping[Stratum, str] = {
    Stratum.SAMPLE: "By who took the sample",
    Stratum.LETTER: "By letter or kit",
    Stratum.ATTENDANCE: "By earlier attendance",
    Stratum.SCREEN: "By first or later screen",
    Stratum.ROUND: "By round of the person",
    Stratum.CUTOFF: "By cut-off of the test",
}


_IN_ORDER = (
    Stratum.SCREEN,
    Stratum.ROUND,
    Stratum.CUTOFF,
    Stratum.ATTENDANCE,
)  # words that follow one another


_FEW_WORDS = 4  # down the side they would leave most of the place empty


def _split(look: Look, stratum: Stratum) -> View | None:
    def drawn(rows: Sequence[Row], width: int, standards: Sequence[Line]) -> Drawing:
        if stratum in _IN_ORDER or len(rows) <= _FEW_WORDS:
            return charts.across(rows, stratum.value, width, standards)
        return charts.down(rows, stratum.value, width, standards, None)

    return _split_by(look, f"by-{stratum.value}", _OTHERS[stratum], stratum, drawn)


def spark(look: Look) -> View | None:
    """The years, as small as a word."""
    view = years(look)
    if view is None:
        return None
    rows = charts.drawable(view.frame)
    return replace(view, name="spark", drawing=lambda width: charts.spark(rows, width))


def gauge(look: Look, screen: str = "") -> View | None:
    """The figure among its standards, as small as a word; of one kind of screen, among those that hold for it."""
    frame = look.frame("screen").filter(pl.col("screen") == screen) if screen else look.frame()
    rows, standards = charts.drawable(frame), look.standards_of(screen)
    if not rows or not standards:
        return None
    return View(
        name=f"gauge-{screen}" if screen else "gauge",
        title=look.say(look.of.title),
        told=[look.say.figure(rows[0]["value"], look.of.unit_text)],
        table=Table([], []),
        frame=frame,
        drawing=lambda width: charts.gauge(rows[0], width, standards),
    )


def rows_of(frame: pl.DataFrame) -> list[dict[str, Any]]:
    return charts.drawable(frame)
