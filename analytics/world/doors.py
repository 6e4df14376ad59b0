"""The platform's doors as the world outside sees them: HTTP with a bearer token, MLLP, a folder, nothing else."""

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import httpx
import msgspec

_START, _END = b"\x0b", b"\x1c\x0d"


class Unanswered(Exception):
    """The platform did not answer as the interface promises: a fault of the platform, or of the world."""


class Doors:
    """`token`: a bearer token for (role, organisation), from the issuer."""

    def __init__(
        self, *, url: str, mllp_port: int, spool: Path, token: Callable[[str, str | None], str]
    ) -> None:
        self._http = httpx.AsyncClient(base_url=url, timeout=600)
        self._mllp_port = mllp_port
        self._token = token
        self._lines: dict[tuple[str, int], MllpClient] = {}
        self.spool = spool

    async def post(
        self, path: str, body: object, *, role: str, organisation: str | None = None,
        media: str = "application/json", expected: tuple[int, ...] = (200, 201, 202),
    ) -> Any:  # fmt: skip
        """The answer's content; `body` is sent as it is where it is bytes, else as JSON."""
        content = body if isinstance(body, bytes) else msgspec.json.encode(body)
        headers = self._headers(role, organisation) | {"Content-Type": media}
        answer = await self._http.post(path, content=content, headers=headers)
        if answer.status_code not in expected:
            raise Unanswered(f"POST {path}: {answer.status_code} {answer.text[:500]}")
        if "ndjson" in answer.headers["content-type"]:
            return [msgspec.json.decode(line) for line in answer.content.splitlines()]
        return msgspec.json.decode(answer.content)

    async def get(self, path: str, params: Mapping[str, Any], *, role: str) -> Any:
        answer = await self._http.get(path, params=dict(params), headers=self._headers(role, None))
        if answer.status_code != 200:
            raise Unanswered(f"GET {path}: {answer.status_code} {answer.text[:500]}")
        return msgspec.json.decode(answer.content)

    def _headers(self, role: str, organisation: str | None) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._token(role, organisation)}"}

    async def mllp(self, laboratory: str, line: int, message: bytes) -> bytes:
        """The acknowledgement, over that connection of the laboratory's own."""
        if (laboratory, line) not in self._lines:
            self._lines[laboratory, line] = await MllpClient.connect(self._mllp_port)
        return await self._lines[laboratory, line].send(message)

    async def close(self) -> None:
        for line in self._lines.values():
            line.close()
        await self._http.aclose()


class MllpClient:
    """One connection of a laboratory; one message under way at a time."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def connect(cls, port: int) -> "MllpClient":
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    async def send(self, message: bytes) -> bytes:
        self._writer.write(_START + message + _END)
        await self._writer.drain()
        return (await self._reader.readuntil(_END)).removeprefix(_START).removesuffix(_END)

    def close(self) -> None:
        self._writer.close()
