"""What a page, a picture or a download is asked to show: everything that stands in its address."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlencode

from analytics.indicators.catalogue import indicator as definition
from analytics.indicators.catalogue import no_such, of_programme
from analytics.indicators.model import Indicator, Stratum
from analytics.indicators.period import Period
from analytics.indicators.programmes import PROGRAMMES, Programme
from analytics.indicators.seen import OF_THE_DATA, Seen
from analytics.places import counties
from analytics.reports.words import Language, Wording
from screening.vocabulary import Sample

FILTERS: Mapping[str, Stratum] = {
    "county": Stratum.COUNTY,
    "age_group": Stratum.AGE_GROUP,
    "sex": Stratum.SEX,
    "sample": Stratum.SAMPLE,
    "lab": Stratum.LAB,
    "unit": Stratum.UNIT,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One programme in one period; of it one indicator, or all.

    `only`: the filters, each with its word. `passed_over`: those that the indicator cannot be split by.
    `seen`: which laboratories and units there are to choose from.
    """

    programme: Programme
    period: Period
    indicator: Indicator | None = None
    only: Mapping[str, str]
    passed_over: Mapping[str, str] = field(default_factory=dict[str, str])
    language: Language = Language.ENGLISH
    seen: Seen = field(default_factory=dict[str, Sequence[str]])

    @property
    def say(self) -> Wording:
        return Wording(self.language)

    def query(self, **changes: str | None) -> str:
        """The address' query with these parts changed; empty parts are left out."""
        parts: dict[str, str | None] = {
            "indicator": self.indicator.id if self.indicator else None,
            "period": self.period.text,
            **self.only,
            "lang": self.language.value,
            **changes,
        }
        return urlencode({name: value for name, value in parts.items() if value})

    def key(self) -> tuple[Any, ...]:
        """Two askings with the same one are answered the same."""
        return (self.programme.id, self.query())

    def about(self, indicator: Indicator | None) -> "Asked":
        """The same of another indicator, with those filters that it can be split by."""
        if indicator is None:
            return replace(self, indicator=None)
        kept = {name: word for name, word in self.only.items() if FILTERS[name] in indicator.strata}
        return replace(self, indicator=indicator, only=kept)

    @property
    def where(self) -> Mapping[str, str]:
        return {FILTERS[name].value: word for name, word in self.only.items()}


def asked(
    programme: str,
    period: Period,
    language: Language,
    *,
    indicator: str | None = None,
    filters: Mapping[str, str | None],
    seen: Seen | None = None,
    strict: bool = True,
) -> Asked:
    """Refuses, naming the nearest, an unknown programme, indicator, or word of a filter.

    A filter that the indicator cannot be split by is refused too, or (not `strict`) passed over.
    """
    of_programme(programme)
    of, told = definition(indicator, programme) if indicator else None, PROGRAMMES[programme]
    wanted = {name: word for name, word in filters.items() if word}
    unfit = {name: word for name, word in wanted.items() if of and FILTERS[name] not in of.strata}
    if of and unfit and strict:
        raise no_such("not_split_so", f"stratum of {of.id}", next(iter(unfit)), of.strata, indicator=of.id)
    for name, word in wanted.items():
        known = choices(told, None if name in unfit else of, seen or {})[name]
        if word not in known:
            raise no_such("unknown_filter", name.replace("_", " "), word, known, filter=name)
    only = {name: word for name, word in wanted.items() if name not in unfit}
    return Asked(
        programme=told, period=period, indicator=of, only=only, passed_over=unfit, language=language,
        seen=seen or {},
    )  # fmt: skip


def choices(programme: Programme, of: Indicator | None, seen: Seen) -> Mapping[str, Sequence[str]]:
    """What each filter may be set to; filters that the indicator cannot be split by have no choice."""
    every: dict[str, Sequence[str]] = {
        "county": list(counties().values()),
        "age_group": list(of.ages.labels if of else programme.ages.labels),
        "sex": [sex.value for sex in programme.sexes if len(programme.sexes) > 1],
        "sample": [sample.value for sample in Sample],
        **{name: seen.get(name, []) for name in OF_THE_DATA},
    }
    strata = set(of.strata) if of else {s for one in of_programme(programme.id) for s in one.strata}
    return {name: words if FILTERS[name] in strata else [] for name, words in every.items()}
