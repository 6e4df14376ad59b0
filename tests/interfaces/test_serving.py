"""Starting and stopping: one clear refusal where a port is taken, and nothing in hand is dropped."""

import asyncio
import socket

import httpx
import pytest
from litestar import Litestar, get

from screening.refusals import Refused
from screening.service.http_server import serving


@get("/slow")
async def slow() -> str:
    await asyncio.sleep(0.2)
    return "done"


async def test_the_application_answers_on_the_port_it_names(platform):
    async with httpx.AsyncClient(base_url=platform.url) as client:
        assert (await client.get("/health")).json() == {"status": "ok", "protocols": "in use"}


@pytest.mark.parametrize(
    "path", ["/health", "/people/1", "/no-such-place"], ids=["open", "refused", "unknown"]
)
async def test_no_answer_is_cached_or_taken_for_something_it_is_not(platform, path):
    async with httpx.AsyncClient(base_url=platform.url) as client:
        headers = (await client.get(path)).headers
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"
    assert "default-src 'none'" in headers["content-security-policy"]


async def test_a_port_that_is_taken_is_refused_by_name():
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(Refused, match=f"port {port} .*--port") as refused:
            async with serving(Litestar([slow]), port=port):
                pass
    assert refused.value.code == "port_in_use"


async def test_a_second_server_of_our_own_does_not_share_the_port():
    async with serving(Litestar([slow]), port=0) as url:
        port = int(url.rsplit(":", 1)[1])
        with pytest.raises(Refused, match=str(port)):
            async with serving(Litestar([slow]), port=port):
                pass


async def test_calls_in_hand_are_answered_before_the_server_ends():
    async with httpx.AsyncClient() as client:
        async with serving(Litestar([slow]), port=0) as url:
            call = asyncio.create_task(client.get(f"{url}/slow"))
            await asyncio.sleep(0.1)
        assert (await call).text == "done"
