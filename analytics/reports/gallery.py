"""Every view by its name, and in which order they stand on a page."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from analytics.indicators.catalogue import unknown
from analytics.indicators.model import Stratum
from analytics.reports import views, views_after_referral, views_compared, views_of_all
from analytics.reports.screens import SCREENS
from analytics.reports.views import Look, View
from screening.refusals import NotFound

One = Callable[[Look], View | None]
Several = Callable[[Look], Sequence[View]]

_OF_ALL: Mapping[str, One] = {
    "steps": views_of_all.steps,
    "statuses": views_of_all.statuses,
    "overdue": views_of_all.late,
}
_OF_ONE: Mapping[str, One] = {
    "years": views.years,
    "ages": views.ages,
    "sexes": views.sexes,
    "counties": views.counties,
    "map": views_compared.map_of_counties,
    "months": views_compared.months,
    "waiting": views_compared.waiting,
    "non-attenders": views_compared.non_attenders,
    "spark": views.spark,
    "gauge": views.gauge,
    **{f"gauge-{screen}": partial(views.gauge, screen=screen) for screen in SCREENS},
}
_FAMILIES: Sequence[Several] = (
    views.other_splits,
    views.senders,
    views_compared.funnel_plots,
    views_compared.small_multiples,
    views_after_referral.fates,
)


def view_named(look: Look, name: str) -> View:
    """The view as it is asked for in an address. Refuses an unknown name, and one of which there is nothing to see."""
    of_all = look.asked.indicator is None
    known = _OF_ALL if of_all else _OF_ONE
    if name in known:
        found = known[name](look)
    else:
        family = [] if of_all else [view for several in _FAMILIES for view in several(look)]
        found = next((view for view in family if view.name == name), None)
    if found is None:
        message = unknown("view", name, known)
        raise NotFound("unknown_view", f"{message}; or there is nothing to be seen in it", view=name)
    return found


def sections(look: Look) -> Sequence[tuple[str, Sequence[View]]]:
    """What is shown of one indicator: headings and views that have something to show."""
    multiples = views_compared.small_multiples(look)
    told: list[tuple[str, Sequence[View | None]]] = [
        ("Over time and by age", [views.years(look), *_made(look, views.ages, views.sexes)]),
        ("Month by month", [views_compared.months(look)]),
        ("Where", [views.counties(look), views_compared.map_of_counties(look)]),
        ("Who", [views_compared.non_attenders(look), *views.other_splits(look)]),
        (
            "How long it took, and why some were not seen",
            [views_compared.waiting(look), *views_after_referral.fates(look)],
        ),
        ("Who stands out", [*views_compared.funnel_plots(look), *views.senders(look)]),
        ("Side by side", multiples),
    ]
    kept = [(heading, [view for view in found if view is not None]) for heading, found in told]
    return [(heading, found) for heading, found in kept if found]


def brief(look: Look) -> Sequence[View]:
    """What is shown of an indicator where all of them stand on one page."""
    funnels = [
        views_compared.funnel_plot(look, stratum)
        for stratum in (Stratum.LAB, Stratum.UNIT)
        if look.splits(stratum)
    ]
    found = [views.years(look), views.ages(look), views.counties(look), *funnels]
    return [view for view in found if view is not None]


def _made(look: Look, *makers: One) -> list[View | None]:
    return [make(look) for make in makers]
