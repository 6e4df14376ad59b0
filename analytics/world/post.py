"""The made-up post: a print house that collects from the spool, and a digital mailbox behind HTTP."""

import os
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import msgspec
from litestar import Litestar, post
from litestar.params import JSONBody
from litestar.status_codes import HTTP_200_OK

from analytics.world.memory import Deed, Memory
from analytics.world.nation import Nation

_RECEIPT = "receipt.json"


class PrintHouse:
    """Collects what lies in the spool, delivers it, and counts it."""

    def __init__(self, spool: Path, nation: Nation) -> None:
        self._spool = spool
        self._nation = nation
        self._done: set[str] = set()

    def waiting(self) -> list[Path]:
        """Batches that lie there whole and without a receipt, oldest first."""
        names = os.listdir(self._spool) if self._spool.exists() else []
        new = [name for name in names if not name.startswith(".") and name not in self._done]
        self._done.update(name for name in new if (self._spool / name / _RECEIPT).exists())
        waiting = [self._spool / name for name in new if name not in self._done]
        return sorted(waiting, key=lambda batch: _manifest(batch)["number"])

    def deliver(self, batch: Path, today: date) -> Iterator[Deed]:
        """What the letters of a batch lead to."""
        for item in _manifest(batch)["items"]:
            yield from self._deliver(item, today)

    def receive(self, batch: Path) -> None:
        """Tell how many letters there were; from now on the batch is done with."""
        manifest = _manifest(batch)
        count = {"batch": manifest["batch"], "received": len(manifest["items"])}
        unfinished = batch / f"{_RECEIPT}.unfinished"
        unfinished.write_bytes(msgspec.json.encode(count))
        unfinished.rename(batch / _RECEIPT)

    def _deliver(self, item: dict[str, Any], today: date) -> Iterator[Deed]:
        nation = self._nation
        number = nation.by_address[item["address"]].national_id
        if item["kit"]:
            yield from nation.get_kit(number, item["kit"], today)
        elif not nation.here(number, today) or nation.draws.happens("letter_undeliverable", number, today):
            body = {"sending": item["sending"], "outcome": "undeliverable"}
            yield Deed(f"back {number} {item['letter']} {today}", today + timedelta(days=9), "delivery", body)
        else:
            yield from nation.get_letter(number, item["letter"], today)


def _manifest(batch: Path) -> dict[str, Any]:
    return msgspec.json.decode((batch / "manifest.json").read_bytes())


class Message(msgspec.Struct):
    """One message of a batch, as the platform posts it."""

    sending: str
    recipient: str
    subject: str
    body: str
    language: str
    letter: str


class Posted(msgspec.Struct):
    batch: str
    messages: list[Message]


def mailbox(nation: Nation, memory: Memory, today: Callable[[], date]) -> Litestar:
    """A digital mailbox: takes each message once, refuses some, and plans what reading it leads to."""

    @post("/batches", status_code=HTTP_200_OK)
    async def take(data: JSONBody[Posted]) -> dict[str, Any]:
        day = today()
        refused = [
            one for one in data.messages if nation.draws.happens("mailbox_refused", one.recipient, day)
        ]
        taken = [one for one in data.messages if one not in refused]
        deeds = [
            deed
            for one in taken
            for deed in (
                *nation.get_letter(one.recipient, one.letter, day),
                Deed(
                    f"read {one.recipient} {one.letter} {day}", day + timedelta(days=1), "delivery",
                    {"sending": one.sending, "outcome": "delivered"},
                ),
            )
        ]  # fmt: skip
        memory.plan(deeds)
        return {
            "accepted": [one.sending for one in taken],
            "rejected": [{"sending": one.sending, "reason": "mailbox closed"} for one in refused],
        }

    return Litestar([take], openapi_config=None, logging_config=None, request_max_body_size=64 * 1024 * 1024)
