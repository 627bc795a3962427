"""What one connection to Bybit's private stream carries: orders, executions, positions and the wallet."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import msgspec
from msgspec import Raw

from adapters.bybit.config import BybitConfig
from adapters.bybit.market_stream import PING
from adapters.bybit.signing import stream_login
from adapters.bybit.wire import (
    BybitExecution,
    BybitOrder,
    BybitPosition,
    BybitPrivate,
    BybitWallet,
    BybitWireError,
    read,
    read_rows,
)
from adapters.common.anomalies import Anomalies
from adapters.common.json_link import Send, SocketClosed, SocketStream
from adapters.common.redaction import scrub
from adapters.common.venue_clock import VenueClock

MILLI = 1_000_000
_LOGIN_MS = 10_000
"""For how long a login is good: as long as it may be under way."""
_TOPICS = ["order", "execution", "position", "wallet"]

UserRow = BybitOrder | BybitExecution | BybitPosition | BybitWallet
Deliver = Callable[[UserRow], None]
"""Hears of every row. Raises BybitWireError for one that makes no sense."""
_SHAPES: dict[str, type[UserRow]] = {
    "order": BybitOrder,
    "execution": BybitExecution,
    "position": BybitPosition,
    "wallet": BybitWallet,
}


class BybitUserStream(SocketStream):
    """Silence is normal: an account in which nothing happens says nothing, and answers to heartbeats tell if
    it is gone. What was missed is not told again: the snapshot after LIVE has it.
    """

    def __init__(
        self,
        config: BybitConfig,
        clock: VenueClock,
        anomalies: Anomalies,
        deliver: Deliver,
        silent: Callable[[float], str],
    ) -> None:
        """`silent` says why the stream can't be trusted any more at a loop time, for who asks elsewhere."""
        self._config = config
        self._clock = clock
        self._anomalies = anomalies
        self._deliver = deliver
        self._silent = silent
        self._waits: dict[str, asyncio.Future[None]] = {}

    async def start(self, send: Send) -> None:
        loop = asyncio.get_running_loop()
        config = self._config
        expires = self._clock.now() // MILLI + _LOGIN_MS
        login = stream_login(config.api_key.reveal(), config.api_secret.reveal(), expires)
        for op, args in (("auth", login), ("subscribe", _TOPICS)):
            answer = self._waits[op] = loop.create_future()
            await send(msgspec.json.encode({"req_id": op, "op": op, "args": args}))
            await answer

    def take(self, record: bytes) -> None:
        try:
            row = read(record, BybitPrivate)
            if row.op:
                self._answered(row)
            else:
                self._rows(row.topic.partition(".")[0], row.data)
        except BybitWireError as error:
            self._anomalies.note("private stream record", error)

    def ping(self) -> bytes:
        return PING

    def silence(self, now: float) -> str:
        return self._silent(now)

    def _answered(self, row: BybitPrivate) -> None:
        wait = self._waits.pop(row.op, None)
        if wait is None:
            return
        if not row.success:
            what = "login" if row.op == "auth" else "subscription"
            raise SocketClosed(f"the private stream refuses the {what}: {scrub(row.ret_msg)}")
        if not wait.done():
            wait.set_result(None)

    def _rows(self, topic: str, data: Raw) -> None:
        shape = _SHAPES.get(topic)
        if shape is None:
            return
        for raw in read_rows(data, Raw):
            # One row that makes no sense takes no others along.
            try:
                self._deliver(read(raw, shape))
            except BybitWireError as error:
                self._anomalies.note(topic, error)
