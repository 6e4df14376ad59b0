"""National identity numbers: is this one, of which kind; never whose birthday or which sex.

Norwegian numbers follow Skatteetaten: eleven digits, of which the first six once told the birth date
and the last two are control digits. Numbers issued from 2032 admit a remainder of 0 to 3 in the first
control digit, and no longer tell sex or century, so neither is read from any number. Other countries'
numbers are judged by python-stdnum.
"""

from collections.abc import Iterator
from datetime import date
from enum import StrEnum

from stdnum import get_cc_module

from screening.refusals import Refused

_WEIGHTS_1 = (3, 7, 6, 1, 8, 9, 4, 5, 2)
_WEIGHTS_2 = (5, 4, 3, 2, 7, 6, 5, 4, 3, 2)
_RELAXED = 3  # the largest remainder the 2032 rule admits
_MONTH_SERIES = (("fnr", 0), ("dolly", 40), ("dolly_tenor", 65), ("tenor", 80))
_STDNUM_WORDS = {
    "SE": "personnummer",
    "DK": "cpr",
    "FI": "hetu",
    "GB": "nhs",
    "NL": "bsn",
    "EE": "ik",
    "IS": "kennitala",
}


class Kind(StrEnum):
    """What a Norwegian number is; the synthetic series belong to nobody."""

    FNR = "fnr"
    D_NUMBER = "d_number"
    SYNTHETIC = "synthetic"


def norwegian_kind(number: str) -> Kind | None:
    """The kind of a Norwegian number; None where it is none.

    D-numbers add 40 to the day; synthetic numbers add 40 (Dolly), 65 or 80 (Tenor) to the month.
    """
    if len(number) != 11 or not number.isascii() or not number.isdigit() or not _controls_hold(number):
        return None
    day, month, year = int(number[:2]), int(number[2:4]), int(number[4:6])
    temporary = day > 40
    for series, added in _MONTH_SERIES:
        if _is_day(year, month - added, day - 40 * temporary):
            if series != "fnr":
                return Kind.SYNTHETIC
            return Kind.D_NUMBER if temporary else Kind.FNR
    return None


def _is_day(year: int, month: int, day: int) -> bool:
    """In a leap year of some century, since the number no longer tells which."""
    try:
        date(2000 + year, month, day)
    except ValueError:
        return (month, day) == (2, 29) and year == 0
    return True


def _controls_hold(number: str) -> bool:
    digits = [int(character) for character in number]
    total = sum(weight * digit for weight, digit in zip(_WEIGHTS_1, digits, strict=False)) + digits[9]
    second = sum(weight * digit for weight, digit in zip(_WEIGHTS_2, digits, strict=False)) + digits[10]
    return total % 11 <= _RELAXED and second % 11 == 0


def accepted_number(number: str, *, country: str, accept_synthetic: bool) -> str:
    """The number in its canonical form; refuses, without repeating it, what is none."""
    if country == "NO":
        kind = norwegian_kind(number)
        if kind is None:
            raise Refused(
                "national_id_invalid",
                "not a Norwegian national identity number; expected eleven digits that control",
            )
        if kind == Kind.SYNTHETIC and not accept_synthetic:
            raise Refused(
                "national_id_synthetic",
                "a synthetic Norwegian number; this installation does not accept test persons",
            )
        return number
    return _foreign(number, country)


def _foreign(number: str, country: str) -> str:
    module = get_cc_module(country.lower(), _STDNUM_WORDS.get(country, "personalid"))
    if module is None:
        known = ", ".join(["NO", *sorted(_STDNUM_WORDS)])
        raise Refused("country_unknown", f"no rule for identity numbers of {country!r}; there are {known}")
    if not module.is_valid(number):
        raise Refused("national_id_invalid", f"not a national identity number of {country}")
    return module.compact(number)


def synthetic_numbers(born: date) -> Iterator[str]:
    """Every number of the Tenor series for a birth date, in a fixed order; a few hundred each.

    Then those of the other synthetic series, so that a made-up nation does not run out.
    """
    for _, added in reversed(_MONTH_SERIES[1:]):
        for individual in range(999, -1, -1):
            yield from _completed(f"{born.day:02}{born.month + added:02}{born.year % 100:02}{individual:03}")


def _completed(stem: str) -> Iterator[str]:
    """The numbers that begin with these nine digits: up to four, by the remainders the 2032 rule admits."""
    digits = [int(character) for character in stem]
    total = sum(weight * digit for weight, digit in zip(_WEIGHTS_1, digits, strict=True))
    for remainder in range(_RELAXED + 1):
        first = (remainder - total) % 11
        if first < 10:
            sum_2 = sum(weight * digit for weight, digit in zip(_WEIGHTS_2, [*digits, first], strict=True))
            second = -sum_2 % 11
            if second < 10:
                yield f"{stem}{first}{second}"
