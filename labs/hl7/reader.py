"""Reading HL7 v2 (ER7): what libraries let through is refused here, with the place named."""

import re
from collections.abc import Callable, Mapping, Sequence

import msgspec

from labs.results import (
    DATA_TYPE,
    MAX_ID,
    REQUIRED_MISSING,
    SEGMENT_SEQUENCE,
    TABLE_VALUE,
    UNSUPPORTED_EVENT,
    UNSUPPORTED_PROCESSING,
    UNSUPPORTED_TYPE,
    UNSUPPORTED_VERSION,
    Fault,
    is_id,
)

MAX_BYTES = 1024 * 1024
_ASCII, _LATIN_1, _LATIN_9, _UTF_8 = "ascii", "latin-1", "iso8859-15", "utf-8"
# HL7 table 0211, and how senders write its values.
_CHARSETS: Mapping[str, str] = {
    "": _ASCII, "ASCII": _ASCII, "8859/1": _LATIN_1, "8859-1": _LATIN_1, "ISO8859/1": _LATIN_1, "ISO8859-1": _LATIN_1,
    "8859/15": _LATIN_9, "8859-15": _LATIN_9, "ISO8859/15": _LATIN_9, "ISO8859-15": _LATIN_9,
    "UNICODEUTF-8": _UTF_8, "UTF-8": _UTF_8, "UTF8": _UTF_8,
}  # fmt: skip
_EXPECTED = "UNICODE UTF-8, 8859/1, 8859/15, ASCII"
# Everything that is no character of text, save tab and the ends of segments.
_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_NAMED = {"\x0b": "start of block", "\x1c": "end of block"}
_SEGMENT_NAME = re.compile("[A-Z][A-Z0-9]{2}")
_DELIMITERS = 4
# A last segment without its end may be cut off. It is known to be whole where its last field that is read
# here is there: the day of the specimen, or the status of the observation. What else it tells is not used.
_LAST_READ = {"SPM": 17, "OBX": 11}
_READ = frozenset({"MSH", "PID", "OBR", "OBX", "SPM"})

Segment = Sequence[str]


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
    inside: frozenset[str]  # those that can stand inside a field


class Message(msgspec.Struct, frozen=True):
    """The segments of one message, each a list of fields; field numbers are HL7's (MSH-1 is the separator)."""

    delimiters: Delimiters
    segments: Sequence[Segment]

    def value(self, segment: Segment, field: int, component: int = 1) -> str:
        """A component of the first repetition as text, unescaped; empty where it was not sent."""
        if len(segment) <= field or not (told := segment[field]):
            return ""
        if self.delimiters.inside.isdisjoint(told):  # as with most
            return told if component == 1 else ""
        return self.part(told.split(self.delimiters.repetition, 1)[0], component)

    def part(self, field: str, component: int, subcomponent: int = 1) -> str:
        components = field.split(self.delimiters.component)
        if len(components) < component:
            return ""
        parts = components[component - 1].split(self.delimiters.subcomponent)
        return unescape(parts[subcomponent - 1], self.delimiters) if len(parts) >= subcomponent else ""

    def repetitions(self, segment: Segment, field: int) -> list[str]:
        if len(segment) <= field or not segment[field]:
            return []
        return segment[field].split(self.delimiters.repetition)

    def codings(self, segment: Segment, field: int) -> list[tuple[str, str]]:
        """(code, system) of a coded field: the first, and the alternative that many senders put LOINC in."""
        if len(segment) <= field or not segment[field]:
            return []
        told = segment[field].split(self.delimiters.repetition, 1)[0].split(self.delimiters.component)
        pairs = [(self._first(told, at), self._first(told, at + 2)) for at in (0, 3) if len(told) > at]
        return [pair for pair in pairs if pair[0]]

    def _first(self, components: Sequence[str], at: int) -> str:
        if len(components) <= at or not components[at]:
            return ""
        return unescape(components[at].split(self.delimiters.subcomponent, 1)[0], self.delimiters)

    def place(self, segment: Segment, field: int | None = None) -> str:
        """Where a segment or a field of it stands, for the sender to find: `OBX[3]-5`."""
        alike = [one for one in self.segments if one[0] == segment[0]]
        which = next(number for number, one in enumerate(alike, start=1) if one is segment)
        name = f"{segment[0]}[{which}]" if len(alike) > 1 else segment[0]
        return name if field is None else f"{name}-{field}"

    @property
    def header(self) -> Segment:
        return self.segments[0]

    @property
    def sender(self) -> str:
        """The sending facility: its name, or its universal id where it has no name."""
        return self.value(self.header, 4) or self.value(self.header, 4, 2)

    @property
    def version(self) -> str:
        return self.value(self.header, 12)


