"""A person's history folded through a protocol: which stage of which episode, and what is owed there.

The fold walks the valid events in the order they *occurred*; the order in which they were recorded
decides only which of two entries corrects the other.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from operator import itemgetter
from typing import Any

from screening.history.events import Event
from screening.protocols import facts as named
from screening.protocols.decision import Closed, Obligation, Person, Step
from screening.protocols.model import CompiledProtocol, Family, Row, Stage, Table
from screening.vocabulary import EventKind, ObligationKind, Sample, Test

CALL = "call"
_NOT_POSITIVE = frozenset({"negative", "invalid"})
_SPECIMEN_TESTS = frozenset({"hpv", "cytology"})
# Same-day order: what was found, then what was done about it, then what was written about it.
_RANK: Mapping[str, int] = {
    EventKind.REGISTERED: 0, EventKind.IMMIGRATED: 0, EventKind.EMIGRATED: 0,
    EventKind.DIED: 0, EventKind.DEATH_REVERSED: 1, EventKind.MOVED: 0,
    EventKind.TESTED: 2,
    EventKind.REFERRED: 3, EventKind.APPOINTMENT_BOOKED: 3, EventKind.APPOINTMENT_MISSED: 4,
    EventKind.APPOINTMENT_ATTENDED: 5, EventKind.DIAGNOSED: 6, EventKind.TREATED: 7,
    EventKind.FOLLOW_UP_CLOSED: 8,
}  # fmt: skip
_HISTOLOGY_RANK = 6
_LAST_RANK = 9
_DIAGNOSES: Mapping[str, str] = {"normal": "normal", "no_biopsy": "normal"}


def valid_events(history: Iterable[Event], today: date) -> list[tuple[date, int, int, Event]]:
    """Known and not corrected on `today`, in order of occurrence: (day, same-day rank, id, event)."""
    known = [event for event in history if event.recorded_on <= today]
    corrected = {event.supersedes for event in known if event.supersedes is not None}
    keyed = [
        (event.occurred_on, _rank(event), event.id, event)
        for event in known
        if event.occurred_on <= today and event.id not in corrected and event.kind != EventKind.RESULT_WITHDRAWN
    ]
    keyed.sort(key=itemgetter(0, 1, 2))
    return keyed


def _rank(event: Event) -> int:
    if event.kind == EventKind.TESTED and event.body.get("test") == Test.HISTOLOGY:
        return _HISTOLOGY_RANK
    return _RANK.get(event.kind, _LAST_RANK)


class Fold:
    """The state after each event. Mutable inside one `decide`, never shared."""

    __slots__ = (
        "alive_until", "anchor", "away_since", "ceased", "closed", "deferred", "due", "earlier", "entered_on",
        "entry", "episode", "episodes", "family", "found", "kits", "letters", "moves", "open_results", "opted",
        "person", "row", "stage", "step", "step_on", "steps", "tested_on", "treated_on", "version", "worst",
    )  # fmt: skip

    def __init__(self, family: Family, person: Person) -> None:
        self.family = family
        self.person = person
        self.version: CompiledProtocol = family.versions[0]
        self.stage: Stage = self.version.stages[CALL]
        self.row: Row | None = None
        self.entered_on: date | None = None  # the day the present stage began
        self.due: date | None = None  # what the present row's `after` came to
        self.step = 0  # position in the stage's `owes`
        self.step_on: date | None = None
        self.episode: date | None = None  # None: no follow-up is open
        self.episodes = 0
        self.found: set[str] = set()  # HPV types found in this episode
        self.earlier: list[tuple[date, bool, bool | None]] = []
        self.tested_on: date | None = None  # last specimen
        self.anchor: date | None = None  # the specimen that the next call counts from
        self.treated_on: date | None = None
        self.worst: int | None = None  # worst histology ever, position in the groups
        self.letters: list[tuple[date, str, str, int]] = []  # (day, kind, letter, event)
        self.kits: list[tuple[date, str, int]] = []  # (day, what happened to a kit, event)
        self.moves: list[date] = []
        self.open_results: list[Obligation] = []
        self.closed: list[Closed] = []
        self.steps: list[tuple[date, Row, tuple[str, ...], Table | None]] = []
        self.opted: set[str] = set()
        self.deferred: tuple[date, str] | None = None
        self.ceased: str | None = None
        self.alive_until: date | None = None
        self.away_since: date | None = None
        self.entry: date = person.resident_since or person.born

    def walk(self, events: Sequence[tuple[date, int, int, Event]]) -> None:
        """Take every event in turn; HPV and cytology of one day are one specimen."""
        position, count = 0, len(events)
        while position < count:
            day, _, _, event = events[position]
            if event.kind == EventKind.TESTED and event.body.get("test") in _SPECIMEN_TESTS:
                taken = [event]
                while position + 1 < count and _same_specimen(events[position + 1], day):
                    position += 1
                    taken.append(events[position][3])
                self._specimen(day, taken)
            else:
                handler = _HANDLERS.get(event.kind)
                if handler is not None:
                    handler(self, day, event)
            position += 1

    # -- findings ---------------------------------------------------------------------------------

    def _specimen(self, day: date, taken: Sequence[Event]) -> None:
        hpv: list[str] = []
        cytology: list[str] = []
        for event in taken:
            (hpv if event.body["test"] == Test.HPV else cytology).extend(event.body.get("findings", ()))
        if not hpv and not cytology:
            return  # a result without a finding says nothing yet
        by_self = not cytology and all(event.body.get("sample") == Sample.SELF for event in taken)
        if self.stage.name == CALL or self.stage.ends:
            self._open_episode(day, taken[0].body.get("profile") or taken[0].body.get("lab"))
        combination = self._specimen_facts(day, hpv, cytology, by_self=by_self)
        row = self.version.specimen[combination]
        protocol = self.version.protocol
        self.steps.append((day, row, combination, protocol.specimen))
        groups = protocol.groups[Test.HPV]
        positives = [word for word in hpv if groups[self.version.group_of[Test.HPV][word]].word not in _NOT_POSITIVE]
        self.found.update(positives)
        abnormal = bool(positives) or any(word not in ("nilm", "unsatisfactory") for word in cytology)
        valid_hpv = [word for word in hpv if word != "invalid"]
        self.earlier.append((day, abnormal, not positives if valid_hpv else None))
        self.tested_on = day
        if by_self:
            self._owe_result(day, taken[-1], combination[1])
        self._apply(row, day, taken[-1], "specimen")

    def _specimen_facts(
        self, day: date, hpv: Sequence[str], cytology: Sequence[str], *, by_self: bool
    ) -> tuple[str, ...]:
        version = self.version
        hpv_word = self._hpv_word(hpv)
        groups = version.protocol.groups[Test.CYTOLOGY]
        cytology_word = (
            groups[min(version.group_of[Test.CYTOLOGY][word] for word in cytology)].word if cytology else named.MISSING
        )
        history = "other"
        if hpv_word == "16" and not by_self:
            history = named.hpv_history_5y(self.earlier, day)
        return (
            self.stage.name,
            hpv_word,
            cytology_word,
            Sample.SELF.value if by_self else Sample.CLINICIAN.value,
            named.age_word(version.protocol, self.person.born, day),
            history,
            self._persistence(hpv, hpv_word),
            named.since_treatment(self.treated_on, day),
        )

    def _hpv_word(self, hpv: Sequence[str]) -> str:
        """The worst group; in a stage that remembers, weighed together with what was found before."""
        position = self.version.group_of[Test.HPV]
        words = [*hpv, *self.found] if self.stage.remembers else list(hpv)
        groups = self.version.protocol.groups[Test.HPV]
        return groups[min(position[word] for word in words)].word if words else named.MISSING

    def _persistence(self, hpv: Sequence[str], hpv_word: str) -> str:
        """`same` where a planned repeat finds a group again that this episode found before."""
        if self.stage.name != "control" or hpv_word in _NOT_POSITIVE or not hpv:
            return "first"
        position = self.version.group_of[Test.HPV]
        before = {position[word] for word in self.found}
        return "same" if min(position[word] for word in hpv) in before else "first"

    def _histology(self, day: date, event: Event) -> None:
        findings: Sequence[str] = event.body.get("findings", ())
        if event.kind == EventKind.DIAGNOSED:
            code = _DIAGNOSES.get(event.body.get("code", ""), event.body.get("code", ""))
            findings = [code] if code in self.version.group_of[Test.HISTOLOGY] else ()
        if not findings:
            return
        if self.stage.name == CALL:
            self._open_episode(day, None)
        position = min(self.version.group_of[Test.HISTOLOGY][word] for word in findings)
        self.worst = position if self.worst is None else min(self.worst, position)
        combination = (self.version.protocol.groups[Test.HISTOLOGY][position].word,)
        row = self.version.histology[combination]
        self.steps.append((day, row, combination, self.version.protocol.histology))
        self._apply(row, day, event, "histology")

    def _treated(self, day: date, event: Event) -> None:
        if self.stage.name == CALL:
            self._open_episode(day, None)
        groups = self.version.protocol.groups[Test.HISTOLOGY]
        code = event.body.get("code")
        # an unknown word for a treatment must not end follow-up: it is taken for the one that continues it
        treatment = code if code in named.TREATMENTS else named.TREATMENTS[0]
        combination = (treatment, "none" if self.worst is None else groups[self.worst].word)
        row = self.version.treatment[combination]
        self.steps.append((day, row, combination, self.version.protocol.treatment))
        self.treated_on = day
        self._apply(row, day, event, "treated")

    # -- stages -----------------------------------------------------------------------------------

    def _open_episode(self, day: date, profile: str | None) -> None:
        self.version = self.family.version(day, profile if profile in _PROFILES else None)
        self.stage = self.version.stages[CALL]
        self.episodes += 1
        self.episode = day
        self.found = set()

    def _apply(self, row: Row, day: date, event: Event, evidence: str) -> None:
        action = row.then
        if action.stage is None:
            return
        self._settle(day, event, evidence)
        self.row = row
        self.stage = self.version.stages[action.stage]
        self.entered_on = day
        self.due = action.after.after(day) if action.after else None
        self.step, self.step_on = 0, day
        if self.stage.name == CALL:
            self.anchor, self.episode = day, None

    def _settle(self, day: date, event: Event, evidence: str) -> None:
        """Close what the present stage owes with this evidence, up to the last thing it answers."""
        owes = self.stage.owes
        reached = max((i for i in range(self.step, len(owes)) if evidence in owes[i].closed_by), default=-1)
        while self.step <= reached:
            owed = self.owed_now()
            if owed is not None:
                self._close(owed, event, day)
            self.step, self.step_on = self.step + 1, day

    def _close(self, owed: Obligation, event: Event, day: date) -> None:
        self.closed.append(Closed(owed.episode, owed.kind, owed.subject, event.id, day))

    def _evidence(self, day: date, event: Event) -> None:
        self._settle(day, event, event.kind)

    def _follow_up_closed(self, day: date, event: Event) -> None:
        if self.stage.name == CALL or self.stage.ends:
            return
        row = self.version.protocol.follow_up_closed
        self.steps.append((day, row, (), None))
        for kind_closes in self.stage.owes[self.step :]:
            self._settle(day, event, next(iter(kind_closes.closed_by)))
        self._apply(row, day, event, "follow_up_closed")

    def owed_now(self) -> Obligation | None:
        """What the present stage owes; None in the routine or when everything is in hand."""
        if self.step >= len(self.stage.owes) or self.row is None or self.step_on is None:
            return None
        owed = self.stage.owes[self.step]
        due = owed.within.after(self.step_on) if owed.within else (self.due or self.step_on)
        return Obligation(
            kind=owed.kind,
            subject=f"{owed.to or owed.kind} {self.entered_on}",
            episode=self.episode or self.step_on,
            opened_on=self.step_on,
            due_on=due,
            rule=self.row.id,
            to=owed.to,
            letter=self._kit_letter(owed.kind),
        )

    def _kit_letter(self, kind: ObligationKind) -> str | None:
        kit = self.version.protocol.call.kit
        return kit.replacement_letter if kit and kind == ObligationKind.REPLACE_KIT else None

    # -- what was written, and by whom --------------------------------------------------------------

    def _owe_result(self, day: date, event: Event, hpv_word: str) -> None:
        call = self.version.protocol.call
        letter = call.result_letters.get(hpv_word)
        if letter is None or call.kit is None or day < call.kit.available_from or self.row is None and not self.steps:
            return
        corrected = "" if event.supersedes is None else f", corrected by {event.body.get('specimen', 'a new report')}"
        self.open_results = [
            *self.open_results,
            Obligation(
                kind=ObligationKind.GIVE_RESULT,
                subject=f"result {day}{corrected}",
                episode=self.episode or day,
                opened_on=max(day, event.recorded_on),
                due_on=max(day, event.recorded_on),
                rule=self.steps[-1][1].id,
                letter=letter,
            ),
        ]

    def _result_given(self, day: date, event: Event) -> None:
        """A result letter answers the oldest result that was known when it was written."""
        wanted = event.body.get("letter")
        for owed in self.open_results:
            if owed.opened_on <= event.recorded_on and wanted in (None, owed.letter):
                self._close(owed, event, day)
                self.open_results = [other for other in self.open_results if other is not owed]
                return

    def _letter(self, day: date, event: Event) -> None:
        self.letters.append((day, event.kind, str(event.body.get("letter") or ""), event.id))

    def _kit(self, day: date, event: Event) -> None:
        self.kits.append((day, event.kind, event.id))
        if event.kind == EventKind.KIT_DISPATCHED:
            self._letter(day, event)
            self._settle(day, event, event.kind)

    def _moved(self, day: date, _event: Event) -> None:
        self.moves.append(day)

    # -- the register and the person's own decisions --------------------------------------------------

    def _registered(self, day: date, _event: Event) -> None:
        if self.person.resident_since is None:
            self.entry = day

    def _immigrated(self, day: date, _event: Event) -> None:
        self.away_since = None
        self.entry = day

    def _emigrated(self, day: date, _event: Event) -> None:
        self.away_since = day

    def _died(self, day: date, _event: Event) -> None:
        self.alive_until = day

    def _death_reversed(self, _day: date, _event: Event) -> None:
        self.alive_until = None

    def _opted_out(self, _day: date, event: Event) -> None:
        self.opted.add(str(event.body.get("scope", "contact")))

    def _opted_in(self, _day: date, event: Event) -> None:
        scope = event.body.get("scope")
        self.opted = self.opted - {scope} if scope else set()

    def _deferred(self, _day: date, event: Event) -> None:
        until: Any = event.body.get("until")
        if until is not None:
            day = until if isinstance(until, date) else date.fromisoformat(str(until))
            self.deferred = (day, str(event.body.get("reason", "deferred")))

    def _ceased(self, _day: date, event: Event) -> None:
        self.ceased = str(event.body.get("reason", "ceased"))

    def _reinstated(self, day: date, _event: Event) -> None:
        self.ceased = None
        if self.stage.ends:
            self.stage, self.episode, self.due = self.version.stages[CALL], None, day

    def trace(self) -> tuple[Step, ...]:
        """The rules that fired, oldest first."""
        return tuple(
            Step(
                date=day,
                rule=row.id,
                facts=dict(zip(table.facts, combination, strict=True)) if table else {},
                source=row.source,
            )
            for day, row, combination, table in self.steps
        )


_PROFILES = frozenset({"extended", "standard"})


def _same_specimen(entry: tuple[date, int, int, Event], day: date) -> bool:
    event = entry[3]
    return entry[0] == day and event.kind == EventKind.TESTED and event.body.get("test") in _SPECIMEN_TESTS


def _tested(fold: Fold, day: date, event: Event) -> None:
    if event.body.get("test") == Test.HISTOLOGY:
        fold._histology(day, event)  # noqa: SLF001  the dispatch below belongs to the class


_HANDLERS: Mapping[str, Any] = {
    EventKind.TESTED: _tested,
    EventKind.DIAGNOSED: Fold._histology,
    EventKind.TREATED: Fold._treated,
    EventKind.REFERRED: Fold._evidence,
    EventKind.APPOINTMENT_BOOKED: Fold._evidence,
    EventKind.APPOINTMENT_ATTENDED: Fold._evidence,
    EventKind.FOLLOW_UP_CLOSED: Fold._follow_up_closed,
    EventKind.RESULT_GIVEN: Fold._result_given,
    EventKind.INVITED: Fold._letter,
    EventKind.REMINDED: Fold._letter,
    EventKind.FOLLOW_UP_LETTER_SENT: Fold._letter,
    EventKind.KIT_DISPATCHED: Fold._kit,
    EventKind.KIT_UNDELIVERABLE: Fold._kit,
    EventKind.KIT_RETURNED: Fold._kit,
    EventKind.KIT_RECEIVED: Fold._kit,
    EventKind.KIT_REJECTED: Fold._kit,
    EventKind.MOVED: Fold._moved,
    EventKind.REGISTERED: Fold._registered,
    EventKind.IMMIGRATED: Fold._immigrated,
    EventKind.EMIGRATED: Fold._emigrated,
    EventKind.DIED: Fold._died,
    EventKind.DEATH_REVERSED: Fold._death_reversed,
    EventKind.OPTED_OUT: Fold._opted_out,
    EventKind.OPTED_IN: Fold._opted_in,
    EventKind.DEFERRED: Fold._deferred,
    EventKind.CEASED: Fold._ceased,
    EventKind.REINSTATED: Fold._reinstated,
}
