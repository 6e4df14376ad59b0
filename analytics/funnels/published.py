"""A published funnel as its file tells it: counts by row, and the figures printed with them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, cast

import yaml

from analytics.indicators.catalogue import unknown
from screening.protocols import yaml12
from screening.refusals import Refused
from screening.vocabulary import Cancer

STRATA = ("round", "age_group", "year", "area", "arm")
_ANYWHERE = ("population", "invited", "tested", "tested_in_window", "positive", "abnormal", "assessed", "referred",
             "treated", "cancer", "interval_invasive", "interval_dcis", "interval_unknown")  # fmt: skip
WORDS: Mapping[Cancer, tuple[str, ...]] = {
    Cancer.CERVICAL: (*_ANYWHERE, "cin2_plus", "high_grade", "high_grade_cytology", "high_grade_histology_within_6_months"),
    Cancer.COLORECTAL: (*_ANYWHERE, "advanced_adenoma", "non_advanced_adenoma"),
    Cancer.BREAST: (
        *_ANYWHERE, "screen_detected", "screen_detected_invasive", "screen_detected_dcis", "screen_detected_unknown",
        "screen_detected_discordant", "interval_after_dismissal", "false_positive", "false_positive_invasive_procedure",
        "discordant", "concordant_positive", "dismissed_at_consensus",
    ),
}  # fmt: skip
_MOST = 100_000_000  # people in one row: more than any programme has called
_KEYS = ("title", "source", "programme", "note", "by", "rows", "published")


@dataclass(frozen=True, slots=True)
class Printed:
    """The figures of one indicator: by row (None where none was printed), for all rows, and limits of the latter."""

    indicator: str
    unit: str
    rows: Sequence[Decimal | None]
    whole: Decimal | None
    low: Decimal | None
    high: Decimal | None


@dataclass(frozen=True, slots=True)
class Row:
    """`label`: what the row stands for in `by`; counts by word."""

    label: str
    counts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class PublishedFunnel:
    file: str
    title: str
    source: str
    cancer: Cancer
    by: str | None
    rows: Sequence[Row]
    printed: Sequence[Printed]


def read_funnel(path: Path) -> PublishedFunnel:
    """The file's content; refuses, naming file, line and the nearest known, a word that is not known."""
    try:
        text = path.read_text()
    except OSError as error:
        raise Refused("no_funnel", f"{path}: cannot be read ({error.strerror})", file=str(path)) from error
    except UnicodeDecodeError as error:
        raise Refused("no_funnel", f"{path}: is no text in UTF-8 ({error.reason})", file=str(path)) from error
    yaml12.read(text, file=str(path))
    # numbers stay text, so that 10.0 is known to have been printed with a digit after the point
    return _Reader(str(path), text).funnel(yaml.load(text, Loader=yaml.CBaseLoader))  # noqa: S506  builds only text


@dataclass(frozen=True, slots=True)
class _Reader:
    file: str
    text: str

    def funnel(self, told: Any) -> PublishedFunnel:
        if not isinstance(told, dict):
            raise self.refused("", "expected a funnel with title, source, programme, rows and published")
        held: dict[str, Any] = told
        for key in held:
            if key not in _KEYS:
                raise self.refused(f".{key}", unknown("key of a funnel", key, _KEYS))
        cancer = self._cancer(str(held.get("programme", "")))
        by = held.get("by")
        if by is not None and (not isinstance(by, str) or by not in STRATA):
            raise self.refused(".by", unknown("stratum", str(by), STRATA))
        rows = [
            self._row(row, number, cancer, by)
            for number, row in enumerate(self._list(held.get("rows"), ".rows"))
        ]
        self._refuse_too_many(rows)
        figures = self._mapping(held.get("published") or {}, ".published")
        printed = [self._printed(name, told, len(rows)) for name, told in figures.items()]
        title, source = (str(held.get(key, "")) for key in ("title", "source"))
        return PublishedFunnel(self.file, title, source, cancer, by, rows, printed)

    def _mapping(self, told: Any, path: str) -> Mapping[str, Any]:
        if not isinstance(told, dict):
            raise self.refused(path, f"{told!r}; expected names with their values, as in {{tested: 5}}")
        return cast("dict[str, Any]", told)

    def _refuse_too_many(self, rows: Sequence[Row]) -> None:
        most = max(count for row in rows for count in (*row.counts.values(), 0))
        if most > _MOST:
            raise self.refused(".rows", f"{most:,} people in one row; at most {_MOST:,} can be made")

    def _cancer(self, word: str) -> Cancer:
        if word not in set(Cancer):
            raise self.refused(".programme", unknown("programme", word, Cancer))
        return Cancer(word)

    def _list(self, told: Any, path: str) -> list[Any]:
        if not isinstance(told, list) or not told:
            raise self.refused(path, "expected a list of rows, each with its counts")
        return told

    def _row(self, held: Any, number: int, cancer: Cancer, by: str | None) -> Row:
        path = f".rows[{number}]"
        told, counts = self._mapping(held, path), dict[str, int]()
        for word, count in told.items():
            if word == by:
                continue
            if word not in WORDS[cancer]:
                raise self.refused(
                    f"{path}.{word}", unknown(f"count in {cancer} screening", word, WORDS[cancer])
                )
            if not isinstance(count, str) or not count.isdecimal():
                raise self.refused(f"{path}.{word}", f"{word} is {count!r}; expected a whole number")
            counts[word] = int(count)
        if by is not None and not isinstance(told.get(by), str):
            raise self.refused(path, f"the row does not say its {by}")
        return Row(told[by] if by else str(number + 1), counts)

    def _printed(self, name: str, held: Any, rows: int) -> Printed:
        path = f".published.{name}"
        told = self._mapping(held, path)
        for key in told:
            if key not in ("unit", "rows", "all", "low", "high"):
                raise self.refused(
                    f"{path}.{key}", unknown("key", key, ("unit", "rows", "all", "low", "high"))
                )
        figures: Any = told.get("rows") or []
        if not isinstance(figures, list):
            raise self.refused(f"{path}.rows", f"{figures!r}; expected a list, one figure a row")
        by_row = [self._number(x, f"{path}.rows") for x in cast("list[Any]", figures)]
        if by_row and len(by_row) != rows:
            raise self.refused(f"{path}.rows", f"{name} has {len(by_row)} figures for {rows} rows")
        whole, low, high = (self._number(told.get(key), f"{path}.{key}") for key in ("all", "low", "high"))
        return Printed(name, str(told.get("unit", "")), by_row, whole, low, high)

    def _number(self, text: Any, path: str) -> Decimal | None:
        if text in (None, "", "null", "~"):
            return None
        try:
            number = Decimal(str(text))
        except InvalidOperation as error:
            raise self.refused(path, f"{text!r} is no number") from error
        if not number.is_finite():
            raise self.refused(path, f"{text!r} is no number that can be printed")
        return number

    def refused(self, path: str, message: str) -> Refused:
        line = yaml12.line_of(self.text, path)
        return Refused("funnel_unreadable", f"{self.file}:{line}: {message}", file=self.file, line=line)
