"""What a line of the register changes about a person we know: events, and the projection's new values."""

from collections.abc import Collection, Iterator
from datetime import date
from typing import Any

import msgspec

from screening.people.feed import Line
from screening.vocabulary import EventKind

# Columns of `person` that a line sets as they are.
PLAIN = (
    "born", "sex", "name", "language", "address", "postcode", "post_town", "municipality", "resident_since",
    "protected_address", "digital_mailbox", "emigrated_on", "died_on",
)  # fmt: skip


Happening = tuple[EventKind, date, dict[str, Any]]


def values_of(line: Line) -> dict[str, Any]:
    return {name: getattr(line, name) for name in PLAIN}


def completed(line: Line, known: dict[str, Any], absent: Collection[str]) -> Line:
    """The line of a file without some columns: of them it tells nothing, and what was known stays."""
    return msgspec.structs.replace(line, **{name: known[name] for name in PLAIN if name in absent})


def arrival(line: Line) -> Iterator[Happening]:
    """What a person we did not know has behind them, as far as the line tells."""
    yield EventKind.REGISTERED, line.resident_since or line.born, {"municipality": line.municipality}
    if line.protected_address:
        yield EventKind.PROTECTED, line.event_date or line.resident_since or line.born, {}
    if line.emigrated_on:
        yield EventKind.EMIGRATED, line.emigrated_on, {}
    if line.died_on:
        yield EventKind.DIED, line.died_on, {}


def changes(known: dict[str, Any], line: Line, today: date) -> Iterator[Happening]:
    """What happened to a person between what we knew and this line."""
    day = line.event_date or today
    if line.died_on != known["died_on"]:
        if known["died_on"] is not None:
            yield EventKind.DEATH_REVERSED, known["died_on"], {"municipality": line.municipality}
        if line.died_on is not None:
            yield EventKind.DIED, line.died_on, {}
    if line.emigrated_on != known["emigrated_on"]:
        if line.emigrated_on is not None:
            yield EventKind.EMIGRATED, line.emigrated_on, {}
        else:
            yield EventKind.IMMIGRATED, returned_on(line, today), {"municipality": line.municipality}
    if line.protected_address != known["protected_address"]:
        yield EventKind.PROTECTED if line.protected_address else EventKind.UNPROTECTED, day, {}
    if any(getattr(line, name) != known[name] for name in ("municipality", "address", "postcode")):
        yield EventKind.MOVED, day, {"municipality": line.municipality}


def returned_on(line: Line, today: date) -> date:
    return line.event_date or line.resident_since or today
