"""The only place that asks what day it is."""

from datetime import date, datetime
from zoneinfo import ZoneInfo


class SystemClock:
    """Civil days as they pass where the programme is."""

    def __init__(self, zone: str = "Europe/Oslo") -> None:
        self._zone = ZoneInfo(zone)

    def today(self) -> date:
        return datetime.now(self._zone).date()


class SimulatedClock:
    """Civil days as the demo lets them pass."""

    def __init__(self, today: date) -> None:
        self._today = today

    def today(self) -> date:
        return self._today

    def set(self, today: date) -> None:
        self._today = today
