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
from screening.vocabulary import Role


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


async def test_a_body_that_is_too_large_is_told_the_limit(platform):
    async with platform.caller(Role.ADMINISTRATOR) as caller:
        answer = await caller.post(
            "/kits/lots", content=b" " * (1024 * 1024 + 1), headers={"Content-Type": "application/json"}
        )
    assert answer.status_code == 413
    assert "1,048,576 bytes" in answer.json()["detail"]


async def test_a_barcode_that_is_none_is_told_so_whoever_asks_for_it(platform):
    news = {"kind": "returned", "on": "2024-06-01"}
    async with platform.caller(Role.LABORATORY) as caller:
        asked, sent = await caller.get("/kits/12345"), await caller.post("/kits/12345/events", json=news)
    assert (asked.status_code, asked.json()) == (sent.status_code, sent.json())
    assert "nine digits" in asked.json()["detail"]


@pytest.mark.parametrize(
    "call",
    [
        ("decide", "no-cervical", "nosuch.yaml"), ("people", "load", "nosuch.csv"),
        ("results", "load", "nosuch.csv"), ("audit", "verify", "--kept", "nosuch.json"),
        ("protocol", "check", "nosuch.yaml"),
    ],
)  # fmt: skip
def test_a_file_that_there_is_not_is_told_in_one_line(call, capsys):
    assert main(call) == 2
    assert capsys.readouterr().err == f"screening {call[0]}: {call[-1]}: no such file\n"
