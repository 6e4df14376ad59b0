"""Sending what is due: plan, form batches, hand them over, write down what the carriers counted.

Each step commits by itself and finds what an earlier one left, so a crash between any two of them is
mended by running it again, and several workers share the work.
"""

import asyncio
from collections.abc import Collection, Mapping
from datetime import date

import msgspec

from invitations.carriers.carrier import Carrier, CarrierFailed, Receipt
from invitations.sending.batches import acknowledge_batch, form_batch, note_taken, note_trouble, outgoing
from invitations.sending.plan import BATCH, Planned, move_to_print, plan_kits, plan_letters
from invitations.sending.states import BatchState, Channel
from screening.storage.database import Database
from screening.storage.transaction import Actor, Transaction, system_actor

_OPEN_BATCHES = "select id from batch where state in ('formed', 'handed') and channel = $1 order by id"


class SendReport(msgspec.Struct, frozen=True):
    """`acknowledged` batches are done; `waiting` ones were handed over and not counted yet, or mismatched."""

    planned: int
    short_of_kits: int
    acknowledged: int
    waiting: int
    failures: tuple[str, ...]


async def send_due(
    database: Database,
    *,
    programme: str,
    carriers: Mapping[Channel, Carrier],
    today: date,
    actor: Actor | None = None,
) -> SendReport:
    """Send everything that is due by `today`; a failing carrier stops only its own channel.

    `carriers`: the channels in use here; print is always one of them.
    """
    sender = _Sender(database, today, actor or system_actor("sender"))
    planned = await sender.plan(programme, carriers.keys())
    sent = await asyncio.gather(*(sender.send(channel, carrier) for channel, carrier in carriers.items()))
    return SendReport(
        planned=planned.letters + planned.kits,
        short_of_kits=planned.short,
        acknowledged=sum(one.acknowledged for one in sent),
        waiting=sum(one.waiting for one in sent),
        failures=tuple(one.failure for one in sent if one.failure is not None),
    )


class _Sent(msgspec.Struct):
    """By one channel."""

    acknowledged: int = 0
    waiting: int = 0
    failure: str | None = None


async def _plan_letters(tx: Transaction, programme: str, channels: Collection[Channel]) -> int:
    await move_to_print(tx, programme=programme, channels=channels)
    return await plan_letters(tx, programme=programme, channels=channels)


class _Sender:
    def __init__(self, database: Database, today: date, actor: Actor) -> None:
        self._database = database
        self._today = today
        self._actor = actor

    async def plan(self, programme: str, channels: Collection[Channel]) -> Planned:
        letters = kits = 0
        done = BATCH
        while done == BATCH:
            done = await self._database.run(
                lambda tx: _plan_letters(tx, programme, channels), actor=self._actor, today=self._today
            )
            letters += done
        while True:
            step = await self._database.run(
                lambda tx: plan_kits(tx, programme=programme), actor=self._actor, today=self._today
            )
            kits += step.kits
            if step.kits == 0:
                return Planned(letters, kits, step.short)

    async def send(self, channel: Channel, carrier: Carrier) -> _Sent:
        """Whatever waits for a channel, and what was handed over before and not counted."""
        await self.form(channel)
        sent = _Sent()
        try:
            for batch in await self.open_batches(channel):
                done = await self.hand_over(batch, carrier)
                sent.acknowledged += done
                sent.waiting += not done
        except CarrierFailed as failed:
            sent.failure = str(failed)
        return sent

    async def form(self, channel: Channel) -> None:
        while await self._database.run(
            lambda tx: form_batch(tx, channel=channel), actor=self._actor, today=self._today
        ):
            pass

    async def open_batches(self, channel: Channel) -> list[int]:
        rows = await self._database.pool.fetch(_OPEN_BATCHES, channel)
        return [row["id"] for row in rows]

    async def hand_over(self, batch: int, carrier: Carrier) -> bool:
        """Whether the batch is done. The carrier is called outside any transaction."""
        content = await self._database.run(
            lambda tx: outgoing(tx, batch=batch), actor=self._actor, today=self._today
        )
        if content is None:
            return False
        try:
            receipt = await carrier.hand_over(content) if content.items else Receipt(0)
        except CarrierFailed as failed:
            trouble = str(failed)
            await self._database.run(
                lambda tx: note_trouble(tx, batch=batch, trouble=trouble),
                actor=self._actor,
                today=self._today,
            )
            raise
        if receipt is None:
            await self._database.run(
                lambda tx: note_taken(tx, batch=batch), actor=self._actor, today=self._today
            )
            return False
        state = await self._database.run(
            lambda tx: acknowledge_batch(tx, batch=batch, receipt=receipt),
            actor=self._actor,
            today=self._today,
        )
        return state == BatchState.ACKNOWLEDGED
