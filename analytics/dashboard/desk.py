"""What the dashboard has answered from one dataset, so that it is drawn and counted once."""

from collections import OrderedDict
from collections.abc import Callable
from threading import Lock

from analytics.extract.dataset import Dataset
from analytics.reports.counts import Counts

_KEPT = 2000  # answers; a page has about twenty pictures of some 10 kB


class Desk:
    """Asked by several threads at once. Of what was not asked for lately the oldest is forgotten."""

    def __init__(self, dataset: Dataset) -> None:
        self.counts = Counts(dataset)
        self._answers: OrderedDict[object, bytes] = OrderedDict()
        self._lock = Lock()

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
