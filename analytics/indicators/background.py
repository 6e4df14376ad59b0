"""Incidence without screening, to which detection and interval cancers are compared."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

import msgspec

from screening.protocols import yaml12

_FILE = Path(__file__).with_name("background.yaml")


class Background(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """New cancers in a year of 100,000 people from an age and before another."""

    country: str
    first: int = msgspec.field(name="from")
    before: int
    per_100000: float
    source: str
    verified: bool


@cache
def backgrounds() -> tuple[Background, ...]:
    return tuple(msgspec.convert(yaml12.read(_FILE.read_text(), file=str(_FILE)), list[Background]))


@cache
def yearly_chance() -> Mapping[int, float]:
    """Age -> chance of a woman of that age to be diagnosed with invasive breast cancer within a year."""
    return {
        age: band.per_100000 / 100_000 for band in backgrounds() for age in range(band.first, band.before)
    }
