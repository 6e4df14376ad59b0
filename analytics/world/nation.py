"""The people, practitioners and clinics of the made-up nation: what each decides to do, and when.

Whatever happens is planned on the agenda when its cause arrives and done when its day comes. Draws are
named by person and day, never by a number that the platform gave, so a run that was cut off and taken up
again goes the same way.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from analytics.world.draws import Draws
from analytics.world.fates import Fate
from analytics.world.memory import Deed
from analytics.world.population import Citizen
from screening.vocabulary import Sex

_ANSWERS = {
    "information": "answer_information",
    "reminder": "answer_reminder",
    "second_reminder": "answer_reminder",
    "kit_reminder": "answer_reminder",
    "follow_up_repeat_missing": "answer_follow_up_letter",
    "follow_up_unsatisfactory_missing": "answer_follow_up_letter",
}
_ASSESSMENT_MISSING = "follow_up_assessment_missing"
# Who had a sample this recently does not go again because of a letter.
_RECENT = timedelta(days=180)
# clinic -> the numbers of the counties it serves
_CLINICS: Mapping[str, Sequence[str]] = {
    "Clinic Oslo": ("03",),
    "Clinic East": ("31", "32", "33", "34"),
    "Clinic South": ("39", "40", "42"),
    "Clinic West": ("11", "46"),
    "Clinic Centre": ("15", "50"),
    "Clinic North": ("18", "55", "56"),
}
_CALL_AGES = range(25, 70)


class Nation:
    """What people do when something reaches them; deterministic in the seed."""

    def __init__(self, people: Sequence[Citizen], fates: Sequence[Fate], draws: Draws) -> None:
        self.draws = draws
        self.by_number: Mapping[str, Citizen] = {person.national_id: person for person in people}
        self.by_address: Mapping[str, Citizen] = {person.address: person for person in people}
        self._fates = {person.national_id: fate for person, fate in zip(people, fates, strict=True)}
        self._sampled: dict[str, date] = {}

    def clinic(self, number: str) -> str:
        """Where she is referred to: the clinic of the part of the country in which she lived at the start."""
        county = self.by_number[number].municipality[:2]
        return next(clinic for clinic, served in _CLINICS.items() if county in served)

    def here(self, number: str, day: date) -> bool:
        return self._fates[number].here(day)

    def sampled(self, number: str, day: date) -> None:
        """She had a sample taken that day."""
        self._sampled[number] = max(day, self._sampled.get(number, day))

    # -- letters and kits ---------------------------------------------------------------------------

    def get_letter(self, number: str, letter: str, on: date) -> Iterator[Deed]:
        """Whether, and when, a letter brings somebody to have a sample taken or to be seen."""
        if letter == _ASSESSMENT_MISSING and self.draws.happens("answer_follow_up_letter", number, on):
            yield from self._visit(number, f"letter of {on}", on)
        answer = _ANSWERS.get(letter)
        if answer is not None and self.draws.happens(answer, number, letter, on):
            taken = on + timedelta(days=self.draws.days(7, 120, number, letter, on))
            yield _sample(number, taken, because="letter")

    def get_kit(self, number: str, kit: str, on: date) -> Iterator[Deed]:
        if self.draws.happens("kit_undeliverable", number, on):
            body = {"kit": kit, "person": number, "news": "undeliverable"}
            yield Deed(f"kit back {number} {on}", on + timedelta(days=9), "kit", body)
        elif self.draws.happens("return_kit", number, on):
            taken = on + timedelta(days=self.draws.days(5, 70, number, on))
            yield Deed(f"home {number} {on}", taken, "sample", {"person": number, "kit": kit})
            body = {"kit": kit, "person": number, "news": "returned"}
            yield Deed(f"kit sent {number} {on}", taken + timedelta(days=2), "kit", body)

    def come_unasked(self, number: str, last: date, *, years: int) -> Iterator[Deed]:
        """Some come near the end of the interval without a letter."""
        if self.draws.happens("come_unasked", number, last):
            taken = last + timedelta(days=365 * years + self.draws.days(-45, 60, number, last, "unasked"))
            yield _sample(number, taken, because="unasked")

    def goes(self, deed: Deed) -> bool:
        """Whether a planned sample is really taken: not abroad or dead, not again so soon, not too old to be called."""
        number, because = deed.body["person"], deed.body.get("because")
        if not self.here(number, deed.day):
            return False
        if because in ("letter", "unasked"):
            last = self._sampled.get(number)
            age = (deed.day - self.by_number[number].born).days // 365
            return age in _CALL_AGES and (last is None or deed.day - last > _RECENT)
        return True

    # -- the clinics' and practitioners' worklists -----------------------------------------------------

    def on_worklist(self, item: Mapping[str, Any], today: date) -> Iterator[Deed]:
        """What is planned on seeing an open obligation; the same obligation plans the same again."""
        number, subject = item["national_id"], item["subject"]
        name = f"{number} {item['kind']} {subject}"
        match item["kind"]:
            case "refer":
                yield from self._referral(number, subject, today)
            case "treat":
                on = today + timedelta(days=self.draws.days(14, 60, name))
                # what is to be treated was found on the day that the obligation names
                found = date.fromisoformat(subject.rsplit(" ", 1)[-1])
                yield Deed(
                    name, on, "finding", {"person": number, "kind": "treated", "found": found.isoformat()}
                )
            case "obtain_triage" | "repeat_test" | "test_of_cure":
                if self.draws.happens("come_for_repeat", name):
                    due = max(today, date.fromisoformat(item["due_on"]))
                    taken = due + timedelta(days=self.draws.days(1, 60, name))
                    yield _sample(number, taken, because=item["kind"], key=name)
            case _:
                return

    def _referral(self, number: str, subject: str, today: date) -> Iterator[Deed]:
        name = f"{number} {subject}"
        on = today + timedelta(days=self.draws.days(1, 10, name))
        yield Deed(f"refer {name}", on, "finding", {"person": number, "kind": "referred"})
        if self.draws.happens("attend_colposcopy", name):
            yield from self._visit(number, subject, on)

    def _visit(self, number: str, why: str, asked: date) -> Iterator[Deed]:
        name = f"{number} {why}"
        visit = asked + timedelta(days=self.draws.days(10, 75, name, "visit"))
        booked = asked + timedelta(days=2)
        yield Deed(f"book {name}", booked, "finding", {"person": number, "kind": "appointment_booked"})
        if self.draws.happens("miss_first_appointment", name):
            yield Deed(f"miss {name}", visit, "finding", {"person": number, "kind": "appointment_missed"})
            visit += timedelta(days=30)
        yield Deed(f"visit {name}", visit, "finding", {"person": number, "kind": "appointment_attended"})

    def reserved(self) -> Iterator[str]:
        """Who wants no letters, from the start."""
        for number, person in self.by_number.items():
            if person.sex == Sex.FEMALE and self.draws.happens("reserved_against_contact", number):
                yield number


def _sample(number: str, taken: date, *, because: str, key: str = "") -> Deed:
    body = {"person": number, "kit": None, "because": because}
    return Deed(f"sample {key or f'{number} {taken}'}", taken, "sample", body)
