"""Which events of a history count on a day, and in what order they are taken."""

from collections.abc import Iterable, Mapping
from datetime import date
from operator import attrgetter

from screening.history.events import Event
from screening.vocabulary import Destination, EventKind, Test

# Same-day order: what was found, then what was done about it, then what was written about it.
_RANK: Mapping[str, int] = {
    EventKind.REGISTERED: 0, EventKind.IMMIGRATED: 0, EventKind.EMIGRATED: 0, EventKind.MOVED: 0,
    EventKind.DIED: 0, EventKind.DEATH_REVERSED: 1,
    EventKind.TESTED: 2, EventKind.REFERRED: 3, EventKind.APPOINTMENT_BOOKED: 3, EventKind.APPOINTMENT_CANCELLED: 3,
    EventKind.APPOINTMENT_MISSED: 4, EventKind.APPOINTMENT_ATTENDED: 5, EventKind.DIAGNOSED: 7, EventKind.TREATED: 8,
    EventKind.FOLLOW_UP_CLOSED: 9,
}  # fmt: skip
_TEST_RANK: Mapping[str, int] = {Test.CONSENSUS: 3, Test.COLONOSCOPY: 6, Test.HISTOLOGY: 7}
_LAST_RANK = 10
# A screening mammogram is taken before it is read.
_SCREENED_RANK = 1
# Said once here: asking an enumeration for a member costs more than what is done with it for each event.
_TESTED, _ATTENDED = EventKind.TESTED, EventKind.APPOINTMENT_ATTENDED
_by_id = attrgetter("id")
_by_day = attrgetter("occurred_on")


def valid_events(history: Iterable[Event], today: date) -> list[Event]:
    """Known and not corrected on `today`, in order of occurrence, those of one day in order of recording."""
    events: list[Event] = []
    corrected: set[int] = set()
    for one in history:
        if one.recorded_on <= today:
            if one.supersedes is not None:
                corrected.add(one.supersedes)
            if one.occurred_on <= today:
                events.append(one)
    if corrected:
        events = [one for one in events if one.id not in corrected]
    events.sort(key=_by_id)
    events.sort(key=_by_day)
    return events


def same_day_rank(event: Event) -> int:
    """Where an event stands among those of its day; those of one rank stand in the order of recording."""
    kind = event.kind
    if kind == _TESTED:
        return _TEST_RANK.get(event.body.get("test", ""), 2)
    if kind == _ATTENDED and event.body.get("to") == Destination.MAMMOGRAPHY:
        return _SCREENED_RANK
    return _RANK.get(kind, _LAST_RANK)
