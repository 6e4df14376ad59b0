"""The register's feed: lines of CSV, NDJSON or Parquet, each the state of one person as of now."""

import csv
import io
import re
from collections.abc import Iterator, Mapping
from datetime import date
from enum import StrEnum
from typing import IO, Any, Literal

import msgspec
import polars as pl

from screening.people.national_id import accepted_number
from screening.refusals import Refused
from screening.vocabulary import Sex


class FeedFormat(StrEnum):
    CSV = "csv"
    NDJSON = "ndjson"
    PARQUET = "parquet"


class Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One person as the register knows them. `event_date`: the day on which what is new took effect.

    `resident_since`: the day they last came to live in the country; None: since birth. `merged_into`:
    the number of the person this one was found to be.
    """

    national_id: str
    born: date
    sex: Sex
    name: str
    country: str = "NO"
    language: Literal["nb", "en"] = "nb"
    address: str | None = None
    postcode: str | None = None
    post_town: str | None = None
    municipality: str | None = None
    resident_since: date | None = None
    protected_address: bool = False
    digital_mailbox: bool = False
    emigrated_on: date | None = None
    died_on: date | None = None
    merged_into: str | None = None
    event_date: date | None = None


class Rejection(msgspec.Struct, frozen=True):
    """A line that was refused: its number in the file as a text editor counts (in Parquet: the row), why, and as it came."""

    line: int
    code: str
    message: str
    raw: str


Parsed = tuple[int, Line | Rejection]
_COLUMNS = frozenset(Line.__struct_fields__)
_MANDATORY = frozenset({"national_id", "born", "sex", "name"})
_AT = re.compile(r"at `\$\.(\w+)`")
_MUNICIPALITY = re.compile(r"\d{4}", re.ASCII)  # a spreadsheet drops the zero of 0301, Oslo
_NUMBER_LIKE = re.compile(r"\d{5}")
_DAY = " is not a day; expected YYYY-MM-DD"
_YES_OR_NO = "; expected true or false"
_EXPECTED: Mapping[str, str] = {
    **dict.fromkeys(("born", "resident_since", "emigrated_on", "died_on", "event_date"), _DAY),
    **dict.fromkeys(("protected_address", "digital_mailbox"), _YES_OR_NO),
    "sex": f"; expected {' or '.join(Sex)}",
    "language": "; expected nb or en",
}
_BOM = b"\xef\xbb\xbf"
# Bytes read at once, and the longest line: a file of any size passes through little memory.
_PIECE = _LONGEST_LINE = 1024 * 1024
_ROWS = 5000  # of a Parquet file at once
_BOOLEANS = {"true": True, "false": False, "1": True, "0": False, "": False}


def absent_columns(file: IO[bytes], form: FeedFormat) -> frozenset[str]:
    """What a file with a header says nothing about, for anybody; each line of NDJSON is a whole state by itself."""
    file.seek(0)
    match form:
        case FeedFormat.CSV:
            _, first = next(_lines(file), (1, b""))
            named = next(
                csv.reader([first.removeprefix(_BOM).decode("utf-8", errors="replace")]), list[str]()
            )
        case FeedFormat.PARQUET:
            named = _parquet_columns(file)
        case FeedFormat.NDJSON:
            return frozenset()
    return _COLUMNS - frozenset(named)


def parse_feed(file: IO[bytes], form: FeedFormat, *, today: date, accept_synthetic: bool) -> Iterator[Parsed]:
    """Each line, judged by itself; (number, line or rejection). The file is read as its lines are asked for.

    Refuses the whole file only where no line could be told from another: a missing header, an unknown
    column, a file that is not of its format, a line of more than a megabyte.
    """
    file.seek(0)
    for number, raw, record in _records(file, form):
        if isinstance(record, Refused):
            yield number, Rejection(number, record.code, record.message, raw)
            continue
        try:
            yield (
                number,
                _sound(msgspec.convert(record, Line, strict=False), today, accept_synthetic=accept_synthetic),
            )
        except msgspec.ValidationError as error:
            told = f"line {number}: {_explained(error, record)}"
            yield number, Rejection(number, "line_malformed", told, raw)
        except Refused as refused:
            yield number, Rejection(number, refused.code, f"line {number}: {refused.message}", raw)


def _explained(error: msgspec.ValidationError, record: dict[str, Any]) -> str:
    """What stood there and what is expected; a value that may be somebody's number is not repeated."""
    at = _AT.search(str(error))
    expected = _EXPECTED.get(at[1]) if at else None
    if at is None or expected is None:
        return str(error)
    said = str(record[at[1]])
    return f"{at[1]}{expected}" if _NUMBER_LIKE.search(said) else f"{at[1]}: {said[:20]!r}{expected}"


Records = Iterator[tuple[int, str, dict[str, Any] | Refused]]


def _records(file: IO[bytes], form: FeedFormat) -> Records:
    match form:
        case FeedFormat.CSV:
            return _csv(file)
        case FeedFormat.NDJSON:
            return _ndjson(file)
        case FeedFormat.PARQUET:
            return _parquet(file)


