"""The demo's place in its own time, kept in the database so that a run that was cut off goes on."""

from datetime import date
from typing import Any

import msgspec

from screening.storage.transaction import Transaction


class DemoArguments(msgspec.Struct, frozen=True):
    """What makes one run: with the same arguments it ends the same."""

    population: int = 50_000
    years: int = 5
    seed: int = 1
    since: date = date(2021, 1, 1)
    programmes: tuple[str, ...] = ("no-cervical",)

    @property
    def until(self) -> date:
        """The first day after the run; everything counted is counted as of then."""
        return self.since.replace(year=self.since.year + self.years)


class Place(msgspec.Struct, frozen=True):
    """`today`: the day that is lived next; `sent_on`: the last one whose letters have left."""

    arguments: DemoArguments
    today: date
    sent_on: date | None
    finished: bool


async def place(tx: Transaction) -> Place | None:
    """Where the demo stands; None: this database is no demo's."""
    row = await tx.row("select arguments, today, sent_on, finished from demo_run")
    if row is None:
        return None
    facts: dict[str, Any] = dict(row)
    facts["arguments"] = msgspec.convert(facts["arguments"], DemoArguments, strict=False)
    return Place(**facts)


async def begin_demo(tx: Transaction, *, arguments: DemoArguments) -> None:
    await tx.run(
        "insert into demo_run (arguments, today) values ($1, $2)",
        msgspec.to_builtins(arguments), arguments.since,
    )  # fmt: skip
    await tx.audit("began demo", facts=msgspec.to_builtins(arguments))


async def note_sent(tx: Transaction) -> None:
    """Today's letters have left; a day that is lived again after a crash does not send twice."""
    await tx.run("update demo_run set sent_on = $1", tx.today)


async def note_lived(tx: Transaction, *, tomorrow: date, finished: bool = False) -> None:
    await tx.run("update demo_run set today = $1, finished = $2", tomorrow, finished)


async def is_foreign(tx: Transaction) -> bool:
    """Whether the database holds people whom no demo made up."""
    return await tx.value("select exists (select from person) and not exists (select from demo_run)")
