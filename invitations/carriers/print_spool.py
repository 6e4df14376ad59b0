"""A folder that a print house collects from: one folder a batch, letters as PDF, a manifest, a receipt.

<spool>/<batch>/manifest.json      what is in the batch, with its count
<spool>/<batch>/letters-nb.pdf     the letters, in the manifest's order, one file a language
<spool>/<batch>/receipt.json       {"batch": 17, "received": 240}, written by the print house
"""

import asyncio
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import msgspec

from invitations.carriers.carrier import CarrierFailed, Item, Outgoing, Receipt
from invitations.letters.render import pdf


class PrintHouseReceipt(msgspec.Struct, frozen=True):
    batch: int
    received: int


class PrintSpool:
    """`counts_itself`: no print house answers; the spool counts what it wrote, for a printer in the house."""

    def __init__(self, folder: Path, *, counts_itself: bool = False) -> None:
        self._folder = folder
        self._counts_itself = counts_itself

    async def hand_over(self, outgoing: Outgoing) -> Receipt | None:
        try:
            return await asyncio.to_thread(self._spool, outgoing)
        except (OSError, msgspec.DecodeError) as error:
            raise CarrierFailed(f"print spool {self._folder}, batch {outgoing.batch}: {error}") from error

    def _spool(self, outgoing: Outgoing) -> Receipt | None:
        folder = self._folder / str(outgoing.batch)
        if not folder.exists():
            self._write(folder, outgoing)
        receipt = folder / "receipt.json"
        if receipt.exists():
            return Receipt(msgspec.json.decode(receipt.read_bytes(), type=PrintHouseReceipt).received)
        return Receipt(len(outgoing.items)) if self._counts_itself else None

    def _write(self, folder: Path, outgoing: Outgoing) -> None:
        """The whole batch or nothing: a folder under its final name is complete."""
        unfinished = folder.with_name(f"{folder.name}.unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True)
        for language in sorted({item.letter.language for item in outgoing.items}):
            letters = [item.letter for item in outgoing.items if item.letter.language == language]
            _store(unfinished / f"letters-{language}.pdf", pdf(letters, title=f"Batch {outgoing.batch}"))
        _store(unfinished / "manifest.json", msgspec.json.encode(_manifest(outgoing.batch, outgoing.items)))
        unfinished.rename(folder)


def _manifest(batch: int, items: Sequence[Item]) -> dict[str, object]:
    return {
        "batch": batch,
        "count": len(items),
        "items": [
            {"sending": item.sending, "letter": item.letter.template, "language": item.letter.language,
             "name": item.name, "address": item.address, "postcode": item.postcode, "post_town": item.post_town,
             "kit": item.letter.kit}
            for item in items
        ],
    }  # fmt: skip


def _store(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
