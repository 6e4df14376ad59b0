"""Reading HL7 v2 (ER7): what libraries let through is refused here, with the place named."""

from collections.abc import Callable, Sequence

import msgspec

from labs.results import (
    DATA_TYPE,
    REQUIRED_MISSING,
    SEGMENT_SEQUENCE,
    TABLE_VALUE,
    UNSUPPORTED_PROCESSING,
    UNSUPPORTED_TYPE,
    UNSUPPORTED_VERSION,
    Fault,
)

MAX_BYTES = 1024 * 1024
_CHARSETS = {
    "": "ascii",
    "ASCII": "ascii",
    "UNICODE UTF-8": "utf-8",
    "8859/1": "latin-1",
    "8859/15": "iso8859-15",
}
_FRAME = {0x0B: "start of block", 0x1C: "end of block"}
_DELIMITERS = 4


class Malformed(Exception):
    """The message cannot be read; carries the fault, and what is known of the sender."""

    def __init__(self, fault: Fault, *, control_id: str = "", sender: str = "") -> None:
        super().__init__(fault.message)
        self.fault = fault
        self.control_id = control_id
        self.sender = sender


class Delimiters(msgspec.Struct, frozen=True):
    field: str
    component: str
    repetition: str
    escape: str
    subcomponent: str


class Message(msgspec.Struct, frozen=True):
    """The segments of one message, each a list of fields; field numbers are HL7's (MSH-1 is the separator)."""

    delimiters: Delimiters
    segments: Sequence[Sequence[str]]

    def value(self, segment: Sequence[str], field: int, component: int = 1, repetition: int = 1) -> str:
        """A component as text, unescaped; empty where it was not sent."""
        repeats = self.repetitions(segment, field)
        if len(repeats) < repetition:
            return ""
        return self.part(repeats[repetition - 1], component)

    def part(self, field: str, component: int, subcomponent: int = 1) -> str:
        components = field.split(self.delimiters.component)
        if len(components) < component:
            return ""
        parts = components[component - 1].split(self.delimiters.subcomponent)
        return unescape(parts[subcomponent - 1], self.delimiters) if len(parts) >= subcomponent else ""

    def repetitions(self, segment: Sequence[str], field: int) -> list[str]:
        if len(segment) <= field or not segment[field]:
            return []
        return segment[field].split(self.delimiters.repetition)

    @property
    def header(self) -> Sequence[str]:
        return self.segments[0]


def read(raw: bytes) -> Message:
    """The message's segments; raises `Malformed` for bytes that are not one whole HL7 v2 message."""
    if len(raw) > MAX_BYTES:
        raise Malformed(Fault(DATA_TYPE, "message", f"{len(raw)} bytes; at most {MAX_BYTES} are taken"))
    if not raw.startswith(b"MSH") or len(raw) < 8:
        raise Malformed(Fault(SEGMENT_SEQUENCE, "MSH", "does not begin with an MSH segment"))
    separator = chr(raw[3])
    control_id, sender, charset = _peek(raw, separator)

    def malformed(code: str, where: str, message: str) -> Malformed:
        return Malformed(Fault(code, where, message), control_id=control_id, sender=sender)

    encoding = _CHARSETS.get(charset)
    if encoding is None:
        known = ", ".join(name for name in _CHARSETS if name)
        raise malformed(TABLE_VALUE, "MSH-18", f"character set {charset!r}; expected one of {known}")
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError as error:
        told = f"byte {error.start + 1} is not {charset or 'ASCII'}, the declared character set"
        raise malformed(DATA_TYPE, "MSH-18", told) from error
    for mark, name in _FRAME.items():
        if chr(mark) in text:
            raise malformed(SEGMENT_SEQUENCE, "message", f"the {name} character stands inside the message")
    lines = [line for line in text.replace("\r\n", "\r").replace("\n", "\r").split("\r") if line]
    if not text.endswith(("\r", "\n")) and len(lines) > 1 and not _looks_whole(lines[-1], separator):
        raise malformed(SEGMENT_SEQUENCE, lines[-1][:3], "the message is cut off inside its last segment")
    marks = lines[0][4 : lines[0].find(separator, 4)]
    if len(marks) < _DELIMITERS or len(set(separator + marks[:4])) != _DELIMITERS + 1:
        raise malformed(
            DATA_TYPE, "MSH-2", f"encoding characters {marks!r}; expected four different ones, as ^~\\&"
        )
    segments = [_fields(line, separator) for line in lines]
    message = Message(Delimiters(separator, *marks[:4]), segments)
    _judge_header(message, malformed)
    return message


