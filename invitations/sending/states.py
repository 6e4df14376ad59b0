"""What can become of one sending, and of the batch it goes out in."""

from enum import StrEnum

from screening.machines import Table


class SendingState(StrEnum):
    PLANNED = "planned"  # the intent is recorded; nothing has left
    HANDED = "handed"  # in a batch for its carrier
    ACKNOWLEDGED = "acknowledged"  # the carrier has counted it
    DELIVERED = "delivered"
    FAILED = "failed"  # no channel could take it
    UNDELIVERABLE = "undeliverable"  # it came back
    CANCELLED = "cancelled"  # no longer owed before it left


class SendingNews(StrEnum):
    HANDED = "handed"
    ACKNOWLEDGED = "acknowledged"
    DELIVERED = "delivered"
    REFUSED = "refused"  # by this carrier, at once or by a later report: retried, then by the next channel
    GIVEN_UP = "given_up"
    CAME_BACK = "came_back"
    WITHDRAWN = "withdrawn"


SENDING: Table = {
    (SendingState.PLANNED, SendingNews.HANDED): SendingState.HANDED,
    (SendingState.PLANNED, SendingNews.WITHDRAWN): SendingState.CANCELLED,
    (SendingState.PLANNED, SendingNews.GIVEN_UP): SendingState.FAILED,
    (SendingState.HANDED, SendingNews.ACKNOWLEDGED): SendingState.ACKNOWLEDGED,
    (SendingState.HANDED, SendingNews.REFUSED): SendingState.PLANNED,
    (SendingState.HANDED, SendingNews.WITHDRAWN): SendingState.CANCELLED,
    (SendingState.HANDED, SendingNews.GIVEN_UP): SendingState.FAILED,
    (SendingState.ACKNOWLEDGED, SendingNews.DELIVERED): SendingState.DELIVERED,
    (SendingState.ACKNOWLEDGED, SendingNews.REFUSED): SendingState.PLANNED,
    (SendingState.ACKNOWLEDGED, SendingNews.GIVEN_UP): SendingState.FAILED,
    (SendingState.ACKNOWLEDGED, SendingNews.CAME_BACK): SendingState.UNDELIVERABLE,
    (SendingState.DELIVERED, SendingNews.REFUSED): SendingState.PLANNED,
    (SendingState.DELIVERED, SendingNews.GIVEN_UP): SendingState.FAILED,
    (SendingState.DELIVERED, SendingNews.CAME_BACK): SendingState.UNDELIVERABLE,
}


class Channel(StrEnum):
    DIGITAL = "digital"
    PRINT = "print"


class BatchState(StrEnum):
    FORMED = "formed"
    HANDED = "handed"  # the carrier has it and has not counted it yet
    ACKNOWLEDGED = "acknowledged"
    MISMATCHED = "mismatched"  # the carrier counted otherwise: somebody must look
