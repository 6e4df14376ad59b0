"""Who is written to."""

from datetime import date

import pytest_asyncio

from invitations.kits.commands import register_lot
from labs.commands import register_laboratory
from screening.ledger.advance import advance
from screening.protocols.load import family
from tests.commands import specimens
from tests.commands.sending import (
    ACTOR,
    PROGRAMME,
    TODAY,
    add_woman,
)


@pytest_asyncio.fixture
async def people(url, database, tmp_path):
    """Two overdue women (one digital, one on paper) and one with ten years without a sample."""
    await add_woman(url, 1, born=date(1998, 1, 1))
    await add_woman(url, 2, born=date(1998, 1, 1), digital=False, language="en")
    await add_woman(url, 3, born=date(1970, 1, 1))
    await database.run(
        lambda tx: register_lot(tx, lot="L1", expires_on=date(2026, 1, 1), quantity=5),
        actor=ACTOR,
        today=TODAY,
    )
    await advance(database, family=family(PROGRAMME), today=TODAY)


@pytest_asyncio.fixture
async def laboratories(database):
    """Of two laboratories, who know two of three people."""
    await specimens.register(database, {"national_id": specimens.KARI}, {"national_id": specimens.OLA})
    for code in ("AHUS", "OUS"):
        await database.run(
            lambda tx, code=code: register_laboratory(tx, code=code, name=code, profile="extended"),
            actor=specimens.ACTOR, today=specimens.TODAY,
        )  # fmt: skip
    running = specimens.another_judge(database)
    await running.intake.start()
    yield running
    await running.intake.stop()
