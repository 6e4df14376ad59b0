"""What happened to a person, as values."""

from collections.abc import Mapping
from datetime import date
from typing import Any
from uuid import UUID, uuid5

import msgspec

from screening.vocabulary import EventKind, Sample, Test

_NAMESPACE = UUID("6f6d1f4e-1a52-5c1a-9d0e-3d1f0a7c2b11")


def natural_key(*parts: object) -> UUID:
    """The key under which the same news, told again, is recognised as the same event.

    Parts name the origin: ('sending', 17, 'invited') or ('laboratory', 'ahus', 'MSG1', 0).
    """
    return uuid5(_NAMESPACE, "\x1f".join(str(part) for part in parts))


class Event(msgspec.Struct, frozen=True, gc=False):
    """One entry of a history; `id` orders entries by recording.

    `occurred_on` is the day it happened (for tests: the day the specimen was taken), `recorded_on` the
    civil day the programme learned of it.

    Bodies by kind (absent keys mean unknown):
    tested               {test, sample, findings: [word…], lab, profile, specimen, kit, analysed_on, status: corrected};
                         of a FIT also {ug_per_g}: micrograms of haemoglobin per gram of faeces, which the
                         protocol judges where `findings` is empty; of a reading of a mammogram also
                         {reader, side: left | right}, and it occurred on the day of the mammogram
    result_withdrawn     the same, with `supersedes`: the result was entered in error
    moved                {municipality}
    invited, reminded, follow_up_letter_sent, result_given   {sending, obligation, letter, channel}
    kit_dispatched       {kit, lot, obligation}; kit_undeliverable, kit_returned, kit_received {kit};
    kit_rejected         {kit, reason}
    referred, appointment_*  {to, unit, date}, `to` a word of Destination
    treated, diagnosed   {code}; opted_out/opted_in {scope}; deferred {until, reason}; ceased {reason};
    follow_up_closed     {reason}; enrolled, declined {}
    merged, unmerged     {into: person id}
    """

    id: int
    kind: EventKind
    occurred_on: date
    recorded_on: date
    body: Mapping[str, Any] = {}
    supersedes: int | None = None


class News(msgspec.Struct, frozen=True):
    """An event to be appended; becomes an `Event` when its key is new."""

    person_id: int
    kind: EventKind
    occurred_on: date
    source: str
    key: UUID
    programme: str | None = None
    body: Mapping[str, Any] = {}
    supersedes: int | None = None


def tested(
    test: Test, findings: list[str], *, sample: Sample = Sample.CLINICIAN, **more: object
) -> dict[str, object]:
    """The body of a `tested` event."""
    return {"test": test, "sample": sample, "findings": findings, **more}