def _peek(raw: bytes, separator: str) -> tuple[str, str, str]:
    """Control id, sending facility and character set, read before the character set is known to hold."""
    header = raw.split(b"\r", 1)[0].split(b"\n", 1)[0].decode("latin-1").split(separator)

    def field(number: int) -> str:
        return header[number - 1].strip() if len(header) >= number else ""

    return field(10), field(4).split("^")[0], field(18).split("~")[0]


def _looks_whole(segment: str, separator: str) -> bool:
    """Whether a last segment without its terminator has what the segment must have."""
    needed = {"OBX": 11, "PID": 3, "OBR": 4, "SPM": 2, "NTE": 1}
    return segment.count(separator) >= needed.get(segment[:3], 1)


def _fields(line: str, separator: str) -> list[str]:
    fields = line.split(separator)
    return ["MSH", separator, *fields[1:]] if fields[0] == "MSH" else fields


def _judge_header(message: Message, refuse: Callable[[str, str, str], Malformed]) -> None:
    header = message.header
    if sum(segment[0] == "MSH" for segment in message.segments) != 1:
        raise refuse(SEGMENT_SEQUENCE, "MSH", "more than one message in one frame; expected one MSH")
    odd = next((segment[0] for segment in message.segments if len(segment[0]) != 3), None)
    if odd is not None:
        raise refuse(SEGMENT_SEQUENCE, odd[:10], "not a segment name; expected three characters")
    if not message.value(header, 10):
        raise refuse(REQUIRED_MISSING, "MSH-10", "no message control id")
    if not message.value(header, 4):
        raise refuse(REQUIRED_MISSING, "MSH-4", "no sending facility")
    if (message.value(header, 9, 1), message.value(header, 9, 2)) != ("ORU", "R01"):
        raise refuse(
            UNSUPPORTED_TYPE,
            "MSH-9",
            f"message type {header[9] if len(header) > 9 else ''!r}; expected ORU^R01",
        )
    if message.value(header, 11) not in {"P", "T", "D"}:
        raise refuse(UNSUPPORTED_PROCESSING, "MSH-11", "processing id; expected P, T or D")
    if not message.value(header, 12).startswith("2."):
        raise refuse(UNSUPPORTED_VERSION, "MSH-12", f"version {message.value(header, 12)!r}; expected 2.x")


def unescape(text: str, delimiters: Delimiters) -> str:
    r"""Text with \F\ \S\ \T\ \R\ \E\ \.br\ and \Xnn\ resolved; an unknown escape stays as it is."""
    if delimiters.escape not in text:
        return text
    named = {
        "F": delimiters.field, "S": delimiters.component, "T": delimiters.subcomponent,
        "R": delimiters.repetition, "E": delimiters.escape, ".br": "\n",
    }  # fmt: skip
    parts = text.split(delimiters.escape)
    resolved = parts[0]
    position = 1
    while position < len(parts):
        if position + 1 == len(parts):
            return resolved + delimiters.escape + parts[position]
        resolved += _resolved(parts[position], named, delimiters.escape) + parts[position + 1]
        position += 2
    return resolved


def _resolved(name: str, named: dict[str, str], escape: str) -> str:
    if name in named:
        return named[name]
    if name.startswith("X"):
        try:
            return bytes.fromhex(name[1:]).decode("latin-1")
        except ValueError:
            return escape + name + escape
    return escape + name + escape
