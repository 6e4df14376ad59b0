"""Kits: what became of each, to whom one is offered, and the result that must come of it."""

from datetime import date
from typing import NamedTuple

from screening.history.events import Event
from screening.protocols.fold import Fold
from screening.protocols.model import KitCare, KitOffer
from screening.protocols.standing import Standing
from screening.vocabulary import EventKind, ObligationKind, OptOutScope

_RESERVED = frozenset({OptOutScope.KIT, OptOutScope.STORAGE})
_BACK = frozenset({EventKind.KIT_RETURNED, EventKind.KIT_RECEIVED})


class Fate(NamedTuple):
    """What became of a kit: `out`, `back`, `lost` (the post brought it back), `rejected` (by the laboratory).

    `since`: the day of that news. `again_from`: the day another kit is owed in its place.
    """

    word: str
    since: date
    again_from: date | None = None


def fate_of(fold: Fold, sent: Event) -> Fate:
    """What the news after a kit says of it, up to the next kit; a letter is always `out`."""
    if sent.kind != EventKind.KIT_DISPATCHED or not fold.kits:
        return Fate("out", sent.occurred_on)
    fate = Fate("out", sent.occurred_on)
    for news in fold.kits[fold.kits.index(sent) + 1 :]:
        if news.kind == EventKind.KIT_DISPATCHED:
            break
        fate = _after(fold, fate, news)
    return fate


def _after(fold: Fold, fate: Fate, news: Event) -> Fate:
    day = news.occurred_on
    if news.kind == EventKind.KIT_REJECTED:
        return Fate("rejected", day, day)
    if news.kind == EventKind.KIT_UNDELIVERABLE:
        return Fate("lost", day, next((moved for moved in fold.moves if moved >= day), None))
    return fate if fate.word == "rejected" else Fate("back", day)


def offer_kit(fold: Fold, offer: KitOffer, standing: Standing, today: date) -> bool:
    """Owe an offered kit, or the reminder to one; True where one is due or fresh.

    Years without a sample are counted from the last specimen of any kind, else from entering the
    target population; who reserved against kits, or against storage, is offered none.
    """
    sent = [
        one
        for one in fold.letters
        if one.kind == EventKind.KIT_DISPATCHED and one.occurred_on > standing.since
    ]
    episode = _offered_from(fold, offer, standing)
    if episode is None:
        return False
    for number, kit in enumerate(sent, start=1):
        standing.close(ObligationKind.DISPATCH_KIT, f"kit-{number}", episode=episode, by=kit)
    if fold.opted_out & _RESERVED:
        return False
    fate = fate_of(fold, sent[-1]) if sent else None
    opens = episode if fate is None else fate.again_from or offer.again.after(sent[-1].occurred_on)
    if opens <= today:
        standing.owe(
            ObligationKind.DISPATCH_KIT, f"kit-{len(sent) + 1}", episode=episode, opens=opens, rule=offer.id,
            letter=offer.letter,
        )  # fmt: skip
        return True
    standing.turns.append(opens)
    return fate is not None and _fresh(fold, offer, standing, sent, fate, today)


def _offered_from(fold: Fold, offer: KitOffer, standing: Standing) -> date | None:
    if offer.overdue is not None:
        return max(offer.available_from, offer.overdue.after(standing.due)) if standing.due else None
    sampled = max(fold.tested_on, standing.since) if fold.tested_on else standing.since
    return max(offer.available_from, offer.without_sample.after(sampled)) if offer.without_sample else None


def _fresh(
    fold: Fold, offer: KitOffer, standing: Standing, sent: list[Event], fate: Fate, today: date
) -> bool:
    if fate.word == "lost":
        return False
    kit = sent[-1].occurred_on
    ends, opens = offer.fresh.after(kit), offer.reminder_after.after(kit)
    standing.turns.append(ends)
    reminded = next(
        (one for one in fold.letters if one.kind == EventKind.REMINDED and one.occurred_on >= kit), None
    )
    subject = f"kit-{len(sent)}-reminder"
    if reminded is not None:
        standing.close(ObligationKind.REMIND, subject, episode=kit, by=reminded)
    elif fate.word == "out":
        standing.turns.append(opens)
        if opens <= today < ends:
            standing.owe(
                ObligationKind.REMIND, subject, episode=kit, opens=opens, rule=offer.id, letter=offer.reminder_letter
            )  # fmt: skip
    return today < ends


def await_result(fold: Fold, care: KitCare, standing: Standing) -> None:
    """A kit that came back owes a result: a sample lost on the way must be seen."""
    sent = [one for one in fold.kits if one.kind == EventKind.KIT_DISPATCHED]
    if not sent or (fold.tested_on is not None and fold.tested_on >= sent[-1].occurred_on):
        return
    kit = sent[-1]
    since = fold.kits[fold.kits.index(kit) :]
    back = [news.occurred_on for news in since if news.kind in _BACK]
    if back and not any(news.kind == EventKind.KIT_REJECTED for news in since):
        standing.owe(
            ObligationKind.OBTAIN_RESULT, f"kit {kit.occurred_on}", episode=kit.occurred_on, opens=back[0],
            rule=care.id, letter=None, due=care.result_within.after(back[0]),
        )  # fmt: skip
