"""Results as delimited text: one line each, with the columns of a posted result."""

import csv
import io
from collections.abc import Mapping, Sequence
from datetime import date

import msgspec

from labs.json_results import PostedResult, read_posted
from labs.results import DATA_TYPE, REQUIRED_MISSING, Fault, Reading, refused
from screening.refusals import Refused

COLUMNS = PostedResult.__struct_fields__
_MANDATORY = ("message_id", "person", "specimen", "taken_on", "test")
_DELIMITERS = ",;\t|"


def header_of(line: str) -> tuple[str, list[str]]:
    """The delimiter and the columns of a file; refuses a header that misses some, or holds others."""
    delimiter = max(_DELIMITERS, key=line.count)
    columns = [name.strip() for name in next(csv.reader([line], delimiter=delimiter), [])]
    unknown = [name for name in columns if name not in COLUMNS]
    missing = [name for name in _MANDATORY if name not in columns]
    if unknown or missing or len(set(columns)) != len(columns):
        expected = f"{', '.join(_MANDATORY)}, and may be others of {', '.join(COLUMNS)}"
        raise Refused("columns_wrong", f"line 1: columns {', '.join(columns)[:200]}; expected {expected}")
    return delimiter, columns


def read_csv(raw: bytes, *, laboratory: str, today: date) -> Reading:
    """What the second line says, by the columns that the first names, or why it cannot be taken; never raises.

    `laboratory`: who it is known to be from; empty: whom the line names.
    """
    try:
        header, *lines = io.StringIO(raw.decode(), newline="")
        delimiter, columns = header_of(header.rstrip("\r\n"))
        records = list(csv.reader(lines, delimiter=delimiter, strict=True))
    except (ValueError, csv.Error, Refused) as error:
        return refused(laboratory, "", Fault(DATA_TYPE, "line", str(error)))
    if len(records) != 1 or len(records[0]) != len(columns):
        told = f"{len(records[0]) if records else 0} fields; expected {len(columns)}, as the header has"
        return refused(laboratory, "", Fault(DATA_TYPE, "line", told))
    return _read_record(dict(zip(columns, records[0], strict=True)), laboratory, today)


def _read_record(told: Mapping[str, str], laboratory: str, today: date) -> Reading:
    own, message_id = laboratory or told.get("laboratory", "").strip(), told["message_id"].strip()
    if not own:
        fault = Fault(REQUIRED_MISSING, "laboratory", "named neither by the line nor for the whole file")
        return refused("", message_id, fault)
    try:
        posted = msgspec.convert(_typed(told), PostedResult, strict=False)
    except msgspec.ValidationError as error:
        return refused(own, message_id, Fault(DATA_TYPE, "line", str(error)))
    return read_posted(posted, laboratory=own, today=today)


def _typed(told: Mapping[str, str]) -> dict[str, str | Sequence[str]]:
    """Empty fields are absent; findings are words with spaces between."""
    values: dict[str, str | Sequence[str]] = {
        name: text.strip() for name, text in told.items() if text.strip()
    }
    return values | {"findings": told.get("findings", "").split()}
