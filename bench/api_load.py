"""Both ends of the load of the API's bench, each in a process of its own.

`python -m bench.api_load bare` answers like the API without its work, says its address in a line of JSON, and
ends when stdin closes. `python -m bench.api_load MODE URL TOKEN CLIENTS SECONDS` is many clients: "ask" sends
a request a second each, "listen" holds WebSockets. It says what they saw in a line of JSON.
"""

from __future__ import annotations

import asyncio
import sys
import time
from contextlib import suppress

import msgspec
from aiohttp import ClientError, ClientSession, ClientTimeout, TCPConnector, web
from msgspec import Struct

PATHS = ("/positions", "/data/MNQ/ticker", "/system/status", "/trading/orders", "/performance", "/health")
PAUSE_S = 1.0
BODY = b'{"ts": 1, "rows": [' + b'{"book": "practice", "price": "21000.25"}, ' * 30 + b"{}]}"
UPDATE = BODY.decode()
UPDATES_S = 0.25


class Seen(Struct):
    """What the clients saw; times are seconds."""

    answers: int
    failures: int
    p50: float
    p99: float


async def bare() -> None:
    """Reads each request and answers it; pushes the same text to every WebSocket."""
    sockets: set[web.WebSocketResponse] = set()

    async def answer(request: web.Request) -> web.Response:
        return web.Response(body=BODY, content_type="application/json")

    async def push(request: web.Request) -> web.WebSocketResponse:
        ws = web.WebSocketResponse(compress=False)
        await ws.prepare(request)
        sockets.add(ws)
        async for _ in ws:
            pass
        sockets.discard(ws)
        return ws

    async def pushing() -> None:
        while True:
            await asyncio.sleep(UPDATES_S)
            for ws in list(sockets):
                with suppress(ConnectionError):
                    await ws.send_str(UPDATE)

    app = web.Application()
    app.router.add_get("/ws", push)
    app.router.add_get("/{path:.*}", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, backlog=1024).start()
    task = asyncio.create_task(pushing())
    print(msgspec.json.encode({"url": f"http://127.0.0.1:{runner.addresses[0][1]}"}).decode(), flush=True)
    await asyncio.to_thread(sys.stdin.read)
    task.cancel()
    await runner.cleanup()


async def clients(mode: str, url: str, token: str, count: int, seconds: float) -> Seen:
    took: list[float] = []
    failed = 0
    end = time.monotonic() + seconds

    async def ask(session: ClientSession, number: int) -> None:
        nonlocal failed
        await asyncio.sleep(PAUSE_S * number / count)
        turn = number
        while (began := time.monotonic()) < end:
            turn += 1
            try:
                async with session.get(url + PATHS[turn % len(PATHS)]) as reply:
                    await reply.read()
                    failed += reply.status != 200
            except (ClientError, TimeoutError):
                failed += 1
            took.append(time.monotonic() - began)
            await asyncio.sleep(max(0.0, PAUSE_S - (time.monotonic() - began)))

    async def listen(session: ClientSession, number: int) -> None:
        nonlocal failed
        await asyncio.sleep(3 * PAUSE_S * number / count)
        try:
            async with session.ws_connect(url + "/ws", max_msg_size=0) as ws:
                last = time.monotonic()
                while (now := time.monotonic()) < end:
                    async with asyncio.timeout(max(0.1, end - now)):
                        await ws.receive_str()
                    took.append(time.monotonic() - last)
                    last = time.monotonic()
        except TimeoutError:
            return
        except (ClientError, TypeError):
            failed += 1

    work = ask if mode == "ask" else listen
    headers = {"Authorization": f"Bearer {token}"}
    limits = TCPConnector(limit=0, force_close=False, keepalive_timeout=60)
    async with ClientSession(headers=headers, connector=limits, timeout=ClientTimeout(total=30)) as session:
        await asyncio.gather(*(work(session, number) for number in range(count)))
    took.sort()
    at = [took[min(len(took) - 1, int(len(took) * share))] if took else 0.0 for share in (0.5, 0.99)]
    return Seen(len(took), failed, *at)


if __name__ == "__main__":
    mode, *rest = sys.argv[1:]
    if mode == "bare":
        asyncio.run(bare())
    else:
        url, token, count, seconds = rest
        seen = asyncio.run(clients(mode, url, token, int(count), float(seconds)))
        print(msgspec.json.encode(seen).decode(), flush=True)
