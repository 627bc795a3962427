"""Requests and their answers on one connection of the Unified WebSocket v2."""

from __future__ import annotations

import asyncio
import logging
from itertools import count
from typing import Any

from adapters.common.anomalies import Anomalies
from adapters.common.json_link import Send, SocketClosed, SocketStream
from adapters.common.redaction import scrub
from adapters.common.typed_json import UNREADABLE
from adapters.kraken.answers import order_fault
from adapters.kraken.wire import (
    ABSENT,
    KrakenWireError,
    UwsHeartbeat,
    UwsMessage,
    UwsReply,
    UwsStatus,
    read_message,
    read_order_result,
    read_reply,
    request,
)
from engine.model.errors import RetryableError

_log = logging.getLogger(__name__)


class Unanswered(Exception):
    """A request may have arrived, and nothing says what became of it. The text says why."""


class Asking(SocketStream):
    """Sends requests, gives each its answer, and hands what channels tell to `handle`."""

    def __init__(self, anomalies: Anomalies) -> None:
        self.system = "online"
        """The state of the venue's engine, as it was last told here."""
        self._anomalies = anomalies
        self._send: Send | None = None
        self._ids = count(1)
        self._waiting: dict[int, asyncio.Future[UwsReply]] = {}

    async def start(self, send: Send) -> None:
        self._send = send
        await self.subscribe()

    async def subscribe(self) -> None:
        """Ask for what this connection is to carry, and wait until it comes. Raises as `start` does."""
        raise NotImplementedError

    def handle(self, message: UwsMessage) -> None:
        """A message of a channel. Raises KrakenWireError, SocketClosed."""
        raise NotImplementedError

    def told_system(self, system: str) -> None:
        """The venue's engine is in another state from now on."""
        self.system = system

    def ended(self) -> None:
        self._send = None
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(Unanswered("the connection broke"))
                waiting.exception()  # seen: whoever asked may have given up already

    def take(self, record: bytes) -> None:
        try:
            message = read_message(record)
        except UNREADABLE:
            self._take_reply(record)
            return
        if isinstance(message, UwsHeartbeat):
            return
        if isinstance(message, UwsStatus):
            if message.data and message.data[-1].system:
                self.told_system(message.data[-1].system)
            return
        try:
            self.handle(message)
        except KrakenWireError as error:
            self._anomalies.note(type(message).__name__, error, record[:200])

    async def ask(self, method: str, params: dict[str, Any] | None, limit_s: float) -> UwsReply:
        """Send once, and wait for the answer, whatever it says.

        Raises RetryableError where nothing was sent, Unanswered.
        """
        send = self._send
        if send is None:
            raise RetryableError(f"{method}: there is no connection to the venue, nothing was sent")
        req_id = next(self._ids)
        waiting = self._waiting[req_id] = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(limit_s):
                await send(request(method, params, req_id).encode())
                reply: UwsReply = await waiting
                return reply
        except TimeoutError:
            raise Unanswered(f"{method}: no answer within {limit_s:g} s") from None
        except SocketClosed as error:
            raise Unanswered(f"{method}: {error}") from None
        except Unanswered as error:
            raise Unanswered(f"{method}: {error}") from None
        finally:
            del self._waiting[req_id]
            waiting.cancel()

    async def query(self, method: str, params: dict[str, Any] | None, limit_s: float) -> UwsReply:
        """The same for what changes nothing. Raises the four errors, of a refusal too."""
        try:
            reply = await self.ask(method, params, limit_s)
        except Unanswered as error:
            raise RetryableError(str(error)) from None
        if reply.success is not True and method != "ping":
            raise order_fault(method, reply.error, acts=False)
        self._warn(reply)
        return reply

    def _warn(self, reply: UwsReply) -> None:
        """The venue announces changes with its answers."""
        if reply.result == ABSENT:
            return
        try:
            warnings = read_order_result(reply.result).warnings
        except UNREADABLE:
            return
        for warning in (warnings or ())[:3]:
            _log.warning("%s: the venue warns: %s", scrub(reply.method), scrub(warning))

    def _take_reply(self, record: bytes) -> None:
        try:
            reply = read_reply(record)
        except UNREADABLE as error:
            self._anomalies.note("record", str(error)[:120], record[:200])
            return
        waiting = self._waiting.get(reply.req_id or 0)
        if waiting is not None and not waiting.done():
            waiting.set_result(reply)
