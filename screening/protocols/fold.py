"""A person's history folded through a protocol: which stage of which episode, and what is owed there.

The fold walks the valid events in the order they *occurred*; the order in which they were recorded
decides only which of two entries corrects the other.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from operator import attrgetter

import msgspec

from screening.history.events import Event
from screening.protocols.circumstances import CIRCUMSTANCES
from screening.protocols.correspondence import CORRESPONDENCE, Correspondence
from screening.protocols.decision import Obligation, Person, Settled, Stay
from screening.protocols.facts import Seen, judged_fit
from screening.protocols.family import CompiledProtocol, Family
from screening.protocols.model import CALL, Lapse, Row, Stage, Word
from screening.protocols.sequence import same_day_rank
from screening.vocabulary import Destination, EventKind, ObligationKind, Sample, Test

_SCREENING_TESTS = frozenset({Test.HPV, Test.CYTOLOGY, Test.FIT, Test.MAMMOGRAPHY})
_HISTOLOGIES = frozenset({Test.HISTOLOGY, EventKind.DIAGNOSED})
# Said once here: asking an enumeration for a member costs more than what is done with it for each event.
_TESTED, _MAMMOGRAPHY = EventKind.TESTED, Test.MAMMOGRAPHY
_BY_CLINICIAN, _BY_SELF = Sample.CLINICIAN, Sample.SELF
PRIMARY_TESTS = frozenset({Test.HPV, Test.FIT, Test.MAMMOGRAPHY})
_by_id = attrgetter("id")


class Fold(Correspondence, gc=False, eq=False, kw_only=True):
    """The state after each event. Mutable inside one `decide`, never shared."""

    family: Family
    version: CompiledProtocol
    row: Row | Lapse | None = None  # the rule that led to the present stage
    stay: Stay | None = None  # the same, where something is owed there
    entered_on: date | None = None  # the day the present stage began
    lapses_on: date | None = None  # when the present stage lapses
    step: int = 0  # position in the stage's `owes`
    step_on: date | None = None
    episode: date | None = None  # None: no follow-up is open
    episodes: int = 0
    anchor: date | None = None  # the day of the news that ended the last episode: letters count from it
    due_from: date | None = None  # the day the next call counts from
    reinstated_on: date | None = None
    anchors: list[date] = msgspec.field(default_factory=list)
    referrals: list[date] = msgspec.field(default_factory=list)
    settled: list[Settled] = msgspec.field(default_factory=list)
    fired: list[tuple[date, Row | Lapse, Mapping[str, Word]]] = msgspec.field(default_factory=list)

    def walk(self, events: Sequence[Event], today: date) -> None:
        """Take every event in turn, and whatever lapses before it; news of one day is judged together."""
        place, count = 0, len(events)
        handlers = _HANDLERS
        while place < count:
            event = events[place]
            day = event.occurred_on
            place += 1
            if self.lapses_on is not None:
                self.lapse(day)
            if place < count and events[place].occurred_on == day:
                first = place - 1
                while place < count and events[place].occurred_on == day:
                    place += 1
                self.take_day(day, sorted(events[first:place], key=same_day_rank))
                continue
            handler = handlers.get(event.kind)
            if handler is not None:
                handler(self, day, event)
        if self.lapses_on is not None:
            self.lapse(today)

    def take_day(self, day: date, events: Sequence[Event]) -> None:
        """Several things of one day: what the same table judges is one piece of news."""
        place, count = 0, len(events)
        while place < count:
            event = events[place]
            place += 1
            if event.kind == _TESTED:
                first, judging = place - 1, self.version.judging
                table = judging.get(event.body.get("test", ""))
                while place < count and table is not None and judging.get(_test_of(events[place])) is table:
                    place += 1
                self.judge_tests(day, events[first:place])
                continue
            handler = _HANDLERS.get(event.kind)
            if handler is not None:
                handler(self, day, event)

    # -- news that tables judge -------------------------------------------------------------------

    def tested(self, day: date, event: Event) -> None:
        self.judge_tests(day, (event,))

    def judge_tests(self, day: date, taken: Sequence[Event]) -> None:
        """The tests of one day that one table judges; a report without a finding says nothing yet."""
        findings: dict[str, list[str]] = {}
        positions = self.version.positions
        for event in taken:
            test = event.body["test"]
            known = positions.get(test, ())
            words = [word for word in event.body.get("findings") or self.measured(event) if word in known]
            if words:
                findings[test] = [*findings[test], *words] if test in findings else words
        if not findings:
            return
        event = taken[0] if len(taken) == 1 else max(taken, key=_by_id)
        self.findings = findings
        self.sample = _sample(taken)
        profile = event.body.get("profile") if len(taken) == 1 else _profile(taken)
        if _MAMMOGRAPHY in findings:
            self.note_readings(taken)
        self.judge(event.body["test"], day, event, profile)

    def measured(self, event: Event) -> list[str]:
        """A stool sample's number as a word, by the cut-off of the day it was analysed."""
        value = event.body.get("ug_per_g")
        if value is None:
            return []
        analysed = event.body.get("analysed_on") or event.occurred_on
        on = analysed if isinstance(analysed, date) else date.fromisoformat(str(analysed))
        profile = event.body.get("profile")
        version = self.version if self.episode else self.family.version(event.occurred_on, profile)
        cutoffs = version.protocol.cutoffs
        return [judged_fit(cutoffs, float(value), on, profile)] if cutoffs else []

    def note_readings(self, taken: Sequence[Event]) -> None:
        """Readings add up while the mammogram waits to be read; else they are of a new one."""
        if _MAMMOGRAPHY not in self.stage.remembers:
            self.readings = []
        positive = self.version.positive[_MAMMOGRAPHY]
        self.readings += [
            (str(one.body.get("reader") or ""), not positive.isdisjoint(one.body.get("findings") or ()))
            for one in taken
        ]

    def diagnosed(self, day: date, event: Event) -> None:
        """A code that stands for a histology is judged like one; another organ's says nothing here."""
        code = str(event.body.get("code") or "")
        if code in self.version.positions[Test.HISTOLOGY]:
            finding = code
        else:
            known = self.version.protocol.diagnoses
            finding = next(
                (known[code[:length]] for length in range(len(code), 0, -1) if code[:length] in known), None
            )
        if finding is not None:
            self.findings = {Test.HISTOLOGY: [finding]}
            self.judge(EventKind.DIAGNOSED, day, event, None)

    def happened(self, day: date, event: Event) -> None:
        """Events that are evidence, or that a table judges by where the appointment was."""
        # an appointment without a destination, in no follow-up, is the screening examination
        to = event.body.get("to") or (Destination.MAMMOGRAPHY if self.stage.name == CALL else "")
        what = f"{event.kind}/{to}"
        if what in self.version.judging:
            self.findings = {}
            self.judge(what, day, event, None)
        else:
            self.settle(day, event, event.kind)

    def treated(self, day: date, event: Event) -> None:
        self.findings, self.treatment = {}, event.body.get("code") or ""
        self.judge(EventKind.TREATED, day, event, None)
        self.treated_on = day

    def follow_up_closed(self, day: date, event: Event) -> None:
        """A coded reason ends the follow-up: everything still owed is closed by it."""
        if self.stage.name == CALL or self.stage.ends:
            return
        while self.step < len(self.stage.owes):
            self.close_step(day, event)
        self.findings = {}
        self.judge(EventKind.FOLLOW_UP_CLOSED, day, event, None)

    def judge(self, what: str, day: date, event: Event, profile: str | None) -> None:
        """Find the row that fits the news, remember what was found, and go where the row leads."""
        if self.episode is None:
            self.adopt_version(day, profile)
        table = self.version.judging.get(what)
        if table is None:
            return
        self.day = day
        if what in _HISTOLOGIES:
            self.note_histology()
        leaf = table.find(self)
        row = leaf.row
        self.fired.append((day, row, leaf.facts))
        word = table.letter_word(self) if table.letter_word is not None else None
        if self.episode is None and row.then.stage is not None:
            self.open_episode(day)
        if what in _SCREENING_TESTS:
            self.remember(day)
        if word is not None:
            self.owe_result(table, leaf, word, event, self.episode or day, self.sample)
        self.apply(row, day, event, table.name)

    def note_histology(self) -> None:
        positions = self.version.positions[Test.HISTOLOGY]
        place = min(map(positions.__getitem__, self.findings[Test.HISTOLOGY]))
        self.worst = place if self.worst is None else min(self.worst, place)

    def remember(self, day: date) -> None:
        """What later specimens will be weighed with."""
        abnormal, negative = False, None
        positive = self.version.positive
        for test, words in self.findings.items():
            found = positive[test].intersection(words)
            if found:
                abnormal = True
                self.found[test] = found.union(self.found.get(test, ()))
            elif test in PRIMARY_TESTS and not _NO_ANSWER.issuperset(words):
                negative = True
        self.earlier.append(Seen(day, abnormal, negative, self.sample))
        self.tested_on = day

    # -- stages -----------------------------------------------------------------------------------

    def adopt_version(self, day: date, profile: str | None) -> None:
        """News that comes while no follow-up is open is judged by the version in force that day there."""
        version = self.family.version(day, profile)
        if version is not self.version:
            self.version = version
            self.stage = version.stages.get(self.stage.name) or version.call
        self.found = {}
        if version.asks_overdue:
            enters, _ = version.protocol.population.window(self.person.born, self.municipality)
            self.lateness = (self.due() or max(self.entry, enters), day)

    def open_episode(self, day: date) -> None:
        self.episodes += 1
        self.episode = day

    def apply(self, row: Row | Lapse, day: date, event: Event | None, evidence: str) -> None:
        stage = row.then.stage
        if stage is None:
            return
        if event is not None:
            self.settle(day, event, evidence)
        self.enter(self.version.stages[stage], row, day)

    def enter(self, stage: Stage, rule: Row | Lapse, day: date) -> None:
        self.stage, self.row, self.entered_on, self.step, self.step_on = stage, rule, day, 0, day
        self.lapses_on = stage.lapses.after.after(day) if stage.lapses is not None else None
        if stage.owes:
            self.stay = Stay(stage, rule, day, self.episode or day)
            if stage.name in self.version.refers:
                self.referrals.append(day)
            return
        self.stay, self.episode = None, None
        if stage.name == CALL:
            self.due_from = self.called_on(day) if rule.then.anchor == "invitation" else day
            self.anchor = day
            self.anchors.append(day)

    def called_on(self, day: date) -> date:
        """The day of the invitation that a specimen answers: the last since the last episode, else its own day."""
        since = self.anchor
        calls = [one for one in self.letters if one.kind == EventKind.INVITED]
        return next(
            (one.occurred_on for one in reversed(calls) if since is None or one.occurred_on > since), day
        )

    def lapse(self, today: date) -> None:
        """What stages came to by themselves, by the beginning of that day."""
        while self.lapses_on is not None and self.lapses_on <= today and self.stage.lapses is not None:
            rule, day = self.stage.lapses, self.lapses_on
            self.fired.append((day, rule, {}))
            self.apply(rule, day, None, "")

    def settle(self, day: date, event: Event, evidence: str) -> None:
        """Close what the present stage owes with this evidence, up to the last thing it answers."""
        reached = self.version.answers[self.stage.name].get(evidence, -1)
        if reached < self.step:
            return
        to = event.body.get("to")
        wanted = self.stage.owes[reached].to
        if to is None or wanted is None or to == wanted:
            while self.step <= reached:
                if self.results and self.stage.owes[self.step].kind == ObligationKind.ATTEND:
                    self.told_when_seen(day, event)
                self.close_step(day, event)

    def close_step(self, day: date, event: Event) -> None:
        if self.stay is not None and self.step_on is not None:
            self.settled.append((self.stay, self.step, self.step_on, event.id, day))
        self.step, self.step_on = self.step + 1, day

    def kit_dispatched(self, day: date, event: Event) -> None:
        self.letters.append(event)
        self.kits.append(event)
        self.settle(day, event, event.kind)

    def ceases(self, _day: date, event: Event) -> None:
        """For a reason that ends somebody's part: subtotal hysterectomy, for one, does not."""
        reason = str(event.body.get("reason") or "ceased")
        rule = self.version.ceasing.get(reason)
        if rule is None or rule.stops:
            self.ceased = reason

    def reinstated(self, day: date, _event: Event) -> None:
        self.ceased = None
        if self.stage.ends is not None or self.stage.defers:
            self.stage, self.episode, self.lapses_on = self.version.call, None, None
            self.row, self.stay, self.reinstated_on = None, None, day

    def owed_now(self) -> Obligation | None:
        """What the present stage owes; None in the routine, or when everything is in hand."""
        if self.stay is None or self.step_on is None or self.step >= len(self.stage.owes):
            return None
        return self.stay.owed(self.step, self.step_on)

    def due(self) -> date | None:
        """What the `after` of the row that led here comes to; None where it names none."""
        if self.row is None:
            return self.reinstated_on
        if self.row.then.after is None or self.entered_on is None:
            return None
        counted_from = self.due_from if self.stage.name == CALL and self.due_from else self.entered_on
        return self.row.then.after.after(counted_from)


