"""The answer to an HL7 v2 message: MSA, and an ERR for each fault."""

import re
from collections.abc import Mapping
from datetime import date

from labs.results import Fault, Reading

_SEPARATORS = "^~\\&"
# HL7 table 0357
_TEXTS: Mapping[str, str] = {
    "100": "Segment sequence error", "101": "Required field missing", "102": "Data type error",
    "103": "Table value not found", "200": "Unsupported message type", "201": "Unsupported event code",
    "202": "Unsupported processing id", "203": "Unsupported version id", "204": "Unknown key identifier",
    "205": "Duplicate key identifier", "207": "Application internal error",
}  # fmt: skip
_PLACE = re.compile(r"([A-Z][A-Z0-9]{2})(?:\[(\d+)\])?(?:-(\d+))?")


def acknowledge(reading: Reading, *, received_on: date) -> bytes:
    """The same reading always gives the same answer, so a message sent again is answered as before.

    `received_on`: the day on which it was first received.
    """
    stamp = received_on.strftime("%Y%m%d")
    control = _plain(reading.control_id)
    header = (
        f"MSH|{_SEPARATORS}|SCREENING|SCREENING||{_plain(reading.laboratory)}|{stamp}||ACK^R01^ACK|A{control}"
        f"|{_plain(reading.processing)}|2.5.1||||||UNICODE UTF-8"
    )
    errors = [_error(fault) for fault in reading.faults]
    return ("\r".join([header, f"MSA|{reading.verdict}|{control}", *errors]) + "\r").encode()


def _error(fault: Fault) -> str:
    """ERR-2 where, ERR-3 what by table 0357, ERR-8 a sentence for people."""
    place = _PLACE.fullmatch(fault.where)
    location = "^".join((place[1], place[2] or "1", place[3] or "")).rstrip("^") if place else ""
    told = fault.message if place else f"{fault.where}: {fault.message}"
    return f"ERR||{location}|{fault.code}^{_TEXTS[fault.code]}^HL70357|E||||{_plain(told)}"


def _plain(text: str) -> str:
    """Text that cannot be taken for a delimiter or a segment's end."""
    escaped = text.replace("\\", "\\E\\").replace("|", "\\F\\").replace("^", "\\S\\")
    escaped = escaped.replace("&", "\\T\\").replace("~", "\\R\\")
    return "".join(character if character.isprintable() else " " for character in escaped)
