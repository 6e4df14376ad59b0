"""The dataset of the running service: read once for all who wait, carried on by what was written since."""

import asyncio
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from analytics.extract.dataset import Dataset
from analytics.extract.keeping import Keeping
from analytics.extract.read import extract, fingerprint
from analytics.indicators.kept import Kept
from screening.storage.database import Database
from screening.storage.transaction import Actor
from screening.web import CallerRequest, database_of, today_of


@dataclass(frozen=True, slots=True)
class Held:
    """A dataset as it was read. `mark`: equal for two of them in which nothing differs. `read_at`: what was
    committed by this instant is in it; None where only the day is known, as of an extract written earlier.
    """

    kept: Kept
    mark: tuple[object, ...]
    read_at: datetime | None

    @property
    def dataset(self) -> Dataset:
        return self.kept.dataset


class Latest:
    """One process's dataset. However many ask, the database is read by one of them at a time.

    It is kept as an extract in a folder that nobody else may read; what was written since is read into it,
    everything only once.
    """

    def __init__(self, *, at_most: float, kept: Path | None = None) -> None:
        """`at_most`: for so many seconds it answers without asking the database whether anything is new.

        `kept`: the folder, which outlasts the process; None: it does not. Refuses one that another process has.
        """
        self._at_most = at_most
        self._keeping = Keeping(kept)
        self._held: Held | None = None
        self._as_of = float(
            "-inf"
        )  # when what is held was last known to be all there is; of the loop's clock
        self._reading: asyncio.Task[None] | None = None

    async def held(self, database: Database, *, actor: Actor, today: date, anew: bool = False) -> Held:
        """The dataset of today, no older than may be. `anew`: with everything committed before the call."""
        now = asyncio.get_running_loop().time
        since = now() - (0 if anew else self._at_most)
        while self._held is None or self._as_of < since or self._held.dataset.manifest.data_cut != today:
            # whoever began to read before that has perhaps not seen everything: wait, then look again
            if self._reading is None or self._reading.done():
                self._reading = asyncio.create_task(self._read(now(), database, actor, today))
            # a caller who hangs up ends nobody else's waiting
            await asyncio.shield(self._reading)
        return self._held

    async def _read(self, begun: float, database: Database, actor: Actor, today: date) -> None:
        mark = await database.run(fingerprint, actor=actor, today=today)
        if self._held is None or self._held.mark != mark:
            told = await extract(database, self._keeping.extract, actor=actor, today=today)
            dataset = await asyncio.to_thread(self._keeping.held)
            self._held = Held(Kept(dataset), told.fingerprint, told.read_at)
        self._as_of = begun


class Frozen:
    """An extract as it was written, in the place of a database's latest: it never changes."""

    def __init__(self, dataset: Dataset) -> None:
        self._held = Held(Kept(dataset), (dataset.manifest.words, dataset.manifest.watermark), None)

    async def held(self, database: Database, *, actor: Actor, today: date, anew: bool = False) -> Held:  # noqa: ARG002
        """Whoever asks, and whenever."""
        return self._held


async def held_of(request: CallerRequest, *, anew: bool = False) -> Held:
    """What is counted from; `anew`: with everything that was recorded before the request came."""
    latest: Latest | Frozen = request.app.state.latest
    return await latest.held(database_of(request), actor=request.user, today=today_of(request), anew=anew)
