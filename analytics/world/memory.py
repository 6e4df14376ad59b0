"""What the made-up nation remembers, in a file of its own that survives a crash."""

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import msgspec

_SCHEMA = """
create table if not exists agenda (key text primary key, day text not null, kind text not null, body blob not null,
                                   done integer not null default 0);
create index if not exists agenda_day on agenda (done, day);
"""


def is_working_day(day: date) -> bool:
    """Clinics, laboratories and the post rest on Saturdays and Sundays; no other holidays are kept."""
    return day.weekday() < 5


def _working_day(day: date) -> date:
    """That day, or the Monday after a weekend."""
    return day if is_working_day(day) else day + timedelta(days=7 - day.weekday())


class Deed(msgspec.Struct, frozen=True):
    """Something somebody will do on a day; the same key is the same deed."""

    key: str
    day: date
    kind: str
    body: dict[str, Any]


class Memory:
    """An agenda. Deeds planned twice are one; done ones stay done."""

    def __init__(self, path: Path) -> None:
        self._file = sqlite3.connect(path, check_same_thread=False)
        self._file.execute("pragma journal_mode = wal")
        self._file.execute("pragma synchronous = normal")
        self._file.executescript(_SCHEMA)

    def plan(self, deeds: Iterable[Deed]) -> None:
        """Plan deeds in one commit; what falls on a weekend is done on Monday."""
        planned = [
            (one.key, _working_day(one.day).isoformat(), one.kind, msgspec.json.encode(one.body))
            for one in deeds
        ]
        with self._file:
            self._file.executemany(
                "insert or ignore into agenda (key, day, kind, body) values (?, ?, ?, ?)", planned
            )

    def due(self, day: date) -> list[Deed]:
        """Everything planned up to that day and not done, in a fixed order."""
        query = "select key, day, kind, body from agenda where done = 0 and day <= ? order by day, key"
        with closing(self._file.execute(query, (day.isoformat(),))) as rows:
            return [
                Deed(key, date.fromisoformat(on), kind, msgspec.json.decode(body))
                for key, on, kind, body in rows
            ]

    def done(self, kind: str) -> list[Deed]:
        """Everything of that kind that was done."""
        query = "select key, day, kind, body from agenda where done = 1 and kind = ? order by day, key"
        with closing(self._file.execute(query, (kind,))) as rows:
            return [
                Deed(key, date.fromisoformat(on), word, msgspec.json.decode(body))
                for key, on, word, body in rows
            ]

    def keys(self) -> set[str]:
        """The names of everything ever planned."""
        with closing(self._file.execute("select key from agenda")) as rows:
            return {row[0] for row in rows}

    def did(self, deeds: Iterable[Deed]) -> None:
        with self._file:
            self._file.executemany("update agenda set done = 1 where key = ?", [(one.key,) for one in deeds])

    def close(self) -> None:
        self._file.close()
