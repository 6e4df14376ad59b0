"""First and later screens told apart: where a standard holds for one of them alone, one figure of both misleads."""

from collections.abc import Mapping
from typing import Any

from analytics.indicators.model import Indicator
from analytics.reports.views import Look

# The words of the stratum `screen` -> what they are called.
SCREENS: Mapping[str, str] = {"initial": "First screens", "subsequent": "Later screens"}


def told_apart(of: Indicator) -> bool:
    """Whether one of its standards holds for first or for later screens alone."""
    return any(standard.screen for standard in of.standards)


def by_screen(look: Look) -> Mapping[str, Mapping[str, Any]]:
    """Screen -> its row, of those with a standard of their own and enough for an interval; first screens first."""
    held = {standard.screen for standard in look.of.standards}
    if not told_apart(look.of):
        return {}
    rows = {row["screen"]: row for row in look.frame("screen").to_dicts()}
    return {
        screen: rows[screen]
        for screen in SCREENS
        if screen in held & rows.keys() and rows[screen]["low"] is not None
    }
