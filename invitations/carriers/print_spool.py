"""A folder that a print house collects from: one folder a batch, letters as PDF, a manifest, a receipt.

<spool>/<batch>/manifest.json      what is in the batch, with its count
<spool>/<batch>/letters-nb.pdf     the letters, in the manifest's order, one file a language
<spool>/<batch>/receipt.json       {"batch": "<batch>", "received": 240}, written by the print house

Everything here is for the platform's own user alone, as whom the print house collects.

<batch> is the batch's key, a UUID; the manifest also tells the batch's number. A name with a dot before it is a
batch that is still being written.
"""

import asyncio
import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

import msgspec

from invitations.carriers.carrier import CarrierFailed, Item, Outgoing, Receipt
from invitations.letters.render import pdf


class PrintHouseReceipt(msgspec.Struct, frozen=True):
    batch: UUID
    received: int


class _Listed(msgspec.Struct, frozen=True):
    sending: UUID


class _Manifest(msgspec.Struct, frozen=True):
    """As much of a manifest as tells which letters it is of."""

    batch: UUID
    items: list[_Listed]


class PrintSpool:
    """`counts_itself`: no print house answers; the spool counts what it wrote, for a printer in the house."""

    def __init__(self, folder: Path, *, counts_itself: bool = False) -> None:
        self._folder = folder
        self._counts_itself = counts_itself

    async def hand_over(self, outgoing: Outgoing) -> Receipt | None:
        try:
            return await asyncio.to_thread(self._spool, outgoing)
        except (OSError, msgspec.DecodeError) as error:
            raise CarrierFailed(f"print spool {self._folder}, batch {outgoing.number}: {error}") from error

    def _spool(self, outgoing: Outgoing) -> Receipt | None:
        folder = self._folder / str(outgoing.batch)
        if not folder.exists():
            self._write(folder, outgoing)
        _refuse_others(folder, outgoing)
        receipt = folder / "receipt.json"
        if receipt.exists():
            told = msgspec.json.decode(receipt.read_bytes(), type=PrintHouseReceipt)
            if told.batch != outgoing.batch:
                raise CarrierFailed(f"{receipt}: counts batch {told.batch}; expected {outgoing.batch}")
            return Receipt(told.received)
        return Receipt(len(outgoing.items)) if self._counts_itself else None

    def _write(self, folder: Path, outgoing: Outgoing) -> None:
        """The whole batch or nothing: a folder under its final name is complete.

        Whoever else writes the same batch has a folder of their own, and the first to finish gives the name.
        """
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        unfinished = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=self._folder))
        try:
            for language in sorted({item.letter.language for item in outgoing.items}):
                letters = [item.letter for item in outgoing.items if item.letter.language == language]
                _store(unfinished / f"letters-{language}.pdf", pdf(letters, title=f"Batch {outgoing.number}"))
            _store(unfinished / "manifest.json", msgspec.json.encode(_manifest(outgoing)))
            _fsync(unfinished)
            unfinished.rename(folder)
            _fsync(self._folder)
        except OSError:
            if not folder.exists():
                raise
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)


def _refuse_others(folder: Path, outgoing: Outgoing) -> None:
    """Nothing that is said of other letters is believed of these."""
    held = msgspec.json.decode((folder / "manifest.json").read_bytes(), type=_Manifest)
    given = {item.sending for item in outgoing.items}
    if held.batch != outgoing.batch or {one.sending for one in held.items} != given:
        told = f"print spool {folder}: its manifest lists other letters than batch {outgoing.number}"
        raise CarrierFailed(f"{told}; find out which left, and acknowledge the batch by hand")


def _manifest(outgoing: Outgoing) -> dict[str, object]:
    return {
        "batch": outgoing.batch,
        "number": outgoing.number,
        "count": len(outgoing.items),
        "items": _listed(outgoing.items),
    }


def _listed(items: Sequence[Item]) -> list[dict[str, object]]:
    return [
        {"sending": item.sending, "letter": item.letter.template, "language": item.letter.language,
         "name": item.name, "address": item.address, "postcode": item.postcode, "post_town": item.post_town,
         "kit": item.letter.kit}
        for item in items
    ]  # fmt: skip


def _store(path: Path, content: bytes) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _fsync(folder: Path) -> None:
    """Also the names in a folder must survive a power cut."""
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