def _lines(file: IO[bytes]) -> Iterator[tuple[int, bytes]]:
    """(number, line without its end)."""
    number, rest = 0, b""
    while piece := file.read(_PIECE):
        # the last is known to be whole only at the end of the file: half a line, or half of its end
        *whole, rest = (rest + piece).splitlines(keepends=True)
        for line in whole:
            number += 1
            yield number, line.rstrip(b"\r\n")
        if len(rest) > _LONGEST_LINE:
            told = f"line {number + 1}: longer than {_LONGEST_LINE:,} bytes; expected one person a line"
            raise Refused("line_too_long", told)
    if rest:
        yield number + 1, rest.rstrip(b"\r\n")


def _csv(file: IO[bytes]) -> Records:
    header: list[str] | None = None
    for number, raw_bytes in _lines(file):
        text = raw_bytes.decode("utf-8", errors="replace")
        if header is None:
            header = _header(next(csv.reader([text.removeprefix(_BOM.decode())]), []))
            continue
        if not text.strip():
            continue
        yield number, text, _csv_line(header, raw_bytes, number)
    if header is None:
        raise Refused(
            "feed_empty", f"the file is empty; expected a header with {', '.join(sorted(_MANDATORY))}"
        )


def _csv_line(header: list[str], raw: bytes, number: int) -> dict[str, Any] | Refused:
    try:
        cells = next(csv.reader(io.StringIO(raw.decode("utf-8")), strict=True))
    except UnicodeDecodeError as error:
        return Refused("not_utf8", f"line {number}: byte {error.start + 1} is not UTF-8; the feed must be")
    except csv.Error as error:
        return Refused("line_malformed", f"line {number}: {error}")
    if len(cells) != len(header):
        return Refused("line_malformed", f"line {number}: {len(cells)} cells; the header has {len(header)}")
    record: dict[str, Any] = {name: cell for name, cell in zip(header, cells, strict=True) if cell}
    for name in ("protected_address", "digital_mailbox"):
        if name in record and record[name].lower() in _BOOLEANS:
            record[name] = _BOOLEANS[record[name].lower()]
    return record


def _header(names: list[str]) -> list[str]:
    unknown, missing = sorted(set(names) - _COLUMNS), sorted(_MANDATORY - set(names))
    if unknown or missing:
        complaint = [f"unknown column {name}" for name in unknown] + [f"no column {name}" for name in missing]
        raise Refused(
            "feed_columns", f"header: {'; '.join(complaint)}; columns are {', '.join(sorted(_COLUMNS))}"
        )
    return names


def _ndjson(file: IO[bytes]) -> Records:
    for number, raw in _lines(file):
        if not raw.strip():
            continue
        text = raw.decode("utf-8", errors="replace")
        try:
            record = msgspec.json.decode(raw)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            yield number, text, Refused("line_malformed", f"line {number}: not JSON: {error}")
            continue
        if not isinstance(record, dict):
            yield number, text, Refused("line_malformed", f"line {number}: expected a JSON object")
            continue
        yield number, text, record


def _parquet(file: IO[bytes]) -> Records:
    for number, record in enumerate(_rows(file), start=1):
        filled = {name: value for name, value in record.items() if value is not None}
        yield number, msgspec.json.encode(filled).decode(), filled


def _rows(file: IO[bytes]) -> Iterator[dict[str, Any]]:
    _header(_parquet_columns(file))
    file.seek(0)
    try:
        for some in pl.scan_parquet(file).collect_batches(chunk_size=_ROWS, maintain_order=True):
            yield from some.iter_rows(named=True)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise Refused("feed_unreadable", f"not a whole Parquet file: {error}") from error


def _parquet_columns(file: IO[bytes]) -> list[str]:
    try:
        return list(pl.read_parquet_schema(file))
    except (pl.exceptions.PolarsError, OSError) as error:
        raise Refused("feed_unreadable", f"not a Parquet file: {error}") from error


def _sound(line: Line, today: date, *, accept_synthetic: bool) -> Line:
    """The line with its number in canonical form; refuses what cannot be true of anybody."""
    number = accepted_number(line.national_id, country=line.country, accept_synthetic=accept_synthetic)
    if line.born > today:
        raise Refused("born_in_future", f"born {line.born}, after {today}")
    for name in ("resident_since", "emigrated_on", "died_on", "event_date"):
        day: date | None = getattr(line, name)
        if day is not None and not line.born <= day <= today:
            raise Refused("impossible_date", f"{name} {day}; expected from birth {line.born} to {today}")
    if line.died_on and line.resident_since and line.died_on < line.resident_since:
        raise Refused(
            "impossible_date", f"died_on {line.died_on} lies before resident_since {line.resident_since}"
        )
    if line.country == "NO" and line.municipality and not _MUNICIPALITY.fullmatch(line.municipality):
        raise Refused("municipality_malformed", "municipality: expected its four digits, as 0301")
    if not line.name.strip():
        raise Refused("name_missing", "name is empty")
    if line.merged_into is not None and line.merged_into == line.national_id:
        raise Refused("merge_into_itself", "merged_into is the person's own number")
    return msgspec.structs.replace(line, national_id=number)
