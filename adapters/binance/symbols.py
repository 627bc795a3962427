"""What Binance says of a symbol: its terms, and which orders it takes
(docs/protocols/binance_spot.md#filters).
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import NamedTuple

from adapters.binance.wire import FilterRow, SymbolRow, WireFault
from adapters.common.grid_texts import number
from engine.model.errors import Cause, RefusedError
from engine.model.instrument import Instrument, InstrumentKind
from engine.model.orders import OrderSpec, OrderType

TRADING = "TRADING"
_NONE = Decimal(0)
_PAUSED = {
    "BREAK": "is paused",
    "HALT": "is halted",
    "CANCEL_ONLY": "takes cancels only",
    "END_OF_DAY": "is closed",
    "POST_TRADING": "is closed",
    "PRE_TRADING": "is not open yet",
    "AUCTION_MATCH": "is in an auction",
}


class StepBounds(NamedTuple):
    """Least, most and step of a price or a quantity; 0 stands for no bound."""

    least: Decimal = _NONE
    most: Decimal = _NONE
    step: Decimal = _NONE


class SymbolRules(NamedTuple):
    """A symbol's filters, read."""

    symbol: str
    status: str
    base: str
    quote: str
    price: StepBounds
    qty: StepBounds
    market_qty: StepBounds
    least_notional: Decimal
    order_types: frozenset[str]
    oco: bool
    spot: bool

    @property
    def stops_at_market(self) -> bool:
        """Whether a stop may be an order at market; else it is a stop-limit."""
        return "STOP_LOSS" in self.order_types

    @property
    def most_qty(self) -> Decimal:
        """The most of an order that can still be closed by one order at market; 0 where nothing bounds it."""
        found = [one.most for one in (self.qty, self.market_qty) if one.most > 0]
        return min(found, default=_NONE)

    @property
    def paused(self) -> str:
        """Why it takes no orders now, in words; empty where it does."""
        if self.status == TRADING:
            return ""
        return f"{self.symbol} {_PAUSED.get(self.status, 'is not traded')} at Binance ({self.status})"


def rules_of(row: SymbolRow) -> SymbolRules:
    """Raises ValueError for a symbol without a price step or a lot."""
    filters = {one.filter_type: one for one in row.filters}
    price, lot = filters.get("PRICE_FILTER"), filters.get("LOT_SIZE")
    if price is None or lot is None:
        raise WireFault(f"{row.symbol} without PRICE_FILTER or LOT_SIZE")
    market = filters.get("MARKET_LOT_SIZE")
    rules = SymbolRules(
        symbol=row.symbol,
        status=row.status,
        base=row.base_asset,
        quote=row.quote_asset,
        price=StepBounds(_of(price.min_price), _of(price.max_price), _of(price.tick_size)),
        qty=_lots(lot),
        market_qty=StepBounds() if market is None else _lots(market),
        least_notional=_least(filters.values()),
        order_types=frozenset(row.order_types),
        oco=row.oco_allowed,
        spot=row.is_spot_trading_allowed,
    )
    if rules.price.step <= 0 or rules.qty.step <= 0:
        raise WireFault(f"{row.symbol} with a step of 0")
    return rules


def _lots(row: FilterRow) -> StepBounds:
    return StepBounds(_of(row.min_qty), _of(row.max_qty), _of(row.step_size))


def _of(text: str) -> Decimal:
    return number(text).normalize() if text else _NONE


def _least(filters: Iterable[FilterRow]) -> Decimal:
    found = (one for one in filters if one.filter_type in ("MIN_NOTIONAL", "NOTIONAL"))
    return max((_of(one.min_notional or one.notional) for one in found), default=_NONE)


def terms_differ(rules: SymbolRules, instrument: Instrument) -> str | None:
    """How the venue's symbol disagrees with our instrument; None where it doesn't."""
    if instrument.kind is not InstrumentKind.SPOT:
        return f"is a {instrument.kind} in the settings, and Binance's spot market has coins only"
    if not rules.spot:
        return "is not for spot trading at Binance"
    for what, theirs, ours in (
        ("coin", rules.base, instrument.base),
        ("currency", rules.quote, instrument.currency),
        ("tick size", f"{rules.price.step:f}", f"{instrument.tick_size.normalize():f}"),
        ("lot size", f"{rules.qty.step:f}", f"{instrument.lot_size.normalize():f}"),
    ):
        if theirs != ours:
            return f"{what} is {theirs} at Binance, {ours} in the settings"
    if rules.least_notional > instrument.least_notional:
        ours = f"{instrument.least_notional.normalize():f}"
        return f"least_notional is {rules.least_notional:f} at Binance, {ours} in the settings"
    return None


def check_order(rules: SymbolRules, instrument: Instrument, spec: OrderSpec) -> None:
    """Raises RefusedError for what the venue would refuse, before it is sent."""
    if rules.paused:
        raise RefusedError(f"{rules.paused}: nothing was sent", cause=Cause.CLOSED)
    if spec.qty <= 0:
        raise RefusedError(f"a quantity of {spec.qty} lots: at least one is needed")
    price = {OrderType.LIMIT: spec.limit, OrderType.STOP: spec.stop, OrderType.MARKET: None}[spec.type]
    if price is None and spec.type is not OrderType.MARKET:
        raise RefusedError(f"a {spec.type.value} order without its price")
    qty = instrument.qty(spec.qty)
    least, most = rules.qty.least, rules.most_qty
    if qty < least:
        raise RefusedError(f"{qty:f} {rules.base} is less than Binance takes, {least:f}: nothing was sent")
    if most and qty > most:
        raise RefusedError(f"{qty:f} {rules.base} is more than Binance takes at once, {most:f}: nothing sent")
    if price is None:
        return
    at = instrument.price(price)
    if at <= 0 or at < rules.price.least or (rules.price.most and at > rules.price.most):
        raise RefusedError(f"a price of {at:f}: Binance takes {rules.price.least:f} to {rules.price.most:f}")
    if at * qty < rules.least_notional:
        raise RefusedError(
            f"the order is worth {at * qty:f} {rules.quote}, Binance takes none below "
            f"{rules.least_notional:f}: nothing was sent"
        )
