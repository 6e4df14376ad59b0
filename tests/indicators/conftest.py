"""A cohort one can count on fingers."""

from datetime import date

import pytest

from analytics.extract.lives import Happening, Home, Life, Owed, dataset

D = date
ABROAD_SINCE_APRIL = (Home(since=D(2000, 1, 1), until=D(2024, 4, 10)),)


def letter(day):
    return Happening(date=day, kind="reminded", letter="reminder")


def hpv(day, finding, sample="clinician"):
    return Happening(date=day, kind="tested", test="hpv", sample=sample, findings=finding)


def cytology(day, finding):
    return Happening(date=day, kind="tested", test="cytology", sample="clinician", findings=finding)


def histology(day, findings):
    return Happening(date=day, kind="tested", test="histology", findings=findings)


def referred(day):
    return Happening(date=day, kind="referred", to="colposcopy")


def attended(day):
    return Happening(date=day, kind="appointment_attended", to="colposcopy")


def owed_letter(due, **end):
    return Owed(kind="remind", opened_on=due, due_on=due, **end)


COHORT = {
    "answers_her_letter": Life(
        born=D(1980, 5, 17),
        owed=[owed_letter(D(2024, 1, 10), evidence="reminded", evidence_on=D(2024, 1, 10))],
        events=[letter(D(2024, 1, 10)), hpv(D(2024, 3, 1), "negative")],
    ),
    "does_not_answer": Life(
        born=D(1990, 5, 17),
        owed=[owed_letter(D(2024, 2, 1), evidence="reminded", evidence_on=D(2024, 2, 5))],
        events=[letter(D(2024, 2, 5))],
    ),
    "gets_it_late_and_answers_after_seven_months": Life(
        born=D(1980, 5, 17),
        owed=[owed_letter(D(2024, 3, 1), evidence="reminded", evidence_on=D(2024, 5, 1))],
        events=[letter(D(2024, 5, 1)), hpv(D(2024, 12, 1), "negative")],
    ),
    "moves_abroad_before_the_letter_is_late": Life(
        born=D(1980, 5, 17),
        homes=ABROAD_SINCE_APRIL,
        owed=[owed_letter(D(2024, 4, 1), withdrawn_on=D(2024, 4, 10))],
    ),
    "reserves_herself_when_the_letter_was_long_late": Life(
        born=D(1980, 5, 17), owed=[owed_letter(D(2024, 4, 1), withdrawn_on=D(2024, 8, 1))]
    ),
    "has_cin3": Life(
        born=D(1980, 5, 17),
        events=[
            hpv(D(2024, 2, 1), "hpv_16"),
            referred(D(2024, 2, 20)),
            attended(D(2024, 4, 1)),
            histology(D(2024, 4, 1), "cin1 cin3"),
        ],
    ),
    "is_seen_too_late_and_has_cin1": Life(
        born=D(1999, 5, 31),
        homes=[Home(municipality="4601")],
        events=[
            hpv(D(2024, 6, 1), "hpv_18 hpv_45"),
            referred(D(2024, 6, 20)),
            attended(D(2024, 10, 1)),
            histology(D(2024, 10, 1), "cin1"),
        ],
    ),
    "first_sample_is_invalid": Life(
        born=D(1980, 5, 17),
        events=[hpv(D(2024, 5, 1), "invalid", "self"), hpv(D(2024, 6, 1), "hpv_31")],
        owed=[
            Owed(
                kind="repeat_test",
                opened_on=D(2024, 5, 1),
                due_on=D(2024, 8, 1),
                evidence="tested",
                evidence_on=D(2024, 6, 1),
            )
        ],
    ),
    "repeats_a_test_and_has_cin2": Life(
        born=D(1980, 5, 17),
        homes=[Home(municipality="4601")],
        events=[
            hpv(D(2023, 6, 1), "hpv_31"),
            hpv(D(2024, 6, 5), "hpv_31"),
            referred(D(2024, 6, 20)),
            attended(D(2024, 6, 30)),
            histology(D(2024, 7, 20), "cin2"),
        ],
        owed=[
            Owed(
                kind="repeat_test",
                opened_on=D(2023, 6, 1),
                due_on=D(2024, 6, 1),
                evidence="tested",
                evidence_on=D(2024, 6, 5),
            )
        ],
    ),
    "returns_a_kit": Life(
        born=D(1960, 2, 1),
        events=[
            Happening(date=D(2024, 9, 1), kind="kit_dispatched", letter="kit"),
            hpv(D(2024, 10, 1), "negative", "self"),
        ],
    ),
    "was_tested_a_day_too_early_for_coverage": Life(
        born=D(1970, 1, 1), events=[cytology(D(2019, 6, 30), "nilm")]
    ),
    "was_tested_on_the_first_day_for_coverage": Life(
        born=D(1970, 1, 1), events=[cytology(D(2019, 7, 1), "nilm")]
    ),
    "is_seventy": Life(born=D(1954, 3, 1), events=[hpv(D(2024, 3, 1), "hpv_16"), letter(D(2024, 3, 5))]),
    "man": Life(born=D(1980, 5, 17), sex="male"),
}


@pytest.fixture(scope="session")
def cohort():
    """Data as of 1 July 2026: everything of 2024 is mature."""
    return dataset(COHORT.values(), data_cut=D(2026, 7, 1))
