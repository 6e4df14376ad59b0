"""Sending what is due: plan, form batches, hand them over, write down what the carriers counted.

Each step commits by itself and finds what an earlier one left, so a crash between any two of them is
mended by running it again, and several workers share the work.
"""

from collections.abc import Collection, Mapping
from datetime import date

import msgspec

from invitations.carriers.carrier import Carrier, CarrierFailed
from invitations.sending.batches import acknowledge_batch, form_batch, note_trouble, outgoing
from invitations.sending.plan import Planned, move_to_print, plan_kits, plan_letters
from invitations.sending.states import BatchState, Channel
from screening.storage.database import Database
from screening.storage.transaction import Actor, system_actor

_OPEN_BATCHES = "select id from batch where state = 'formed' and channel = $1 order by id"


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
    acknowledged = waiting = 0
    failures: list[str] = []
    for channel, carrier in carriers.items():
        await sender.form(channel)
        try:
            for batch in await sender.open_batches(channel):
                done = await sender.hand_over(batch, carrier)
                acknowledged += done
                waiting += not done
        except CarrierFailed as failed:
            failures.append(str(failed))
    return SendReport(planned.letters + planned.kits, planned.short, acknowledged, waiting, tuple(failures))


class _Sender:
    def __init__(self, database: Database, today: date, actor: Actor) -> None:
        self._database = database
        self._today = today
        self._actor = actor

    async def plan(self, programme: str, channels: Collection[Channel]) -> Planned:
        letters = kits = 0
        await self._database.run(
            lambda tx: move_to_print(tx, programme=programme, channels=channels),
            actor=self._actor,
            today=self._today,
        )
        while done := await self._database.run(
            lambda tx: plan_letters(tx, programme=programme, channels=channels),
            actor=self._actor,
            today=self._today,
        ):
            letters += done
        while True:
            step = await self._database.run(
                lambda tx: plan_kits(tx, programme=programme), actor=self._actor, today=self._today
            )
            kits += step.kits
            if step.kits == 0:
                return Planned(letters, kits, step.short)

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
        try:
            receipt = await carrier.hand_over(content)
        except CarrierFailed as failed:
            trouble = str(failed)
            await self._database.run(
                lambda tx: note_trouble(tx, batch=batch, trouble=trouble),
                actor=self._actor,
                today=self._today,
            )
            raise
        if receipt is None:
            return False
        state = await self._database.run(
            lambda tx: acknowledge_batch(tx, batch=batch, receipt=receipt),
            actor=self._actor,
            today=self._today,
        )
        return state == BatchState.ACKNOWLEDGED
