"""What happens in every programme: calls, kits, referrals, visits, results told, treatment, leaving."""

import polars as pl

from analytics.indicators.facts import Facts, fact, happened, owed
from screening.vocabulary import EventKind, ObligationKind

CALLS = (EventKind.INVITED, EventKind.REMINDED, EventKind.KIT_DISPATCHED)
OWED_CALLS = (ObligationKind.INVITE, ObligationKind.REMIND, ObligationKind.DISPATCH_KIT)
# A replacement is sent because of a result: it answers a response and calls nobody.
_REPLACEMENT = "kit_replacement"


@fact
def sendings(facts: Facts) -> pl.DataFrame:
    """Letters and kits that call a person to screening or remind of a call: one row per sending, with `letter`."""
    sent = happened(facts, CALLS, "kind", "letter", "arm")
    if sent["letter"].null_count():
        sent = sent.with_columns(
            letter=pl.coalesce("letter", pl.col("kind").cast(pl.String).cast(pl.Categorical))
        )
    return sent.filter(pl.col("letter") != _REPLACEMENT)


@fact
def reminders(facts: Facts) -> pl.DataFrame:
    return sendings(facts).filter(pl.col("kind") == EventKind.REMINDED.value)


@fact
def undeliverable(facts: Facts) -> pl.DataFrame:
    return happened(facts, [EventKind.LETTER_UNDELIVERABLE, EventKind.KIT_UNDELIVERABLE])


@fact
def kits(facts: Facts) -> pl.DataFrame:
    """Every kit sent out, replacements too."""
    return happened(facts, [EventKind.KIT_DISPATCHED], "letter")


@fact
def kits_back(facts: Facts) -> pl.DataFrame:
    """Days on which a kit came back: noticed in the post, at the laboratory, or by its result."""
    back = [EventKind.KIT_RETURNED, EventKind.KIT_RECEIVED, EventKind.KIT_REJECTED]
    return happened(facts, back)


@fact
def referrals(facts: Facts) -> pl.DataFrame:
    return happened(facts, [EventKind.REFERRED], "unit", where=_to(facts))


@fact
def bookings(facts: Facts) -> pl.DataFrame:
    """Appointments as they were booked, with `for_date`."""
    return happened(facts, [EventKind.APPOINTMENT_BOOKED], "for_date", where=_to(facts))


@fact
def visits(facts: Facts) -> pl.DataFrame:
    return happened(facts, [EventKind.APPOINTMENT_ATTENDED], "unit", where=_to(facts))


def _to(facts: Facts) -> pl.Expr:
    """Where a positive test leads; where it is not said, it is there."""
    return pl.col("to").is_null() | (pl.col("to") == facts.programme.to.value)


@fact
def results_given(facts: Facts) -> pl.DataFrame:
    return happened(facts, [EventKind.RESULT_GIVEN])


@fact
def treatments(facts: Facts) -> pl.DataFrame:
    return happened(facts, [EventKind.TREATED], "code", "unit")


@fact
def exits(facts: Facts) -> pl.DataFrame:
    """Death and emigration: after them nobody can attend."""
    return happened(facts, [EventKind.DIED, EventKind.EMIGRATED])


@fact
def owed_calls(facts: Facts) -> pl.DataFrame:
    return owed(facts, OWED_CALLS, "state", "closed_on", "evidence_on")


# Why there is nothing left to screen, as a reason for ceasing; and the treatments after which there is not.
_NO_ORGAN = ("no_cervix", "no_breast", "no_bowel", "no_colon")
_REMOVED = ("hysterectomy", "total_hysterectomy", "bilateral_mastectomy", "colectomy", "total_colectomy")


@fact
def organ_gone(facts: Facts) -> pl.DataFrame:
    """Days from which nothing is left to screen: the person ceased because of it, or it was removed in treatment."""
    ceased = (pl.col("kind") == EventKind.CEASED.value) & pl.col("code").is_in([*_NO_ORGAN, *_REMOVED])
    removed = (pl.col("kind") == EventKind.TREATED.value) & pl.col("code").is_in(_REMOVED)
    return happened(facts, [EventKind.CEASED, EventKind.TREATED], where=ceased | removed)


@fact
def reinstated(facts: Facts) -> pl.DataFrame:
    return happened(facts, [EventKind.REINSTATED])
