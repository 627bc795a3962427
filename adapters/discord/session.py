"""One client from its login to its end: ready, caught up, watched.

Importing this module imports discord.py.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import time
import traceback
from collections.abc import Callable

import aiohttp
import discord
from discord.gateway import DiscordWebSocket

from adapters.common.plain_words import in_words
from adapters.discord.client import DiscordClient
from adapters.discord.config import DiscordConfig
from adapters.discord.history import HistoryReader
from adapters.discord.pacing import ConnectionPacing
from adapters.discord.reader import MessageReader
from engine.model.errors import FatalError, PortError, RetryableError
from engine.model.events import LinkState
from engine.ports import Clock

_log = logging.getLogger(__name__)

Report = Callable[[LinkState, str], None]

BAD_TOKEN = (
    "Discord refuses the bot's token: make a new one in the Developer Portal (your application, Bot, "
    "Reset Token) and put it into the settings"
)
NO_INTENT = (
    "Discord gives this bot no message texts: switch on Message Content Intent in the Developer Portal "
    "(your application, Bot, Privileged Gateway Intents)"
)
_FATAL_CODES = {
    4004: BAD_TOKEN,
    4010: "Discord refuses the connection (invalid shard): update discord.py",
    4011: "this bot is on too many servers for one connection: make a bot of your own for the alert rooms",
    4012: "Discord no longer speaks this version of its gateway: update discord.py",
    4013: "Discord does not know the intents that were asked for: update discord.py",
    4014: NO_INTENT,
}


class DiscordSession:
    """Made anew for each login; what it reads goes to a reader that outlives it."""

    def __init__(
        self,
        config: DiscordConfig,
        reader: MessageReader,
        pacing: ConnectionPacing,
        report: Report,
        wall: Clock,
    ) -> None:
        self.worked = False
        """Whether the gateway has taken the login."""
        self._timing = config.timing
        self._pacing = pacing
        self._report = report
        self._read_state = reader.read_state
        self._client = DiscordClient(config, pacing, reader, self._on_event)
        self._history = HistoryReader(config, self._client, reader, wall)
        reader.parent = self._client.parent
        self._over = False
        self._history_task: asyncio.Task[None] | None = None
        self._last_report = (LinkState.CONNECTING, "")
        self._ready = False
        self._lost_at = asyncio.get_running_loop().time()
        self._beat_sent_at = 0.0
        self._missed_beats = 0

    async def run(self, token: str) -> None:
        """Until it ends, by RetryableError or, where only a person can help, FatalError."""
        connection = asyncio.create_task(self._client.start(token, reconnect=False))
        watch = asyncio.create_task(self._watch())
        try:
            await asyncio.wait({connection, watch}, return_when=asyncio.FIRST_COMPLETED)
            ended = watch if watch.done() else connection
        finally:
            self._over = True
            self._stop_history()
            self._read_state.interrupt()
            await self._close(connection, watch)
        if ended.cancelled():
            raise RetryableError("discord.py gave the connection up")
        raise self._as_port_error(ended.exception(), token)

    def _on_event(self, event: str) -> None:
        if self._over:
            return
        match event:
            case "connect":
                self.worked = True
                self._report_state(LinkState.CONNECTING, "logged in")
            case "ready" | "resumed":
                self._ready = True
                self._missed_beats, self._beat_sent_at = 0, 0.0
                self._pacing.went_live()
                self._start_history()
            case "disconnect":
                self._ready = False
                self._lost_at = asyncio.get_running_loop().time()
                self._pacing.lost()
                self._stop_history()
                self._read_state.interrupt()
                self._report_state(LinkState.DOWN, f"connection lost{self._close_code()}")
            case "guild_unavailable" | "guild_available" | "guild_join" | "guild_remove" if self._ready:
                self._read_state.interrupt()
                self._start_history()

    def _start_history(self) -> None:
        self._stop_history()
        self._report_state(LinkState.CONNECTING, "reading what was posted meanwhile")
        self._history_task = asyncio.create_task(self._follow_history())

    def _stop_history(self) -> None:
        if self._history_task is not None:
            self._history_task.cancel()
            self._history_task = None

    async def _follow_history(self) -> None:
        """Live only once nothing can be missing; then a look every few minutes, as events do get lost."""
        while True:
            if blind := await self._history.read_all():
                self._report_state(LinkState.STALE, "; ".join(blind))
                await asyncio.sleep(self._timing.retry_s)
            else:
                self._report_state(LinkState.LIVE, "")
                await asyncio.sleep(self._timing.recheck_s)

    async def _watch(self) -> None:
        """Raises RetryableError when the connection can't be had, or what belongs to it has ended."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(self._timing.beat_s)
            if self._history_task is not None and self._history_task.done():
                self._history_task.result()
            if self._ready:
                await self._heartbeat()
            elif loop.time() - self._lost_at > self._timing.connect_s:
                raise RetryableError(f"not connected within {self._timing.connect_s:g} s")

    async def _heartbeat(self) -> None:
        """Ask for a sign of life. The library beats every 41 s and waits a minute: half an alert's life."""
        ws = self._client.ws
        pulse = ws._keep_alive
        if pulse is None:
            return
        if self._beat_sent_at and pulse._last_recv < self._beat_sent_at:
            self._missed_beats += 1
        elif self._missed_beats:
            self._missed_beats = 0
            self._report(*self._last_report)
        if self._missed_beats > 1:
            _cut(ws)
            return
        try:
            async with asyncio.timeout(self._timing.close_s):
                self._beat_sent_at = time.perf_counter()
                await ws.send_heartbeat(pulse.beat())
        except (discord.ConnectionClosed, aiohttp.ClientError, OSError) as error:
            _log.debug("heartbeat did not go out: %s", type(error).__name__)
        if self._missed_beats and self._ready:
            silent = time.perf_counter() - pulse._last_recv
            self._report(LinkState.STALE, f"Discord's gateway is silent for {silent:.0f} s")

    def _report_state(self, state: LinkState, detail: str) -> None:
        self._last_report = state, detail
        self._report(state, detail)

    def _close_code(self) -> str:
        code = self._client.ws.socket.close_code if self._client.ws is not None else None
        return f" (close code {code})" if code else ""

    async def _close(self, *tasks: asyncio.Task[None]) -> None:
        try:
            async with asyncio.timeout(self._timing.close_s):
                await self._client.close()
        except TimeoutError:
            await self._client.http.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _as_port_error(self, error: BaseException | None, token: str) -> BaseException:
        """What the end of a client means."""
        match error:
            case None:
                return RetryableError("Discord closed the connection")
            case PortError():
                return error
            case discord.LoginFailure():
                return FatalError(BAD_TOKEN)
            case discord.PrivilegedIntentsRequired():
                return FatalError(NO_INTENT)
            case discord.ConnectionClosed(code=code) if code in _FATAL_CODES:
                return FatalError(_FATAL_CODES[code])
            case discord.ConnectionClosed(code=code):
                return RetryableError(f"Discord closed the connection (close code {code})")
            case discord.HTTPException():
                own = " (its own trouble)" if error.status >= 500 else ""
                return RetryableError(f"Discord answers HTTP {error.status}{own}")
            case TimeoutError():
                return RetryableError("Discord does not answer in time")
            case discord.DiscordException() | aiohttp.ClientError() | OSError():
                return RetryableError(f"Discord can't be reached: {in_words(error, token)}")
            case AttributeError() if self._client.ws is None:
                # what the library makes of a gateway that hangs up before anything was said
                return RetryableError("Discord closed the connection at once")
            case Exception():
                frame = traceback.extract_tb(error.__traceback__)[-1]
                what = in_words(error, token)
                _log.error("discord.py fell over something at %s:%s: %s", frame.filename, frame.lineno, what)
                return RetryableError("discord.py fell over what Discord said (the log has it)")
        return error


def _cut(ws: DiscordWebSocket) -> None:
    """End a connection whose other end is silent: it would not answer a close, which waits half a minute.

    The session stays good: the client resumes it.
    """
    wire = ws.socket.get_extra_info("socket")
    if wire is not None:
        with contextlib.suppress(OSError):  # it has ended by itself
            wire.shutdown(socket.SHUT_RDWR)