Refuse = Callable[[str, str, str], Malformed]


def read(raw: bytes) -> Message:
    """The message's segments; raises `Malformed` for bytes that are not one whole HL7 v2 message."""
    if not raw.startswith(b"MSH") or len(raw) < 8:
        raise Malformed(Fault(SEGMENT_SEQUENCE, "MSH", "does not begin with an MSH segment"))
    separator = chr(raw[3])
    control_id, sender, charset = _peek(raw, separator)

    def refuse(code: str, where: str, message: str) -> Malformed:
        return Malformed(Fault(code, where, message), control_id=control_id, sender=sender)

    if len(raw) > MAX_BYTES:
        raise refuse(DATA_TYPE, "message", f"more than {MAX_BYTES} bytes; no more are taken in one message")
    text = _decoded(raw, charset, refuse)
    lines = [line for line in text.replace("\r\n", "\r").replace("\n", "\r").split("\r") if line]
    if not text.endswith(("\r", "\n")) and not _is_whole(lines[-1].split(separator)):
        told = "the message is cut off inside its last segment, or that lacks its end, a carriage return"
        raise refuse(SEGMENT_SEQUENCE, lines[-1][:3], told)
    message = Message(_delimiters(lines[0], separator, refuse), [_fields(line, separator) for line in lines])
    _judge_segments(message, refuse)
    _judge_header(message, refuse)
    return message


def _peek(raw: bytes, separator: str) -> tuple[str, str, str]:
    """Control id, sending facility and character set, read before the character set is known to hold."""
    header = raw[:4096].split(b"\r", 1)[0].split(b"\n", 1)[0].decode("latin-1").split(separator)

    def field(number: int) -> str:
        return header[number - 1].strip() if len(header) >= number else ""

    facility = [*field(4).split("^"), ""]
    return field(10), facility[0] or facility[1], field(18).split("~")[0]


def _decoded(raw: bytes, charset: str, refuse: Refuse) -> str:
    encoding = _CHARSETS.get(charset.upper().replace(" ", ""))
    if encoding is None:
        raise refuse(TABLE_VALUE, "MSH-18", f"character set {charset[:40]!r}; expected one of {_EXPECTED}")
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError as error:
        told = f"byte {error.start + 1} is not {charset or 'ASCII'}, the declared character set"
        raise refuse(DATA_TYPE, "MSH-18", told) from error
    control = _CONTROLS.search(text)
    if control is not None:
        name = _NAMED.get(control[0], f"control character {ord(control[0]):#04x}")
        told = f"the {name} stands inside the message, at character {control.start() + 1}"
        raise refuse(SEGMENT_SEQUENCE if control[0] in _NAMED else DATA_TYPE, "message", told)
    return text


def _is_whole(last: Segment) -> bool:
    """Whether a last segment without its end is known to have lost nothing that is read."""
    needed = _LAST_READ.get(last[0])
    if needed is None:
        return last[0] not in _READ
    return len(last) > needed and last[needed] != ""


