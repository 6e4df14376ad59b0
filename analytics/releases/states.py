"""What can become of a release."""

from enum import StrEnum

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
