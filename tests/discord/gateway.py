"""The gateway of the loopback Discord: sessions that outlive their sockets, as the real one keeps them."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
from typing import Any

from aiohttp import WSMsgType, web

from tests.discord import rows

DISPATCH, HEARTBEAT, IDENTIFY, RESUME, RECONNECT, INVALID, HELLO, ACK = 0, 1, 2, 6, 7, 9, 10, 11

BAD_TOKEN, BAD_INTENTS = 4004, 4014
MESSAGE_CONTENT = 1 << 15


class Session:
    """What one login is told, numbered. While no socket is connected it waits for a resume."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.told: list[dict[str, Any]] = []
        self.line: Line | None = None

    def tell(self, event: str, data: Any) -> None:
        packet = {"op": DISPATCH, "t": event, "s": len(self.told) + 1, "d": data}
        self.told.append(packet)
        if self.line is not None:
            self.line.send(packet)


class Line:
    """One socket. What is sent goes out in order, from a queue."""

    def __init__(self, socket: web.WebSocketResponse) -> None:
        self.socket = socket
        self.queue: asyncio.Queue[str | int] = asyncio.Queue()

    def send(self, packet: dict[str, Any]) -> None:
        self.queue.put_nowait(json.dumps(packet))

    def close(self, code: int) -> None:
        self.queue.put_nowait(code)

    async def write(self) -> None:
        with contextlib.suppress(ConnectionError):
            while True:
                match await self.queue.get():
                    case str() as packet:
                        await self.socket.send_str(packet)
                    case int() as code:
                        await self.socket.close(code=code)


class Gateway:
    """Tests steer it by its attributes and methods; `changed` is called whenever something happened."""

    def __init__(self, token: str, changed: Any) -> None:
        self.token = token
        self.message_content = True
        """Whether the Message Content Intent is switched on for the bot."""
        self.heartbeat_ms = 41_250
        self.silent = False
        """Answer nothing and tell nothing, on open sockets too."""
        self.lost_guilds = False
        """Servers are in an outage at logins."""
        self.turn_away: list[int] = []
        """Close codes for the next sockets, before anything is said."""
        self.refuse: list[int] = []
        """Close codes for the next logins."""
        self.connected = 0
        """Sockets ever opened."""
        self.identified: list[dict[str, Any]] = []
        self.resumed: list[dict[str, Any]] = []
        self.beats = 0
        self.url = ""
        self.sessions: dict[str, Session] = {}
        self._lines: set[Line] = set()
        self._numbers = itertools.count(1)
        self._changed = changed
        self.guilds: Any = list

    @property
    def live(self) -> list[Session]:
        return [session for session in self.sessions.values() if session.line is not None]

    def tell(self, event: str, data: Any) -> None:
        for session in self.sessions.values():
            session.tell(event, data)

    def close(self, code: int) -> None:
        """Close all sockets; sessions stay."""
        for line in list(self._lines):
            line.close(code)

    def drop(self) -> None:
        """Cut all sockets without a word; sessions stay."""
        for line in list(self._lines):
            self._hang_up(line)
            transport = line.socket._req.transport if line.socket._req is not None else None
            if transport is not None:
                transport.abort()

    def freeze(self) -> None:
        """Read and write nothing any more on the sockets of now; sessions stay."""
        for line in list(self._lines):
            self._hang_up(line)
            transport = line.socket._req.transport if line.socket._req is not None else None
            if isinstance(transport, asyncio.Transport):
                transport.pause_reading()

    def reconnect(self) -> None:
        """Op 7."""
        self._order({"op": RECONNECT, "d": None})

    def invalidate(self, *, resumable: bool) -> None:
        """Op 9."""
        if not resumable:
            self.sessions.clear()
        self._order({"op": INVALID, "d": resumable})

    def forget(self) -> None:
        """A resume will be refused."""
        self.sessions.clear()

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(timeout=0.1, max_msg_size=0)
        await socket.prepare(request)
        self.connected += 1
        line = Line(socket)
        self._lines.add(line)
        writer = asyncio.create_task(line.write())
        try:
            if self.turn_away:
                line.close(self.turn_away.pop(0))
            else:
                self._send(line, {"op": HELLO, "d": {"heartbeat_interval": self.heartbeat_ms}})
            self._changed()
            async for frame in socket:
                if frame.type is WSMsgType.TEXT:
                    self._receive(line, json.loads(frame.data))
                    self._changed()
        finally:
            self._hang_up(line)
            self._lines.discard(line)
            writer.cancel()
            await asyncio.gather(writer, return_exceptions=True)
            self._changed()
        return socket

    def _receive(self, line: Line, packet: dict[str, Any]) -> None:
        match packet["op"]:
            case 1:
                self.beats += 1
                self._send(line, {"op": ACK})
            case 2:
                self._identify(line, packet["d"])
            case 6:
                self._resume(line, packet["d"])

    def _identify(self, line: Line, asked: dict[str, Any]) -> None:
        self.identified.append(asked)
        if self.refuse:
            line.close(self.refuse.pop(0))
        elif asked["token"] != self.token:
            line.close(BAD_TOKEN)
        elif asked["intents"] & MESSAGE_CONTENT and not self.message_content:
            line.close(BAD_INTENTS)
        else:
            session = Session(f"session{next(self._numbers)}")
            session.line = line
            self.sessions[session.name] = session
            guilds = self.guilds()
            session.tell(
                "READY",
                {
                    "v": 10,
                    "user": rows.me(),
                    "guilds": [{"id": guild["id"], "unavailable": True} for guild in guilds],
                    "session_id": session.name,
                    "resume_gateway_url": self.url,
                    "application": {"id": str(rows.BOT), "flags": 1 << 19},
                    "shard": [0, 1],
                    "private_channels": [],
                },
            )
            for guild in () if self.lost_guilds else guilds:
                session.tell("GUILD_CREATE", guild)

    def _resume(self, line: Line, asked: dict[str, Any]) -> None:
        self.resumed.append(asked)
        session = self.sessions.get(asked["session_id"])
        if asked["token"] != self.token:
            line.close(BAD_TOKEN)
        elif session is None:
            self._send(line, {"op": INVALID, "d": False})
        else:
            missed = session.told[asked["seq"] :]
            session.line = line
            for packet in missed:
                line.send(packet)
            session.tell("RESUMED", {})

    def _order(self, packet: dict[str, Any]) -> None:
        for line in list(self._lines):
            self._send(line, packet)

    def _send(self, line: Line, packet: dict[str, Any]) -> None:
        if not self.silent:
            line.send(packet)

    def _hang_up(self, line: Line) -> None:
        for session in self.sessions.values():
            if session.line is line:
                session.line = None
