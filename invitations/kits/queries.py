"""Finding kits by their barcode."""

from collections.abc import Sequence

import msgspec

from invitations.kits.states import KitRow
from screening.storage.transaction import Transaction

_KITS = """
select k.barcode, k.person_id, p.holder_id, k.lot, k.expires_on, k.state, k.programme
  from kit k join person p on p.id = k.person_id where k.barcode = any($1)
"""


async def kits_by_barcode(
    tx: Transaction, *, barcodes: Sequence[str], lock: bool = False
) -> dict[str, KitRow]:
    """The kits with these barcodes; an unknown barcode is absent.

    `lock`: whoever moves one of them meanwhile waits until this transaction ends.
    """
    if not barcodes:
        return {}
    rows = await tx.rows(_KITS + ("for update of k" if lock else ""), list(set(barcodes)))
    return {row["barcode"]: msgspec.convert(dict(row), KitRow) for row in rows}
