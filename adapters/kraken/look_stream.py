"""The connection by which the account is asked for its truth: what another one streams is not taken for it.

There is no other way to ask: by the Unified WebSocket an account is what its channels show when they are
subscribed (docs/protocols/kraken.md#looking-an-account-up).
"""

from __future__ import annotations

import asyncio
from typing import NamedTuple

from adapters.common.anomalies import Anomalies
from adapters.kraken.private import CHANNELS, PrivateStream
from adapters.kraken.tokens import KrakenTokens
from adapters.kraken.wire import (
    UwsBalance,
    UwsBalances,
    UwsExecution,
    UwsExecutions,
    UwsMessage,
    UwsPosition,
    UwsPositions,
)
from engine.model.errors import RetryableError

_TRIES = 3


class Shown(NamedTuple):
    """One whole answer: open orders and the newest fills, positions, balances."""

    executions: list[UwsExecution]
    positions: list[UwsPosition]
    balances: list[UwsBalance]


class KrakenLookStream(PrivateStream):
    """Subscribes anew for each look; between looks it stays subscribed, which keeps the connection."""

    def __init__(self, tokens: KrakenTokens, anomalies: Anomalies, read_s: float) -> None:
        super().__init__(tokens, anomalies, read_s)
        self.shown = Shown([], [], [])
        """The newest answer."""
        self._awaited: set[str] = set()
        self._came = asyncio.Event()
        self._failed = ""
        self._news = 0
        """Messages that came beside what was asked for."""
        self._subscribed = False
        self._looking = asyncio.Lock()

    async def subscribe(self) -> None:
        await self._show()

    async def look(self) -> Shown:
        """Everything at once, or RetryableError: where something changes meanwhile it is asked again."""
        async with self._looking:
            for _ in range(_TRIES):
                before = self._news
                shown = await self._show()
                if self._news == before:
                    return shown
        raise RetryableError("the account kept changing while it was looked at")

    async def _show(self) -> Shown:
        if self._subscribed:
            self._subscribed = False
            for name in CHANNELS:
                await self.channel("unsubscribe", name, **_key(name))
        self.shown = Shown([], [], [])
        self._awaited, self._failed = set(CHANNELS), ""
        self._came.clear()
        for name, params in CHANNELS.items():
            await self.channel("subscribe", name, **params)
        self._subscribed = True
        try:
            async with asyncio.timeout(self._read_s):
                await self._came.wait()
        except TimeoutError:
            raise RetryableError(f"looked, but nothing came of {', '.join(sorted(self._awaited))}") from None
        if self._failed:
            raise RetryableError(f"looked, but not all was shown: {self._failed}")
        # What was sent before the answer to a ping is here by then: a snapshot may have come in pieces.
        await self.query("ping", None, self._read_s)
        return self.shown

    def handle(self, message: UwsMessage) -> None:
        match message:
            case UwsExecutions(data=rows):
                if self._take("executions", message.type):
                    self.shown.executions.extend(rows)
            case UwsPositions():
                self._failed = self._failed or message.error or message.data.error or ""
                if self._take("positions", message.type):
                    self.shown.positions.extend(message.data.futures)
            case UwsBalances(data=rows):
                if self._take("balances", message.type):
                    self.shown.balances.extend(rows)

    def _take(self, channel: str, kind: str) -> bool:
        if kind != "snapshot":
            self._news += 1
            return False
        self._awaited.discard(channel)
        if not self._awaited:
            self._came.set()
        return True

    def ended(self) -> None:
        super().ended()
        self._failed = "the connection broke"
        self._came.set()


def _key(name: str) -> dict[str, object]:
    """What names a subscription when it is given up."""
    asset_class = CHANNELS[name].get("asset_class")
    return {} if asset_class is None else {"asset_class": asset_class}
