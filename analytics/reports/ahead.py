"""What the views of a page will ask for one after another, told beforehand: one reading of the dataset answers it all."""

from collections.abc import Iterator, Sequence

from analytics.indicators.catalogue import of_programme
from analytics.indicators.model import TIMES, Indicator, Stratum
from analytics.reports import views_compared
from analytics.reports.asked import FILTERS
from analytics.reports.counts import Split
from analytics.reports.screens import told_apart
from analytics.reports.views import Look
from analytics.reports.views_of_all import watched

_BRIEFLY = (Stratum.AGE_GROUP, Stratum.COUNTY, Stratum.LAB, Stratum.UNIT)


def ask_ahead(look: Look, fully: Sequence[Indicator], briefly: Sequence[Indicator] = ()) -> None:
    """Has counted what every view of some indicators asks for, and the few of others.

    What is forgotten here is counted when it is asked for, later and by itself.
    """
    asked, years = look.asked, look.years()
    wanted = [Split((), asked.period, (), asked.where), Split((), years, ("year",), asked.where)]
    if asked.indicator is None:
        wanted += (Split((name,), when, (by.value,), asked.where) for name, when, by in watched(look))
        wanted += (split for of in _held(look) for split in _judged(look.about(of)))
    for of in (*fully, *briefly):
        about = look.about(of)
        wanted += _of_one(about, [s for s in Stratum if s not in TIMES] if of in fully else _BRIEFLY)
        wanted += _over_the_years(about) if of in fully else ()
    look.counts.ahead(asked.programme.id, wanted)


def _held(look: Look) -> list[Indicator]:
    """Those of the programme's page that have standards."""
    needed = {FILTERS[name] for name in look.asked.only}
    every = of_programme(look.asked.programme.id)
    return [of for of in every if of.standards and needed <= set(of.strata)]


def _judged(look: Look) -> Iterator[Split]:
    """Against its standards, at the time at which it can be."""
    at = look.to_judge() or look
    if at.other_than(look.asked.period):
        yield Split((look.of.id,), at.asked.period, (), look.asked.where)
    if told_apart(look.of):
        yield Split((look.of.id,), at.asked.period, (Stratum.SCREEN.value,), look.asked.where)


def _of_one(look: Look, strata: Sequence[Stratum]) -> Iterator[Split]:
    """With each filter, and without it: the words it leaves out are shown beside the one it keeps."""
    ids, where = (look.of.id,), look.asked.where
    when = (look.to_judge() or look).asked.period
    for kept in (where, *(_free(look, Stratum(name)) for name in where)):
        yield Split(ids, when, (), kept)
        yield Split(ids, look.years(), ("year",), kept)
    yield from _judged(look)
    for stratum in strata:
        yield Split(ids, when, (stratum.value,), _free(look, stratum))


def _over_the_years(look: Look) -> Iterator[Split]:
    ids = (look.of.id,)
    yield Split(ids, views_compared.last_months(look), (Stratum.MONTH.value,), look.asked.where)
    for stratum in views_compared.MULTIPLES:
        yield Split(ids, look.years(), (stratum.value, "year"), _free(look, stratum))
    curve = views_compared.curve_of(look)
    if curve is not None:
        yield from (
            Split((curve[0].id,), year, (), look.asked.where) for year in views_compared.waited_in(look)
        )


def _free(look: Look, stratum: Stratum) -> dict[str, str]:
    return {name: word for name, word in look.asked.where.items() if name != stratum.value}
