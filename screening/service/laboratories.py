"""The laboratory side of a process, with what follows from a result."""

from collections.abc import Callable, Sequence
from datetime import date
from functools import partial

from labs.service import Laboratories
from screening.ledger.advance import advance_people
from screening.protocols.load import family
from screening.storage.database import Database
from screening.storage.transaction import system_actor


def laboratories_of(
    database: Database, *, programmes: Sequence[str], today: Callable[[], date], processing: str = "P"
) -> Laboratories:
    """Whoever's history grew by a result is reconciled in every programme at once.

    `processing`: which HL7 messages are taken: P production, T training, D debugging.
    """

    async def reconcile_now(persons: list[int]) -> None:
        for programme in programmes:
            await database.run(
                partial(advance_people, family=family(programme), persons=persons),
                actor=system_actor("judge"),
                today=today(),
            )

    return Laboratories(
        database, programme=programmes[0], today=today, after_judged=reconcile_now, processing=processing
    )
