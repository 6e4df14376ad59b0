"""Collecting events and obligations in whole columns."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

Days = npt.NDArray[np.int64]  # days since 1970
People = npt.NDArray[np.int64]  # places in the bucket's list of people


class Log:
    """What happened to the people of a bucket, piece by piece."""

    def __init__(self, persons: pl.Series, first: int, end: int) -> None:
        """`persons`: their pseudonyms. Only days from `first` up to and without `end` are kept."""
        self._persons = persons
        self._first, self._end = first, end
        self._events: list[pl.DataFrame] = []
        self._owed: list[pl.DataFrame] = []

    def add(self, kind: str, who: People, day: Days, programme: str, **columns: Any) -> None:
        """One event for each person: on that day, with these columns, each one value or one for each."""
        inside = (day >= self._first) & (day < self._end)
        told = {name: _of(values, inside) for name, values in columns.items()}
        frame = self._framed(who[inside], {"kind": kind, "programme": programme, **told})
        on = _date(day[inside])
        self._events.append(frame.with_columns(date=on, recorded_on=on))

    def owe(
        self, kind: str, who: People, opened: Days, due: Days, programme: str, closed: Days, evidence: str
    ) -> None:
        """One obligation for each person; closed by evidence on that day, open where the day is not before the end."""
        inside = (opened >= self._first) & (opened < self._end)
        done = closed[inside] < self._end
        frame = self._framed(who[inside], {"kind": kind, "programme": programme, "subject": "1"})
        on = pl.select(pl.when(pl.Series(done)).then(_date(closed[inside]))).to_series()
        self._owed.append(
            frame.with_columns(
                episode=_date(opened[inside]),
                opened_on=_date(opened[inside]),
                due_on=_date(due[inside]),
                state=pl.Series(np.where(done, "fulfilled", "open")),
                closed_on=on,
                evidence_on=on,
                evidence=pl.select(pl.when(pl.Series(done)).then(pl.lit(evidence))).to_series(),
            )
        )

    def _framed(self, who: People, columns: Mapping[str, Any]) -> pl.DataFrame:
        fixed = {name: pl.lit(value) for name, value in columns.items() if not isinstance(value, pl.Series)}
        varying = {name: value for name, value in columns.items() if isinstance(value, pl.Series)}
        return pl.DataFrame({"person": self._persons.gather(who), **varying}).with_columns(**fixed)

    def frames(self) -> tuple[pl.DataFrame, pl.DataFrame]:
        return pl.concat(self._events, how="diagonal_relaxed"), pl.concat(self._owed, how="diagonal_relaxed")


def _of(values: Any, inside: npt.NDArray[np.bool_]) -> Any:
    return pl.Series(values[inside]) if isinstance(values, np.ndarray) else values


def _date(days: Days) -> pl.Series:
    return pl.Series(days.astype(np.int32)).cast(pl.Date)
