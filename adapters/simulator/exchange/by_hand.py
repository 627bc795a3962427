"""What a person does on the platform, past the API, and what its administrators do to an account."""

from __future__ import annotations

from adapters.simulator.exchange.account import PracticeAccount
from engine.model.market import Side
from engine.model.orders import OrderSpec, OrderType
from engine.ports import Clock


class Hand:
    """Trades on one account from outside. Orders it makes have no tag, as the platform's own have none."""

    def __init__(self, account: PracticeAccount, now: Clock) -> None:
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

    def cancel_leg(self, symbol: str, which: OrderType) -> int | None:
        """Cancel the newest working bracket leg of a type (STOP or LIMIT); its id, or None without one."""
        legs = [
            int(order.venue_id)
            for order in self._account.venue.orders
            if order.parent_id is not None
            and order.status.live
            and order.type is which
            and symbol in ("", order.instrument)
        ]
        if not legs:
            return None
        self.cancel(max(legs))
        return max(legs)

    def flatten(self) -> None:
        """The desk steps in: every order expires, every position is closed at market."""
        self._account.desk_flatten(self._now())

    def block(self) -> None:
        """The account may not trade any more. Its orders and positions stay."""
        self._account.allow_trading(False)

    def unblock(self) -> None:
        self._account.allow_trading(True)

    def _place(self, symbol: str, spec: OrderSpec) -> int:
        return self._account.outside(symbol, spec, self._now())
