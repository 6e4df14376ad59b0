"""The print house's, the mailbox's and the kit logistics' doors."""

from datetime import date
from typing import Annotated, Any

import msgspec
from litestar import get, post
from litestar.params import FromPath, JSONBody, QueryParameter
from litestar.status_codes import HTTP_200_OK

from invitations.carriers.carrier import Receipt, Rejected
from invitations.kits.barcode import accepted_barcode
from invitations.kits.commands import KitOutcome, record_kit_news, register_lot
from invitations.kits.queries import kits_by_barcode
from invitations.kits.states import KitNews
from invitations.sending.batches import acknowledge_batch
from invitations.sending.deliveries import Report, ReportCounts, record_deliveries
from invitations.sending.queries import batch_record, list_batches
from screening.refusals import NotFound
from screening.storage.transaction import Transaction
from screening.vocabulary import LARGEST_INTEGER, Role
from screening.web import CallerRequest, PathId, allow, commit

# `state` alone is the framework's own word
_State = Annotated[str | None, QueryParameter(name="state")]


class Deliveries(msgspec.Struct, forbid_unknown_fields=True):
    reports: list[Report]


@post("/deliveries", status_code=HTTP_200_OK, **allow(Role.SCHEDULER))
async def post_deliveries(request: CallerRequest, data: JSONBody[Deliveries]) -> ReportCounts:
    """What carriers say became of what they were given; repeated and out of order is fine."""
    return await commit(request, lambda tx: record_deliveries(tx, reports=data.reports))


@get("/batches", **allow(Role.SCHEDULER, Role.PROGRAMME_STAFF))
async def get_batches(request: CallerRequest, stands: _State = None) -> list[dict[str, Any]]:
    """Batches, newest first; those not acknowledged are the ones to look at."""
    return await commit(request, lambda tx: list_batches(tx, state=stands))


@get("/batches/{batch:int}", **allow(Role.SCHEDULER, Role.PROGRAMME_STAFF))
async def get_batch(request: CallerRequest, batch: PathId) -> dict[str, Any]:
    return await commit(request, lambda tx: batch_record(tx, batch=batch))


class Count(msgspec.Struct, forbid_unknown_fields=True):
    """How many letters of the batch the carrier has, and which it would not take, by their keys."""

    count: Annotated[int, msgspec.Meta(ge=0, le=LARGEST_INTEGER)]
    rejected: list[Rejected] = []


@post("/batches/{batch:int}/acknowledge", status_code=HTTP_200_OK, **allow(Role.SCHEDULER))
async def post_acknowledgement(
    request: CallerRequest, batch: PathId, data: JSONBody[Count]
) -> dict[str, Any]:
    receipt = Receipt(data.count, {one.sending: one.reason for one in data.rejected})
    state = await commit(request, lambda tx: acknowledge_batch(tx, batch=batch, receipt=receipt))
    return {"batch": batch, "state": state}


class KitReport(msgspec.Struct, forbid_unknown_fields=True):
    kind: KitNews
    on: date
    reason: str | None = None


@post("/kits/{barcode:str}/events", status_code=HTTP_200_OK, **allow(Role.SCHEDULER, Role.LABORATORY))
async def post_kit_event(
    request: CallerRequest, barcode: FromPath[str], data: JSONBody[KitReport]
) -> KitOutcome:
    """A kit came back by post, was returned, received or rejected."""
    return await commit(
        request,
        lambda tx: record_kit_news(tx, barcode=barcode, news=data.kind, on=data.on, reason=data.reason),
    )


@get("/kits/{barcode:str}", **allow(Role.SCHEDULER, Role.LABORATORY, Role.PROGRAMME_STAFF))
async def get_kit(request: CallerRequest, barcode: FromPath[str]) -> dict[str, Any]:
    async def find(tx: Transaction) -> dict[str, Any]:
        wanted = accepted_barcode(barcode)
        kit = (await kits_by_barcode(tx, barcodes=[wanted])).get(wanted)
        if kit is None:
            raise NotFound("kit_unknown", f"no kit {wanted}")
        await tx.audit("read kit", persons=[kit.person_id])
        return msgspec.to_builtins(kit)

    return await commit(request, find)


class Lot(msgspec.Struct, forbid_unknown_fields=True):
    lot: str
    expires_on: date
    quantity: Annotated[int, msgspec.Meta(ge=0, le=LARGEST_INTEGER)]


@post("/kits/lots", status_code=HTTP_200_OK, **allow(Role.SCHEDULER, Role.ADMINISTRATOR))
async def post_lot(request: CallerRequest, data: JSONBody[Lot]) -> Lot:
    await commit(
        request,
        lambda tx: register_lot(tx, lot=data.lot, expires_on=data.expires_on, quantity=data.quantity),
    )
    return data


handlers = [
    post_deliveries, get_batches, get_batch, post_acknowledgement, post_kit_event, get_kit, post_lot,
]  # fmt: skip
