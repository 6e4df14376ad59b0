"""How fast is a decision? Lives of twelve events, as each programme would make them, decided one by one."""

import random
import statistics
import time
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any, NamedTuple

from screening.history.events import Event
from screening.protocols.decide import decide
from screening.protocols.decision import Decision, Obligation, Person
from screening.protocols.family import Family
from screening.protocols.load import installed_families
from screening.protocols.model import LETTER_EVENTS
from screening.vocabulary import Cancer, EventKind, ObligationKind, Sex

EVENTS = 12
_UNTIL = date(2045, 1, 1)
_TESTS = frozenset(
    {ObligationKind.INVITE, ObligationKind.REMIND, ObligationKind.REPEAT_TEST, ObligationKind.TEST_OF_CURE}
)
_HISTOLOGY = {
    Cancer.CERVICAL: ("normal", "cin3"),
    Cancer.BREAST: ("benign", "dcis"),
    Cancer.COLORECTAL: ("normal", "cancer"),
}


class Life(NamedTuple):
    family: Family
    person: Person
    history: list[Event]


def bench_decide(*, lives: int = 200, repeats: int = 5, seed: int = 1) -> dict[str, Any]:
    """Decisions a second of one core, and microseconds a decision, over `lives` lives of each programme.

    Counted in the processor's time of this thread, so that what else the machine does is left out.
    """
    families = installed_families()
    made = {name: _lives(family, lives, seed) for name, family in families.items()}
    every = [life for found in made.values() for life in found]
    _timed(every)  # the trees of questions grow on their first walk
    best = min((_timed(every) for _ in range(repeats)), key=sum)
    return {
        "events_per_life": EVENTS,
        "lives": len(every),
        "decisions_per_second": _rate(every, repeats),
        "median_microseconds": round(statistics.median(best) * 1e6, 1),
        "p99_microseconds": round(statistics.quantiles(best, n=100)[98] * 1e6, 1),
        "by_programme": {name: _rate(found, repeats) for name, found in made.items()},
        "target_per_second": 25_000,
    }


def _rate(lives: Sequence[Life], repeats: int) -> int:
    """Of the best of so many passes; the clock is read once a pass, as reading it takes its time too."""
    return round(len(lives) / min(_pass(lives) for _ in range(repeats))) if lives else 0


def _pass(lives: Sequence[Life]) -> float:
    began = time.thread_time()
    for family, person, history in lives:
        decide(family, person, history, _UNTIL)
    return time.thread_time() - began


def _timed(lives: Sequence[Life]) -> list[float]:
    """Seconds of the processor that each decision took."""
    taken: list[float] = []
    for family, person, history in lives:
        began = time.thread_time()
        decide(family, person, history, _UNTIL)
        taken.append(time.thread_time() - began)
    return taken


def _lives(family: Family, count: int, seed: int) -> list[Life]:
    found: list[Life] = []
    for number in range(count * 20):
        if len(found) == count:
            break
        life = live(family, random.Random(f"{family.name} {seed} {number}"))  # noqa: S311  lives, not secrets
        if len(life.history) >= EVENTS:
            found.append(life._replace(history=life.history[:EVENTS]))
    return found


def live(family: Family, draw: random.Random, events: int = EVENTS) -> Life:
    """A made-up life in one programme: what is owed is mostly done, and mostly nothing is found."""
    protocol = family.versions[-1].protocol
    population = protocol.population
    born = date(2000 - population.leaves.years + draw.randrange(30), 1, 1) + timedelta(
        days=draw.randrange(365)
    )
    person = Person(
        born=max(born, (population.born_since or date.min) + timedelta(days=draw.randrange(3000))),
        sex=draw.choice(sorted(population.sex)) if population.sex else Sex.FEMALE,
    )
    history = [_event(1, EventKind.REGISTERED, person.born, {"municipality": "0301"})]
    today = population.enters.day(person.born)
    while len(history) < events and today < _UNTIL:
        decision = decide(family, person, history, today)
        for owed in decision.obligations:
            today += timedelta(days=draw.randrange(1, 40))
            for kind, body in _answers(owed, protocol.programme, draw):
                history.append(_event(len(history) + 1, kind, today, body))
        today = _next_day(decision, today, draw)
    return Life(family, person, history)


def _next_day(decision: Decision, today: date, draw: random.Random) -> date:
    ahead = decision.next_action_on or today + timedelta(days=365)
    return max(ahead, today + timedelta(days=draw.randrange(1, 30)))


def _event(number: int, kind: EventKind, day: date, body: dict[str, Any]) -> Event:
    return Event(number, kind, day, day, body)


def _answers(owed: Obligation, cancer: Cancer, draw: random.Random) -> list[tuple[EventKind, dict[str, Any]]]:
    """What became of an obligation: a letter and perhaps the test that answers it, a visit, a report."""
    kind = owed.kind
    if kind in LETTER_EVENTS:
        sent = (LETTER_EVENTS[kind], {"letter": owed.letter})
        answered = kind in _TESTS or kind == ObligationKind.DISPATCH_KIT
        return [sent, *_tests(cancer, draw)] if answered and draw.random() < 0.7 else [sent]
    histology = (EventKind.TESTED, {"test": "histology", "findings": [draw.choice(_HISTOLOGY[cancer])]})
    consensus = (EventKind.TESTED, {"test": "consensus", "findings": [draw.choice(["recall", "dismiss"])]})
    done = {
        ObligationKind.REFER: (EventKind.REFERRED, {"to": owed.to}),
        ObligationKind.ATTEND: (EventKind.APPOINTMENT_ATTENDED, {"to": owed.to}),
        ObligationKind.OBTAIN_HISTOLOGY: histology,
        ObligationKind.OBTAIN_RESULT: histology,
        ObligationKind.TREAT: (EventKind.TREATED, {"code": "excision"}),
        ObligationKind.CONSENSUS: consensus,
    }
    return [done[kind]] if kind in done else _tests(cancer, draw)


def _tests(cancer: Cancer, draw: random.Random) -> list[tuple[EventKind, dict[str, Any]]]:
    positive = draw.random() < 0.15
    if cancer == Cancer.COLORECTAL:
        return [(EventKind.TESTED, {"test": "fit", "findings": [], "ug_per_g": 200.0 if positive else 3.0})]
    if cancer == Cancer.BREAST:
        scores = ("score_1", "score_3" if positive else "score_1")
        return [
            (EventKind.TESTED, {"test": "mammography", "findings": [score], "reader": reader})
            for reader, score in zip("AB", scores, strict=True)
        ]
    hpv = (
        EventKind.TESTED,
        {"test": "hpv", "sample": "clinician", "findings": ["hpv_31" if positive else "negative"]},
    )
    cytology = (
        EventKind.TESTED,
        {"test": "cytology", "sample": "clinician", "findings": [draw.choice(["nilm", "lsil"])]},
    )
    return [hpv, cytology] if positive else [hpv]
