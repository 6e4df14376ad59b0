"""Views of the whole programme: from invited to cancer, where everybody stands, what is overdue, what stands out."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

import polars as pl

from analytics.indicators.catalogue import indicator as definition
from analytics.indicators.catalogue import of_programme
from analytics.indicators.conservation import OVERDUE_BANDS
from analytics.indicators.funnel import NARROWED_BY
from analytics.indicators.model import Indicator, Stratum
from analytics.indicators.period import Period
from analytics.reports import charts, signals
from analytics.reports.chosen import KEY
from analytics.reports.views import Look, Table, View
from analytics.reports.views_compared import FUNNELS, last_months

_STATUSES = {
    "outside": "outside the target population",
    "waiting": "waiting for the next call",
    "due": "due, no call open",
    "invited": "called, no answer yet",
    "in_follow_up": "in follow-up",
    "deferred": "deferred",
    "opted_out": "reserved themselves",
    "ceased": "ceased",
}
_KINDS = {
    "invite": "send information letter",
    "remind": "send reminder",
    "dispatch_kit": "send test kit",
    "replace_kit": "replace kit",
    "give_result": "give result",
    "repeat_test": "repeat test",
    "obtain_triage": "obtain triage test",
    "obtain_result": "obtain result of a kit",
    "read": "read the mammogram",
    "consensus": "decide by consensus",
    "refer": "refer",
    "attend": "be seen after referral",
    "obtain_histology": "obtain histology",
    "treat": "treat",
    "test_of_cure": "test of cure",
    "follow_up_letter": "send follow-up letter",
}


def steps(look: Look) -> View | None:
    """None where `no_steps` says why."""
    if no_steps(look) is not None:
        return None
    say = look.say
    found, cohort = look.counts.steps(look.asked.programme.id, look.asked.period, look.asked.where)
    first = found[0].count
    rows: list[dict[str, Any]] = [
        {"title": say(step.title), "count": step.count, "text": _step_text(step.count, before, look)}
        for step, before in zip(found, [0, *(step.count for step in found[:-1])], strict=True)
    ]
    cut = say.day(look.counts.source.data_cut)
    told = [say("{n} first called in {year}: {last} had cancer found.", n=say.count(first), year=cohort.text,
                last=say.count(found[-1].count))]  # fmt: skip
    if cohort != look.asked.period:
        told.append(
            say("{year} is the latest year whose follow-up is complete on {cut}.", year=cohort.text, cut=cut)
        )
    table = [[row["title"], say.count(row["count"]), say.share(row["count"], first)] for row in rows]
    return View(
        name="steps",
        title=say("People first called in {year}", year=cohort.text),
        told=told,
        table=Table([say(w) for w in ("step", "people", "of those called")], table),
        frame=pl.DataFrame([{"step": step.id, "count": step.count} for step in found]),
        drawing=lambda width: charts.steps(rows, width),
        wide=True,
    )


def no_steps(look: Look) -> str | None:
    """Why nothing can be told from invited to cancer: the filters, or that nobody was called; None where it can."""
    say = look.say
    if not look.asked.where.keys() <= set(NARROWED_BY):
        return say(
            "Those who were called cannot be told apart by these filters: who is called has no test yet."
        )
    found, cohort = look.counts.steps(look.asked.programme.id, look.asked.period, look.asked.where)
    if found[0].count:
        return None
    cut = say.day(look.counts.source.data_cut)
    return say(
        "Nobody was called in {year}, and follow-up of later years is not complete on {day}." if cohort != look.asked.period
        else "Nobody was called in {year}.", year=cohort.text, day=cut,
    )  # fmt: skip


def _step_text(count: int, before: int, look: Look) -> str:
    """The count and, after the first step, its share of the step before."""
    share = f"  ·  {look.say.share(count, before)}" if before else ""
    return f"{look.say.count(count)}{share}"


def lost(look: Look) -> str:
    """Whether everybody has exactly one status that was decided, in a sentence."""
    say, people = look.say, look.counts.people(look.asked.programme.id)
    told = {"people": say.count(people.people), "statuses": say.count(people.people - people.lost)}
    if people.lost == 0:
        return say("{people} people, {statuses} statuses: nobody is lost.", **told)
    return say(
        "{people} people, but {statuses} statuses: {n} without a decision.",
        n=say.count(abs(people.lost)),
        **told,
    )


def statuses(look: Look) -> View:
    say, people = look.say, look.counts.people(look.asked.programme.id)
    rows: list[dict[str, Any]] = [
        {"status": say(_STATUSES[status]), "count": count, "text": say.count(count)}
        for status, count in people.by_status.items()
    ]
    table = [*([row["status"], row["text"]] for row in rows), [say("together"), say.count(people.people)]]
    return View(
        name="statuses",
        title=say("Where everybody stands"),
        told=[lost(look)],
        table=Table([say("status"), say("people")], table),
        frame=pl.DataFrame([{"status": s, "count": n} for s, n in people.by_status.items()]),
        drawing=lambda width: charts.bars(rows, "status", width),
    )


def late(look: Look) -> View | None:
    say, frame = look.say, look.counts.overdue(look.asked.programme.id)
    if frame.is_empty():
        return None
    bands = [say(band) for band in OVERDUE_BANDS]
    rows: list[dict[str, Any]] = [
        {"kind": say(_KINDS[row["kind"]]), "part": say(row["band"]), "count": row["count"]}
        for row in frame.to_dicts()
    ]
    sums: dict[str, int] = {}
    for row in rows:
        sums[row["kind"]] = sums.get(row["kind"], 0) + row["count"]
    rows.sort(key=lambda row: (-sums[row["kind"]], row["kind"]))
    at = {(row["kind"], row["part"]): row["count"] for row in rows}
    table = [
        [kind, *(say.count(at.get((kind, band), 0)) for band in bands)]
        for kind in dict.fromkeys(r["kind"] for r in rows)
    ]
    cut = say.day(look.counts.source.data_cut)
    return View(
        name="overdue",
        title=say("What is overdue on {day}", day=cut),
        told=[say("{n} things owed are overdue.", n=say.count(sum(sums.values())))],
        table=Table([say("owed"), *bands], table),
        frame=frame,
        drawing=lambda width: charts.stacked(rows, "kind", bands, charts.OVERDUE, width, share=False),
    )


MONTHS = "The last twelve months whose follow-up is complete"

# -- what stands out -------------------------------------------------------------------------------


def standing_out(look: Look) -> Mapping[str, Sequence[tuple[str, Sequence[tuple[Indicator, str]]]]]:
    """Heading -> who (or when) -> of which indicators, in words. Laboratories, units and readers of every
    indicator; counties and months of the chosen ones. Each at the time at which it can be judged.
    """
    found: dict[str, Sequence[tuple[str, Sequence[tuple[Indicator, str]]]]] = {}
    for stratum in _BESIDE_EACH_OTHER:
        who = _outside(look, stratum)
        if who:
            found[FUNNELS[stratum]] = sorted(who.items(), key=lambda one: (-len(one[1]), one[0]))
    months = _broken(look)
    if months:
        found[MONTHS] = [("", months)]
    return found


_BESIDE_EACH_OTHER = (Stratum.LAB, Stratum.UNIT, Stratum.READER, Stratum.COUNTY)


def watched(look: Look) -> Iterator[tuple[str, Period, Stratum]]:
    """By what each indicator is watched for what stands out, and when."""
    for stratum in _BESIDE_EACH_OTHER:
        for when, ids in _when(look, stratum).items():
            yield from ((name, when, stratum) for name in ids)
    yield from ((name, last_months(look), Stratum.MONTH) for name in _by_month(look))


def _by_month(look: Look) -> list[str]:
    return [name for name in KEY[look.asked.programme.cancer] if name in _ids(look, Stratum.MONTH)]


def _ids(look: Look, stratum: Stratum) -> list[str]:
    needed = {stratum.value, *look.asked.where}
    key = KEY[look.asked.programme.cancer]
    return [
        of.id
        for of in of_programme(look.asked.programme.id)
        if needed <= {s.value for s in of.strata} and (stratum != Stratum.COUNTY or of.id in key)
    ]


def _when(look: Look, stratum: Stratum) -> Mapping[Period, Sequence[str]]:
    """When each indicator is judged by that stratum; those that cannot be yet are left out."""
    found: dict[Period, list[str]] = {}
    for name in _ids(look, stratum):
        at = look.about(definition(name, look.asked.programme.id)).to_judge()
        if at is not None and stratum.value not in look.asked.where:
            found.setdefault(at.asked.period, []).append(name)
    return found


def not_judged(look: Look) -> Mapping[date, Sequence[Indicator]]:
    """What cannot be judged yet by who did it or where, by the first day on which it can."""
    found: dict[date, list[Indicator]] = {}
    for of in of_programme(look.asked.programme.id):
        about = look.about(of)
        if any(of.id in _ids(look, stratum) for stratum in _BESIDE_EACH_OTHER) and about.to_judge() is None:
            found.setdefault(about.judged_on, []).append(of)
    return dict(sorted(found.items()))


def _outside(look: Look, stratum: Stratum) -> dict[str, list[tuple[Indicator, str]]]:
    name, programme = stratum.value, look.asked.programme.id
    who: dict[str, list[tuple[Indicator, str]]] = {}
    for when, ids in _when(look, stratum).items():
        frame = look.counts.frame(programme, when, by=[name], ids=ids, where=look.asked.where)
        for of in (definition(one, programme) for one in ids):
            rows = frame.filter(pl.col("id") == of.id, pl.col(name) != "unknown")
            for who_, told in _far(
                look.about(of).at(when), signals.outliers(of, rows), name, look.asked.period
            ):
                who.setdefault(who_, []).append((of, told))
    return who


def _far(look: Look, found: signals.Outliers | None, name: str, asked: Period) -> Iterator[tuple[str, str]]:
    """Who lies outside, and how far; with the year, where it is not the one asked for."""
    say, unit, year = look.say, look.of.unit_text, look.other_than(asked)
    for row in found.rows if found else ():
        if found and row["outside"]:
            side, whole = say("high") if row["outside"] > 0 else say("low"), say.figure(found.target, unit)
            value = say.figure(row["value"], unit)
            told = say("{value}, {side}; all together {whole}", value=value, side=side, whole=whole)
            yield row[name], f"{year}: {told}" if year else told


def _broken(look: Look) -> list[tuple[Indicator, str]]:
    ids = _by_month(look)
    if not ids:
        return []
    frame = look.counts.frame(
        look.asked.programme.id, last_months(look), by=["month"], ids=ids,
        where=look.asked.where,
    )  # fmt: skip
    told: list[tuple[Indicator, str]] = []
    for of in of_programme(look.asked.programme.id):
        found = signals.course(of, frame.filter(pl.col("id") == of.id)) if of.id in ids else None
        if found and any(row["special"] for row in found.rows[-12:]):
            told.append((of, " ".join(signals.told_course(found, look.say, last=12))))
    return told
