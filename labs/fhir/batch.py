"""A batch: entries that stand alone, each taken or refused by itself, as FHIR has it.

What refers to another entry is refused: FHIR allows that in a transaction only.
"""

from datetime import date

import msgspec

from labs.fhir.identity import message_id
from labs.fhir.mapping import read_fhir
from labs.results import UNSUPPORTED_TYPE, Fault, Reading, refused


class _Request(msgspec.Struct):
    method: str = ""


class Entry(msgspec.Struct):
    resource: msgspec.Raw = msgspec.Raw()
    request: _Request = msgspec.field(default_factory=_Request)

    @property
    def content(self) -> bytes | None:
        """The resource as it was sent; None where the entry brings none."""
        sent = bytes(self.resource)
        return sent if sent.startswith(b"{") else None


class _Envelope(msgspec.Struct):
    resourceType: str  # noqa: N815  FHIR's name
    type: str
    entry: list[Entry] = []


_decoder = msgspec.json.Decoder(_Envelope)


def batch_entries(raw: bytes) -> list[Entry] | None:
    """The entries of a batch; None where this is none."""
    try:
        envelope = _decoder.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return envelope.entry if (envelope.resourceType, envelope.type) == ("Bundle", "batch") else None


def read_entry(resource: bytes, method: str, *, laboratory: str, today: date) -> Reading:
    """What one entry says, or why it cannot be taken; never raises."""
    if method not in ("POST", "PUT"):
        told = f"{method[:10]!r}; expected POST or PUT: results are taken here"
        return refused(
            laboratory, message_id({}, resource), Fault(UNSUPPORTED_TYPE, "Bundle.entry.request", told)
        )
    return read_fhir(resource, laboratory=laboratory, today=today, expected=("DiagnosticReport",))
