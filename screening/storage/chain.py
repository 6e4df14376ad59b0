"""The hash chain over the audit records, as arithmetic on bytes.

A seal covers a range of transactions. Its digest is SHA-256 over

    the digest of the seal before it (for the first: `ORIGIN`),
    a line of JSON for each record, in (xid, id) order: the columns of `COLUMNS`,
    a last line: number, sealed_at, from_xid, until_xid, count of records.

Lines are UTF-8 without spaces, ended by a line feed; instants in UTC, days as ISO 8601; `persons` and
`facts` are strings holding the text PostgreSQL prints for them. Whoever has the records and the seals
can compute the same digests with other tools.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import msgspec

COLUMNS = (
    "id", "xid", "at", "today", "actor", "roles", "organisation", "action", "persons::text", "facts::text",
)  # fmt: skip
ORIGIN = hashlib.sha256(b"screening audit chain 1").digest()
_encoder = msgspec.json.Encoder()


class Seal(msgspec.Struct, frozen=True):
    """Covers every record of a transaction `from_xid` <= xid < `until_xid`."""

    number: int
    sealed_at: datetime
    from_xid: int
    until_xid: int
    records: int
    previous: bytes
    digest: bytes


class Broken(msgspec.Struct, frozen=True):
    """A seal that does not hold: why, and how many records it sealed and now covers."""

    seal: int
    problem: str
    from_xid: int
    until_xid: int
    records: int
    found: int


class Digest:
    """The digest of one seal, fed with its records page by page."""

    def __init__(self, previous: bytes) -> None:
        self.previous = previous
        self.records = 0
        self._hash = hashlib.sha256(previous)

    def add(self, records: Sequence[Iterable[object]]) -> None:
        self._hash.update(_encoder.encode_lines([tuple(record) for record in records]))
        self.records += len(records)

    def seal(self, *, number: int, sealed_at: datetime, from_xid: int, until_xid: int) -> Seal:
        covers = (number, sealed_at, from_xid, until_xid, self.records)
        whole = self._hash.copy()
        whole.update(_encoder.encode_lines([covers]))
        return Seal(*covers, previous=self.previous, digest=whole.digest())


def find_fault(
    seal: Seal, *, after: Seal | None, found: Digest, kept: Mapping[int, bytes] | None = None
) -> str | None:
    """Why a seal does not hold; None where it does.

    `after`: the seal stored before it, None for the first. `found`: its digest over the records there are
    now. `kept`: digests of seals, by number, that somebody wrote down elsewhere: only they show that the
    whole chain was made anew.
    """
    number, start, previous = (after.number + 1, after.until_xid, after.digest) if after else (1, 0, ORIGIN)
    if seal.number != number:
        return f"expected seal {number} here: seals are missing"
    if (seal.from_xid, seal.previous) != (start, previous):
        return "does not continue the seal before it"
    if seal.records != found.records:
        return f"{seal.records} records were sealed, there are {found.records}"
    again = found.seal(
        number=seal.number, sealed_at=seal.sealed_at, from_xid=seal.from_xid, until_xid=seal.until_xid
    )
    if seal.digest != again.digest:
        return "records, or the seal, are not what was sealed"
    if kept is not None and kept.get(seal.number, seal.digest) != seal.digest:
        return "is not the seal whose digest was kept elsewhere"
    return None