def _delimiters(header: str, separator: str, refuse: Refuse) -> Delimiters:
    """MSH-1 and MSH-2; a fifth encoding character, for truncation, is told and not needed."""
    marks = header[4 : header.find(separator, 4)]
    if len(marks) < _DELIMITERS or len(set(separator + marks[:4])) != _DELIMITERS + 1:
        told = f"encoding characters {marks[:10]!r}; expected four different ones, as ^~\\&"
        raise refuse(DATA_TYPE, "MSH-2", told)
    return Delimiters(separator, *marks[:4], inside=frozenset(marks[:4]))


def _fields(line: str, separator: str) -> list[str]:
    fields = line.split(separator)
    return ["MSH", separator, *fields[1:]] if fields[0] == "MSH" else fields


def _judge_segments(message: Message, refuse: Refuse) -> None:
    """One header, one patient before the orders, and nothing that stands where it belongs to nobody."""
    names = [segment[0] for segment in message.segments]
    if names.count("MSH") != 1:
        raise refuse(SEGMENT_SEQUENCE, "MSH", "more than one message in one frame; expected one MSH")
    odd = next((name for name in names if not _SEGMENT_NAME.fullmatch(name)), None)
    if odd is not None:
        raise refuse(SEGMENT_SEQUENCE, odd[:3], f"{odd[:10]!r} is not the name of a segment")
    first_order = names.index("OBR") if "OBR" in names else len(names)
    if "PID" in names[first_order:]:
        raise refuse(SEGMENT_SEQUENCE, "PID", "stands after an order; expected one PID, before the first OBR")
    stray = next((name for name in names[:first_order] if name in ("OBX", "SPM")), None)
    if stray is not None:
        raise refuse(
            SEGMENT_SEQUENCE, stray, "stands before the first OBR; expected after the order it is of"
        )


def _judge_header(message: Message, refuse: Refuse) -> None:
    header = message.header
    control_id, sender = message.value(header, 10), message.sender
    if not control_id:
        raise refuse(REQUIRED_MISSING, "MSH-10", "no message control id")
    for told, where in ((control_id, "MSH-10"), (sender, "MSH-4")):
        if told and not is_id(told):
            raise refuse(DATA_TYPE, where, f"expected at most {MAX_ID} printable characters")
    if not sender:
        raise refuse(REQUIRED_MISSING, "MSH-4", "no sending facility")
    kind, event = message.value(header, 9, 1), message.value(header, 9, 2)
    if kind != "ORU":
        raise refuse(UNSUPPORTED_TYPE, "MSH-9", f"message type {kind[:10]!r}; expected ORU^R01")
    if event != "R01":
        raise refuse(UNSUPPORTED_EVENT, "MSH-9", f"event {event[:10]!r}; expected ORU^R01")
    if message.value(header, 11) not in {"P", "T", "D"}:
        raise refuse(UNSUPPORTED_PROCESSING, "MSH-11", "processing id; expected P, T or D")
    version = message.version
    if not version.startswith("2."):
        raise refuse(UNSUPPORTED_VERSION, "MSH-12", f"version {version[:10]!r}; expected 2.x")


def unescape(text: str, delimiters: Delimiters) -> str:
    r"""Text with \F\ \S\ \T\ \R\ \E\ \.br\ and \Xnn\ resolved; an unknown escape stays as it is."""
    if delimiters.escape not in text:
        return text
    named = {
        "F": delimiters.field, "S": delimiters.component, "T": delimiters.subcomponent,
        "R": delimiters.repetition, "E": delimiters.escape, ".br": "\n",
    }  # fmt: skip
    resolved: list[str] = []
    parts = text.split(delimiters.escape)
    for position, part in enumerate(parts):
        if position % 2 == 0:
            resolved.append(part)
        elif position + 1 == len(parts):
            resolved.append(delimiters.escape + part)  # never closed
        else:
            resolved.append(_resolved(part, named, delimiters.escape))
    return "".join(resolved)


def _resolved(name: str, named: Mapping[str, str], escape: str) -> str:
    if name in named:
        return named[name]
    if name.startswith("X"):
        try:
            return bytes.fromhex(name[1:]).decode("latin-1")
        except ValueError:
            return escape + name + escape
    return escape + name + escape
