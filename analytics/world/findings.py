"""What the made-up laboratories find in a specimen, and when they report it."""

from collections.abc import Iterator
from datetime import date, timedelta

import msgspec

from analytics.world.draws import Draws, parameters
from analytics.world.memory import Deed
from analytics.world.messages import Report
from analytics.world.population import Citizen

LABORATORIES = (("AHUS", "extended"), ("OUS", "extended"), ("HUS", "extended"))
HOME_LABORATORY = "AHUS"  # S35: one laboratory analyses every home sample
_MID = ("hpv_18", "hpv_31", "hpv_33", "hpv_45", "hpv_52", "hpv_58")
_LOW = ("hpv_35", "hpv_39", "hpv_51", "hpv_56", "hpv_59", "hpv_66", "hpv_68")
# Samples that follow up something found before: HPV is there again, or gone.
_AGAIN = frozenset({"repeat_test", "obtain_triage"})
_WITH_CYTOLOGY = frozenset({"obtain_triage", "test_of_cure"})


class Findings:
    """Deterministic in the seed."""

    def __init__(self, draws: Draws) -> None:
        self._draws = draws

    def laboratory(self, number: str) -> str:
        """The one laboratory that a person's practitioner sends to."""
        return LABORATORIES[int(self._draws.uniform("laboratory", number) * len(LABORATORIES))][0]

    def of_sample(self, person: Citizen, deed: Deed) -> Iterator[Deed]:
        """Reports of a specimen: HPV first; cytology after it where a clinician took it and it is asked for."""
        number, taken = person.national_id, deed.day
        kit, because = deed.body["kit"], deed.body.get("because")
        laboratory = HOME_LABORATORY if kit else self.laboratory(number)
        specimen = f"{laboratory}-{person.file_number}-{taken:%y%m%d}"
        hpv = self._hpv(person, taken, home=kit is not None, again=because in _AGAIN)
        told = taken + timedelta(days=self._draws.days(5, 12, number, taken, "hpv"))
        yield from self._reported(number, laboratory, specimen, taken, told, "hpv", hpv, kit)
        if kit is None and (hpv.startswith("hpv_") or because in _WITH_CYTOLOGY):
            later = told + timedelta(days=self._draws.days(2, 9, number, taken, "cytology"))
            cytology = self._cytology(number, taken) if hpv.startswith("hpv_") else "nilm"
            yield from self._reported(number, laboratory, specimen, taken, later, "cytology", cytology, None)

    def of_biopsy(self, person: Citizen, on: date) -> Iterator[Deed]:
        number = person.national_id
        laboratory = self.laboratory(number)
        told = on + timedelta(days=self._draws.days(7, 25, number, on, "biopsy"))
        specimen = f"{laboratory}-{person.file_number}-{on:%y%m%d}-B"
        finding = self.histology(number, on)
        yield from self._reported(number, laboratory, specimen, on, told, "histology", finding, None)

    def histology(self, number: str, on: date) -> str:
        place = self._draws.uniform("histology", number, on)
        for finding, name in (("scc", "cancer"), ("cin3", "cin2_or_3"), ("cin1", "cin1")):
            share = parameters()[f"histology_{name}"].value
            if place < share:
                cin = self._draws.one_of(("cin2", "cin3"), number, on, "grade")
                return cin if finding == "cin3" else finding
            place -= share
        return "normal"

    def _hpv(self, person: Citizen, taken: date, *, home: bool, again: bool) -> str:
        draws, number = self._draws, person.national_id
        if draws.happens("invalid_self" if home else "invalid_clinician", number, taken):
            return "invalid"
        age = taken.year - person.born.year
        name = "hpv_persists" if again else f"hpv_positive_{_age_word(age)}"
        if not draws.happens(name, number, taken):
            return "negative"
        group = draws.uniform("type", number)  # who has HPV again mostly has the same
        first, mid = (parameters()[name].value for name in ("type_16", "type_mid"))
        if group < first:
            return "hpv_16"
        return draws.one_of(_MID if group < first + mid else _LOW, number, "type")

    def _cytology(self, number: str, taken: date) -> str:
        if self._draws.happens("cytology_unsatisfactory", number, taken):
            return "unsatisfactory"
        place = self._draws.uniform("cytology", number, taken)
        high, low = (parameters()[f"cytology_{grade}_grade"].value for grade in ("high", "low"))
        if place < high:
            return self._draws.one_of(("hsil", "asc_h"), number, taken)
        return self._draws.one_of(("asc_us", "lsil"), number, taken) if place < high + low else "nilm"

    def _reported(
        self, number: str, laboratory: str, specimen: str, taken: date, told: date, test: str, finding: str,
        kit: str | None,
    ) -> Iterator[Deed]:  # fmt: skip
        """The report; now and then under a wrong number first, or wrong at first and corrected a week later."""
        report = Report(
            control_id=f"{specimen}-{test}", laboratory=laboratory, person=number, specimen=specimen,
            taken_on=taken, reported_on=told, test=test, finding=finding, kit=kit,
        )  # fmt: skip
        week = told + timedelta(days=7)
        if kit is None and self._draws.happens("wrong_number", specimen, test):
            yield _deed(msgspec.structs.replace(report, person="00000000000"))
            yield _deed(_sent_again(report, week, "F"))
        elif test == "hpv" and finding == "negative" and self._draws.happens("corrected_result", specimen):
            yield _deed(report)
            yield _deed(msgspec.structs.replace(_sent_again(report, week, "C"), finding="hpv_31"))
        else:
            yield _deed(report)


def _age_word(age: int) -> str:
    if age < 30:
        return "under_30"
    return "30_39" if age < 40 else "from_40"


def _sent_again(report: Report, on: date, status: str) -> Report:
    return msgspec.structs.replace(report, control_id=f"{report.control_id}-2", reported_on=on, status=status)


def _deed(report: Report) -> Deed:
    return Deed(f"report {report.control_id}", report.reported_on, "report", msgspec.to_builtins(report))
