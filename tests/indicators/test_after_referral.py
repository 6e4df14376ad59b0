"""What became of those referred: the first reason that holds, counted once for each person."""

from datetime import date, timedelta

import pytest

from analytics.extract.lives import Happening, Home, Life, dataset
from analytics.indicators import after_referral as became
from analytics.indicators.engine import compute, question
from analytics.indicators.kept import Kept
from analytics.indicators.period import period
from analytics.reports.counts import Counts

REFERRED = date(2024, 2, 1)


def after(days, kind, **more):
    return Happening(date=REFERRED + timedelta(days=days), kind=kind, **more)


def woman(*events, unit="clinic"):
    referral = Happening(date=REFERRED, kind="referred", to="colposcopy", unit=unit)
    return Life(born=date(1985, 1, 1), homes=[Home(municipality="0301")], events=[referral, *events])


@pytest.mark.parametrize(
    ("events", "fate"),
    [
        ([after(40, "appointment_attended", to="colposcopy")], became.SEEN),
        ([after(90, "appointment_attended", to="colposcopy")], became.SEEN),
        ([after(91, "appointment_attended", to="colposcopy")], became.LATE),
        ([after(20, "appointment_missed"), after(40, "appointment_attended", to="colposcopy")], became.SEEN),
        ([after(20, "appointment_missed")], became.MISSED),
        ([after(20, "appointment_cancelled")], became.CANCELLED),
        ([after(20, "appointment_cancelled"), after(30, "died")], became.GONE),
        ([after(60, "follow_up_closed")], became.CLOSED),
        ([after(3, "appointment_booked", to="colposcopy", for_date=date(2026, 9, 1))], became.BOOKED),
        ([], became.NOTHING),
    ],
)
def test_each_referral_has_one_outcome(events, fate):
    told = became.after_referral(
        dataset([woman(*events)], data_cut=date(2026, 7, 1)), "no-cervical", period("2024"), 12
    )
    assert told.select("part", "unit", "age_group", "fate", "count").rows() == [
        ("2024", "clinic", "35-39", fate, 1)
    ]


def test_reasons_can_be_asked_of_one_county_and_by_quarter():
    data = dataset([woman(), woman()], data_cut=date(2026, 7, 1))
    counts = Counts(Kept(data))
    of_oslo, of_agder = (
        counts.fates("no-cervical", period("2024"), 3, {"county": county})["count"].sum()
        for county in ("Oslo", "Agder")
    )
    assert (of_oslo, of_agder) == (2, 0)


def test_a_figure_split_by_unit_names_the_clinic_not_the_measure():
    data = dataset([woman(unit="north"), woman(unit="south")], data_cut=date(2026, 7, 1))
    asked = question("no-cervical", period("2024"), by=["unit"], ids=["colposcopy_attendance_90d"])
    assert compute(data, asked).frame["unit"].to_list() == ["north", "south"]
