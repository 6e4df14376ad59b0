"""The true numbers of a release as files that stay inside: what it is made from again, and what later ones protect."""

import io
from collections.abc import Mapping, Sequence

import msgspec
import polars as pl

from analytics.disclosure.cells import Cell, Place, What
from analytics.disclosure.judge import Verdict
from analytics.disclosure.together import Told

_COLUMNS = {
    "indicator": pl.String, "definition": pl.String, "period": pl.String, "words": pl.String, "what": pl.String,
    "value": pl.Int64, "hidden": pl.Boolean, "low": pl.Int64, "high": pl.Int64,
}  # fmt: skip


def frozen(verdict: Verdict) -> bytes:
    """Every number, whether it is hidden, and the interval that must stay possible where it is sensitive."""
    nothing = (None, None)
    rows = [
        (*cell.place[:3], _words(cell.place), cell.what.value, value, cell in verdict.hidden,
         *verdict.sensitive.get(cell, nothing))
        for cell, value in verdict.cells.items()
    ]  # fmt: skip
    return parquet(pl.DataFrame(rows, schema=_COLUMNS, orient="row"))


def thawed(content: bytes) -> Verdict:
    cells: dict[Cell, int] = {}
    hidden: set[Cell] = set()
    sensitive: dict[Cell, tuple[int, int]] = {}
    for name, definition, period, words, what, value, is_hidden, low, high in pl.read_parquet(
        io.BytesIO(content)
    ).iter_rows():
        place = Place(name, definition, period, msgspec.json.decode(words, type=tuple[tuple[str, str], ...]))
        cell = Cell(place, What(what))
        cells[cell] = value
        if is_hidden:
            hidden.add(cell)
        if low is not None:
            sensitive[cell] = (low, high)
    return Verdict(cells, frozenset(hidden), sensitive)


def told(content: bytes) -> Told:
    """What readers of that release know."""
    verdict = thawed(content)
    return Told(verdict.cells, verdict.shown, verdict.sensitive)


def numbers(cells: Mapping[Cell, int]) -> bytes:
    """Numbers of which none was ever told."""
    return frozen(Verdict(cells, frozenset(cells), {}))


def parquet(frame: pl.DataFrame) -> bytes:
    written = io.BytesIO()
    frame.write_parquet(written)
    return written.getvalue()


def _words(place: Place) -> str:
    return msgspec.json.encode(place.words).decode()


def words_of(words: Sequence[tuple[str, str]]) -> str:
    """For people: Oslo, 25-29."""
    return ", ".join(word for _, word in words)
