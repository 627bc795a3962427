"""A private connection: requests carry a token, renewed where the venue does not know it any more."""

from __future__ import annotations

from typing import Any

from adapters.common.anomalies import Anomalies
from adapters.common.json_link import Send
from adapters.kraken.answers import is_stale_token, order_fault
from adapters.kraken.asking import Asking, Unanswered
from adapters.kraken.requests import DERIVATIVES
from adapters.kraken.tokens import KrakenTokens
from adapters.kraken.wire import UwsReply
from engine.model.errors import RetryableError

CHANNELS: dict[str, dict[str, Any]] = {
    "executions": {
        "asset_class": DERIVATIVES,
        "snap_orders": True,
        "snap_trades": True,
        "order_status": True,
    },
    "positions": {"asset_class": DERIVATIVES, "snapshot": True},
    "balances": {"snapshot": True},
}
"""What an account is known by, and how each is subscribed."""


class PrivateStream(Asking):
    """Asks with the token of this connection."""

    def __init__(self, tokens: KrakenTokens, anomalies: Anomalies, read_s: float) -> None:
        super().__init__(anomalies)
        self._tokens = tokens
        self._token = ""
        self._read_s = read_s

    async def start(self, send: Send) -> None:
        self._token = await self._tokens.token()
        await super().start(send)

    async def request(self, method: str, params: dict[str, Any], limit_s: float) -> UwsReply:
        """Send with the token. A stale token is a certain no: with a fresh one it is sent again, once.

        Raises RetryableError where nothing was done, FatalError for a bad key, Unanswered.
        """
        token = self._token
        reply = await self.ask(method, params | {"token": token}, limit_s)
        if reply.success is False and is_stale_token(reply.error or ""):
            self._token = await self._tokens.token(token)
            reply = await self.ask(method, params | {"token": self._token}, limit_s)
        return reply

    async def channel(self, method: str, name: str, **params: Any) -> None:
        """Subscribe or unsubscribe. Raises the four errors."""
        try:
            reply = await self.request(method, {"channel": name, **params}, self._read_s)
        except Unanswered as error:
            raise RetryableError(str(error)) from None
        if reply.success is not True:
            raise order_fault(f"{method} {name}", reply.error, acts=False)
