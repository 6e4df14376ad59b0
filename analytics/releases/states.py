"""What can become of a release, and what did."""

from datetime import date
from enum import StrEnum
from typing import Any

import msgspec

from screening.machines import Table


class ReleaseState(StrEnum):
    MADE = "made"  # frozen; nobody outside has seen it
    APPROVED = "approved"
    PUBLISHED = "published"
    REJECTED = "rejected"  # never published
    WITHDRAWN = "withdrawn"  # no longer offered; what it told is still known


class ReleaseNews(StrEnum):
    APPROVED = "approved"
    PUBLISHED = "published"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"


RELEASE: Table = {
    (ReleaseState.MADE, ReleaseNews.APPROVED): ReleaseState.APPROVED,
    (ReleaseState.MADE, ReleaseNews.REJECTED): ReleaseState.REJECTED,
    (ReleaseState.APPROVED, ReleaseNews.PUBLISHED): ReleaseState.PUBLISHED,
    (ReleaseState.APPROVED, ReleaseNews.REJECTED): ReleaseState.REJECTED,
    (ReleaseState.PUBLISHED, ReleaseNews.WITHDRAWN): ReleaseState.WITHDRAWN,
}
TOLD = (ReleaseState.PUBLISHED, ReleaseState.WITHDRAWN)  # whoever wanted has read it


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """A release and what became of it; `digest` is the SHA-256 of its manifest.json."""

    id: int
    programme: str
    period: str
    data_cut: date
    state: ReleaseState
    made_by: str
    made_on: date
    approved_by: str | None
    approved_on: date | None
    published_by: str | None
    published_on: date | None
    ended_by: str | None
    ended_on: date | None
    ended_reason: str | None
    manifest: dict[str, Any]
    digest: str
