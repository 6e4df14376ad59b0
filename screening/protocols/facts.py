"""The named facts that decision tables may ask for, the words each can take, and how each is told.

Conditions in a protocol are only *fact in set of words*; anything that needs a calculation is a pure
function here. A fact is told of a `Memory`: what a life has shown so far, and the news being judged.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from typing import NamedTuple

import msgspec

from screening.protocols.circumstances import Circumstances
from screening.protocols.model import Band, Cutoff, Group, Protocol, Stage, Word
from screening.protocols.spans import Span, birthday
from screening.vocabulary import Sample, Test

MISSING = "missing"
NONE = "none"


class Seen(msgspec.Struct, frozen=True, gc=False):
    """A specimen of the past; `negative` None: it held no valid primary test."""

    day: date
    abnormal: bool
    negative: bool | None
    sample: str


class Memory(Circumstances, gc=False, eq=False, kw_only=True):
    """What the facts may ask: the person, the news being judged, and what came before it."""

    stage: Stage
    day: date = date.min  # of the news being judged
    findings: Mapping[str, Sequence[str]] = {}  # of the news being judged, by test
    sample: str = Sample.CLINICIAN
    treatment: str = ""  # code of the last
    # positive findings of this episode, by test
    found: dict[str, frozenset[str]] = msgspec.field(default_factory=dict)
    earlier: list[Seen] = msgspec.field(default_factory=list)
    # of the mammogram in hand: (reader, positive)
    readings: list[tuple[str, bool]] = msgspec.field(default_factory=list)
    tested_on: date | None = None  # last specimen
    treated_on: date | None = None
    worst: int | None = None  # worst histology ever, position in the groups
    # when the call fell due that the present episode answers, and the day it was answered
    lateness: tuple[date, date] | None = None


Teller = Callable[[Memory], Word]


class Fact(NamedTuple):
    """`needs`: the tests or kinds of event whose news can show it; empty: any."""

    about: str
    words: Callable[[Protocol], Sequence[Word]]
    teller: Callable[[Protocol], Teller]
    needs: frozenset[str] = frozenset()


def worst_word(groups: Sequence[Group], findings: Iterable[str]) -> Word:
    """The group of the worst finding; `missing` where there is none."""
    found = set(findings)
    return next((group.word for group in groups if not found.isdisjoint(group.findings)), MISSING)


def age_word(bands: Sequence[Band], born: date, on: date) -> Word:
    """The age band, in completed years, on the day of the specimen."""
    for band in bands:
        if on < birthday(born, band.before_age):
            return band.word
    return bands[-1].word


def negative_history(earlier: Iterable[Seen], on: date, span: Span) -> Word:
    """`all_negative` where the `span` before `on` holds a primary test, and nothing abnormal. Source: S1, S2."""
    since = span.before(on)
    seen = [one for one in earlier if since <= one.day < on]
    if any(one.abnormal for one in seen):
        return "other"
    return "all_negative" if any(one.negative for one in seen) else "other"


def recent_positive(earlier: Iterable[Seen], on: date, span: Span) -> Word:
    """`recent` where the `span` before `on` holds a positive that no negative of a clinician's sample followed.

    Source: S4.
    """
    since = span.before(on)
    recent = False
    for one in earlier:
        if since <= one.day < on:
            if one.abnormal:
                recent = True
            elif one.negative and one.sample == Sample.CLINICIAN:
                recent = False
    return "recent" if recent else NONE


def since_treatment(treated_on: date | None, on: date, span: Span) -> Word:
    """Counted from the last treatment; without one, as if it had just been."""
    return "long" if treated_on is not None and span.after(treated_on) <= on else "recent"


def persistence(groups: Sequence[Group], now: Iterable[str], before: Iterable[str]) -> Word:
    """`same` where the worst group found now is positive and was found in this episode before."""
    word = worst_word(groups, now)
    alike = {group.word for group in groups if group.positive and not set(before).isdisjoint(group.findings)}
    return "same" if word in alike else "first"


def double_reading(readings: Iterable[tuple[str, bool]]) -> Word:
    """Two different readers have to read; a reader is positive who is so of either breast. Source: S53."""
    readers: dict[str, bool] = {}
    for reader, positive in readings:
        readers[reader] = readers.get(reader, False) or positive
    if len(readers) < 2:
        return "incomplete"
    positive = sum(readers.values())
    if not positive:
        return "both_negative"
    return "both_positive" if positive == len(readers) else "discordant"


def overdue(lateness: tuple[date, date] | None, span: Span) -> Word:
    """Whether the call that this episode answers had been due for at least so long when it was answered."""
    return "long" if lateness is not None and span.after(lateness[0]) <= lateness[1] else "no"


def judged_fit(cutoffs: Sequence[Cutoff], value: float, on: date, laboratory: str | None) -> Word:
    """`positive` or `negative` by the cut-off in force on the day of analysis; before the first, by the first."""
    fitting = [one for one in cutoffs if not one.laboratories or laboratory in one.laboratories]
    rule = next((one for one in reversed(fitting) if one.since <= on), fitting[0])
    over = rule.above is not None and value > rule.above
    reached = rule.at_least is not None and value >= rule.at_least
    return "positive" if over or reached else "negative"


def last_round(earlier: Iterable[Seen], referred: Iterable[date], since: date, until: date) -> Word:
    """What the years before a fixed age came to: nothing, only negatives, a positive, or a referral."""
    seen = [one for one in earlier if since <= one.day < until]
    if any(since <= day < until for day in referred):
        return "referred"
    if any(one.abnormal for one in seen):
        return "positive"
    return "negative" if any(one.negative for one in seen) else "not_attended"


LAST_ROUND = ("not_attended", "negative", "positive", "referred")


def _group_fact(test: Test, about: str) -> Fact:
    def teller(protocol: Protocol) -> Teller:
        groups = protocol.groups.get(test, ())
        word_of = {finding: group.word for group in groups for finding in group.findings}

        def tell(memory: Memory) -> Word:
            found = memory.findings.get(test, ())
            if test in memory.stage.remembers:
                found = [*found, *memory.found.get(test, ())]
            elif len(found) == 1:
                return word_of[found[0]]
            return worst_word(groups, found)

        return tell

    def words(protocol: Protocol) -> Sequence[Word]:
        return [*(group.word for group in protocol.groups.get(test, ())), MISSING]

    return Fact(about, words, teller, frozenset({test}))


def _persistence(protocol: Protocol) -> Teller:
    groups = protocol.groups.get(Test.HPV, ())

    def tell(memory: Memory) -> Word:
        if not memory.stage.compares:
            return "first"
        return persistence(groups, memory.findings.get(Test.HPV, ()), memory.found.get(Test.HPV, ()))

    return tell


def _worst_histology(protocol: Protocol) -> Teller:
    words = [group.word for group in protocol.groups.get(Test.HISTOLOGY, ())]
    return lambda memory: NONE if memory.worst is None else words[memory.worst]


def _treatment(protocol: Protocol) -> Teller:
    word_of = {code: group.word for group in protocol.treatments for code in group.findings}
    # an unknown word for a treatment must not end follow-up: it is taken for the one that continues it
    first = protocol.treatments[0].word
    return lambda memory: word_of.get(memory.treatment, first)


def _history(protocol: Protocol) -> Teller:
    span = protocol.periods.history
    return lambda memory: negative_history(memory.earlier, memory.day, span)


def _recent(protocol: Protocol) -> Teller:
    span = protocol.periods.history
    return lambda memory: recent_positive(memory.earlier, memory.day, span)


def _since_treatment(protocol: Protocol) -> Teller:
    span = protocol.periods.surveillance
    return lambda memory: since_treatment(memory.treated_on, memory.day, span)


def _overdue(protocol: Protocol) -> Teller:
    span = protocol.periods.overdue
    return lambda memory: overdue(memory.lateness, span)


def _last_specimen(memory: Memory) -> Word:
    if not memory.earlier:
        return NONE
    return "abnormal" if memory.earlier[-1].abnormal else "normal"


FACTS: Mapping[str, Fact] = {
    "stage": Fact(
        "where the person is",
        lambda protocol: [stage.name for stage in protocol.stages],
        lambda _: lambda memory: memory.stage.name,
    ),
    "hpv_group": _group_fact(Test.HPV, "worst group of HPV types found"),
    "cytology": _group_fact(Test.CYTOLOGY, "worst group of cytology"),
    "fit": _group_fact(Test.FIT, "the stool sample, judged by the cut-off of the day of analysis"),
    "consensus": _group_fact(Test.CONSENSUS, "what the readers decided together"),
    "colonoscopy": _group_fact(Test.COLONOSCOPY, "worst finding of the colonoscopy"),
    "histology": _group_fact(Test.HISTOLOGY, "worst finding of the histology"),
    "readings": Fact(
        "two different readers, the higher score of each over both breasts",
        lambda _: ["incomplete", "both_negative", "discordant", "both_positive"],
        lambda _: lambda memory: double_reading(memory.readings),
        frozenset({Test.MAMMOGRAPHY}),
    ),
    "sample": Fact("who took the specimen", lambda _: list(Sample), lambda _: lambda memory: memory.sample),
    "age": Fact(
        "completed years on the day of the specimen",
        lambda protocol: [band.word for band in protocol.ages],
        lambda protocol: lambda memory: age_word(protocol.ages, memory.person.born, memory.day),
    ),
    "negative_history": Fact(
        "the years before hold a primary test, and nothing abnormal",
        lambda _: ["all_negative", "other"],
        _history,
    ),
    "recent_positive": Fact(
        "a positive in the years before, without a clinician's negative since",
        lambda _: ["recent", NONE],
        _recent,
    ),
    "persistence": Fact(
        "the same group as before in this episode",
        lambda _: ["first", "same"],
        _persistence,
        frozenset({Test.HPV}),
    ),
    "since_treatment": Fact("since the last treatment", lambda _: ["recent", "long"], _since_treatment),
    "overdue": Fact(
        "how long the call had been due that this episode answers", lambda _: ["no", "long"], _overdue
    ),
    "worst_histology": Fact(
        "worst histology ever",
        lambda protocol: [NONE, *(group.word for group in protocol.groups.get(Test.HISTOLOGY, ()))],
        _worst_histology,
    ),
    "last_specimen": Fact(
        "what the last specimen showed", lambda _: [NONE, "normal", "abnormal"], lambda _: _last_specimen
    ),
    "treatment": Fact(
        "what was done",
        lambda protocol: [group.word for group in protocol.treatments],
        _treatment,
        frozenset({"treated"}),
    ),
}
