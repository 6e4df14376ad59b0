"""Our figure beside the printed one, to the printed digit."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import polars as pl

from analytics.extract.dataset import Bucket, Manifest
from analytics.extract.schema import VERSION, fingerprint
from analytics.funnels.eventlog import EventLog, area_codes, event_log, group_label
from analytics.funnels.published import Printed, PublishedFunnel, read_funnel
from analytics.indicators.catalogue import defined_for, unknown
from analytics.indicators.cells import Wanted, cells_of, schema
from analytics.indicators.engine import Question, answer
from analytics.indicators.model import TIMES, Indicator, Stratum
from analytics.indicators.period import period
from analytics.methods.comparisons import Arm, Compared, Comparison, risk_difference, risk_ratio
from analytics.places import municipalities
from screening.refusals import Refused
from screening.vocabulary import Cancer

_STRATA = {
    "round": Stratum.ROUND, "age_group": Stratum.AGE_GROUP, "year": Stratum.YEAR, "area": Stratum.MUNICIPALITY,
    "arm": Stratum.ARM,
}  # fmt: skip
# What one cancer calls otherwise than the others.
_SAME: Mapping[Cancer, Mapping[str, str]] = {
    Cancer.CERVICAL: {
        "positivity": "hpv_positivity",
        "assessment_referral_rate": "colposcopy_referral_rate",
        "assessment_attendance": "colposcopy_attendance_15mo",
    },
    Cancer.BREAST: {"cancer_detection_rate": "screen_detected_rate", "ppv_cancer": "ppv_assessment"},
    Cancer.COLORECTAL: {
        "screen_detected_rate": "cancer_detection_rate",
        "assessment_referral_rate": "referral_after_positive",
        "episode_sensitivity": "fit_sensitivity",
    },
}
_COMPARED = {Comparison.RISK_RATIO: risk_ratio, Comparison.RISK_DIFFERENCE: risk_difference}


@dataclass(frozen=True, slots=True)
class Agreement:
    """One printed figure and ours. `row`: of the file, or `all`; `part`: value, low or high."""

    file: str
    row: str
    indicator: str
    part: str
    printed: str
    computed: str
    agrees: bool


def compare_file(path: Path) -> list[Agreement]:
    """Every figure printed in the file beside the one our indicators give for its counts."""
    return compare(read_funnel(path))


def compare(funnel: PublishedFunnel) -> list[Agreement]:
    log = event_log(funnel)
    offered = {name: replace(of, ages=log.programme.ages) for name, of in defined_for(log.programme).items()}
    wanted = {printed.indicator: _indicator(printed, funnel, offered) for printed in funnel.printed}
    cells = _cells_by_row(log, list({of.id: of for of in wanted.values()}.values()))
    told: list[Agreement] = []
    for printed in funnel.printed:
        of = wanted[printed.indicator]
        told += _agreements(printed, of, funnel, _answers(cells, log, of))
    return told


def _indicator(printed: Printed, funnel: PublishedFunnel, offered: Mapping[str, Indicator]) -> Indicator:
    base, _ = _base(printed.indicator)
    name = _SAME[funnel.cancer].get(base, base)
    if name not in offered:
        message = f"{funnel.file}: {unknown(f'indicator of {funnel.cancer} screening', base, offered)}"
        raise Refused("unknown_indicator", message, indicator=base, file=funnel.file)
    return offered[name]


def _base(name: str) -> tuple[str, Comparison | None]:
    """participation_risk_ratio compares participation in two arms."""
    for comparison in Comparison:
        if name.endswith(f"_{comparison}"):
            return name.removesuffix(f"_{comparison}"), comparison
    return name, None


def _cells_by_row(log: EventLog, indicators: Sequence[Indicator]) -> Sequence[pl.DataFrame]:
    """For each row of the file what its people make of each indicator."""
    by = _STRATA[log.funnel.by] if log.funnel.by else None
    found = [[pl.DataFrame(schema=schema([]))] for _ in log.funnel.rows]
    split = [of for of in indicators if by in of.strata]
    rest = [of for of in indicators if by not in of.strata]
    for number, bucket in log.buckets():
        if by is not None:
            found[number].append(_under_its_word(_cells(log, bucket, split, [by]), by, log, number))
        found[number].append(_cells(log, bucket, rest, []))
    return [pl.concat(cells) for cells in found]


def _cells(
    log: EventLog, bucket: Bucket, indicators: Sequence[Indicator], by: Sequence[Stratum]
) -> pl.DataFrame:
    asked = _question(log, indicators, by)
    return cells_of(bucket, [Wanted(indicators, asked.periods, asked.strata)], log.data_cut)[0]


def _under_its_word(cells: pl.DataFrame, by: Stratum, log: EventLog, number: int) -> pl.DataFrame:
    """Only what our strata place where the file does: the screens of a second round are none of a first."""
    word = "part" if by in TIMES else by.value
    whole = pl.lit(_question(log, [], []).period.text)
    placed = cells.filter(pl.col(word) == _label(log.funnel, number)).with_columns(part=whole)
    return placed.select(schema([]).names())


def _question(log: EventLog, indicators: Sequence[Indicator], by: Sequence[Stratum]) -> Question:
    span = log.years[0] if len(log.years) == 1 else f"{log.years[0]}-{log.years[-1]}"
    return Question(log.programme.id, indicators, period(str(span)), by)


_Figures = Mapping[str, Any]  # a row of results


def _answers(
    cells: Sequence[pl.DataFrame], log: EventLog, of: Indicator
) -> tuple[Sequence[_Figures], _Figures]:
    """Our results by row, and for the whole: nobody is in two rows, so those of the rows add up."""
    source, asked = Manifest(VERSION, fingerprint(), log.data_cut, 0, 0, {}), _question(log, [of], [])
    each = [answer(of_row, asked, source).frame.row(0, named=True) for of_row in cells]
    return each, answer(pl.concat(cells), asked, source).frame.row(0, named=True)


def _agreements(
    printed: Printed, of: Indicator, funnel: PublishedFunnel, found: tuple[Sequence[_Figures], _Figures]
) -> list[Agreement]:
    ours, whole = found
    own, shown = _per(of.unit_text), _per(printed.unit)
    factor = shown / own if shown and own else 1.0
    _, comparison = _base(printed.indicator)
    if comparison is not None:
        whole, factor = asdict(_compared(comparison, ours, funnel)), shown or 1.0
    labels = [row.label for row in funnel.rows]
    lines = [
        (label, "value", figure, row) for label, figure, row in zip(labels, printed.rows, ours, strict=False)
    ]
    limits = {"value": printed.whole, "low": printed.low, "high": printed.high}
    lines += [("all", part, figure, whole) for part, figure in limits.items()]
    return [
        _agreement(funnel.file, label, printed.indicator, part, figure, row[part], factor)
        for label, part, figure, row in lines
        if figure is not None
    ]


def _label(funnel: PublishedFunnel, number: int) -> str:
    """What our results call that row."""
    label = funnel.rows[number].label
    match funnel.by:
        case "age_group":
            return group_label(label)
        case "area":
            return municipalities()[area_codes()[number]]
        case "round":
            return label if int(label) < 10 else "10+"
        case _:
            return label


def _compared(comparison: Comparison, ours: Sequence[Mapping[str, Any]], funnel: PublishedFunnel) -> Compared:
    """The first row over, or minus, the second."""
    if len(ours) != 2:
        message = f"{funnel.file}: {comparison} compares two rows; the file has {len(ours)}"
        raise Refused("funnel_unreadable", message, file=funnel.file)
    of, to = (Arm(row["numerator"], row["denominator"]) for row in ours)
    if not (of.total and to.total) or (comparison == Comparison.RISK_RATIO and not (of.count and to.count)):
        message = (
            f"{funnel.file}: {comparison} of {of.count} of {of.total} and {to.count} of {to.total} is none"
        )
        raise Refused("funnel_unreadable", message, file=funnel.file)
    return _COMPARED[comparison](of, to)


def _per(unit: str) -> float | None:
    """Of how many a unit tells: 100 for %, 1000 for per 1,000; None where it is no share."""
    if unit.startswith(("%", "percentage points")):
        return 100.0
    found = re.match(r"per ([\d,]+)", unit)
    return float(found[1].replace(",", "")) if found else None


def _agreement(
    file: str, row: str, indicator: str, part: str, printed: Decimal, found: float | None, factor: float
) -> Agreement:
    digits = Decimal(1).scaleb(int(printed.as_tuple().exponent))
    told = None if found is None else Decimal(repr(found * factor)).quantize(digits, rounding=ROUND_HALF_UP)
    return Agreement(
        file, row, indicator, part, str(printed), "none" if told is None else str(told), told == printed
    )


# -- telling it ------------------------------------------------------------------------------------------


def as_text(agreements: Sequence[Agreement]) -> str:
    """One line a figure, those that disagree marked; and how many do."""
    head = ("row", "indicator", "", "printed", "ours", "")
    rows = [
        (
            a.row,
            a.indicator,
            "" if a.part == "value" else a.part,
            a.printed,
            a.computed,
            "" if a.agrees else "DISAGREES",
        )
        for a in agreements
    ]
    widths = [max(len(row[place]) for row in (head, *rows)) for place in range(len(head))]
    lines: list[str] = []
    for file in dict.fromkeys(a.file for a in agreements):
        lines += ["", file, _line(head, widths)]
        lines += [_line(row, widths) for row, a in zip(rows, agreements, strict=True) if a.file == file]
    wrong = sum(not a.agrees for a in agreements)
    return "\n".join([*lines[1:], "", f"{len(agreements)} printed figures, {wrong} disagree."]) + "\n"


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    row, indicator, part, printed, ours, verdict = (
        cell.rjust(width) if place in (3, 4) else cell.ljust(width)
        for place, (cell, width) in enumerate(zip(cells, widths, strict=True))
    )
    return f"{row}  {indicator}  {part}  {printed}  {ours}  {verdict}".rstrip()


def as_json(agreements: Sequence[Agreement]) -> str:
    told = {"figures": [asdict(a) for a in agreements], "disagree": sum(not a.agrees for a in agreements)}
    return json.dumps(told, ensure_ascii=False, indent=1) + "\n"
