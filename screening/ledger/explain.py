"""Why a person stands where they stand, as known on a day."""

from datetime import date
from typing import Any

from screening.ledger.lives import decide_life, load_lives
from screening.protocols.cases import decision_json
from screening.protocols.family import Family
from screening.refusals import NotFound
from screening.storage.transaction import Transaction

_STORED = """
select status, reason, rule, protocol, next_due_on, decided_on, next_action_on
  from standing where person_id = $1 and programme = $2
"""


async def explain_person(
    tx: Transaction, *, person: int, family: Family, known_on: date | None = None
) -> dict[str, Any]:
    """The decision with its rules, facts and sources, decided again from what was recorded by `known_on`.

    `stored` is what the ledger holds today; where `known_on` is today, `agrees` tells whether it says the
    same. The reading is audited.
    """
    day = known_on or tx.today
    lives = await load_lives(tx, persons=[person], programme=family.name)
    if not lives:
        raise NotFound("person_unknown", f"no person {person}; expected the id that `people search` gives")
    decision = decide_life(family, lives[0], day)
    stored = await tx.row(_STORED, person, family.name)
    await tx.audit("explained", persons=[person], facts={"programme": family.name, "known_on": day})
    sources = {source for version in family.versions for source in version.protocol.sources.items()}
    cited = {name for step in decision.trace for name in step.source}
    held = dict(stored) if stored else None
    return {
        "person": person,
        "programme": family.name,
        "known_on": day.isoformat(),
        "decision": decision_json(decision),
        "sources": {name: text for name, text in sorted(sources) if name in cited},
        "history": [
            {"date": event.occurred_on.isoformat(), "recorded": event.recorded_on.isoformat(),
             "kind": str(event.kind), "id": event.id, "supersedes": event.supersedes, **dict(event.body)}
            for event in lives[0].history
            if event.recorded_on <= day
        ],
        "stored": held,
        "agrees": held is not None and (held["status"], held["reason"]) == (decision.status, decision.reason)
        if day == tx.today
        else None,
    }  # fmt: skip
