"""What happens to kits after they were dispatched."""

from collections.abc import Sequence
from datetime import date

import msgspec

from invitations.kits.barcode import accepted_barcode
from invitations.kits.queries import kits_by_barcode
from invitations.kits.states import KIT, KitNews, KitRow, KitState
from screening.history.commands import append_events
from screening.history.events import News, natural_key
from screening.machines import follow
from screening.refusals import NotFound, Refused
from screening.storage.transaction import Transaction
from screening.vocabulary import EventKind

_TOLD = {
    KitNews.UNDELIVERABLE: EventKind.KIT_UNDELIVERABLE,
    KitNews.RETURNED: EventKind.KIT_RETURNED,
    KitNews.RECEIVED: EventKind.KIT_RECEIVED,
    KitNews.REJECTED: EventKind.KIT_REJECTED,
}


class KitOutcome(msgspec.Struct, frozen=True):
    barcode: str
    state: KitState
    duplicate: bool


async def record_kit_news(
    tx: Transaction, *, barcode: str, news: KitNews, on: date, reason: str | None = None
) -> KitOutcome:
    """What the post, the person or the laboratory did with a kit; told again it has no second effect."""
    if news not in _TOLD:
        raise Refused("kit_news_unknown", f"{news} is not told of a kit; expected one of {', '.join(_TOLD)}")
    if on > tx.today:
        raise Refused("impossible_date", f"{on} lies after today, {tx.today}")
    wanted = accepted_barcode(barcode)
    known = (await kits_by_barcode(tx, barcodes=[wanted], lock=True)).get(wanted)
    if known is None:
        raise NotFound("kit_unknown", f"no kit {barcode}; it was not dispatched by this programme")
    if known.state == news:
        return KitOutcome(known.barcode, known.state, duplicate=True)
    state = follow(KIT, known.state, news, what=f"kit {known.barcode}")
    await _move(tx, [known.barcode], KitState(state))
    await append_events(tx, news=[_event(known, news, on, reason)])
    await tx.audit(f"kit {news}", persons=[known.person_id], facts={"kit": known.barcode})
    return KitOutcome(known.barcode, KitState(state), duplicate=False)


def _event(known: KitRow, news: KitNews, on: date, reason: str | None) -> News:
    body = {"kit": known.barcode} | ({"reason": reason} if reason else {})
    return News(
        person_id=known.person_id,
        kind=_TOLD[news],
        occurred_on=on,
        source="kit logistics",
        key=natural_key("kit", known.barcode, news),
        programme=known.programme,
        body=body,
    )


async def _move(tx: Transaction, barcodes: Sequence[str], state: KitState) -> None:
    await tx.run(
        "update kit set state = $2, changed_on = $3 where barcode = any($1)", list(barcodes), state, tx.today
    )


async def note_analysed(tx: Transaction, *, barcodes: Sequence[str]) -> None:
    """These kits' samples have a result: nothing more is expected of them."""
    analysable = [str(state) for state, news in KIT if str(news) == KitNews.ANALYSED]
    await tx.run(
        "update kit set state = $2, changed_on = $3 where barcode = any($1) and state = any($4)",
        list(barcodes), KitState.ANALYSED, tx.today, analysable,
    )  # fmt: skip


async def register_lot(tx: Transaction, *, lot: str, expires_on: date, quantity: int) -> None:
    """Kits of a lot are in store; registering a lot again adds nothing."""
    await tx.run(
        "insert into kit_lot (lot, expires_on, remaining) values ($1, $2, $3) on conflict (lot) do nothing",
        lot, expires_on, quantity,
    )  # fmt: skip
    await tx.audit("registered kit lot", facts={"lot": lot, "quantity": quantity})
