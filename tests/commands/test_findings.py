"""What clinics tell: once, under a reference that is theirs, and only what can be."""

from datetime import date

import pytest

from screening.followup.commands import Finding, record_finding, record_findings
from screening.people.national_id import synthetic_numbers
from screening.refusals import Conflict, Refused
from screening.storage.transaction import system_actor
from screening.vocabulary import EventKind
from tests.conftest import TODAY, add_people

BORN = date(1980, 5, 17)
KARI = next(synthetic_numbers(BORN))
ACTOR = system_actor("clinic")


def visit(kind, day=date(2024, 6, 1)):
    return Finding(
        programme="no-cervical", kind=kind, date=day, reference="visit-17", national_id=KARI, to="colposcopy"
    )


async def tell(database, finding):
    return await database.run(lambda tx: record_finding(tx, finding=finding), actor=ACTOR, today=TODAY)


BOOKED, ATTENDED = visit(EventKind.APPOINTMENT_BOOKED), visit(EventKind.APPOINTMENT_ATTENDED)


async def test_the_same_finding_again_is_known_and_another_under_its_reference_is_refused(database):
    await add_people(database, KARI)
    assert not (await tell(database, BOOKED)).duplicate
    assert (await tell(database, BOOKED)).duplicate
    with pytest.raises(Conflict, match="visit-17"):
        await tell(database, ATTENDED)


async def test_two_findings_of_one_call_under_one_reference_are_not_taken_for_one(database):
    await add_people(database, KARI)
    told = await database.run(
        lambda tx: record_findings(tx, findings=[BOOKED, BOOKED, ATTENDED]), actor=ACTOR, today=TODAY
    )
    assert [(one.event is not None, one.duplicate, one.problem is not None) for one in told] == [
        (True, False, False),
        (False, True, False),
        (False, True, True),
    ]


async def test_what_happened_before_the_person_was_born_is_refused(database):
    await add_people(database, KARI)
    with pytest.raises(Refused, match="before the birth"):
        await tell(database, visit(EventKind.APPOINTMENT_ATTENDED, date(1, 1, 1)))