def begin(family: Family, person: Person) -> Fold:
    """Before the first event: in the call of the oldest version."""
    version = family.versions[0]
    return Fold(
        person=person,
        entry=person.resident_since or person.born,
        municipality=person.municipality,
        stage=version.call,
        family=family,
        version=version,
    )


_NO_ANSWER = frozenset({"invalid", "unsatisfactory", "not_analysable"})

_HANDLERS: Mapping[str, Callable[[Fold, date, Event], None]] = {
    **CIRCUMSTANCES,
    **CORRESPONDENCE,
    EventKind.TESTED: Fold.tested,
    EventKind.DIAGNOSED: Fold.diagnosed,
    EventKind.TREATED: Fold.treated,
    EventKind.REFERRED: Fold.happened,
    EventKind.APPOINTMENT_BOOKED: Fold.happened,
    EventKind.APPOINTMENT_ATTENDED: Fold.happened,
    EventKind.KIT_DISPATCHED: Fold.kit_dispatched,
    EventKind.FOLLOW_UP_CLOSED: Fold.follow_up_closed,
    EventKind.CEASED: Fold.ceases,
    EventKind.REINSTATED: Fold.reinstated,
}


def _test_of(event: Event) -> str:
    return event.body.get("test") or "" if event.kind == _TESTED else ""


def _sample(taken: Sequence[Event]) -> Sample:
    """A home sample is analysed for one thing only: with cytology the specimen is a clinician's."""
    for event in taken:
        if event.body.get("sample") != _BY_SELF or event.body.get("test") == Test.CYTOLOGY:
            return _BY_CLINICIAN
    return _BY_SELF


def _profile(taken: Sequence[Event]) -> str | None:
    """The laboratory profile of a specimen; the same whichever of its reports came first."""
    return min((profile for event in taken if (profile := event.body.get("profile"))), default=None)
