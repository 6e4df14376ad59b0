"""Starting and stopping: one clear refusal where a port is taken, and nothing in hand is dropped."""

import asyncio
import socket

import httpx
import pytest
from litestar import Litestar, get

from screening.refusals import Refused
from screening.service.auth import refuse_unsound_issuer
from screening.service.cli import main
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


@pytest.mark.parametrize("issuer", [None, "nonsense", "http://issuer.example", "https://", "ftp://localhost"])
def test_without_a_sound_issuer_nothing_is_served_and_no_database_is_started(
    issuer, tmp_path, monkeypatch, capsys
):
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.setenv("SCREENING_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("OIDC_ISSUER", issuer or "")
    assert main(["serve"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "OIDC_ISSUER" in line
    assert "https://" in line
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    "issuer", ["https://issuer.example/realm", "http://127.0.0.1:8080", "http://[::1]:1"]
)
def test_an_issuer_is_reached_safely_or_is_on_this_machine(issuer):
    refuse_unsound_issuer(issuer)
