"""The people, general practitioners, clinics and laboratories of the made-up nation: what each decides.

Everything here is planned on the agenda when news arrives, and done when its day comes.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import msgspec

from analytics.world.draws import Draws, parameters
from analytics.world.memory import Deed
from analytics.world.messages import Report
from analytics.world.population import Citizen

_MID = ("hpv_18", "hpv_31", "hpv_33", "hpv_45", "hpv_52", "hpv_58")
_LOW = ("hpv_35", "hpv_39", "hpv_51", "hpv_56", "hpv_59", "hpv_66", "hpv_68")
LABORATORIES = (("AHUS", "extended"), ("OUS", "extended"), ("HUS", "extended"))
HOME_LABORATORY = "AHUS"
FHIR_LABORATORY = "HUS"
_ANSWERS = {
    "information": "answer_information", "reminder": "answer_reminder", "second_reminder": "answer_reminder",
    "kit_reminder": "answer_reminder",
}  # fmt: skip


class Nation:
    """What people do when something reaches them; deterministic in the seed."""

    def __init__(self, people: list[Citizen], draws: Draws) -> None:
        self.draws = draws
        self.by_number = {person.national_id: person for person in people}
        self.by_address = {(person.name, person.address, person.postcode): person for person in people}

    # -- letters and kits -----------------------------------------------------------------------------

    def read_letter(self, number: str, letter: str, on: date) -> Iterator[Deed]:
        """Whether, and when, a letter brings somebody to have a sample taken."""
        answer = _ANSWERS.get(letter)
        if letter.startswith("follow_up"):
            answer = "answer_follow_up_letter"
        if answer is None or not self.draws.happens(answer, number, letter, on):
            return
        taken = on + timedelta(days=self.draws.days(7, 120, number, letter, on))
        yield Deed(f"sample {number} {taken}", taken, "sample", {"person": number, "home": None})

    def get_kit(self, number: str, kit: str, on: date) -> Iterator[Deed]:
        if self.draws.happens("return_kit", number, kit):
            taken = on + timedelta(days=self.draws.days(5, 70, number, kit))
            yield Deed(
                f"home {number} {kit}",
                taken + timedelta(days=2),
                "kit_returned",
                {"kit": kit, "person": number},
            )
            yield Deed(f"home sample {number} {kit}", taken, "sample", {"person": number, "home": kit})

    # -- what the laboratory finds -----------------------------------------------------------------------

    def sample(self, number: str, taken: date, kit: str | None, *, key: str = "") -> Iterator[Deed]:
        """Results of a specimen: HPV first, cytology after it where a clinician took it and HPV was found."""
        laboratory = HOME_LABORATORY if kit else self.laboratory(number)
        hpv = self.hpv(number, taken, self_taken=kit is not None)
        specimen = f"{laboratory}-{number[-5:]}-{taken:%y%m%d}{key}"
        told = taken + timedelta(days=self.draws.days(5, 12, number, taken, "hpv"))
        yield self.report(number, laboratory, specimen, taken, told, "hpv", hpv, kit)
        if kit is None and hpv.startswith("hpv_"):
            later = told + timedelta(days=self.draws.days(2, 9, number, taken, "cytology"))
            finding = self.cytology(number, taken)
            yield self.report(number, laboratory, specimen, taken, later, "cytology", finding, None)

    def report(
        self, number: str, laboratory: str, specimen: str, taken: date, told: date, test: str, finding: str, kit: str | None
    ) -> Deed:  # fmt: skip
        control = f"{specimen}-{test}"
        body: dict[str, Any] = {
            "control_id": control, "laboratory": laboratory, "person": number, "specimen": specimen,
            "taken_on": taken, "reported_on": told, "test": test, "finding": finding, "kit": kit,
        }  # fmt: skip
        return Deed(f"report {control}", told, "report", body)

    def laboratory(self, number: str) -> str:
        return LABORATORIES[int(self.draws.uniform("laboratory", number) * len(LABORATORIES))][0]

    def hpv(self, number: str, taken: date, *, self_taken: bool) -> str:
        draws = self.draws
        if draws.happens("invalid_self" if self_taken else "invalid_clinician", number, taken):
            return "invalid"
        age = taken.year - self.by_number[number].born.year
        name = (
            "hpv_positive_under_30"
            if age < 30
            else "hpv_positive_30_39"
            if age < 40
            else "hpv_positive_from_40"
        )
        if not draws.happens(name, number, taken):
            return "negative"
        group = draws.uniform("type", number)  # a person who has HPV again mostly has the same
        if group < parameters()["type_16"].value:
            return "hpv_16"
        mid = group < parameters()["type_16"].value + parameters()["type_mid"].value
        return draws.one_of(_MID if mid else _LOW, number, "type")

    def cytology(self, number: str, taken: date) -> str:
        draws = self.draws
        if draws.happens("cytology_unsatisfactory", number, taken):
            return "unsatisfactory"
        place = draws.uniform("cytology", number, taken)
        high, low = parameters()["cytology_high_grade"].value, parameters()["cytology_low_grade"].value
        if place < high:
            return draws.one_of(("hsil", "asc_h"), number, taken)
        return draws.one_of(("asc_us", "lsil"), number, taken) if place < high + low else "nilm"

    def histology(self, number: str, on: date) -> str:
        place = self.draws.uniform("histology", number, on)
        steps = (("scc", "histology_cancer"), ("cin3", "histology_cin2_or_3"), ("cin1", "histology_cin1"))
        for finding, name in steps:
            share = parameters()[name].value
            if place < share:
                return (
                    self.draws.one_of(("cin2", "cin3"), number, on, "grade") if finding == "cin3" else finding
                )
            place -= share
        return "normal"

    # -- the clinics' worklists -----------------------------------------------------------------------------

    def on_worklist(self, item: dict[str, Any], today: date) -> Iterator[Deed]:
        """What a clinic or practitioner plans on seeing an open obligation."""
        number, kind, subject = item["national_id"], item["kind"], item["subject"]
        due = max(today, date.fromisoformat(item["due_on"]))
        name = f"{number} {subject}"
        match kind:
            case "refer":
                yield from self._referral(number, subject, today)
            case "treat":
                on = today + timedelta(days=self.draws.days(14, 60, name))
                yield Deed(f"treat {name}", on, "treated", {"person": number, "subject": subject})
            case "obtain_triage" | "repeat_test" | "test_of_cure":
                if self.draws.happens("come_for_repeat", name):
                    taken = due + timedelta(days=self.draws.days(1, 60, name))
                    yield Deed(
                        f"repeat {name}",
                        taken,
                        "sample" if kind != "test_of_cure" else "both",
                        {"person": number, "home": None},
                    )
            case _:
                return

    def _referral(self, number: str, subject: str, today: date) -> Iterator[Deed]:
        name = f"{number} {subject}"
        on = today + timedelta(days=self.draws.days(1, 10, name))
        body = {"person": number, "subject": subject}
        yield Deed(f"refer {name}", on, "referred", body)
        if not self.draws.happens("attend_colposcopy", name):
            return
        visit = on + timedelta(days=self.draws.days(10, 75, name, "visit"))
        yield Deed(f"book {name}", on + timedelta(days=2), "appointment_booked", body)
        if self.draws.happens("miss_first_appointment", name):
            yield Deed(f"miss {name}", visit, "appointment_missed", body)
            visit += timedelta(days=30)
        yield Deed(f"visit {name}", visit, "appointment_attended", body)

    def biopsy(self, number: str, on: date) -> Deed:
        laboratory = self.laboratory(number)
        told = on + timedelta(days=self.draws.days(7, 25, number, on, "biopsy"))
        specimen = f"{laboratory}-{number[-5:]}-{on:%y%m%d}-B"
        return self.report(
            number, laboratory, specimen, on, told, "histology", self.histology(number, on), None
        )


def to_report(body: dict[str, Any]) -> Report:
    return msgspec.convert(body, Report)
