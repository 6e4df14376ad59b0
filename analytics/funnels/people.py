"""Who did what in a published funnel: for each count, which of the row's people it is.

People of a row are numbered from 0. Each later step is taken by the first of those who took the step
before, so every count is met exactly, and nobody is found ill who was not found positive.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from analytics.funnels.published import PublishedFunnel, Row
from screening.refusals import Refused
from screening.vocabulary import Cancer


@dataclass(frozen=True, slots=True)
class Some:
    """People numbered from `first` up to and without `end`."""

    first: int
    end: int

    @property
    def count(self) -> int:
        return self.end - self.first


Groups = Mapping[str, Sequence[Some]]  # what was done or found -> whom it concerns


def groups_of(funnel: PublishedFunnel, row: Row) -> tuple[int, Groups]:
    """How many people the row needs, and who of them did what. Refuses counts that contradict each other."""
    parted = {Cancer.CERVICAL: _cervical, Cancer.COLORECTAL: _bowel, Cancer.BREAST: _breast}[funnel.cancer]
    groups = {what: [s for s in some if s.count] for what, some in parted(_Counts(funnel, row)).items()}
    size = max((s.end for some in groups.values() for s in some), default=0)
    return size, groups


@dataclass(frozen=True, slots=True)
class _Counts:
    funnel: PublishedFunnel
    row: Row

    def __getitem__(self, word: str) -> int:
        return self.row.counts.get(word, 0)

    def told(self, word: str) -> bool:
        return word in self.row.counts

    def chain(self, words: Sequence[str], least: int) -> dict[str, int]:
        """A count for each step of a way, where a step that is not told is as many as the next.

        `least`: what the last step must hold. Refuses a step of which there are more than of the one before.
        """
        found: dict[str, int] = {}
        following, after = least, "what was found"
        for word in reversed(words):
            count = self[word] if self.told(word) else following
            if count < following:
                raise self.contradiction(word, after, count, following)
            found[word], following, after = count, count, word
        return found

    def contradiction(self, word: str, after: str, count: int, following: int) -> Refused:
        row = f"row {self.row.label}"
        message = f"{self.funnel.file}: {row}: {following:,} {after} of only {count:,} {word}"
        return Refused("funnel_contradicts_itself", message, file=self.funnel.file, row=self.row.label)


def _up_to(count: int) -> list[Some]:
    return [Some(0, count)]


def _in_turn(counts: Mapping[str, int], first: int = 0) -> dict[str, list[Some]]:
    """One group after the other."""
    found: dict[str, list[Some]] = {}
    for word, count in counts.items():
        found[word] = [Some(first, first + count)]
        first += count
    return found


def _beginning(of: _Counts, tested: int) -> Groups:
    """Living here, being called, having been tested in the window of a coverage."""
    if of.told("invited") and of["invited"] < tested:
        raise of.contradiction("invited", "tested", of["invited"], tested)
    if of.told("population") and of["population"] < of["tested_in_window"]:
        raise of.contradiction("population", "tested_in_window", of["population"], of["tested_in_window"])
    return {
        "here": _up_to(of["population"]),
        "invited": _up_to(of["invited"]),
        "covered": _up_to(of["tested_in_window"]),
        "tested": _up_to(tested),
    }


def _interval(of: _Counts, first: int) -> Groups:
    """Cancers after a test that found none, in people from `first` on."""
    kinds = ("interval_invasive", "interval_dcis", "interval_unknown")
    return _in_turn({kind: of[kind] for kind in kinds}, first)


def _needing(interval: Groups) -> int:
    """How many must have been tested for these to come after a test."""
    return max((s.end for some in interval.values() for s in some if s.count), default=0)


def _cervical(of: _Counts) -> Groups:
    lesions = max(of["cin2_plus"], of["cancer"] + of["high_grade"])
    found = _in_turn(
        {"cancer": of["cancer"], "cin3": of["high_grade"], "cin2": lesions - of["cancer"] - of["high_grade"]}
    )
    way = of.chain(("positive", "referred", "assessed"), max(lesions, of["treated"], of["abnormal"]))
    graded, confirmed = of["high_grade_cytology"], of["high_grade_histology_within_6_months"]
    if confirmed > graded:
        raise of.contradiction(
            "high_grade_cytology", "high_grade_histology_within_6_months", graded, confirmed
        )
    interval = _interval(of, way["positive"])
    tested = of.chain(("tested",), max(way["positive"], _needing(interval)))["tested"]
    return {
        **_beginning(of, tested),
        "positive": _up_to(way["positive"]),
        "negative": [Some(way["positive"], tested)],
        "abnormal": _up_to(of["abnormal"]),
        "referred": _up_to(way["referred"]),
        "assessed": _up_to(way["assessed"]),
        **found,
        "treated": _up_to(of["treated"]),
        "high_grade_cytology": [Some(tested, tested + graded)],
        "confirmed": [Some(tested, tested + confirmed)],
        **interval,
    }


def _bowel(of: _Counts) -> Groups:
    worst = {word: of[word] for word in ("cancer", "advanced_adenoma", "non_advanced_adenoma")}
    way = of.chain(("positive", "assessed"), max(sum(worst.values()), of["treated"]))
    referred = of["referred"] if of.told("referred") else way["assessed"]
    interval = _interval(of, way["positive"])
    tested = of.chain(("tested",), max(way["positive"], referred, _needing(interval)))["tested"]
    return {
        **_beginning(of, tested),
        "positive": _up_to(way["positive"]),
        "negative": [Some(way["positive"], tested)],
        "referred": _up_to(referred),
        "clear": [Some(sum(worst.values()), way["assessed"])],
        **_in_turn(worst),
        "treated": _up_to(of["treated"]),
        **interval,
    }


def _breast(of: _Counts) -> Groups:
    """Recalled are those in whom cancer was found and those falsely positive, in that order.

    Among them come first those whom one reader found and the other did not; after them, not recalled, those
    dismissed at consensus; after them those in whom nobody found anything.
    """
    kinds = {
        f"screen_detected_{kind}": of[f"screen_detected_{kind}"] for kind in ("invasive", "dcis", "unknown")
    }
    kinds["screen_detected_unknown"] += max(0, of["screen_detected"] - sum(kinds.values()))
    ill = sum(kinds.values())
    read = of["discordant"] + of["concordant_positive"]
    dismissed = of["dismissed_at_consensus"]
    recalled = max(
        ill + of["false_positive"],
        of["positive"],
        of["referred"],
        of["assessed"],
        of["cancer"],
        read - dismissed,
    )
    if read and recalled != read - dismissed:
        raise of.contradiction(
            "readings with a finding not dismissed", "recalled", read - dismissed, recalled
        )
    if of["interval_after_dismissal"] > dismissed:
        told = of["interval_after_dismissal"]
        raise of.contradiction("dismissed_at_consensus", "interval_after_dismissal", dismissed, told)
    interval = _interval(of, recalled + dismissed)
    tested = of.chain(("tested",), max(recalled + dismissed, _needing(interval)))["tested"]
    assessed = of["assessed"] if of.told("assessed") else recalled
    one_reader = _one_reader(of, ill, recalled, dismissed)
    return {
        **_beginning(of, tested),
        "recalled": _up_to(recalled),
        "assessed": _up_to(assessed),
        "dismissed": [Some(recalled, recalled + dismissed)],
        "one_reader": one_reader,
        "both_readers": _without(one_reader, recalled + dismissed),
        "no_reader": [Some(recalled + dismissed, tested)],
        **_in_turn(kinds),
        "sampled": [Some(ill, ill + of["false_positive_invasive_procedure"])],
        "interval_after_dismissal": [Some(recalled, recalled + of["interval_after_dismissal"])],
        "treated": _up_to(of["treated"]),
        **interval,
    }


def _one_reader(of: _Counts, ill: int, recalled: int, dismissed: int) -> list[Some]:
    """Whose mammogram one reader found and the other did not: the last of those ill, then dismissed, then recalled."""
    among_ill = of["screen_detected_discordant"]
    rest = of["discordant"] - among_ill
    if rest < 0 or among_ill > ill:
        raise of.contradiction("discordant", "screen_detected_discordant", of["discordant"], among_ill)
    of_dismissed = min(rest, dismissed)
    of_recalled = rest - of_dismissed
    if of_recalled > recalled - ill:
        raise of.contradiction("recalled", "discordant", recalled - ill, of_recalled)
    return [
        Some(ill - among_ill, ill),
        Some(recalled - of_recalled, recalled),
        Some(recalled, recalled + of_dismissed),
    ]


def _without(some: Sequence[Some], end: int) -> list[Some]:
    """Everybody from 0 to `end` who is in none of these groups, which come in order."""
    starts, ends = [0, *(s.end for s in some)], [*(s.first for s in some), end]
    return [Some(a, b) for a, b in zip(starts, ends, strict=True) if b > a]
