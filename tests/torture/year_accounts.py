"""Accounts of a virtual year: the sans-I/O venue with a venue's rules, and with contract months."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple

from msgspec.structs import replace

from engine.model import effects as fx
from engine.model import events as ev
from engine.model.config import BookConfig
from engine.model.instrument import CME_FUTURES, Instrument
from engine.model.limits import RiskLimits
from engine.model.market import NANOS
from engine.model.orders import Account, AccountKind, Fill, OrderType, VenueOrder
from engine.venue.fill_model import FillModel
from engine.venue.paper import CAPABILITIES, PaperBroker, PaperRules
from tests.support.instruments import SHARE
from tests.support.kinds import COIN, SWAP
from tests.torture.dates import USER_HOURS
from tests.torture.year_dates import CHICAGO, COINS, STREET, Market, Month

FUTURES, PERPETUALS, SPOT, SHARES = "chicago", "perpetuals", "spot", "street"
MARKETS: Mapping[str, Market] = {FUTURES: CHICAGO, PERPETUALS: COINS, SPOT: COINS, SHARES: STREET}
"""By venue."""
LISTED: Mapping[str, tuple[Instrument, ...]] = {
    FUTURES: (CME_FUTURES["MNQ"], CME_FUTURES["MGC"]),
    PERPETUALS: (SWAP,),
    SPOT: (COIN,),
    SHARES: (SHARE,),
}
VENUE_OF = {one.symbol: venue for venue, listed in LISTED.items() for one in listed}
OPENING = {"MNQ": 84_000, "MGC": 40_000, SWAP.symbol: 600_000, COIN.symbol: 300_000, SHARE.symbol: 12_000}
DEVIATION = {"MNQ": 6.0, "MGC": 4.0, SWAP.symbol: 60.0, COIN.symbol: 40.0, SHARE.symbol: 4.0}
"""Of the price in a minute, ticks."""
DEARER = {"MNQ": 700, "MGC": 240}
"""By so many ticks each month is dearer than the one before."""
MOST_TRADES = 2
"""Of a trade date."""
BALANCE_USD = Decimal(1_000_000)

_LIMITS = RiskLimits(
    daily_loss_usd=Decimal(0),
    account_preset="none",
    max_trades=MOST_TRADES,
    max_open_trades=9,
    max_contracts=50,
    stale_ns=600 * NANOS,
)
CARRY = replace(_LIMITS, must_be_flat=False)
WANTED = replace(
    _LIMITS, hours_start=USER_HOURS[0], hours_end=USER_HOURS[1], hours_zone=USER_HOURS[2]
)  # fmt: skip


class Kept(NamedTuple):
    venue: str
    limits: RiskLimits
    native: bool = False
    """The venue keeps stop and target of an entry."""


KEPT: Mapping[str, Kept] = {
    "day": Kept(FUTURES, WANTED, native=True),
    "swing": Kept(FUTURES, CARRY, native=True),
    "perpetuals": Kept(PERPETUALS, _LIMITS),
    "coins": Kept(SPOT, _LIMITS),
    "intraday": Kept(SHARES, _LIMITS),
    "invested": Kept(SHARES, CARRY),
}
"""Books by name."""


def books() -> tuple[BookConfig, ...]:
    return tuple(
        BookConfig(
            name,
            kept.venue,
            kept.limits,
            replace(CAPABILITIES, native_brackets=kept.native, balances=kept.venue == SPOT),
        )
        for name, kept in KEPT.items()
    )


class YearAccount(PaperBroker):
    """Remembers every fill. What it holds when its venue's month changes stays in the old one."""

    def __init__(self, book: str, began: int) -> None:
        kept = KEPT[book]
        self.every_fill: list[Fill] = []
        self.months: dict[str, Month] = {}
        """Old months in which something is held, by instrument."""
        account = Account(book, book.upper(), AccountKind.PRACTICE, BALANCE_USD, can_trade=True)
        super().__init__(
            account,
            book,
            {one.symbol: one for one in LISTED[kept.venue]},
            FillModel(),
            brackets=kept.native,
            rules=PaperRules(must_be_flat=kept.limits.must_be_flat),
        )
        self._plan_cut_offs(began)
        self._exits: set[str | None] = set()
        """Client ids of orders that may only make a position smaller."""
        if not kept.native:
            self.venue.divide_fills(self._portion)

    def execute(self, effect: fx.AnyEffect) -> None:
        if isinstance(effect, fx.PlaceOrder) and effect.reduces:
            self._exits.add(effect.client_id)
        super().execute(effect)

    def _portion(self, order: VenueOrder, qty: int) -> int:
        """Of an exit no more fills than there is to be closed, as its venue has it."""
        if order.client_id not in self._exits:
            return qty
        return min(qty, max(0, -self.held(order.instrument) * order.side.sign))

    def _count(self, fill: Fill) -> None:
        super()._count(fill)
        self.every_fill.append(fill)

    def open_in(self, symbol: str) -> bool:
        """Whether something is held or works there."""
        return bool(self.held(symbol)) or any(order.instrument == symbol for order in self._live_orders())

    def rolls(self, month: Month) -> None:
        """The venue's active month is another than this one from now on."""
        if self.open_in(month.symbol):
            self.months.setdefault(month.symbol, month)

    def hears(self, quote: ev.Quote, trade: ev.Print, old: int) -> None:
        """The market of an instrument; by `old` ticks the month before is cheaper."""
        symbol = quote.instrument
        if symbol in self.months:
            if self.open_in(symbol):
                assert quote.bid is not None
                assert quote.ask is not None
                quote = replace(quote, bid=quote.bid - old, ask=quote.ask - old, last=None)
                trade = replace(trade, price=trade.price - old)
            else:
                del self.months[symbol]
        self.on_quote(quote)
        self.on_print(trade)

    def guarded(self, symbol: str) -> int:
        """Lots that stops stand for, and those that a close in the market still has to fill."""
        held = self.held(symbol)
        return sum(
            order.qty - order.filled_qty
            for order in self._live_orders()
            if order.instrument == symbol
            and order.side.sign * held < 0
            and (order.type is OrderType.STOP or order.type is OrderType.MARKET)
        )

    def working(self, symbols: Sequence[str]) -> int:
        return sum(order.instrument in symbols for order in self._live_orders())
