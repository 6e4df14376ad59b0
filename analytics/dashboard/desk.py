"""What the dashboard has answered from one dataset, so that it is drawn and counted once."""

from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime
from threading import Lock
from typing import TYPE_CHECKING

from analytics.indicators.kept import Kept
from analytics.reports.counts import Counts

if TYPE_CHECKING:
    from analytics.reports.medium import Served

_KEPT = 2000  # answers; a page has about twenty pictures of some 10 kB


class Desk:
    """Asked by several threads at once. Of what was not asked for lately the oldest is forgotten."""

    def __init__(self, kept: Kept, read_at: datetime | None, *, releases: bool) -> None:
        """`read_at`: see `Held`. `releases`: whether what is published is served beside it."""
        self.counts = Counts(kept)
        self._read_at, self._releases = read_at, releases
        self._answers: OrderedDict[object, bytes] = OrderedDict()
        self._lock = Lock()

    def served(self, trouble: str | None) -> "Served":
        """How its pages are read; `trouble`: why changed protocol files are refused, where they are."""
        # loaded when somebody looks: what draws the charts takes longer to load than much of the platform
        from analytics.reports.medium import Served  # noqa: PLC0415

        return Served(trouble, self._read_at, releases=self._releases)

    def answer(self, key: object, work: Callable[[Counts], bytes]) -> bytes:
        """What was answered before, or else worked out now."""
        with self._lock:
            if key in self._answers:
                self._answers.move_to_end(key)
                return self._answers[key]
        answer = work(self.counts)
        with self._lock:
            self._answers[key] = answer
            if len(self._answers) > _KEPT:
                self._answers.popitem(last=False)
        return answer
