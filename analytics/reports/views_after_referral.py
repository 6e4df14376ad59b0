"""What became of those referred: seen in time, seen late, or why not."""

from collections.abc import Sequence

import polars as pl

from analytics.indicators import after_referral as became
from analytics.indicators.model import Anchor, Stratum
from analytics.indicators.period import period
from analytics.reports import charts
from analytics.reports.views import Look, Table, View
from analytics.reports.views_compared import curve_of

_FATE_COLOURS = {
    became.SEEN: charts.MAIN, became.LATE: "#7fb0b9", became.BOOKED: "#cfe3e6", became.MISSED: "#a34a1c",
    became.CANCELLED: "#d08c4e", became.GONE: "#8d979c", became.CLOSED: "#c3cbcf", became.NOTHING: "#5f2a2a",
}  # fmt: skip


_FATES_BY = {Stratum.COUNTY.value, Stratum.AGE_GROUP.value, Stratum.UNIT.value}


def fates(look: Look) -> list[View]:
    """What became of those referred: by quarter, and by unit. Only of indicators that count from the referral."""
    if look.of.anchor != Anchor.REFERRAL and curve_of(look) is None:
        return []
    if not look.asked.where.keys() <= _FATES_BY:  # else they would be everybody's, under another heading
        return []
    span = period(f"{look.years().years()[-2].text}-{look.years().years()[-1].text}")
    told = look.counts.fates(look.asked.programme.id, span, 3, look.asked.where)
    if told.is_empty():
        return []
    whole = look.counts.fates(look.asked.programme.id, look.asked.period, 12, look.asked.where)
    views = [_fates(look, told.rename({"part": "quarter"}), "quarter", "reasons", _BY_QUARTER)]
    if whole["unit"].n_unique() > 1:
        views.append(_fates(look, whole, "unit", "reasons-unit", "What became of those referred, by unit"))
    return views


_BY_QUARTER = "What became of those referred, by quarter of referral"


def _fates(look: Look, told: pl.DataFrame, by: str, name: str, title: str) -> View:
    say = look.say
    sums = told.group_by(by, "fate").agg(pl.col("count").sum()).sort(by, "fate")
    known = set(sums["fate"])
    shown = [fate for fate in became.FATES if fate in known]
    open_ = _not_over(told, look)
    rows = [
        {
            by: say(row[by]) + (" ◌" if row[by] in open_ else ""),
            "part": say(row["fate"]),
            "count": row["count"],
        }
        for row in sums.to_dicts()
    ]
    words, colours = [say(fate) for fate in shown], [_FATE_COLOURS[fate] for fate in shown]
    return View(
        name=name,
        title=say(title),
        told=_not_seen(told, open_, look),
        table=_fate_table(sums, by, shown, look),
        frame=sums,
        drawing=lambda width: charts.stacked(rows, by, words, colours, width, share=True),
    )


def _not_over(told: pl.DataFrame, look: Look) -> list[str]:
    """The parts of the period of which some may still be seen in time."""
    cut, time = look.counts.source.data_cut, "quarter" if "quarter" in told.columns else "part"
    return [part for part in told[time].unique().sort() if became.IN_TIME.after(period(part).end) > cut]


def _not_seen(told: pl.DataFrame, open_: Sequence[str], look: Look) -> list[str]:
    """Of those whose time is over: how many were not seen in it, and the commonest reason. Then whose is not."""
    say, time = look.say, "quarter" if "quarter" in told.columns else "part"
    over = told.filter(~pl.col(time).is_in(open_))
    by_fate = dict(over.group_by("fate").agg(pl.col("count").sum()).iter_rows())
    total, late = (
        sum(by_fate.values()),
        {fate: by_fate.get(fate, 0) for fate in became.FATES if fate != became.SEEN},
    )
    lines: list[str] = []
    if total and not any(late.values()):
        lines.append(say("Of {total} referred, all were seen within 90 days.", total=say.count(total)))
    elif total:
        most = max(late, key=lambda fate: late[fate])
        lines.append(say(
            "Of {total} referred, {n} were seen within 90 days; of the others most are: {most} ({m}).",
            total=say.count(total), n=say.share(by_fate.get(became.SEEN, 0), total), most=say(most),
            m=say.count(late[most]),
        ))  # fmt: skip
    if open_:
        lines.append(say("◌ Some may still be seen within 90 days: {parts}.", parts=say.listed(list(open_))))
    return lines


def _fate_table(sums: pl.DataFrame, by: str, fates_: Sequence[str], look: Look) -> Table:
    say = look.say
    at = {(row[by], row["fate"]): row["count"] for row in sums.to_dicts()}
    words = list(dict.fromkeys(word for word, _ in at))
    rows = [
        [say(word), *(say.count(at.get((word, fate), 0)) for fate in fates_),
         say.share(at.get((word, became.SEEN), 0), sum(at.get((word, fate), 0) for fate in fates_))]
        for word in words
    ]  # fmt: skip
    return Table([say(by), *(say(fate) for fate in fates_), say("seen within 90 days, share")], rows)
