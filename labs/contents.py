"""The messages that a file holds, each with the line on which it begins."""

import csv
import io
from collections.abc import Iterator
from enum import StrEnum

import msgspec

from labs.csv_results import header_of
from labs.fhir.batch import Entry, batch_entries
from screening.refusals import Refused

_START, _END = b"\x0b", b"\x1c\r"
_BLANK = b" \t\r\n"  # and not 0x0B, which is white space elsewhere
_BOM = b"\xef\xbb\xbf"
# What an HL7 batch file opens and closes with; the trailers count what stands between.
_OPENS, _CLOSES = {b"FHS": b"FTS", b"BHS": b"BTS"}, {b"FTS": b"FHS", b"BTS": b"BHS"}


class FileFormat(StrEnum):
    HL7 = "hl7"
    FHIR = "fhir"
    CSV = "csv"


class Content(msgspec.Struct, frozen=True):
    """One message; `method`: how an entry of a FHIR batch asks for it to be taken."""

    line: int
    raw: bytes
    method: str | None = None


def contents(content: bytes, form: FileFormat) -> list[Content]:
    """Every message of a file, in order. Refuses a file in which one cannot be told from another, or that is cut off."""
    held = content.removeprefix(_BOM)
    split = {FileFormat.HL7: _hl7, FileFormat.FHIR: _fhir, FileFormat.CSV: _csv}[form]
    found = list(split(held))
    if not found:
        raise Refused("file_empty", f"no message in the file; expected {form}")
    return found


def _hl7(content: bytes) -> Iterator[Content]:
    """Messages framed as on the wire, or one after the other."""
    return _framed(content) if content.lstrip(_BLANK).startswith(_START) else _plain(content)


def _framed(content: bytes) -> Iterator[Content]:
    *frames, rest = content.split(_END)
    line = 1
    for frame in frames:
        yield Content(line, frame.lstrip(_BLANK).removeprefix(_START))
        line += frame.count(b"\r") + 1
    if rest.strip():
        raise Refused(
            "file_cut_off", f"line {line}: the last frame has no end; nothing of the file was taken"
        )


def _plain(content: bytes) -> Iterator[Content]:
    """With or without the headers and trailers of a batch."""
    lines = content.replace(b"\r\n", b"\r").replace(b"\n", b"\r")
    message: list[bytes] = []
    begun, open_ones, counted = 1, list[bytes](), {b"BHS": 0, b"FHS": 0}
    for number, line in enumerate(lines.splitlines(keepends=True), start=1):
        name = line[:3]
        if name == b"MSH" or name in _OPENS or name in _CLOSES:
            if message:
                yield Content(begun, b"".join(message))
            message, begun = [], number
        if name in _OPENS:
            open_ones.append(name)
            counted[name] = 0
        elif name in _CLOSES:
            _close(open_ones, counted, line, number)
        elif line.strip():
            message.append(line)
            counted[b"BHS"] += name == b"MSH"
    if message:
        yield Content(begun, b"".join(message))
    if open_ones:
        told = f"{open_ones[-1].decode()} is not closed by {_OPENS[open_ones[-1]].decode()}"
        raise Refused("file_cut_off", f"the file ends early: {told}; nothing of it was taken")


def _close(open_ones: list[bytes], counted: dict[bytes, int], line: bytes, number: int) -> None:
    name, opener = line[:3], _CLOSES[line[:3]]
    if not open_ones or open_ones.pop() != opener:
        raise Refused("file_malformed", f"line {number}: {name.decode()} closes no {opener.decode()}")
    told = line[4:].strip().split(line[3:4] or b"|")[0]
    if told and told != str(counted[opener]).encode():
        said = f"{name.decode()} counts {told[:10].decode('latin-1')}, {counted[opener]} are here"
        raise Refused("file_cut_off", f"line {number}: {said}; nothing of the file was taken")
    counted[b"FHS"] += name == b"BTS"


def _fhir(content: bytes) -> Iterator[Content]:
    """One document, or one on each line; of a batch each entry."""
    lines = [(number, line) for number, line in enumerate(content.split(b"\n"), start=1) if line.strip()]
    apart = len(lines) > 1 and all(line.lstrip().startswith(b"{") for _, line in lines)
    for number, document in lines if apart else [(1, content)] if lines else []:
        entries = batch_entries(document)
        if entries is None:
            yield Content(number, document.strip())
        else:
            yield from (_entry(number, entry) for entry in entries)


def _entry(number: int, entry: Entry) -> Content:
    return Content(number, entry.content or b"", entry.request.method)


def _csv(content: bytes) -> Iterator[Content]:
    """Each record with the header before it, so that it can be read by itself."""
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        raise Refused("not_utf8", f"byte {error.start + 1} is not UTF-8; the file must be") from error
    lines = list(io.StringIO(text, newline=""))
    if not lines:
        return
    header = lines[0].rstrip("\r\n")
    delimiter, _ = header_of(header)
    reader = csv.reader(io.StringIO("".join(lines[1:]), newline=""), delimiter=delimiter)
    begun = 1
    for record in reader:
        raw = "".join(lines[begun : 1 + reader.line_num])
        if any(field.strip() for field in record):
            yield Content(begun + 1, f"{header}\n{raw}".encode())
        begun = 1 + reader.line_num
