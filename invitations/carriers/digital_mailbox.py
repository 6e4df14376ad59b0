"""A digital mailbox behind HTTP: a batch is posted, the answer says which messages were taken.

    POST {url}/batches  {"batch": key, "messages": [{"sending", "recipient", "subject", "body", "language", "letter"}]}
    200                 {"accepted": [keys], "rejected": [{"sending", "reason"}]}

Keys are UUIDs. A message known by its `sending` is accepted again without a second delivery. Where the mailbox
asks who calls, it gave a token, which is sent as `Authorization: Bearer …`.
"""

import ipaddress
from uuid import UUID

import httpx
import msgspec

from invitations.carriers.carrier import CarrierFailed, Item, Outgoing, Receipt, Rejected
from invitations.letters.render import plain_text
from screening.refusals import Refused


class Answer(msgspec.Struct, frozen=True):
    accepted: list[UUID]
    rejected: list[Rejected] = []


class DigitalMailbox:
    def __init__(self, url: str, client: httpx.AsyncClient, *, token: str | None = None) -> None:
        self._url = _private(url)
        self._client = client
        self._headers = {"Content-Type": "application/json"}
        if token is not None:
            self._headers["Authorization"] = f"Bearer {_sendable(token)}"

    async def hand_over(self, outgoing: Outgoing) -> Receipt | None:
        payload = {"batch": outgoing.batch, "messages": [_message(item) for item in outgoing.items]}
        try:
            response = await self._client.post(
                f"{self._url}/batches",
                content=msgspec.json.encode(payload),
                headers=self._headers,
            )
            response.raise_for_status()
            answer = msgspec.json.decode(response.content, type=Answer)
        except (httpx.HTTPError, msgspec.DecodeError) as error:
            raise CarrierFailed(f"digital mailbox, batch {outgoing.number}: {error}") from error
        taken = frozenset(answer.accepted)
        return Receipt(len(taken), {one.sending: one.reason for one in answer.rejected}, taken)


def _private(url: str) -> str:
    """Letters and national identity numbers travel encrypted, or not beyond this machine."""
    try:
        address = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise Refused(
            "mailbox_url_invalid", f"digital mailbox {url!r}: {error}; expected https://…"
        ) from error
    if address.scheme != "https" and not (address.scheme == "http" and _is_here(address.host)):
        told = f"digital mailbox {address.scheme}://{address.host}: expected https, or http on this machine alone"
        raise Refused("mailbox_not_encrypted", told)
    return url.rstrip("/")


def _sendable(token: str) -> str:
    """A token with anything else in it cannot be sent, and the complaint of whoever tried would show it."""
    if not token or not all("!" <= character <= "~" for character in token):
        raise Refused(
            "mailbox_token_invalid",
            "the digital mailbox's token holds a blank, a line's end or a letter outside ASCII; expected one word",
        )
    return token


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _message(item: Item) -> dict[str, object]:
    subject, body = plain_text(item.letter)
    return {
        "sending": item.sending, "recipient": item.recipient, "subject": subject, "body": body,
        "language": item.letter.language, "letter": item.letter.template,
    }  # fmt: skip
