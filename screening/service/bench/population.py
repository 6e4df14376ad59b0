"""Made-up women with short histories, for benchmarks that need many people and no medicine."""

from collections.abc import Mapping, Sequence
from datetime import date

import asyncpg
import msgspec

from screening.vocabulary import EventKind

PROGRAMME = "no-cervical"
TODAY = date(2026, 6, 1)

Entry = tuple[int, EventKind, Mapping[str, object]]  # (days before today, kind, body)


def _hpv(days: int, *findings: str, sample: str = "clinician") -> Entry:
    return (
        days,
        EventKind.TESTED,
        {"test": "hpv", "sample": sample, "findings": findings, "profile": "extended", "lab": "L1"},
    )


def _cytology(days: int, finding: str) -> Entry:
    body = {
        "test": "cytology",
        "sample": "clinician",
        "findings": [finding],
        "profile": "extended",
        "lab": "L1",
    }
    return (days, EventKind.TESTED, body)


def _letter(days: int, kind: EventKind, letter: str) -> Entry:
    return (days, kind, {"letter": letter, "channel": "digital", "sending": 1})


_REMINDED = EventKind.REMINDED
# What women of the target ages have behind them, in hundredths, besides the register's own entry. Shares are
# chosen to resemble a programme in its routine: most were tested once or twice with nothing found, one in five
# never, one in ten is or was followed up. They are no statistic of anywhere.
HISTORIES: Sequence[tuple[int, Sequence[Entry]]] = (
    (20, ()),
    (25, (_hpv(1400, "negative"),)),
    (15, (_hpv(3300, "negative"), _hpv(1450, "negative"))),
    (10, (_letter(500, _REMINDED, "reminder"), _letter(120, _REMINDED, "second_reminder"))),
    (10, (_letter(1700, _REMINDED, "reminder"), _hpv(1600, "negative"))),
    (8, (_cytology(3800, "nilm"), _cytology(2700, "nilm"), _hpv(1500, "negative"))),
    (
        4,
        (
            _letter(900, _REMINDED, "reminder"),
            (700, EventKind.KIT_DISPATCHED, {"kit": "NO0000000017", "lot": "A", "letter": "home_kit"}),
            (660, EventKind.KIT_RETURNED, {"kit": "NO0000000017"}),
            _hpv(655, "negative", sample="self"),
            _letter(640, EventKind.RESULT_GIVEN, "result_negative"),
        ),
    ),
    (4, (_hpv(2000, "negative"), _hpv(300, "hpv_31"), _cytology(300, "nilm"))),
    (
        3,
        (
            _letter(800, _REMINDED, "reminder"),
            _hpv(500, "hpv_16"),
            _cytology(500, "hsil"),
            (480, EventKind.REFERRED, {"to": "colposcopy", "unit": "U1"}),
            (430, EventKind.APPOINTMENT_ATTENDED, {"to": "colposcopy", "unit": "U1"}),
            (420, EventKind.TESTED, {"test": "histology", "findings": ["cin1"], "lab": "L1"}),
        ),
    ),
    (1, (_hpv(100, "hpv_18"), _cytology(100, "asc_us"))),
)

_PEOPLE = """
insert into person (id, holder_id, born, sex, name, municipality, resident_since)
select n, n, born, 'female', 'Made Up', '0301', born
  from (select n, $2::date - 23 * 365 - (hashint8(n) & 65535) % (50 * 365) as born from generate_series(1, $1) n) p
"""
_STANDINGS = """
insert into standing (person_id, programme, status, reason, protocol, rule, next_action_on)
select id, $1, 'outside', 'not_decided', '', '', $2 from person order by id
"""
# In the order in which the years brought them, so that a person's entries lie as far apart as in a real history.
_EVENTS = """
insert into event (person_id, programme, kind, occurred_on, recorded_on, source, key, body)
select p.id, h.programme, h.kind, day.occurred_on, day.occurred_on, 'made up', gen_random_uuid(), h.body
  from person p
  join unnest($1::int[], $2::text[], $3::int[], $4::text[], $5::jsonb[]) as h(hundredth, programme, days, kind, body)
    on h.hundredth in (-1, (hashint8(p.id + 17) & 65535) % 100)
 cross join lateral (select coalesce($6::date - h.days - (hashint8(p.id) & 255), p.born) as occurred_on) day
 order by day.occurred_on, p.id
"""


async def make_people(owner: asyncpg.Connection, people: int) -> int:
    """So many women, nobody decided yet; how many events they have behind them."""
    await owner.execute(_PEOPLE, people, TODAY)
    entries: list[tuple[int, str | None, int | None, str, str]] = [
        (-1, None, None, EventKind.REGISTERED.value, '{"municipality": "0301"}')
    ]
    hundredth = 0
    for share, history in HISTORIES:
        for place in range(hundredth, hundredth + share):
            entries += [
                (place, PROGRAMME, days, kind.value, msgspec.json.encode(body).decode())
                for days, kind, body in history
            ]
        hundredth += share
    written = await owner.execute(_EVENTS, *(list(column) for column in zip(*entries, strict=True)), TODAY)
    return int(written.rsplit(" ", 1)[-1])


async def make_standings(owner: asyncpg.Connection) -> None:
    """Everybody is due on `TODAY`, and the ledger is empty."""
    await owner.execute("truncate standing, obligation, sending")
    await owner.execute(_STANDINGS, PROGRAMME, TODAY)
    await owner.execute("vacuum analyze standing, obligation, sending")
    await owner.execute("checkpoint")
