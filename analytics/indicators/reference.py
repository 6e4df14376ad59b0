"""Published values to set beside ours; where none was read in a source there is none."""

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

import msgspec

from screening.protocols import yaml12

_FILE = Path(__file__).with_name("reference.yaml")
HOME = "Norway"


class Reference(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One published figure. `comparable` False: the definition differs as `note` says."""

    indicator: str
    programme: str
    where: str
    year: int
    value: float
    unit: str
    comparable: bool
    source: str
    note: str = ""
    stratum: Mapping[str, str] = {}


@cache
def references() -> Sequence[Reference]:
    """All of them, as the file lists them: newest first where there are several of one place."""
    return msgspec.convert(yaml12.read(_FILE.read_text(), file=str(_FILE)), list[Reference])


def published(indicator: str, *, at_home: bool) -> Sequence[Reference]:
    """What Norway (or, not at home, anybody else) has published for this indicator."""
    return [r for r in references() if r.indicator == indicator and (r.where == HOME) == at_home]
