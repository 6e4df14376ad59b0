"""Is it better than the year before? Told of years whose follow-up is complete, with what chance alone would do."""

from collections.abc import Mapping, Sequence
from math import hypot
from typing import Any

from analytics.indicators.model import Anchor, Direction, Indicator
from analytics.reports.words import Wording

Row = Mapping[str, Any]
FEW = 10  # figures of fewer are shown, but nobody is called highest, lowest or changed because of them
_SURE = 1.0  # times the 95 % limits of the difference
STRICT = 3.090232 / 1.959964  # the 99.8 % limits: among many compared, one in twenty lies outside the others
_SAME_PEOPLE = (Anchor.END_OF_PERIOD, Anchor.WHOLE_PERIOD)


def few(row: Row) -> bool:
    return row["denominator"] < FEW


def differs(now: Row, before: Row, limit: float = _SURE) -> bool:
    """Whether two figures of different people lie further apart than chance explains.

    From their own intervals (Zou and Donner's MOVER; of two Wilson intervals it is Newcombe's method 10).
    """
    higher, lower = (now, before) if now["value"] >= before["value"] else (before, now)
    if None in (higher["low"], lower["high"]):
        return False
    reach = hypot(higher["value"] - higher["low"], lower["high"] - lower["value"])
    return higher["value"] - lower["value"] > limit * reach


def last_two(yearly: Sequence[Row], last: int) -> tuple[Row, Row] | None:
    """The latest complete year up to `last` and the year before it; None where one of them has no figure."""
    known = {
        int(row["year"]): row
        for row in yearly
        if row["mature"] and row["value"] is not None and row["denominator"] > 0 and int(row["year"]) <= last
    }
    latest = max(known, default=0)
    return (known[latest], known[latest - 1]) if latest - 1 in known else None


def told_change(now: Row, before: Row, of: Indicator, say: Wording, *, asked: str) -> tuple[str, str]:
    """The sentence, and what kind of change it is: better, worse, moved, same.

    `asked`: the period that the page shows; where it is another one than `now`, the sentence names its year.
    """
    kind = _kind(now, before, of)
    phrase = {
        "better": "better than in {year} ({value})", "worse": "worse than in {year} ({value})",
        "higher": "higher than in {year} ({value})", "lower": "lower than in {year} ({value})",
        "same": "no sure change from {year} ({value})", "beside": "{value} in {year}",
    }[kind]  # fmt: skip
    text = say(phrase, year=before["year"], value=say.figure(before["value"], of.unit_text))
    if now["year"] != asked:
        text = f"{now['year']}: {say.figure(now['value'], of.unit_text)}, {text}"
    return text[0].upper() + text[1:], kind


def _kind(now: Row, before: Row, of: Indicator) -> str:
    """Figures of those who live here at the end of a year are largely of the same people: no chance is reckoned."""
    if of.anchor in _SAME_PEOPLE:
        return "beside"
    if not differs(now, before):
        return "same"
    up = now["value"] > before["value"]
    wanted = {standard.direction for standard in of.standards}
    if len(wanted) == 1:
        return "better" if up == (wanted == {Direction.AT_LEAST}) else "worse"
    return "higher" if up else "lower"
