"""What can become of a home-sampling kit; it never goes back."""

from datetime import date
from enum import StrEnum

import msgspec

from screening.machines import Table


class KitState(StrEnum):
    ORDERED = "ordered"  # bound to a person, not yet on its way
    DISPATCHED = "dispatched"
    UNDELIVERABLE = "undeliverable"  # the post brought it back; the person is still there
    RETURNED = "returned"  # posted by the person
    RECEIVED = "received"  # at the laboratory
    REJECTED = "rejected"  # no usable sample: empty, leaking, too old
    ANALYSED = "analysed"
    VOID = "void"  # no longer wanted: another sample was taken


class KitNews(StrEnum):
    DISPATCHED = "dispatched"
    UNDELIVERABLE = "undeliverable"
    RETURNED = "returned"
    RECEIVED = "received"
    REJECTED = "rejected"
    ANALYSED = "analysed"
    VOIDED = "voided"


KIT: Table = {
    (KitState.ORDERED, KitNews.DISPATCHED): KitState.DISPATCHED,
    (KitState.ORDERED, KitNews.VOIDED): KitState.VOID,
    (KitState.DISPATCHED, KitNews.UNDELIVERABLE): KitState.UNDELIVERABLE,
    (KitState.DISPATCHED, KitNews.RETURNED): KitState.RETURNED,
    (KitState.DISPATCHED, KitNews.RECEIVED): KitState.RECEIVED,
    (KitState.DISPATCHED, KitNews.ANALYSED): KitState.ANALYSED,
    (KitState.DISPATCHED, KitNews.VOIDED): KitState.VOID,
    (KitState.RETURNED, KitNews.RECEIVED): KitState.RECEIVED,
    (KitState.RETURNED, KitNews.ANALYSED): KitState.ANALYSED,
    (KitState.RECEIVED, KitNews.REJECTED): KitState.REJECTED,
    (KitState.RECEIVED, KitNews.ANALYSED): KitState.ANALYSED,
    # a sample from a kit that was given up is still somebody's sample
    (KitState.VOID, KitNews.RETURNED): KitState.RETURNED,
    (KitState.VOID, KitNews.RECEIVED): KitState.RECEIVED,
    (KitState.VOID, KitNews.ANALYSED): KitState.ANALYSED,
}
# A person has at most one kit of a programme with them or on its way there. One that is on its way back may have
# been given up, and another sent, before.
OPEN = (KitState.ORDERED, KitState.DISPATCHED)


class KitRow(msgspec.Struct, frozen=True):
    """A kit, and the person (`holder_id`: the entry their history is read through) it was bound to."""

    barcode: str
    person_id: int
    holder_id: int
    lot: str
    expires_on: date
    state: KitState
    programme: str
