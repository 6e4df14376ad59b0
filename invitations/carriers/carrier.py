"""What every carrier of letters and kits is asked to do."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Protocol

import msgspec

from invitations.letters.render import Letter


class Item(msgspec.Struct, frozen=True):
    """One sending in a batch; `sending` is the key by which a carrier knows it has had it before.

    `recipient`: the national identity number, only for a channel that addresses people by it.
    """

    sending: int
    letter: Letter
    name: str
    address: str | None
    postcode: str | None
    post_town: str | None
    recipient: str | None = None


class Outgoing(msgspec.Struct, frozen=True):
    batch: int
    formed_on: date
    items: Sequence[Item]


class Receipt(msgspec.Struct, frozen=True):
    """How many a carrier took, and which it would not take and why."""

    accepted: int
    rejected: Mapping[int, str] = {}


class CarrierFailed(Exception):
    """The carrier could not be reached or did not answer; the batch stays to be handed over again."""


class Carrier(Protocol):
    async def hand_over(self, outgoing: Outgoing) -> Receipt | None:
        """Give a batch over, or ask about one given before; None: taken, not counted yet.

        The same batch again has no second effect. Raises `CarrierFailed`.
        """
        ...
