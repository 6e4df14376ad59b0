"""Who or what stands out beyond chance: units outside the funnel's limits, months that break a rule. In words too."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import polars as pl

from analytics.indicators.measures import DAYS_A_YEAR, Rate, Share
from analytics.indicators.model import Anchor, Indicator
from analytics.methods.control_charts import (
    FEWEST_EXPECTED,
    Chart,
    Rule,
    p_chart,
    special_points,
    u_chart,
    xmr_chart,
)
from analytics.methods.funnel_plots import ALARM, FEW_UNITS, WARNING, Funnel, funnel
from analytics.reports.before import FEW
from analytics.reports.words import Wording

_FEWEST_UNITS, _FEWEST_MONTHS = 3, 12
_CURVE = 60  # points along each limit

RULES: Mapping[Rule, str] = {
    Rule.BEYOND_LIMITS: "outside the limits (three standard deviations)",
    Rule.TWO_OF_THREE: "two of three months beyond two standard deviations, on one side",
    Rule.SHIFT: "eight or more months in a row on one side of the middle",
    Rule.TREND: "six or more months in a row going one way",
}


@dataclass(frozen=True, slots=True)
class Outliers:
    """Rows: those of the results, with `outside` (-1 below, 0 inside, 1 above the 99.8 % limits) and `near` (the
    same at 95 %). `limits`: the curves, by size. `rule`: how the limits were drawn. `small`: how many were too small to
    be judged.
    """

    rows: Sequence[Mapping[str, Any]]
    limits: Sequence[Mapping[str, float]]
    target: float
    most: float  # the highest value there can be
    rule: str
    small: int


_BY_CHANCE = "The limits are those of chance alone: units differ no more."
_WIDENED = (
    "The limits allow for the differences that there are between units beyond chance (Spiegelhalter 2005: additive, a"
    " tenth of the scores drawn in at each end)."
)
_OF_FEW = (
    "The limits allow for the differences that there are between units beyond chance (Spiegelhalter 2005: additive); of"
    " fewer than {n} units the one that lies furthest is left out of that, which is our own rule."
)


def outliers(of: Indicator, frame: pl.DataFrame) -> Outliers | None:
    """None where chance cannot be reckoned so (no plain share), or where there is nobody to compare with.

    Where fewer than FEW were counted, one person more or less turns the verdict: such are not judged or shown.
    """
    seen = frame.filter(pl.col("denominator") >= FEW)
    small = frame.filter(pl.col("denominator") > 0).height - seen.height
    if not isinstance(of.measure, Share) or seen.height < _FEWEST_UNITS or seen["numerator"].sum() == 0:
        return None
    counts, totals = seen["numerator"].to_numpy(), seen["denominator"].to_numpy()
    shape, per = funnel(counts, totals), of.measure.per
    outside = {
        name: shape.outside(counts, totals, level) for name, level in (("outside", ALARM), ("near", WARNING))
    }
    told = seen.with_columns(**{name: pl.Series(found.astype(np.int64)) for name, found in outside.items()})
    rule = _BY_CHANCE if not shape.spread else _OF_FEW if seen.height < FEW_UNITS else _WIDENED
    curves = _curves(shape, int(totals.max()), per)
    return Outliers(told.to_dicts(), curves, shape.target * per, per, rule, small)


def _curves(shape: Funnel, largest: int, per: int) -> list[dict[str, float]]:
    totals = np.unique(np.geomspace(max(1.0, largest / 400), largest * 1.03, _CURVE))
    curves: dict[str, Any] = {"total": totals, "target": np.full(len(totals), shape.target * per)}
    for name, level in (("warning", WARNING), ("alarm", ALARM)):
        low, high = shape.limits(totals, level)
        curves |= {f"low_{name}": low * per, f"high_{name}": high * per}
    return pl.DataFrame(curves).to_dicts()


def told_outliers(found: Outliers, of: Indicator, stratum: str, say: Wording) -> list[str]:
    """One sentence for those outside the 99.8 % limits, one for those between them and the 95 % limits."""
    far = [row for row in found.rows if row["outside"]]
    near = [row for row in found.rows if row["near"] and not row["outside"]]
    whole = say.figure(found.target, of.unit_text)
    if not far:
        told = [say("Nobody lies outside the 99.8 % limits; all together have {whole}.", whole=whole)]
    else:
        told = [
            say("Outside the 99.8 % limits: {who}. All together have {whole}.",
                who="; ".join(_one(row, of, stratum, say) for row in far), whole=whole)
        ]  # fmt: skip
    if near:
        who = say.listed([str(row[stratum]) for row in near])
        told.append(
            say("Between the 95 % and the 99.8 % limits, where one in twenty lies by chance: {who}.", who=who)
        )
    if found.small:
        told.append(
            say("Too small to be judged or drawn, with fewer than {n} counted: {few} of {all}.", n=FEW,
                few=say.count(found.small), all=say.count(found.small + len(found.rows)))
        )  # fmt: skip
    return [*told, say(found.rule, n=FEW_UNITS)]


def _one(row: Mapping[str, Any], of: Indicator, stratum: str, say: Wording) -> str:
    side = say("high") if row["outside"] > 0 else say("low")
    counts = say("{n} of {of}", n=say.count(row["numerator"]), of=say.count(row["denominator"]))
    return f"{say(str(row[stratum]))} ({side}: {say.figure(row['value'], of.unit_text)}, {counts})"


@dataclass(frozen=True, slots=True)
class Course:
    """Months in their order. Rows: month, day, numerator, denominator, value, centre, low, high, special, and
    `rules`: those that the month breaks.
    """

    rows: Sequence[dict[str, Any]]
    chart: str
    exact: bool  # some limits are
    skew: bool  # most are, so that only limits are judged


_EXACT = "In months with fewer than {n} events expected the limits are exact."
_SKEW = "Most months are such: runs and trends mean nothing there and are not judged."


def course(of: Indicator, frame: pl.DataFrame) -> Course | None:
    """Of the months whose follow-up is complete; None where they are fewer than twelve.

    None too for figures of those who live here at the end of a month: from month to month they are the
    same people, and the limits would mistake that for calm.
    """
    if of.anchor == Anchor.END_OF_PERIOD:
        return None
    months = frame.filter(pl.col("mature"), pl.col("denominator") > 0, pl.col("value").is_not_null())
    if months.height < _FEWEST_MONTHS:
        return None
    name, chart, scale = _chart(of, months)
    rules = special_points(chart)
    columns = {n: getattr(chart, n) * scale for n in ("centre", "low", "high")}
    columns["low"] = np.maximum(columns["low"], 0)  # nothing that is counted here can be less than none
    told = months.with_columns(**{n: pl.Series(values) for n, values in columns.items()}).to_dicts()
    rows = [
        row | {"day": date.fromisoformat(f"{row['month']}-01"), "special": bool(broken), "rules": broken}
        for row, broken in zip(told, rules, strict=True)
    ]
    return Course(rows, name, bool(chart.exact.any()), chart.skew)


def _chart(of: Indicator, months: pl.DataFrame) -> tuple[str, Chart, float]:
    counts, totals = months["numerator"].to_numpy(), months["denominator"].to_numpy()
    match of.measure:
        case Share(per=per):
            return "p chart", p_chart(counts, totals), per
        case Rate(per=per):
            return "u chart", u_chart(counts, totals), per * DAYS_A_YEAR
        case _:
            return "XmR chart", xmr_chart(months["value"].to_numpy()), 1


def told_course(found: Course, say: Wording, *, last: int | None = None) -> list[str]:
    """One sentence for each rule that was broken (in the `last` months): when, and which way."""
    told = [
        f"{say(phrase)}: {_when(broken, say, run=rule in _RUNS)}."
        for rule, phrase in RULES.items()
        if (broken := [row for row in found.rows[-(last or len(found.rows)) :] if rule in row["rules"]])
    ]
    lines = [_capital(line) for line in told] or [say("No rule was broken: the months differ as months do.")]
    exact = [say(_EXACT, n=FEWEST_EXPECTED)] if found.exact else []
    return [*lines, *exact, *([say(_SKEW)] if found.skew else [])]


_RUNS = (Rule.SHIFT, Rule.TREND)
_NAMED = 3


def _when(broken: Sequence[Mapping[str, Any]], say: Wording, *, run: bool) -> str:
    """Of a run its last month, of single months the latest ones."""
    if run:
        return say("to {month}", month=_month(broken[-1], say))
    when = say.listed([_month(row, say) for row in broken[-_NAMED:]])
    earlier = len(broken) - _NAMED
    return when + (say(" and {n} earlier ones", n=earlier) if earlier > 0 else "")


def _month(row: Mapping[str, Any], say: Wording) -> str:
    side = say("high") if row["value"] > row["centre"] else say("low")
    return f"{say.month(row['day'])} ({side})"


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]
