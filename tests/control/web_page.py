"""A browser's end of `tstream web`, without a browser: its requests, and a tab's websocket."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pyte
from aiohttp import ClientSession, ClientWebSocketResponse, CookieJar, TCPConnector, WSMsgType
from multidict import CIMultiDictProxy

from adapters.control.web.config import WebConfig
from adapters.control.web.server import WebServer
from tests.support.patience import patient

PROGRAM = """
import os, signal, sys, termios, tty

def size(*_):
    print("size %d %d" % tuple(os.get_terminal_size()), end="\\r\\n", flush=True)

signal.signal(signal.SIGWINCH, size)
tty.setraw(0)
print("ready", os.getpid(), os.environ.get("TERM"), end="\\r\\n", flush=True)
print("\\x1b[38;2;1;200;3mgreen\\x1b[0m", end="\\r\\n", flush=True)
size()
while True:
    try:
        typed = os.read(0, 100)
    except InterruptedError:
        continue
    if typed == b"q":
        sys.exit(3)
    print("typed", typed, end="\\r\\n", flush=True)
"""
"""What runs in a tab of these tests: tells of its size and its keys, and ends by q with code 3."""

COMMAND = (sys.executable, "-u", "-c", PROGRAM)


def config(**changes: Any) -> WebConfig:
    known: dict[str, Any] = {
        "command": COMMAND,
        "viewer_command": (*COMMAND, "viewer"),
        "port": 0,
        "environment": {"TERM": "xterm-256color", "PATH": "/usr/bin:/bin"},
    }
    return WebConfig(**{**known, **changes})


class Page:
    """One tab. Reading goes on until something shows."""

    def __init__(self, socket: ClientWebSocketResponse) -> None:
        self.socket = socket
        self.screen = pyte.Screen(120, 40)
        self._stream = pyte.ByteStream(self.screen)
        self.said: list[dict[str, Any]] = []

    @property
    def text(self) -> str:
        return "\n".join(line.rstrip() for line in self.screen.display).rstrip()

    async def read(self) -> bool:
        """One message; False once the server has hung up."""
        message = await self.socket.receive()
        if message.type is WSMsgType.BINARY:
            self._stream.feed(message.data)
        elif message.type is WSMsgType.TEXT:
            self.said.append(json.loads(message.data))
        return message.type in (WSMsgType.BINARY, WSMsgType.TEXT)

    async def shows(self, words: str) -> str:
        async with asyncio.timeout(patient(10)):
            while words not in self.text:
                assert await self.read(), f"hung up before {words!r}: {self.text}"
        return self.text

    async def raw(self, words: bytes) -> bytes:
        """What the program writes, as far as these words, without looking how a screen would show it."""
        told = b""
        async with asyncio.timeout(patient(60)):
            while words not in told:
                message = await self.socket.receive()
                assert message.type in (WSMsgType.BINARY, WSMsgType.TEXT), (
                    f"hung up before {words!r}: {told!r}"
                )
                told += message.data if message.type is WSMsgType.BINARY else b""
        return told

    async def hung_up(self) -> int | None:
        """Read to the end; the code that it closes with."""
        async with asyncio.timeout(patient(10)):
            while await self.read():
                continue
        return self.socket.close_code

    async def send(self, **fields: Any) -> None:
        await self.socket.send_str(json.dumps(fields))

    async def type(self, keys: str, ago_s: float = 0.0) -> None:
        await self.send(keys=keys, at=(time.time() - ago_s) * 1000)


class Browser:
    """Requests as a page of the server itself makes them."""

    def __init__(self, server: WebServer, session: ClientSession) -> None:
        self.server, self.session = server, session
        self.origin = server.url.rstrip("/")

    async def get(self, path: str, **headers: str) -> tuple[int, CIMultiDictProxy[str], str]:
        async with self.session.get(self.origin + path, headers=headers, allow_redirects=False) as answer:
            return answer.status, answer.headers, await answer.text()

    async def post(self, path: str, data: dict[str, str], **headers: str) -> tuple[int, str]:
        sent = {"Origin": self.origin, **headers}
        async with self.session.post(
            self.origin + path, data=data, headers=sent, allow_redirects=False
        ) as answer:
            return answer.status, await answer.text()

    @asynccontextmanager
    async def tab(self, size: tuple[int, int] = (120, 40), **headers: str) -> AsyncIterator[Page]:
        sent = {"Origin": self.origin, **headers}
        async with self.session.ws_connect(self.origin + "/terminal", headers=sent) as socket:
            page = Page(socket)
            await page.send(size=size)
            yield page


@asynccontextmanager
async def serving(wanted: WebConfig) -> AsyncIterator[Browser]:
    server = WebServer(wanted)
    await server.start()
    try:
        async with ClientSession(
            connector=TCPConnector(ssl=False), cookie_jar=CookieJar(unsafe=True)
        ) as session:
            yield Browser(server, session)
    finally:
        await server.stop()
