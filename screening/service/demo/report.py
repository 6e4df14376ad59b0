"""What a run came to: the failsafe, the indicators, and how much went out and came back."""

from collections.abc import Mapping
from typing import Any

import msgspec

from analytics.extract.dataset import Dataset
from analytics.extract.read import read
from analytics.indicators.engine import Results, compute, question
from analytics.indicators.period import last_whole_year
from analytics.reports.formats import as_objects
from screening.ledger.failsafe import Failsafe, check_failsafe
from screening.protocols.load import family
from screening.service.demo.calendar import DemoArguments
from screening.storage.database import Database
from screening.storage.transaction import system_actor

_ACTOR = system_actor("demo")
_COUNTS: Mapping[str, str] = {
    "letters": "select count(*) from sending where channel = 'print' and kit is null"
    " and state in ('acknowledged', 'delivered', 'undeliverable')",
    "digital": "select count(*) from sending where channel = 'digital' and state in ('acknowledged', 'delivered')",
    "kits": "select count(*) from event where kind = 'kit_dispatched'",
    "hl7": "select count(*) from lab_message where channel = 'hl7'",
    "fhir": "select count(*) from lab_message where channel = 'fhir'",
    "json": "select count(*) from lab_message where channel = 'json'",
    "quarantined": "select count(*) from quarantine where state = 'open'",
}


class DemoReport(msgspec.Struct, frozen=True):
    """`results` and `dataset` are as of the day after the last."""

    events: int
    messages: Mapping[str, int]
    failsafe: Mapping[str, Failsafe]
    results: Mapping[str, Results]
    dataset: Dataset

    @property
    def holds(self) -> bool:
        return all(one.holds for one in self.failsafe.values())


async def report(database: Database, arguments: DemoArguments) -> DemoReport:
    day = arguments.until
    dataset = await read(database, actor=_ACTOR, today=day)
    period = last_whole_year(day)
    return DemoReport(
        events=await database.pool.fetchval("select count(*) from event"),
        messages={name: await database.pool.fetchval(query) for name, query in _COUNTS.items()},
        failsafe={
            name: await check_failsafe(database, family=family(name), as_of=day)
            for name in arguments.programmes
        },
        results={name: compute(dataset, question(name, period)) for name in arguments.programmes},
        dataset=dataset,
    )


def as_document(told: DemoReport, arguments: DemoArguments, seconds: float) -> dict[str, Any]:
    """The demo's JSON; everything but `seconds` follows from the arguments."""
    return {
        "population": arguments.population,
        "from": arguments.since.isoformat(),
        "to": arguments.until.isoformat(),
        "seed": arguments.seed,
        "seconds": round(seconds, 1),
        "events": told.events,
        "messages": dict(told.messages),
        "failsafe": {
            name: {
                "population": one.population, "by_status": one.by_status, "lost": one.lost, "overdue": one.overdue,
                "verified": one.verified, "disagreements": one.disagreements,
            }
            for name, one in told.failsafe.items()
        },
        "indicators": [row for results in told.results.values() for row in as_objects(results)],
    }  # fmt: skip
