"""The named facts that decision tables may ask for, and the words each can take.

Conditions in a protocol are only *fact in set of words*; anything that needs a calculation is a
function here.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from screening.protocols.model import Protocol, Span, Word, birthday
from screening.vocabulary import Sample, Test

MISSING = "missing"
TREATMENTS = ("conisation", "hysterectomy", "oncological")
_FIVE_YEARS = Span(years=5)
_TEN_YEARS = Span(years=10)


def words(protocol: Protocol) -> Mapping[str, Sequence[Word]]:
    """Every fact a table may name, with its closed set of words in this protocol."""
    return {
        "stage": [stage.name for stage in protocol.stages if stage.ends is None],
        "hpv_group": [*(group.word for group in protocol.groups[Test.HPV]), MISSING],
        "cytology": [*(group.word for group in protocol.groups[Test.CYTOLOGY]), MISSING],
        "sample": list(Sample),
        "age": [band.word for band in protocol.ages],
        "hpv_history_5y": ["all_negative", "other"],
        "persistence": ["first", "same"],
        "since_treatment": ["under_10_years", "from_10_years"],
        "histology": [group.word for group in protocol.groups[Test.HISTOLOGY]],
        "treatment": list(TREATMENTS),
        "worst_histology": ["none", *(group.word for group in protocol.groups[Test.HISTOLOGY])],
    }


def can_be(combination: Mapping[str, Word]) -> bool:
    """Whether a combination of facts can occur at all; tables need no row for those that cannot."""
    hpv, cytology = combination.get("hpv_group"), combination.get("cytology")
    if hpv == MISSING and cytology == MISSING:
        return False  # a specimen has at least one finding
    if combination.get("sample") == Sample.SELF and (cytology != MISSING or hpv == MISSING):
        return False  # a home sample is analysed for HPV only; with cytology the specimen is a clinician's
    if combination.get("stage") == "triage" and hpv in {"negative", "invalid", MISSING}:
        return False  # the HPV that opened triage is weighed with whatever comes next
    same = combination.get("persistence") == "same"
    return not (same and (combination.get("stage") != "control" or hpv in {"negative", "invalid", MISSING}))


def age_word(protocol: Protocol, born: date, on: date) -> Word:
    """The age band, in completed years, on the day of the specimen."""
    for band in protocol.ages:
        if on < birthday(born, band.before_age):
            return band.word
    return protocol.ages[-1].word


def hpv_history_5y(earlier: Iterable[tuple[date, bool, bool | None]], on: date) -> Word:
    """`all_negative` where the five years before `on` hold an HPV test, and nothing abnormal.

    `earlier`: one (day, abnormal, hpv negative or None where no valid HPV test) per earlier specimen.
    Source: S1, S2 (rule 03).
    """
    since = _FIVE_YEARS.before(on)
    seen = [(abnormal, negative) for day, abnormal, negative in earlier if since <= day < on]
    if any(abnormal for abnormal, _ in seen):
        return "other"
    return "all_negative" if any(negative for _, negative in seen) else "other"


def since_treatment(treated_on: date | None, on: date) -> Word:
    """Counted from the last treatment; without one, as if it had just been."""
    if treated_on is not None and _TEN_YEARS.after(treated_on) <= on:
        return "from_10_years"
    return "under_10_years"
