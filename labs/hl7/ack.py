"""The answer to an HL7 v2 message: MSA, and an ERR for each fault."""

from datetime import date

from labs.results import Reading

_SEPARATORS = "^~\\&"


def acknowledge(reading: Reading, *, today: date, charset: str = "UNICODE UTF-8") -> bytes:
    """The same reading always gives the same answer, so a message sent again is answered as before."""
    stamp = today.strftime("%Y%m%d")
    control = _plain(reading.control_id)
    receiver = _plain(reading.laboratory)
    segments = [
        f"MSH|{_SEPARATORS}|SCREENING|SCREENING||{receiver}|{stamp}||ACK^R01^ACK|A{control}|P|2.5.1||||||{charset}",
        f"MSA|{reading.verdict}|{control}",
        *(
            f"ERR|||{fault.code}^{_plain(fault.where)}^HL70357|E||||{_plain(fault.message)}"
            for fault in reading.faults
        ),
    ]
    return ("\r".join(segments) + "\r").encode()


def _plain(text: str) -> str:
    """Text that cannot be taken for a delimiter or a segment's end."""
    escaped = text.replace("\\", "\\E\\").replace("|", "\\F\\").replace("^", "\\S\\")
    escaped = escaped.replace("&", "\\T\\").replace("~", "\\R\\")
    return "".join(character if character.isprintable() else " " for character in escaped)
