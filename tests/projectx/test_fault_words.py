"""Faults of the venue's links are told in words: no exception's name in them, and the page knows them."""

from __future__ import annotations

import asyncio
import errno
import inspect
import re
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp.client_reqrep import ConnectionKey
from websockets import exceptions as ws
from websockets.datastructures import Headers
from websockets.frames import Close
from websockets.http11 import Response

from adapters.common.fault_words import fault_words
from adapters.projectx.signalr import Hub, HubClosed
from engine.model.errors import PortError
from tests.projectx.conftest import NOW, QUICK, trading, venue_for
from tests.projectx.gateway import DROP, HANG, PLACE, TRADES, Gateway, Status
from tests.support.waits import Inbox

ROOT = Path(__file__).parents[2]
NAME = re.compile(r"\b\w*[a-z](?:Error|Exception|Warning)\b|Errno|Traceback|<|0x")
KEY = ConnectionKey("api.example.org", 443, True, True, None, None, None)
REQUEST: Any = aiohttp.RequestInfo("http://h/x", "POST", {}, "http://h/x")  # type: ignore[arg-type]


def untrusted() -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_message = "self-signed certificate"
    return error


MADE: dict[str, Any] = {
    "os_error": OSError(errno.ECONNREFUSED, "refused"),
    "connection_key": KEY,
    "certificate_error": untrusted(),
    "request_info": REQUEST,
    "history": (),
    "host": "h",
    "port": 1,
    "expected": b"x",
    "got": b"y",
    "url": "http://h",
    "status": 407,
    "exc": ValueError("x"),
    "ssl_error": ssl.SSLError(1, "x"),
    "rcvd": None,
    "sent": None,
    "uri": "x",
    "msg": "x",
    "proxy": "x",
    "response": Response(502, "Bad gateway", Headers()),
    "name": "x",
    "value": "x",
    "path": "x",
    "error": "x",
    "origin": "x",
    "header": "x",
    "pos": 1,
}


def made(kind: type[BaseException]) -> BaseException:
    """One of a kind, with whatever it wants to be told."""
    if issubclass(kind, aiohttp.ClientResponseError):
        return kind(REQUEST, (), status=400, message="ContentLengthError: <x>")
    try:
        wanted = inspect.signature(kind).parameters.values()
    except ValueError:
        return kind()
    named = [p for p in wanted if p.kind is p.POSITIONAL_OR_KEYWORD and p.default is p.empty]
    return kind(*(MADE[p.name] for p in named))


def below(*kinds: type[BaseException]) -> Iterator[type[BaseException]]:
    for kind in kinds:
        yield kind
        yield from below(*kind.__subclasses__())


LIBRARIES = ("aiohttp", "websockets")
KINDS = sorted(
    {
        kind
        for kind in below(aiohttp.ClientError, ws.WebSocketException)
        if kind.__module__.startswith(LIBRARIES) and kind is not ws.PayloadTooBig  # stays inside
    },
    key=lambda kind: kind.__name__,
)
SYSTEM: list[BaseException] = [
    *(OSError(number, "x") for number in sorted(errno.errorcode)),
    *(kind() for kind in sorted(below(OSError), key=lambda k: k.__name__) if kind.__module__ == "builtins"),
    socket.gaierror(-2, "Name or service not known"),
    ssl.SSLError(1, "wrong version number"),
    untrusted(),
    TimeoutError(),
    EOFError("connection closed while reading HTTP status line"),
    ValueError("a record of more than 4194304 bytes"),
    KeyError("x"),
    RecursionError("maximum recursion depth exceeded"),
    aiohttp.ClientPayloadError("Response payload is not completed: <ContentLengthError: 400>"),
    ws.ConnectionClosedError(Close(1011, "keepalive ping timeout"), None),
    ws.ConnectionClosedError(None, Close(1009, "")),
    ws.ConnectionClosedOK(Close(4_999, "why"), None),
]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_no_fault_of_a_library_is_told_by_its_name(kind: type[BaseException]) -> None:
    words = fault_words(made(kind))
    assert words
    assert not NAME.search(words), words
    assert kind.__name__ not in words


def test_no_fault_of_the_system_is_told_by_its_name() -> None:
    for error in SYSTEM:
        words = fault_words(error)
        assert words
        assert not NAME.search(words), words
        assert type(error).__name__ not in words


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ws.ConnectionClosedError(None, None), "it hung up without a word"),
        (ws.ConnectionClosedError(Close(1012, ""), None), "it is being restarted"),
        (ws.ConnectionClosedOK(Close(4000, "go"), None), "it ended the connection with code 4000 (go)"),
        (aiohttp.ServerDisconnectedError(), "it hung up without a word"),
        (aiohttp.ClientConnectorError(KEY, OSError(errno.ECONNREFUSED, "x")), "nothing listens there"),
        (aiohttp.ClientPayloadError("x <ContentLengthError>"), "its answer broke off"),
    ],
)
def test_what_happened_is_said_plainly(error: BaseException, words: str) -> None:
    assert fault_words(error) == words


async def test_what_reaches_a_notice_over_sockets_has_no_names_in_it(gateway: Gateway, inbox: Inbox) -> None:
    venue = venue_for(gateway, read_s=0.2)
    texts: list[str] = []
    async with trading(gateway, venue, inbox) as side:
        for answer in (DROP, HANG, "nonsense", Status(500, "oops"), Status(302), Status(429)):
            gateway.script(TRADES, answer)
            with pytest.raises(PortError) as failed:
                await venue.rest.trades(1, NOW)
            texts.append(str(failed.value))
            gateway.script(PLACE, answer)
            with pytest.raises(PortError) as failed:
                await venue.rest.place({}, protects=True)
            texts.append(str(failed.value))
        await side.drop()
        await inbox.live("user", times=2)
    texts += inbox.words()
    assert any("the connection to the hub broke: it hung up without a word" in text for text in texts)
    assert [text for text in texts if NAME.search(text)] == []


@pytest.mark.parametrize(
    "said", [b"", b"HTTP/1.1 502 Bad\r\n\r\n", b"\x16\x03\x01", b"HTTP/1.1 200 OK\r\n\r\n"]
)
async def test_a_hub_that_is_none_is_told_in_words(said: bytes) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(said)
        writer.close()

    def nothing(*_: object) -> None: ...

    async with await asyncio.start_server(answer, "127.0.0.1") as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(HubClosed) as told:
            await Hub.connect(f"http://127.0.0.1:{port}/hubs/user", "t", nothing, nothing, QUICK)
    assert not NAME.search(str(told.value)), told.value


def test_the_page_says_what_the_links_say() -> None:
    page = (ROOT / "docs" / "safety.md").read_text(encoding="utf-8")
    table = page.split("compares the first column with adapters/projectx -->")[1].split("\n## ")[0]
    told = [line.split("|")[1].strip() for line in table.splitlines()[3:] if line.startswith("| ")]
    common = [ROOT / "adapters/common" / name for name in ("fault_words.py", "plain_words.py")]
    sources = [*(ROOT / "adapters/projectx").glob("*.py"), *common]
    code = "".join(path.read_text(encoding="utf-8") for path in sources)
    assert len(told) > 15
    assert [sentence for sentence in told if sentence not in code] == []
