"""Home-sampling kits: to whom one is owed, what became of it, and the result that must come of it."""

from datetime import date

from screening.protocols.call import Standing
from screening.protocols.correspondence import Letter
from screening.protocols.fold import Fold
from screening.protocols.model import KitOffer, Span
from screening.vocabulary import EventKind, ObligationKind

_RESERVED = frozenset({"kit", "storage"})
_BACK = frozenset({EventKind.KIT_RETURNED, EventKind.KIT_RECEIVED})
# While a kit is this fresh no other reminder is owed. Ours; verified: no.
_FRESH = Span(months=12)
# A kit that came back owes a result within this time. Ours; verified: no.
_RESULT_WITHIN = Span(days=28)


def offer_kit(fold: Fold, offer: KitOffer, standing: Standing, today: date) -> bool:
    """Owe a kit, or the reminder to one; True where one is due or fresh.

    Ten years without a sample are counted from the last specimen of any kind, else from entering the
    target population; who reserved against kits, or against storage, is offered none.
    """
    sent = [
        one
        for one in fold.correspondence.letters
        if one.kind == EventKind.KIT_DISPATCHED and one.day > standing.since
    ]
    sampled = max(fold.tested_on, standing.since) if fold.tested_on else standing.since
    episode = max(offer.available_from, offer.without_sample.after(sampled))
    for number, kit in enumerate(sent, start=1):
        standing.close(ObligationKind.DISPATCH_KIT, f"kit-{number}", episode=episode, by=kit)
    await_result(fold, offer, standing)
    if fold.circumstances.opted_out & _RESERVED:
        return False
    opens = _opens_again(fold, offer, sent[-1].day) if sent else episode
    if opens <= today:
        subject = f"kit-{len(sent) + 1}"
        standing.owe(
            ObligationKind.DISPATCH_KIT,
            subject,
            episode=episode,
            opens=opens,
            rule=offer.id,
            letter=offer.letter,
        )
        return True
    standing.turns.append(opens)
    return bool(sent) and _fresh(fold, offer, standing, sent, today)


def _opens_again(fold: Fold, offer: KitOffer, sent_on: date) -> date:
    """The day another kit is owed after the one sent: at once when the laboratory had to reject it, on
    moving house when the post brought it back, else after the interval.
    """
    since = [news for news in fold.correspondence.kits if news.day >= sent_on]
    rejected = [news.day for news in since if news.kind == EventKind.KIT_REJECTED]
    if rejected:
        return rejected[-1]
    lost = [news.day for news in since if news.kind == EventKind.KIT_UNDELIVERABLE]
    moved = [day for day in fold.circumstances.moves if lost and day >= lost[-1]]
    return moved[0] if moved else offer.again.after(sent_on)


def _fresh(fold: Fold, offer: KitOffer, standing: Standing, sent: list[Letter], today: date) -> bool:
    kit = sent[-1]
    since = {news.kind for news in fold.correspondence.kits if news.day >= kit.day}
    if EventKind.KIT_UNDELIVERABLE in since:
        return False
    ends = _FRESH.after(kit.day)
    standing.turns.append(ends)
    letters = fold.correspondence.letters
    reminded = next((one for one in letters if one.kind == EventKind.REMINDED and one.day >= kit.day), None)
    subject = f"kit-{len(sent)}-reminder"
    opens = offer.reminder_after.after(kit.day)
    if reminded is not None:
        standing.close(ObligationKind.REMIND, subject, episode=kit.day, by=reminded)
    elif not since & _BACK:
        standing.turns.append(opens)
        if opens <= today < ends:
            standing.owe(
                ObligationKind.REMIND, subject, episode=kit.day, opens=opens, rule=offer.id,
                letter=offer.reminder_letter,
            )  # fmt: skip
    return today < ends


def await_result(fold: Fold, offer: KitOffer, standing: Standing) -> None:
    """A kit that came back owes a result: a sample lost on the way must be seen."""
    kits = fold.correspondence.kits
    sent = [news.day for news in kits if news.kind == EventKind.KIT_DISPATCHED]
    if not sent or (fold.tested_on is not None and fold.tested_on >= sent[-1]):
        return
    since = [news for news in kits if news.day >= sent[-1]]
    back = [news.day for news in since if news.kind in _BACK]
    if back and not any(news.kind == EventKind.KIT_REJECTED for news in since):
        standing.owe(
            ObligationKind.OBTAIN_RESULT, f"kit {sent[-1]}", episode=sent[-1], opens=back[0], rule=offer.id,
            letter=None, due=_RESULT_WITHIN.after(back[0]),
        )  # fmt: skip
