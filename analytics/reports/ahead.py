"""What the views of a page will ask for one after another, told beforehand: one reading of the dataset answers it all."""

from collections.abc import Iterator, Sequence

from analytics.indicators.model import TIMES, Indicator, Stratum
from analytics.reports import views_compared
from analytics.reports.counts import Split
from analytics.reports.views import Look
from analytics.reports.views_of_all import watched

_BRIEFLY = (Stratum.AGE_GROUP, Stratum.COUNTY, Stratum.LAB, Stratum.UNIT)


def ask_ahead(look: Look, fully: Sequence[Indicator], briefly: Sequence[Indicator] = ()) -> None:
    """Has counted what every view of some indicators asks for, and the few of others.

    What is forgotten here is counted when it is asked for, later and by itself.
    """
    asked, years = look.asked, look.years()
    before = years.years()[-2:][0]  # shown where the follow-up of the last is not complete
    wanted = [Split((), when, (), asked.where) for when in (asked.period, before)]
    wanted.append(Split((), years, ("year",), asked.where))
    if asked.indicator is None:
        wanted += (Split((name,), when, (by.value,), asked.where) for name, when, by in watched(look))
    for of in (*fully, *briefly):
        about = look.about(of)
        wanted += _of_one(about, [s for s in Stratum if s not in TIMES] if of in fully else _BRIEFLY)
        wanted += _over_the_years(about) if of in fully else ()
    look.counts.ahead(asked.programme.id, wanted)


def _of_one(look: Look, strata: Sequence[Stratum]) -> Iterator[Split]:
    """With each filter, and without it: the words it leaves out are shown beside the one it keeps."""
    ids, where = (look.of.id,), look.asked.where
    for kept in (where, *(_free(look, Stratum(name)) for name in where)):
        yield Split(ids, look.asked.period, (), kept)
        yield Split(ids, look.years(), ("year",), kept)
    for stratum in strata:
        yield Split(ids, look.asked.period, (stratum.value,), _free(look, stratum))


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
