"""What can be done to the practice venue at once: by its operator, and by whoever uses its own platform."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine, Iterable
from datetime import timedelta
from typing import Any

from msgspec import structs

from adapters.simulator.exchange.account import PracticeAccount
from adapters.simulator.exchange.exchange import Exchange
from adapters.simulator.market.hours import NANOS, session, trade_date
from adapters.simulator.wire.projectx.access import Tokens
from adapters.simulator.wire.projectx.hubs import DEPTH, QUOTES, TRADES, Hubs
from adapters.simulator.wire.projectx.signalr import Connection
from engine.model.errors import RefusedError
from engine.model.market import Side
from engine.model.orders import OrderSpec, OrderType
from engine.ports import Clock

MARKET_STREAMS = {"quotes": QUOTES, "trades": TRADES, "depth": DEPTH}
LOGOUT_TEXT = "You have been logged out by the server."


class VenueControls:
    """What only the venue's operator can do.

    Everything takes effect before the call returns, but for goodbyes, which the loop says next.
    """

    def __init__(self, exchange: Exchange, hubs: Hubs, tokens: Tokens) -> None:
        self._exchange = exchange
        self._hubs = hubs
        self._tokens = tokens
        self._goodbyes: set[asyncio.Task[None]] = set()
        self.on_engine_clock: Callable[[int], None] | None = None
        """Sets the clock of the engine that this venue is a part of, by nanoseconds."""
        self.reset_depth: Callable[[], None] = lambda: None
        """Clears the book of whoever has subscribed to depth, and tells it anew."""

    # -- sessions ----------------------------------------------------------------------------------

    def expire_tokens(self) -> None:
        """Every token so far is invalid from now on; open hubs stay open."""
        self._tokens.expire_all()

    def rotate_key(self, key: str) -> None:
        """Only this key logs in from now on; tokens stay valid."""
        self._tokens.key = key

    def drop_hubs(self, which: str = "both", *, close_record: bool = False) -> None:
        """End the connections that are open: without a word, or with a close record."""
        for connection in self._connections(which):
            if close_record:
                self._later(connection.close("Connection closed with an error."))
            else:
                connection.abort()

    def log_out(self, which: str = "both", *, close: bool = True) -> None:
        """Send GatewayLogout on the open connections, and close them after it."""
        record = {"type": 1, "target": "GatewayLogout", "arguments": [LOGOUT_TEXT]}
        text = json.dumps(record)
        for connection in self._connections(which):
            if close:
                self._later(connection.close(last=text))
            else:
                connection.send(text)

    def silence_market(self, what: str = "all") -> Callable[[], None]:
        """The open market connections hear no more of it, though pings go on; a new connection hears all.

        Gives what ends the silence.
        """
        targets = MARKET_STREAMS.values() if what == "all" else (MARKET_STREAMS[what],)
        return self._hubs.market.mute(tuple(targets))

    def silence_user(self) -> Callable[[], None]:
        """The open user connections hear no more events, though pings go on. Gives what ends the silence."""
        return self._hubs.user.mute(None)

    # -- trading ----------------------------------------------------------------------------------

    def halt(self, seconds: float) -> None:
        """No order is taken for so many seconds of venue time; cancels pass, resting orders stay."""
        self._exchange.status.halted_until = self._exchange.now() + round(seconds * NANOS)

    def close_session(self) -> None:
        """As at 15:10: the desk flattens, and no order is taken until the next session opens."""
        now = self._exchange.now()
        self._exchange.status.halted_until = session(trade_date(now) + timedelta(days=1)).open
        for account in self._exchange.accounts.values():
            account.desk_flatten(now)

    def auto_oco(self, on: bool) -> Callable[[], None]:
        """Set "Auto OCO Brackets" of all accounts; off is Position Brackets mode, which refuses brackets.

        Gives what sets it the other way again.
        """
        for account in self._exchange.accounts.values():
            account.rules = structs.replace(account.rules, auto_oco=on)

        def back() -> None:
            self.auto_oco(not on)

        return back

    def legs_on_close(self, habit: str) -> None:
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
        self._exchange.shift_clock(round(seconds * NANOS))

    def set_engine_clock(self, seconds: float) -> None:
        """The clock of the engine's machine is set, and the venue's is not. Raises RefusedError."""
        if self.on_engine_clock is None:
            raise RefusedError("no engine of tstream's plays here")
        self.on_engine_clock(round(seconds * NANOS))

    # -- inside ------------------------------------------------------------------------------------

    def _connections(self, which: str) -> Iterable[Connection]:
        """`which` is "both", "market" or "user"."""
        hubs = {"market": self._hubs.market, "user": self._hubs.user}
        return tuple(c for name, hub in hubs.items() if which in ("both", name) for c in hub.connections)

    def _later(self, goodbye: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(goodbye)
        self._goodbyes.add(task)
        task.add_done_callback(self._goodbyes.discard)


class Platform:
    """One account past the API, as a person on the venue's platform and its administrators have it.

    Its orders have no tag, as the platform's own have none.
    """

    def __init__(self, account: PracticeAccount, now: Clock) -> None:
        self.account = account.spec
        self._account = account
        self._now = now

    def trade(self, symbol: str, side: Side, qty: int) -> int:
        """Buy or sell at market; gives the order's id. It fills like any other, some milliseconds later."""
        return self._place(symbol, OrderSpec(side, OrderType.MARKET, qty))

    def rest(
        self, symbol: str, side: Side, qty: int, *, limit: int | None = None, stop: int | None = None
    ) -> int:
        """Leave a limit or a stop order in the market, prices in ticks; gives its id."""
        kind = OrderType.LIMIT if limit is not None else OrderType.STOP
        return self._place(symbol, OrderSpec(side, kind, qty, limit, stop))

    def cancel(self, order_id: int) -> None:
        """Cancel any order of the account. Raises RefusedError if it is not live."""
        self._account.withdraw(order_id, self._now())

    def cancel_leg(self, symbol: str, which: str) -> int | None:
        """Cancel the newest working bracket leg, "stop" or "target"; its id, or None without one.

        Raises RefusedError.
        """
        kind = OrderType.STOP if which == "stop" else OrderType.LIMIT
        legs = [
            int(order.venue_id)
            for order in self._account.venue.orders
            if order.parent_id is not None
            and order.status.live
            and order.type is kind
            and symbol in ("", order.instrument)
        ]
        if not legs:
            return None
        self.cancel(max(legs))
        return max(legs)

    def flatten(self) -> None:
        """The desk steps in: every order expires, every position is closed at market."""
        self._account.desk_flatten(self._now())

    def block(self) -> Callable[[], None]:
        """The account may not trade any more. Its orders and positions stay. Gives what ends the block."""
        self._account.allow_trading(False)
        return lambda: self._account.allow_trading(True)

    def close_account(self) -> Callable[[], None]:
        """The account is gone for everyone who asks. Gives what brings it back."""
        self._account.listed = False

        def back() -> None:
            self._account.listed = True

        return back

    def _place(self, symbol: str, spec: OrderSpec) -> int:
        return self._account.outside(symbol, spec, self._now())
