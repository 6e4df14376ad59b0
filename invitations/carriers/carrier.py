"""What every carrier of letters and kits is asked to do."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Protocol
from uuid import UUID

import msgspec

from invitations.letters.render import Letter


class Item(msgspec.Struct, frozen=True):
    """One sending in a batch; `sending` is the key by which a carrier knows it has had it before.

    Keys are drawn at random: a database restored from a backup numbers anew, and gives no key twice.
    `recipient`: the national identity number, only for a channel that addresses people by it.
    """

    sending: UUID
    letter: Letter
    name: str
    address: str | None
    postcode: str | None
    post_town: str | None
    recipient: str | None = None


class Outgoing(msgspec.Struct, frozen=True):
    """`batch`: its key for the carrier; `number`: what people here call it."""

    batch: UUID
    number: int
    formed_on: date
    items: Sequence[Item]


class Rejected(msgspec.Struct, frozen=True):
    """One a carrier would not take."""

    sending: UUID
    reason: str


class Receipt(msgspec.Struct, frozen=True):
    """How many a carrier took, and which it would not take and why.

    `which`: those it took, where it names them; None where it only counts.
    """

    accepted: int
    rejected: Mapping[UUID, str] = {}
    which: frozenset[UUID] | None = None


class CarrierFailed(Exception):
    """The carrier could not be reached or did not answer; the batch stays to be handed over again."""


class Carrier(Protocol):
    async def hand_over(self, outgoing: Outgoing) -> Receipt | None:
        """Give a batch over, or ask about one given before; None: taken, not counted yet.

        The same batch again has no second effect. Raises `CarrierFailed`.
        """
        ...
