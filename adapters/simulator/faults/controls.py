"""What can be done to the practice venue as a whole, at once: hubs, tokens, hours, settings."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine, Iterable
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal

from msgspec import structs

from adapters.simulator.exchange.hours import NANOS, session, trade_date
from adapters.simulator.market.ticker import DEPTH, QUOTES, TRADES
from adapters.simulator.wire.hubs import Hub
from adapters.simulator.wire.signalr import Connection
from adapters.simulator.wire.tokens import Tokens

if TYPE_CHECKING:
    from adapters.simulator.exchange.exchange import Exchange

Which = Literal["both", "market", "user"]
What = Literal["all", "quotes", "trades", "depth"]
Habit = Literal["keep", "cancel"]
LOGOUT_TEXT = "You have been logged out by the server."


class Deeds:
    """Everything takes effect before the call returns, but for goodbyes, which the loop says next."""

    def __init__(self, exchange: Exchange, tokens: Tokens) -> None:
        self._exchange = exchange
        self._tokens = tokens
        self._farewells: set[asyncio.Task[None]] = set()

    # -- sessions ----------------------------------------------------------------------------------

    def expire_tokens(self) -> None:
        """Every token so far is invalid from now on; open hubs stay open."""
        self._tokens.expire_all()

    def rotate_key(self, key: str) -> None:
        """Only this key logs in from now on; tokens stay valid."""
        self._tokens.key = key

    def drop_hubs(self, which: Which = "both", *, close_record: bool = False) -> None:
        """End the connections that are open: without a word, or with a close record."""
        for connection in self._connections(which):
            if close_record:
                self._later(connection.close("Connection closed with an error."))
            else:
                connection.abort()

    def log_out(self, which: Which = "both", *, close: bool = True) -> None:
        """Send GatewayLogout on the open connections, and close them after it."""
        record = {"type": 1, "target": "GatewayLogout", "arguments": [LOGOUT_TEXT]}
        text = json.dumps(record)
        for connection in self._connections(which):
            if close:
                self._later(connection.close(last=text))
            else:
                connection.send(text)

    def silence_market(self, what: What = "all") -> Callable[[], None]:
        """The open market connections hear no more of it, though pings go on; a new connection hears all.

        Gives what ends the silence.
        """
        targets = {"quotes": (QUOTES,), "trades": (TRADES,), "depth": (DEPTH,)}
        return self._exchange.hubs.market.hush(targets.get(what, (QUOTES, TRADES, DEPTH)))

    def silence_user(self) -> Callable[[], None]:
        """The open user connections hear no more events, though pings go on. Gives what ends the silence."""
        return self._exchange.hubs.user.hush(None)

    # -- the floor ---------------------------------------------------------------------------------

    def halt(self, seconds: float) -> None:
        """No order is taken for so many seconds of venue time; cancels pass, resting orders stay."""
        self._exchange.floor.halted_until = self._exchange.now() + round(seconds * NANOS)

    def close_session(self) -> None:
        """As at 15:10: the desk flattens, and no order is taken until the next session opens."""
        now = self._exchange.now()
        self._exchange.floor.halted_until = session(trade_date(now) + timedelta(days=1)).open
        for account in self._exchange.accounts.values():
            account.desk_flatten(now)

    def auto_oco(self, on: bool) -> None:
        """Set "Auto OCO Brackets" of all accounts; off is Position Brackets mode, which refuses brackets."""
        for account in self._exchange.accounts.values():
            account.rules = structs.replace(account.rules, auto_oco=on)

    def legs_on_close(self, habit: Habit) -> None:
        """Whether closing a position leaves its bracket legs in the market or cancels them."""
        for account in self._exchange.accounts.values():
            account.rules = structs.replace(account.rules, legs_on_close=habit)

    def roll(self, symbol: str, basis: int = 400) -> None:
        """The next month becomes a product's active contract, so many ticks above the present one.

        The old month trades on, but takes only what reduces a position there. Raises RefusedError for a
        product that has rolled already.
        """
        self._exchange.roll(symbol, basis)

    def skew_clock(self, seconds: float) -> None:
        """The venue's clock jumps by so many seconds; negative is back: stamps stand still meanwhile."""
        clock, shift = self._exchange.clock, round(seconds * NANOS)
        self._exchange.clock = lambda: clock() + shift

    # -- inside ------------------------------------------------------------------------------------

    def _connections(self, which: Which) -> Iterable[Connection]:
        hubs = self._exchange.hubs
        chosen: dict[Which, tuple[Hub, ...]] = {
            "both": (hubs.market, hubs.user),
            "market": (hubs.market,),
            "user": (hubs.user,),
        }
        return tuple(connection for hub in chosen[which] for connection in hub.connections)

    def _later(self, farewell: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(farewell)
        self._farewells.add(task)
        task.add_done_callback(self._farewells.discard)
