"""Which carriers an installation has: always print, and the digital mailbox where one is set."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager

import httpx

from invitations.carriers.carrier import Carrier
from invitations.carriers.digital_mailbox import DigitalMailbox
from invitations.carriers.print_spool import PrintSpool
from invitations.sending.states import Channel
from screening.service.settings import Settings

# A batch of letters is taken in well under this; a mailbox that hangs must not hold up the print house.
_TIMEOUT_SECONDS = 30


@asynccontextmanager
async def open_carriers(settings: Settings) -> AsyncGenerator[Mapping[Channel, Carrier]]:
    """The carriers in use while the block lasts, in the order they are tried in.

    Without a digital mailbox everyone is written to on paper.
    """
    printed: Carrier = PrintSpool(settings.spool, counts_itself=settings.own_printer)
    if settings.mailbox_url is None:
        yield {Channel.PRINT: printed}
        return
    async with httpx.AsyncClient(timeout=_TIMEOUT_SECONDS) as client:
        mailbox = DigitalMailbox(settings.mailbox_url, client, token=settings.mailbox_token)
        yield {Channel.DIGITAL: mailbox, Channel.PRINT: printed}
