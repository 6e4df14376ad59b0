"""A person's history folded through a protocol: which stage of which episode, and what is owed there.

The fold walks the valid events in the order they *occurred*; the order in which they were recorded
decides only which of two entries corrects the other.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from operator import itemgetter

from screening.history.events import Event
from screening.protocols import facts as named
from screening.protocols.circumstances import Circumstances
from screening.protocols.correspondence import Correspondence
from screening.protocols.decision import Closed, Obligation, Person, Step
from screening.protocols.model import CompiledProtocol, Family, Row, Stage, Table, Word
from screening.vocabulary import EventKind, ObligationKind, Sample, Test

CALL = "call"
_NOT_POSITIVE = frozenset({"negative", "invalid"})
_UNREMARKABLE_CYTOLOGY = frozenset({"nilm", "unsatisfactory"})
_SPECIMEN_TESTS = frozenset({"hpv", "cytology"})
# Same-day order: what was found, then what was done about it, then what was written about it.
_RANK: Mapping[str, int] = {
    EventKind.REGISTERED: 0, EventKind.IMMIGRATED: 0, EventKind.EMIGRATED: 0, EventKind.MOVED: 0,
    EventKind.DIED: 0, EventKind.DEATH_REVERSED: 1,
    EventKind.TESTED: 2, EventKind.REFERRED: 3, EventKind.APPOINTMENT_BOOKED: 3, EventKind.APPOINTMENT_MISSED: 4,
    EventKind.APPOINTMENT_ATTENDED: 5, EventKind.DIAGNOSED: 6, EventKind.TREATED: 7, EventKind.FOLLOW_UP_CLOSED: 8,
}  # fmt: skip
_HISTOLOGY_RANK = 6
_LAST_RANK = 9
# Colposcopy that found no reason to take a biopsy answers like a normal one.
_DIAGNOSES: Mapping[str, str] = {"no_biopsy": "normal"}

Placed = tuple[date, int, int, Event]  # (day, same-day rank, id, event)
Fired = tuple[date, Row, tuple[Word, ...], Table | None]


def valid_events(history: Iterable[Event], today: date) -> list[Placed]:
    """Known and not corrected on `today`, in order of occurrence."""
    known = [event for event in history if event.recorded_on <= today]
    corrected = {event.supersedes for event in known if event.supersedes is not None}
    placed = [
        (event.occurred_on, _rank(event), event.id, event)
        for event in known
        if event.occurred_on <= today
        and event.id not in corrected
        and event.kind != EventKind.RESULT_WITHDRAWN
    ]
    placed.sort(key=itemgetter(0, 1, 2))
    return placed


def _rank(event: Event) -> int:
    if event.kind == EventKind.TESTED and event.body.get("test") == Test.HISTOLOGY:
        return _HISTOLOGY_RANK
    return _RANK.get(event.kind, _LAST_RANK)


class Fold:
    """The state after each event. Mutable inside one `decide`, never shared."""

    __slots__ = (
        "anchor", "circumstances", "closed", "correspondence", "due", "earlier", "entered_on", "episode",
        "episodes", "family", "fired", "found", "person", "row", "stage", "step", "step_on", "tested_on",
        "treated_on", "version", "worst",
    )  # fmt: skip

    def __init__(self, family: Family, person: Person) -> None:
        self.family = family
        self.person = person
        self.circumstances = Circumstances(person)
        self.correspondence = Correspondence()
        self.version: CompiledProtocol = family.versions[0]
        self.stage: Stage = self.version.stages[CALL]
        self.row: Row | None = None  # the row that led to the present stage
        self.entered_on: date | None = None  # the day the present stage began
        self.due: date | None = None  # what that row's `after` came to
        self.step = 0  # position in the stage's `owes`
        self.step_on: date | None = None
        self.episode: date | None = None  # None: no follow-up is open
        self.episodes = 0
        self.found: set[str] = set()  # HPV types found in this episode
        # every specimen so far: (day, abnormal, HPV negative or None where there was no valid HPV test)
        self.earlier: list[tuple[date, bool, bool | None]] = []
        self.tested_on: date | None = None  # last specimen
        self.anchor: date | None = None  # the day the next call counts from
        self.treated_on: date | None = None
        self.worst: int | None = None  # worst histology ever, position in the groups
        self.closed: list[Closed] = []
        self.fired: list[Fired] = []

    def walk(self, events: Sequence[Placed]) -> None:
        """Take every event in turn; HPV and cytology of one day are one specimen."""
        position, count = 0, len(events)
        while position < count:
            day, _, _, event = events[position]
            position += 1
            if _of_specimen(event):
                taken = [event]
                while position < count and events[position][0] == day and _of_specimen(events[position][3]):
                    taken.append(events[position][3])
                    position += 1
                self.specimen(day, taken)
            else:
                self.take(day, event)

    def take(self, day: date, event: Event) -> None:
        handler = _HANDLERS.get(event.kind)
        if handler is not None:
            handler(self, day, event)
        elif not self.correspondence.take(day, event):
            self.circumstances.take(day, event)

    # -- findings ---------------------------------------------------------------------------------

    def specimen(self, day: date, taken: Sequence[Event]) -> None:
        hpv: list[str] = []
        cytology: list[str] = []
        for event in taken:
            (hpv if event.body["test"] == Test.HPV else cytology).extend(event.body.get("findings", ()))
        if not hpv and not cytology:
            return  # a report without a finding says nothing yet
        by_self = not cytology and all(event.body.get("sample") == Sample.SELF for event in taken)
        if self.stage.name == CALL or self.stage.ends:
            self.open_episode(day, _profile(taken))
        facts = self.specimen_facts(day, hpv, cytology, by_self=by_self)
        row = self.fire(self.version.specimen, self.version.protocol.specimen, facts, day)
        self.remember(day, hpv, cytology)
        last = max(taken, key=lambda event: event.id)
        if by_self:
            rules = self.version.protocol.call
            self.correspondence.owe_result(last, day, self.episode or day, row, facts[1], rules)
        self.apply(row, day, last, "specimen")

    def specimen_facts(
        self, day: date, hpv: Sequence[str], cytology: Sequence[str], *, by_self: bool
    ) -> tuple[Word, ...]:
        """The words of the specimen table, in its order; what is not asked of a finding has its quiet word."""
        hpv_word = self.hpv_word(hpv)
        return (
            self.stage.name,
            hpv_word,
            self.worst_word(Test.CYTOLOGY, cytology),
            Sample.SELF if by_self else Sample.CLINICIAN,
            named.age_word(self.version.protocol, self.person.born, day),
            named.hpv_history_5y(self.earlier, day),
            self.persistence(hpv, hpv_word),
            named.since_treatment(self.treated_on, day),
        )

    def worst_word(self, test: Test, findings: Iterable[str]) -> Word:
        """The group of the worst finding; `missing` where there is none."""
        position = self.version.group_of[test]
        worst = min((position[word] for word in findings), default=None)
        return named.MISSING if worst is None else self.version.protocol.groups[test][worst].word

    def hpv_word(self, hpv: Sequence[str]) -> Word:
        """In a stage that remembers, weighed together with what this episode found before."""
        return self.worst_word(Test.HPV, [*hpv, *self.found] if self.stage.remembers else hpv)

    def persistence(self, hpv: Sequence[str], hpv_word: Word) -> Word:
        """`same` where a planned repeat finds, as its worst, a group that this episode found before."""
        if self.stage.name != "control" or hpv_word in _NOT_POSITIVE or not hpv:
            return "first"
        position = self.version.group_of[Test.HPV]
        return "same" if min(position[word] for word in hpv) in {position[w] for w in self.found} else "first"

    def remember(self, day: date, hpv: Sequence[str], cytology: Sequence[str]) -> None:
        positive = [word for word in hpv if word not in _NOT_POSITIVE]
        self.found.update(positive)
        abnormal = bool(positive) or any(word not in _UNREMARKABLE_CYTOLOGY for word in cytology)
        valid = any(word != "invalid" for word in hpv)
        self.earlier.append((day, abnormal, not positive if valid else None))
        self.tested_on = day

    def histology(self, day: date, event: Event) -> None:
        findings: Sequence[str] = event.body.get("findings", ())
        if event.kind == EventKind.DIAGNOSED:
            code = event.body.get("code", "")
            code = _DIAGNOSES.get(code, code)
            findings = [code] if code in self.version.group_of[Test.HISTOLOGY] else ()
        if not findings:
            return
        if self.stage.name == CALL:
            self.open_episode(day, None)
        position = min(self.version.group_of[Test.HISTOLOGY][word] for word in findings)
        self.worst = position if self.worst is None else min(self.worst, position)
        facts = (self.version.protocol.groups[Test.HISTOLOGY][position].word,)
        row = self.fire(self.version.histology, self.version.protocol.histology, facts, day)
        self.apply(row, day, event, "histology")

    def tested(self, day: date, event: Event) -> None:
        if event.body.get("test") == Test.HISTOLOGY:
            self.histology(day, event)

    def treated(self, day: date, event: Event) -> None:
        if self.stage.name == CALL:
            self.open_episode(day, None)
        groups = self.version.protocol.groups[Test.HISTOLOGY]
        code = event.body.get("code")
        # an unknown word for a treatment must not end follow-up: it is taken for the one that continues it
        treatment = code if code in named.TREATMENTS else named.TREATMENTS[0]
        facts = (treatment, "none" if self.worst is None else groups[self.worst].word)
        row = self.fire(self.version.treatment, self.version.protocol.treatment, facts, day)
        self.treated_on = day
        self.apply(row, day, event, "treated")

    # -- stages -----------------------------------------------------------------------------------

    def open_episode(self, day: date, profile: str | None) -> None:
        """A new episode starts under the version in force that day, at a laboratory of that profile."""
        self.version = self.family.version(day, profile)
        self.stage = self.version.stages[CALL]
        self.episodes += 1
        self.episode = day
        self.found = set()

    def fire(
        self, rows: Mapping[tuple[Word, ...], Row], table: Table, facts: tuple[Word, ...], day: date
    ) -> Row:
        row = rows[facts]
        self.fired.append((day, row, facts, table))
        return row

    def apply(self, row: Row, day: date, event: Event, evidence: str) -> None:
        action = row.then
        if action.stage is None:
            return
        self.settle(day, event, evidence)
        self.row = row
        self.stage = self.version.stages[action.stage]
        self.entered_on = day
        self.due = action.after.after(day) if action.after else None
        self.step, self.step_on = 0, day
        if self.stage.name == CALL:
            self.anchor, self.episode = day, None

    def settle(self, day: date, event: Event, evidence: str) -> None:
        """Close what the present stage owes with this evidence, up to the last thing it answers."""
        owes = self.stage.owes
        reached = max((i for i in range(self.step, len(owes)) if evidence in owes[i].closed_by), default=-1)
        while self.step <= reached:
            owed = self.owed_now()
            if owed is not None:
                self.closed.append(Closed(owed.episode, owed.kind, owed.subject, event.id, day, owed))
            self.step, self.step_on = self.step + 1, day

    def evidence(self, day: date, event: Event) -> None:
        self.settle(day, event, event.kind)

    def kit_dispatched(self, day: date, event: Event) -> None:
        self.correspondence.take(day, event)
        self.settle(day, event, event.kind)

    def follow_up_closed(self, day: date, event: Event) -> None:
        """A coded reason ends the follow-up: everything still owed is closed by it."""
        if self.stage.name == CALL or self.stage.ends:
            return
        row = self.version.protocol.follow_up_closed
        self.fired.append((day, row, (), None))
        if self.stage.owes[self.step :]:
            self.settle(day, event, next(iter(self.stage.owes[-1].closed_by)))
        self.apply(row, day, event, "follow_up_closed")

    def reinstated(self, day: date, _event: Event) -> None:
        self.circumstances.ceased = None
        if self.stage.ends:
            self.stage, self.episode, self.due = self.version.stages[CALL], None, day

    def owed_now(self) -> Obligation | None:
        """What the present stage owes; None in the routine, or when everything is in hand."""
        if self.step >= len(self.stage.owes) or self.row is None or self.step_on is None:
            return None
        owed = self.stage.owes[self.step]
        kit = self.version.protocol.call.kit
        return Obligation(
            kind=owed.kind,
            subject=f"{owed.to or owed.kind} {self.entered_on}",
            episode=self.episode or self.step_on,
            opened_on=self.step_on,
            due_on=owed.within.after(self.step_on) if owed.within else (self.due or self.step_on),
            rule=self.row.id,
            to=owed.to,
            letter=kit.replacement_letter if kit and owed.kind == ObligationKind.REPLACE_KIT else None,
        )

    def trace(self) -> tuple[Step, ...]:
        """The rules that fired, oldest first."""
        return tuple(
            Step(
                date=day,
                rule=row.id,
                facts=dict(zip(table.facts, facts, strict=True)) if table else {},
                source=row.source,
            )
            for day, row, facts, table in self.fired
        )


_HANDLERS: Mapping[str, Callable[[Fold, date, Event], None]] = {
    EventKind.TESTED: Fold.tested,
    EventKind.DIAGNOSED: Fold.histology,
    EventKind.TREATED: Fold.treated,
    EventKind.REFERRED: Fold.evidence,
    EventKind.APPOINTMENT_BOOKED: Fold.evidence,
    EventKind.APPOINTMENT_ATTENDED: Fold.evidence,
    EventKind.KIT_DISPATCHED: Fold.kit_dispatched,
    EventKind.FOLLOW_UP_CLOSED: Fold.follow_up_closed,
    EventKind.REINSTATED: Fold.reinstated,
}


def _of_specimen(event: Event) -> bool:
    return event.kind == EventKind.TESTED and event.body.get("test") in _SPECIMEN_TESTS


def _profile(taken: Sequence[Event]) -> str | None:
    """The laboratory profile of a specimen; the same whichever of its reports came first."""
    return min((profile for event in taken if (profile := event.body.get("profile"))), default=None)
