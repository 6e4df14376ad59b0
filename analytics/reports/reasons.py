"""Why something cannot be shown, in the reader's language."""

from collections.abc import Mapping
from datetime import date

from analytics.reports.words import Wording
from screening.refusals import Refused

_NOT_KNOWN = "Unknown {what}: “{came}”. Known: {known}."
_ALMOST = "Unknown {what}: “{came}”. Did you mean “{near}”? Known: {known}."
_SPLITS = "This indicator cannot be split by {came}; it can by {known}."

# code -> the sentence; what stands in braces is among the facts of the refusal.
_SENTENCES: Mapping[str, str] = {
    "not_split_so": _SPLITS,
    "unknown_period": "“{period}” is no period: ask for a year (2025), years (2021-2025), a quarter (2025-Q1) or a month"
    " (2025-03).",
    "period_without_data": "{period} begins after the day on which the data end, {data_cut}.",
    "too_many_parts": "{period} has too many parts to be shown at once; ask for a shorter period.",
    "unknown_language": "There are Norwegian (nb) and English (en).",
    "repeated_parameter": "“{parameter}” was given several times in the address; give it once.",
    "role_may_not": "This page is for the programme's own staff; you are signed in with another role.",
}


def told_in(say: Wording, error: Refused) -> str | None:
    """None where it is told in no other words than its own, which are English."""
    phrase = _SENTENCES.get(error.code) or (_sort_of(error) if "what" in error.facts else None)
    if (
        say.is_english
        or phrase is None
        or not say.knows(phrase)
        or ("{came}" in phrase and "came" not in error.facts)
    ):
        return None
    return say(
        phrase, **{name: _told(name, str(value), error.code, say) for name, value in error.facts.items()}
    )


def _told(name: str, text: str, code: str, say: Wording) -> str:
    """Words of ours in the language; what came, and names, as they are."""
    if name == "data_cut":
        return say.day(date.fromisoformat(text))
    if name == "what" or (code == "not_split_so" and name in ("came", "known")):
        return ", ".join(say(word.replace("_", " ")) for word in text.split(", "))
    return text


def _sort_of(error: Refused) -> str:
    return _ALMOST if error.facts.get("near") else _NOT_KNOWN
