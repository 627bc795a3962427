"""What the two streams of Coinbase have in common: subscriptions, their proof, and the count of records."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import msgspec

from adapters.coinbase.wire import CoinbaseRecord, CoinbaseWireError, read
from adapters.common.anomalies import Anomalies
from adapters.common.json_link import Send, SocketClosed, SocketStream
from adapters.common.redaction import scrub

Token = Callable[[], Awaitable[str]]


class CoinbaseStream(SocketStream):
    """Records are counted over all channels of a connection: a gap is a lost record, and ends it. Heartbeats
    come each second, so that silence is a fault.
    """

    most_bytes = 64 << 20
    """A whole book comes as one record of several MB."""

    def __init__(
        self,
        channels: Sequence[str],
        product_ids: Sequence[str],
        token: Token | None,
        anomalies: Anomalies,
    ) -> None:
        """`token` logs a subscription in; None is for open channels. No products are all of them."""
        self._channels = channels
        self._product_ids = product_ids
        self._token = token
        self._anomalies = anomalies
        self._next = 0
        self._told = asyncio.Event()

    async def start(self, send: Send) -> None:
        for channel in ("heartbeats", *self._channels):
            request: dict[str, Any] = {"type": "subscribe", "channel": channel}
            if self._product_ids:
                request["product_ids"] = self._product_ids
            if self._token is not None:
                request["jwt"] = await self._token()
            await send(msgspec.json.encode(request))
        while self.missing():
            self._told.clear()
            await self._told.wait()

    def missing(self) -> str:
        """What has not come yet of what a subscription begins with, in words."""
        raise NotImplementedError

    def read(self, record: CoinbaseRecord) -> None:
        """One record of a channel. Raises CoinbaseWireError."""
        raise NotImplementedError

    def take(self, record: bytes) -> None:
        try:
            row = read(record, CoinbaseRecord)
        except CoinbaseWireError as error:
            self._anomalies.note("stream record", error, record[:120])
            return
        if row.type == "error":
            raise SocketClosed(f"the venue refuses a subscription: {scrub(row.message)}")
        if row.sequence_num < self._next:
            return  # an old one, told again
        if row.sequence_num > self._next:
            raise SocketClosed(f"{row.sequence_num - self._next} record(s) of the stream were lost")
        self._next += 1
        try:
            self.read(row)
        except CoinbaseWireError as error:
            self._anomalies.note(f"{row.channel} record", error, record[:120])
        self._told.set()
