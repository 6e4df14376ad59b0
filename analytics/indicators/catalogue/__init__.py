"""Every indicator there is, and how to ask for it.

Ids of the source catalogue stand in `sources`. Standards marked unverified are shown as such.
"""

import copyreg
from collections.abc import Callable, Iterable, Mapping, Sequence
from difflib import SequenceMatcher

from analytics.indicators.catalogue import bowel, breast, cervical
from analytics.indicators.model import Indicator
from analytics.indicators.programmes import PROGRAMMES, Programme
from screening.refusals import NotFound, Refused
from screening.vocabulary import Cancer

NO_CERVICAL = "no-cervical"


def defined_for(programme: Programme) -> dict[str, Indicator]:
    """Id -> indicator of that programme, which need not be one of those in service."""
    return {of.id: of for of in _DEFINED[programme.cancer](programme)}


_DEFINED: Mapping[Cancer, Callable[[Programme], list[Indicator]]] = {
    Cancer.CERVICAL: cervical.indicators,
    Cancer.BREAST: breast.indicators,
    Cancer.COLORECTAL: bowel.indicators,
}
# programme -> id -> indicator, in the order in which a person meets them
CATALOGUE: Mapping[str, Mapping[str, Indicator]] = {
    name: defined_for(programme) for name, programme in PROGRAMMES.items()
}


def programmes() -> Sequence[str]:
    return list(CATALOGUE)


def indicator(name: str, programme: str | None = None) -> Indicator:
    """The definition of that id, by the first programme that has it where none is named.

    Refuses an unknown one, naming the nearest.
    """
    known = {of.id: of for offered in _offered(programme) for of in offered.values()}
    if name not in known:
        raise no_such("unknown_indicator", "indicator", name, known, of=NotFound, indicator=name)
    return known[name]


def _offered(programme: str | None) -> Sequence[Mapping[str, Indicator]]:
    """Later ones give way to earlier ones."""
    return list(CATALOGUE.values())[::-1] if programme is None else [_catalogue(programme)]


def _named(of: Indicator) -> tuple[Callable[[str, str], Indicator], tuple[str, str]]:
    """To another process an indicator goes by its name: how it counts is functions, which do not travel."""
    if CATALOGUE.get(of.programme.id, {}).get(of.id) is not of:
        raise ValueError(
            f"{of.id} of {of.programme.id} is not the one of the catalogue; count it in this process"
        )
    return indicator, (of.id, of.programme.id)


copyreg.pickle(Indicator, _named)


def of_programme(programme: str) -> Sequence[Indicator]:
    """All indicators of a programme, in the order in which a person meets them."""
    return list(_catalogue(programme).values())


def _catalogue(programme: str) -> Mapping[str, Indicator]:
    if programme not in CATALOGUE:
        raise no_such("unknown_programme", "programme", programme, CATALOGUE, programme=programme)
    return CATALOGUE[programme]


def unknown(what: str, came: str, known: Iterable[str]) -> str:
    """One line: what came, the nearest thing known, and all that is known."""
    listed = [str(word) for word in known]  # also where words are members of an enumeration
    near = _nearest(came, listed)
    hint = f"did you mean {near!r}? " if near else ""
    return f"no {what} {str(came)!r}; {hint}known: {', '.join(listed)}"


def no_such(
    code: str, what: str, came: str, known: Iterable[str], *, of: type[Refused] = Refused, **facts: str
) -> Refused:
    """The refusal that says so, with its particulars as facts too: whoever tells it in another language needs them."""
    listed = [str(word) for word in known]
    told = {"what": what, "came": str(came), "near": _nearest(came, listed), "known": ", ".join(listed)}
    return of(code, unknown(what, came, listed), **facts, **told)


def _nearest(came: str, listed: Sequence[str]) -> str:
    """Empty where nothing is alike."""
    alike = {word: SequenceMatcher(None, came, word).ratio() for word in listed}
    near = max(listed, key=lambda word: alike[word], default="")
    return near if near and alike[near] >= 0.5 else ""
